/* A template and, behind the first line break, a URI: what passes the check is matched as a second matcher
 * finds, which tries every division, and so only with little input; a URI made from the template matches. */
#include "uri_template.h"

#include <string.h>

#include "buf.h"
#include "fuzz.h"

#define SMALL 20

static bool holds(char c, const char *never)
{
    return c != '\0' && !strchr(never, c);
}

static bool slow(span_t text, span_t uri);

/* `uri` without its first `taken` bytes goes on behind the expression. */
static bool goes_on(span_t text, span_t uri, size_t taken)
{
    return slow(text, (span_t){ uri.at + taken, uri.length - taken });
}

static bool slow_run(span_t after, span_t uri, const char *never)
{
    for (size_t i = 0; i < uri.length && holds(uri.at[i], never); i++) {
        if (goes_on(after, uri, i + 1)) {
            return true;
        }
    }
    return false;
}

/* Nothing, or sign and bytes, and with `more` that again. */
static bool slow_signed(span_t after, span_t uri, char sign, const char *never, bool more)
{
    if (slow(after, uri)) {
        return true;
    }
    if (uri.length == 0 || uri.at[0] != sign) {
        return false;
    }
    for (size_t i = 1; i <= uri.length; i++) {
        span_t rest = { uri.at + i, uri.length - i };
        if (more ? slow_signed(after, rest, sign, never, true) : slow(after, rest)) {
            return true;
        }
        if (i < uri.length && !holds(uri.at[i], never)) {
            return false;
        }
    }
    return false;
}

static bool slow_expression(span_t inside, span_t after, span_t uri)
{
    bool more = memchr(inside.at, '*', inside.length) || memchr(inside.at, ',', inside.length);

    switch (inside.at[0]) {
    case '+':
        return slow_run(after, uri, "");
    case '#':
        return slow_signed(after, uri, '#', "", false);
    case '.':
    case ';':
        return slow_signed(after, uri, inside.at[0], "/?#", false);
    case '/':
        return slow_signed(after, uri, '/', "/?#", more);
    case '?':
    case '&':
        return slow_signed(after, uri, inside.at[0], "#", false);
    default:
        return slow_run(after, uri, "/?#");
    }
}

static bool slow(span_t text, span_t uri)
{
    if (text.length == 0) {
        return uri.length == 0;
    }
    if (text.at[0] == '{') {
        size_t length = (size_t)((const char *)memchr(text.at, '}', text.length) - text.at) + 1;
        return slow_expression((span_t){ text.at + 1, length - 2 },
                               (span_t){ text.at + length, text.length - length }, uri);
    }
    return uri.length > 0 && uri.at[0] == text.at[0] &&
           slow((span_t){ text.at + 1, text.length - 1 }, (span_t){ uri.at + 1, uri.length - 1 });
}

/* Each expression as one variable with the value "v". */
static void expand(span_t text, buf_t *out)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] != '{') {
            buf_add_char(out, text.at[i]);
            continue;
        }
        if (strchr("#./;?&", text.at[i + 1])) {
            buf_add_char(out, text.at[i + 1]);
        }
        buf_add_char(out, 'v');
        i = (size_t)((const char *)memchr(text.at + i, '}', text.length - i) - text.at);
    }
}

static void check_expansion(span_t text)
{
    AUTO_BUF uri = { 0 };

    expand(text, &uri);
    if (uri.length <= URI_TEMPLATE_MAX_URI) {
        MUST(uri_template_matches(text, buf_span(&uri)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *end = size > 0 ? memchr(data, '\n', size) : NULL;
    span_t text = { (const char *)data, end ? (size_t)(end - data) : size };
    span_t uri = end ? (span_t){ (const char *)end + 1, size - text.length - 1 } : (span_t){ "", 0 };
    err_t err;

    uri_template_literals(text);
    bool found = uri_template_matches(text, uri);
    if (uri_template_check(text, &err)) {
        return 0;
    }
    MUST(uri_template_literals(text) <= text.length);
    check_expansion(text);
    if (text.length <= 2 * SMALL && uri.length <= SMALL) {
        MUST(found == slow(text, uri));
    }
    return 0;
}
