/* W3C Trace Context: the traceparent a connector gets continues the caller's trace, or begins one. */
#pragma once

#include <stdint.h>

#include "span.h"

#define TRACE_SIZE 56 /* 55 characters and a NUL */

/* `request_id` is 16 hex digits. Returns ret. */
const char *trace_next(span_t traceparent, const char *request_id, uint64_t call, char ret[TRACE_SIZE]);
