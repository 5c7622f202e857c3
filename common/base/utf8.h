/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

/* Length of the one well-formed character that `text` begins with (1..4), or 0. */
size_t utf8_char(span_t text);
bool utf8_is_valid(span_t text);
/* How many of the first max_bytes bytes can be kept without cutting a character in two. */
size_t utf8_cut(span_t text, size_t max_bytes);
