/* The text formats an argument or a setting may ask for by name: date, uuid, email. */
#pragma once

#include <stdbool.h>

#include "span.h"

/* True also for a name that is not known here: JSON Schema formats are notes first. */
bool formats_fit(const char *format, span_t text);
const char *formats_takes(const char *format);  /* "a date as YYYY-MM-DD"; NULL when not known */
const char *formats_plural(const char *format); /* "dates as YYYY-MM-DD" */
