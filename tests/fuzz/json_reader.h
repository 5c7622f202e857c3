/* A JSON reader as other servers have them, for text that is known to be JSON: which value it takes for a
 * name is a matter of taste, and each taste can be asked for. Written apart from common/mcp on purpose. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "span.h"

/* How a reader finds a member: the first or the last of that name, with or without regard to case. */
typedef struct {
    bool last, nocase;
} taste_t;
#define TASTES                                                                                               \
    {                                                                                                        \
        { false, false }, { true, false }, { false, true },                                                  \
        {                                                                                                    \
            true, true                                                                                       \
        }                                                                                                    \
    }

span_t reader_root(span_t text); /* without the white space around it */
/* Raw value of the member, absent: at == NULL, also when `object` is none. */
span_t reader_member(span_t object, const char *name, taste_t taste);
bool reader_string(span_t value, buf_t *out); /* escapes resolved; false: no string */

typedef void (*reader_each_f)(void *self, span_t name, span_t value); /* name: escapes resolved */
void reader_each(span_t object, reader_each_f each, void *self);
