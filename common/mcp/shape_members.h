/* Writing the members of an object that is shaped: for shapes.c and results.c. */
#pragma once

#include "buf.h"
#include "span.h"

static inline void shape_add_member(buf_t *out, span_t key, span_t value)
{
    buf_add_text(out, out->data[out->length - 1] == '{' ? "\"" : ",\"");
    buf_add_span(out, key);
    buf_add_text(out, "\":");
    buf_add_span(out, value);
}

static inline bool shape_is_one_of(span_t text, const char *const *names) /* NULL ends them */
{
    for (; *names; names++) {
        if (span_is(text, *names)) {
            return true;
        }
    }
    return false;
}
