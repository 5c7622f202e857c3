/* Moments: Chatwoot has seconds since 1970, people and models write ISO 8601 in UTC. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

#define MOMENT_SIZE 21
/* "2026-11-20T10:41:15Z"; returns out. */
const char *moment_iso(int64_t unix_s, char out[MOMENT_SIZE]);

/* "2026-11-20", or with "T10:41", seconds, a fraction, and "Z" or "-03:00" (without: UTC). A day alone is its
 * first second, with `ends` its last. -1 with a sentence that names the argument. */
int moment_parse(const char *argument, const char *text, bool ends, int64_t *ret, err_t *err);
