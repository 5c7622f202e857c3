/* See uri_template.h. All ends that the parts so far can have in the URI are followed at once, as a row of
 * flags; each part makes a new row of the row before. So there is nothing to go back to, and no template
 * takes longer than its parts times the URI. */
#include "uri_template.h"

#include <string.h>

/* One literal or one expression. */
typedef struct {
    span_t literal; /* absent: an expression */
    char sign;      /* that comes first, and may be missing with all that follows; '\0': none */
    const char *never;
    bool repeats; /* sign and text, more than once */
} part_t;

static int wrong(err_t *err, const char *text)
{
    return err_set(err, ERR_UPSTREAM, "Its uriTemplate %s.", text);
}

static int check_expression(span_t inside, err_t *err)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.%,*:+#/;?&";
    size_t operators = inside.length > 0 && strchr("+#./;?&", inside.at[0]) ? 1 : 0;

    if (inside.length == operators) {
        return wrong(err, "has an expression without a variable");
    }
    for (size_t i = 0; i < inside.length; i++) {
        if (inside.at[i] == '\0' || !strchr(letters, inside.at[i])) {
            return wrong(err, "has an expression that RFC 6570 does not know");
        }
    }
    return 0;
}

/* The braces. */
static int check_parts(span_t text, err_t *err)
{
    size_t expressions = 0;

    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '}') {
            return wrong(err, "closes a brace that is not open");
        }
        if (text.at[i] != '{') {
            continue;
        }
        const char *end = memchr(text.at + i, '}', text.length - i);
        if (!end) {
            return wrong(err, "does not close a brace");
        }
        span_t inside = { text.at + i + 1, (size_t)(end - text.at) - i - 1 };
        if (check_expression(inside, err)) {
            return -1;
        }
        if (++expressions > URI_TEMPLATE_MAX_EXPRESSIONS) {
            return wrong(err, "has too many expressions");
        }
        i += inside.length + 1;
    }
    return 0;
}

int uri_template_check(span_t text, err_t *err)
{
    if (text.length > URI_TEMPLATE_MAX_BYTES) {
        return err_set(err, ERR_UPSTREAM, "Its uriTemplate is longer than %d bytes.", URI_TEMPLATE_MAX_BYTES);
    }
    return check_parts(text, err);
}

static part_t read_expression(span_t inside)
{
    switch (inside.length > 0 ? inside.at[0] : '\0') {
    case '+':
        return (part_t){ .never = "" };
    case '#':
        return (part_t){ .sign = '#', .never = "" };
    case '.':
    case ';':
        return (part_t){ .sign = inside.at[0], .never = "/?#" };
    case '/':
        return (part_t){ .sign = '/',
                         .never = "/?#",
                         .repeats =
                             memchr(inside.at, '*', inside.length) || memchr(inside.at, ',', inside.length) };
    case '?':
    case '&':
        return (part_t){ .sign = inside.at[0], .never = "#" };
    default:
        return (part_t){ .never = "/?#" };
    }
}

/* False at the end. A brace that nothing closes is literal; uri_template_check() lets none pass. */
static bool next_part(span_t *rest, part_t *ret)
{
    const char *brace = memchr(rest->at, '{', rest->length);
    const char *end = brace ? memchr(brace, '}', rest->length - (size_t)(brace - rest->at)) : NULL;
    size_t length = end ? (size_t)(brace - rest->at) : rest->length;

    if (rest->length == 0) {
        return false;
    }
    if (length == 0) {
        length = (size_t)(end - rest->at) + 1;
        *ret = read_expression((span_t){ rest->at + 1, length - 2 });
    } else {
        *ret = (part_t){ .literal = { rest->at, length } };
    }
    rest->at += length;
    rest->length -= length;
    return true;
}

size_t uri_template_literals(span_t text)
{
    size_t count = 0;
    part_t part;

    for (span_t rest = text; next_part(&rest, &part);) {
        count += part.literal.length;
    }
    return count;
}

/* ends[i]: the parts so far can stand for the first i bytes. */
typedef struct {
    span_t uri;
    bool ends[URI_TEMPLATE_MAX_URI + 1];
} matching_t;

/* From behind, so that an end is read before it is written. */
static void pass_literal(matching_t *m, span_t literal)
{
    for (size_t i = m->uri.length + 1; i-- > 0;) {
        m->ends[i] = i >= literal.length && m->ends[i - literal.length] &&
                     memcmp(m->uri.at + i - literal.length, literal.at, literal.length) == 0;
    }
}

static bool may_hold(const part_t *part, char c)
{
    return c != '\0' && !strchr(part->never, c);
}

/* At least one byte. */
static void pass_run(matching_t *m, const part_t *part)
{
    bool inside = false, began = m->ends[0];

    m->ends[0] = false;
    for (size_t i = 0; i < m->uri.length; i++) {
        inside = (inside || began) && may_hold(part, m->uri.at[i]);
        began = m->ends[i + 1];
        m->ends[i + 1] = inside;
    }
}

/* Nothing, or the sign and any number of bytes. */
static void pass_signed(matching_t *m, const part_t *part)
{
    bool inside = false, before = m->ends[0];

    for (size_t i = 0; i < m->uri.length; i++) {
        char c = m->uri.at[i];
        bool begins = c == part->sign && (before || (inside && part->repeats));
        inside = begins || (inside && may_hold(part, c));
        before = m->ends[i + 1];
        m->ends[i + 1] = before || inside;
    }
}

static void pass(matching_t *m, const part_t *part)
{
    if (part->literal.at) {
        pass_literal(m, part->literal);
    } else if (part->sign) {
        pass_signed(m, part);
    } else {
        pass_run(m, part);
    }
}

bool uri_template_begins(span_t text, span_t uri)
{
    part_t first;

    if (!next_part(&text, &first) || !first.literal.at) {
        return true;
    }
    return uri.length >= first.literal.length && memcmp(uri.at, first.literal.at, first.literal.length) == 0;
}

bool uri_template_matches(span_t text, span_t uri)
{
    matching_t m;
    part_t part;

    if (uri.length > URI_TEMPLATE_MAX_URI || !uri_template_begins(text, uri)) {
        return false;
    }
    m.uri = uri;
    memset(m.ends, false, uri.length + 1);
    m.ends[0] = true;
    for (span_t rest = text; next_part(&rest, &part);) {
        pass(&m, &part);
    }
    return m.ends[uri.length];
}
