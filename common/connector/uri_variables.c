/* See uri_variables.h. Literals are found leftmost, the last one at the end. That is enough: what stands
 * between them may not contain "/", so a later place of a literal could only help a variable that holds one.
 */
#include "uri_variables.h"

#include <string.h>

#include "percent.h"
#include "utf8.h"

int uri_variables_check(const char *uri_template, err_t *err)
{
    const char *rest = uri_template, *end = uri_template;
    span_t variable;
    bool any = false;

    while (uri_variables_next(&rest, &variable)) {
        if (variable.length == 0 || memchr(variable.at, '{', variable.length) ||
            (any && variable.at - 1 == end)) {
            return err_set(err, ERR_INTERNAL, "The URI template %s cannot be matched.", uri_template);
        }
        any = true;
        end = rest;
    }
    if (!any || strpbrk(end, "{}")) {
        return err_set(err, ERR_INTERNAL, "The URI template %s has no variable, or one that is not closed.",
                       uri_template);
    }
    return 0;
}

bool uri_variables_next(const char **rest, span_t *ret_variable)
{
    const char *open = strchr(*rest, '{');
    const char *close = open ? strchr(open, '}') : NULL;

    if (!close) {
        return false;
    }
    *ret_variable = (span_t){ open + 1, (size_t)(close - open - 1) };
    *rest = close + 1;
    return true;
}

static bool decode(span_t coded, buf_t *out)
{
    for (size_t i = 0; i < coded.length; i++) {
        if (coded.at[i] != '%') {
            buf_add_char(out, coded.at[i]);
            continue;
        }
        int byte = percent_at((span_t){ coded.at + i, coded.length - i });
        if (byte < 0) {
            return false;
        }
        buf_add_char(out, (char)byte);
        i += 2;
    }
    return out->length > 0 && !memchr(out->data, '\0', out->length) && utf8_is_valid(buf_span(out));
}

static bool may_be_value(span_t coded)
{
    for (size_t i = 0; i < coded.length; i++) {
        if (strchr("/?#", coded.at[i])) {
            return false;
        }
    }
    return coded.length > 0;
}

/* The literal after a variable: where in `uri` it begins, or NULL. The empty one of a template that ends with
 * its variable is at the end. */
static const char *find_literal(span_t uri, span_t literal, bool last)
{
    if (!last) {
        return memmem(uri.at, uri.length, literal.at, literal.length);
    }
    if (uri.length < literal.length) {
        return NULL;
    }
    const char *at = uri.at + uri.length - literal.length;
    return memcmp(at, literal.at, literal.length) == 0 ? at : NULL;
}

static span_t literal_at(const char *rest)
{
    return (span_t){ rest, strcspn(rest, "{") };
}

bool uri_variables_match(const char *uri_template, span_t uri, uri_variable_f each, void *self)
{
    const char *rest = uri_template;
    span_t literal = literal_at(rest), variable;

    if (uri.length < literal.length || memcmp(uri.at, literal.at, literal.length) != 0) {
        return false;
    }
    uri = (span_t){ uri.at + literal.length, uri.length - literal.length };
    while (uri_variables_next(&rest, &variable)) {
        AUTO_BUF value = { 0 };
        literal = literal_at(rest);
        const char *end = find_literal(uri, literal, rest[literal.length] == '\0');
        span_t coded = { uri.at, end ? (size_t)(end - uri.at) : 0 };
        if (!may_be_value(coded) || !decode(coded, &value)) {
            return false;
        }
        each(self, variable, buf_span(&value));
        size_t taken = coded.length + literal.length;
        uri = (span_t){ uri.at + taken, uri.length - taken };
    }
    return uri.length == 0;
}
