/* Calendar periods as bounds in Unix milliseconds, in the time zone of the CRM's people (CRM_TIMEZONE).
 * Computed here and bound as parameters, so that every database agrees about them.
 *
 * week, month, quarter, year are the calendar ones up to now; weeks start on Monday. A day starts with its
 * first instant, also where the clock skips midnight. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

typedef struct {
    bool has_from, has_to;
    int64_t from_ms; /* inclusive */
    int64_t to_ms;   /* exclusive */
} period_t;

/* Makes `zone` ("America/Sao_Paulo", "UTC") the zone of this process; -1 when the system does not know it. */
int period_use_zone(const char *zone, err_t *err);
const char *period_zone(void);

/* name: today, week, month, quarter, year or all (no bounds). */
period_t period_named(const char *name, int64_t now_ms);
/* start and end are days, YYYY-MM-DD, both included; NULL: open at that side. -1 when the end is before the
 * start. */
int period_between(const char *start, const char *end, period_t *ret, err_t *err);

#define PERIOD_TEXT_SIZE 32
/* Local time with its offset, "2026-11-01T00:00:00-03:00"; returns out. */
const char *period_local(int64_t unix_ms, char out[PERIOD_TEXT_SIZE]);
