/* Percent-encoding (RFC 3986 section 2.1), one escape at a time when reading: what a broken escape, a NUL or
 * a plus sign means differs from place to place, and is decided there.
 */
#pragma once

#include "buf.h"
#include "span.h"

/* Appends the text with every byte escaped that is not unreserved (section 2.3: letters, digits, "-._~"), so
 * that it is one path segment or one query value. */
void percent_encode(buf_t *out, span_t text);

/* The byte, 0 to 255, that the "%XX" at the beginning of the text stands for; -1: there is none. */
int percent_at(span_t text);
