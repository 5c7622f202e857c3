/* Calendar bounds over the C library's time zones. See period.h.
 *
 * mktime() is not used: its answer for a midnight that the clock skips (Brazil until 2019) or shows twice
 * depends on what it was asked before. Local days only ever grow with time, so the start of a day is found by
 * bisection instead. */
#include "period.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_SECONDS 3600
#define FARTHEST_OFFSET_HOURS 26

static char zone_name[64] = "UTC";

/* tzset() takes any name and then means UTC: only a file with the mark of a zone is believed. */
static bool is_zone(const char *zone)
{
    static const char mark[] = { 'T', 'Z', 'i', 'f' };
    char path[128], found[sizeof(mark)] = { 0 };

    if (strlen(zone) >= sizeof(zone_name) || *zone == '/' || strstr(zone, "..")) {
        return false;
    }
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
    FILE *file = fopen(path, "re");
    if (!file) {
        return false;
    }
    size_t length = fread(found, 1, sizeof(found), file);
    fclose(file);
    return length == sizeof(mark) && memcmp(found, mark, sizeof(mark)) == 0;
}

int period_use_zone(const char *zone, err_t *err)
{
    char value[72];

    if (strcmp(zone, "UTC") == 0) {
        snprintf(value, sizeof(value), "UTC0"); /* needs no file */
    } else if (!is_zone(zone)) {
        return err_set(err, ERR_CALLER,
                       "CRM_TIMEZONE=%s is no time zone this system knows. Examples: UTC, America/Sao_Paulo "
                       "(package tzdata).",
                       zone);
    } else {
        snprintf(value, sizeof(value), ":%s", zone);
    }
    snprintf(zone_name, sizeof(zone_name), "%s", zone);
    setenv("TZ", value, 1);
    tzset();
    return 0;
}

const char *period_zone(void)
{
    return zone_name;
}

static struct tm local(int64_t seconds)
{
    time_t time = (time_t)seconds;
    struct tm parts;

    localtime_r(&time, &parts);
    return parts;
}

/* Grows with the date; not dense. */
static int day_number(const struct tm *parts)
{
    return (parts->tm_year * 12 + parts->tm_mon) * 31 + parts->tm_mday - 1;
}

/* The first second of a local day; `day` may be out of its month's range (0 is the last of the month
 * before). */
static int64_t start_of_day(int year, int month, int day)
{
    struct tm wanted = { .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day };
    int64_t utc = timegm(&wanted); /* also brings the day into range */
    int64_t before = utc - (int64_t)FARTHEST_OFFSET_HOURS * HOUR_SECONDS;
    int64_t from = utc + (int64_t)FARTHEST_OFFSET_HOURS * HOUR_SECONDS;

    while (from - before > 1) {
        int64_t middle = before + (from - before) / 2;
        struct tm parts = local(middle);
        if (day_number(&parts) >= day_number(&wanted)) {
            from = middle;
        } else {
            before = middle;
        }
    }
    return from;
}

static int64_t start_of(const char *name, int64_t now_seconds)
{
    struct tm now = local(now_seconds);
    int year = now.tm_year + 1900, month = now.tm_mon + 1;

    if (strcmp(name, "week") == 0) {
        return start_of_day(year, month, now.tm_mday - (now.tm_wday + 6) % 7);
    }
    if (strcmp(name, "month") == 0) {
        return start_of_day(year, month, 1);
    }
    if (strcmp(name, "quarter") == 0) {
        return start_of_day(year, now.tm_mon / 3 * 3 + 1, 1);
    }
    if (strcmp(name, "year") == 0) {
        return start_of_day(year, 1, 1);
    }
    return start_of_day(year, month, now.tm_mday);
}

period_t period_named(const char *name, int64_t now_ms)
{
    if (strcmp(name, "all") == 0) {
        return (period_t){ 0 };
    }
    return (period_t){
        .has_from = true,
        .has_to = true,
        .from_ms = start_of(name, now_ms / 1000) * 1000,
        .to_ms = now_ms + 1,
    };
}

static int64_t day_bound_ms(const char *date, int days_later)
{
    int year = 1970, month = 1, day = 1;

    sscanf(date, "%4d-%2d-%2d", &year, &month, &day); /* checked by the argument's format */
    return start_of_day(year, month, day + days_later) * 1000;
}

int period_between(const char *start, const char *end, period_t *ret, err_t *err)
{
    if (start && end && strcmp(end, start) < 0) {
        return err_set(err, ERR_CALLER, "end_date %s is before start_date %s.", end, start);
    }
    *ret = (period_t){
        .has_from = start != NULL,
        .has_to = end != NULL,
        .from_ms = start ? day_bound_ms(start, 0) : 0,
        .to_ms = end ? day_bound_ms(end, 1) : 0,
    };
    return 0;
}

const char *period_local(int64_t unix_ms, char out[PERIOD_TEXT_SIZE])
{
    struct tm parts = local(unix_ms / 1000);
    char zone[8];

    snprintf(out, PERIOD_TEXT_SIZE, "%04d", (parts.tm_year + 1900) % 10000); /* %Y writes the year 1 as "1" */
    strftime(out + 4, PERIOD_TEXT_SIZE - 4, "-%m-%dT%H:%M:%S", &parts);
    strftime(zone, sizeof(zone), "%z", &parts); /* "-0300" */
    size_t length = strlen(out);
    snprintf(out + length, PERIOD_TEXT_SIZE - length, "%.3s:%.2s", zone, zone + 3);
    return out;
}
