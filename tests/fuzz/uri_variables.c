/* URIs against templates of resources: what matches is what the template says, with the values put back;
 * values are text; a template that cannot be matched is refused before. Input: the template, a line feed, the
 * URI. */
#include "uri_variables.h"

#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "percent.h"
#include "utf8.h"

#define VALUES_MAX 64

typedef struct {
    span_t names[VALUES_MAX];
    char *values[VALUES_MAX];
    size_t count;
} found_t;

static void keep(void *self, span_t name, span_t value)
{
    found_t *found = self;

    MUST(value.length > 0 && !memchr(value.at, '\0', value.length) && utf8_is_valid(value));
    if (found->count < VALUES_MAX) {
        found->names[found->count] = name;
        found->values[found->count] = mem_strndup(value.at, value.length);
    }
    found->count++;
}

/* The URI that has these values, each byte of them that is not unreserved coded. */
static void expand(const char *template, const found_t *found, buf_t *out)
{
    const char *rest = template;
    span_t variable;

    for (size_t i = 0; i < found->count; i++) {
        const char *begin = rest;
        uri_variables_next(&rest, &variable);
        MUST(span_equal(variable, found->names[i]));
        buf_add(out, begin, (size_t)(variable.at - 1 - begin));
        percent_encode(out, span_of(found->values[i]));
    }
    buf_add_text(out, rest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = size > 0 ? memchr(data, '\n', size) : NULL;
    found_t found = { 0 }, again = { 0 };
    AUTO_BUF uri = { 0 };
    err_t err;

    if (!line || memchr(data, '\0', (size_t)(line - data))) {
        return 0;
    }
    AUTO(mem_free) char *template = mem_strndup((const char *)data, (size_t)(line - data));
    span_t text = { (const char *)line + 1, size - (size_t)(line - data) - 1 };
    if (uri_variables_check(template, &err) != 0) {
        return 0;
    }
    if (uri_variables_match(template, text, keep, &found) && found.count <= VALUES_MAX) {
        /* Coded anew it is the same resource, or the literals stand in the values and nothing is promised. */
        expand(template, &found, &uri);
        if (uri_variables_match(template, buf_span(&uri), keep, &again) && again.count == found.count) {
            AUTO_BUF once_more = { 0 };
            expand(template, &again, &once_more);
            MUST(span_equal(buf_span(&uri), buf_span(&once_more)));
        }
    }
    for (size_t i = 0; i < VALUES_MAX; i++) {
        mem_free(found.values[i]);
        mem_free(again.values[i]);
    }
    return 0;
}
