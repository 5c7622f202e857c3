/* How long an upstream asks us to wait. */
#pragma once

#include <stdint.h>

#include "span.h"

/* Retry-After, as seconds or an HTTP date (RFC 9110 10.2.3), in milliseconds from now; a date that has passed
 * is 0, a day at most; -1: absent or neither. */
int64_t retry_after_ms(span_t value, int64_t now_unix);
