/* Calendar bounds, also where the clock jumps. Times were worked out by hand from the zones' rules. */
#include <criterion/criterion.h>

#include "period.h"

static void use(const char *zone)
{
    err_t err;

    cr_assert_eq(period_use_zone(zone, &err), 0, "%s", err.text);
}

static void expect_from(const char *name, int64_t now, const char *from)
{
    char text[PERIOD_TEXT_SIZE];
    period_t period = period_named(name, now * 1000);

    cr_assert(period.has_from && period.has_to);
    cr_assert_str_eq(period_local(period.from_ms, text), from, "%s: %s, not %s", name, text, from);
    cr_assert_eq(period.to_ms, now * 1000 + 1, "up to now, now included");
}

Test(period, begins_where_the_calendar_says)
{
    use("UTC");
    int64_t now = 1795171275; /* Friday 2026-11-20 10:41:15 */

    expect_from("today", now, "2026-11-20T00:00:00+00:00");
    expect_from("week", now, "2026-11-16T00:00:00+00:00");
    expect_from("month", now, "2026-11-01T00:00:00+00:00");
    expect_from("quarter", now, "2026-10-01T00:00:00+00:00");
    expect_from("year", now, "2026-01-01T00:00:00+00:00");
}

Test(period, week_begins_on_monday_also_on_sunday_and_monday)
{
    use("UTC");
    expect_from("week", 1795305599, "2026-11-16T00:00:00+00:00"); /* Saturday 23:59:59 */
    expect_from("week", 1795391999, "2026-11-16T00:00:00+00:00"); /* Sunday 23:59:59 */
    expect_from("week", 1795392000, "2026-11-23T00:00:00+00:00"); /* Monday 00:00:00 */
}

Test(period, week_may_begin_in_another_year)
{
    use("UTC");
    expect_from("week", 1767312000, "2025-12-29T00:00:00+00:00"); /* Friday 2026-01-02 */
}

Test(period, all_has_no_bounds)
{
    period_t period = period_named("all", 1795171275000);

    cr_assert_not(period.has_from);
    cr_assert_not(period.has_to);
}

Test(period, day_is_the_one_of_the_zone)
{
    use("America/Sao_Paulo");
    /* 2026-11-20 01:00 UTC is still the 19th there. */
    expect_from("today", 1795136400, "2026-11-19T00:00:00-03:00");
}

Test(period, day_begins_at_one_where_midnight_is_skipped)
{
    use("America/Sao_Paulo");
    /* On 2018-11-04 the clock went from 00:00 to 01:00. */
    expect_from("today", 1541343600, "2018-11-04T01:00:00-02:00");
}

Test(period, day_begins_at_the_first_of_two_midnights)
{
    use("America/Havana");
    /* On 2026-11-01 the clock goes from 01:00 back to 00:00: midnight comes twice, first at 04:00 UTC. */
    period_t period = period_named("today", 1793566800000); /* 21:00 UTC */
    cr_assert_eq(period.from_ms, 1793505600000);
}

Test(period, week_across_a_change_of_clocks_keeps_its_local_midnight)
{
    use("Europe/Berlin");
    /* Summer time ended on Sunday 2026-10-25; now is that Sunday at noon. */
    expect_from("week", 1792926000, "2026-10-19T00:00:00+02:00");
    expect_from("today", 1792926000, "2026-10-25T00:00:00+02:00");
    expect_from("week", 1793012400, "2026-10-26T00:00:00+01:00");
}

Test(period, days_named_by_the_caller_include_the_last_one)
{
    period_t period;
    err_t err;

    use("Europe/Berlin");
    cr_assert_eq(period_between("2026-10-25", "2026-10-25", &period, &err), 0);
    cr_assert_eq(period.to_ms - period.from_ms, 25 * 3600 * 1000LL, "that day had 25 hours");
}

Test(period, one_side_may_be_open)
{
    period_t period;
    err_t err;

    use("UTC");
    cr_assert_eq(period_between(NULL, "2026-12-31", &period, &err), 0);
    cr_assert_not(period.has_from);
    cr_assert_eq(period.to_ms, 1798761600000, "up to the start of 2027");
    cr_assert_eq(period_between("2026-12-31", NULL, &period, &err), 0);
    cr_assert_not(period.has_to);
}

Test(period, end_before_start_is_refused_by_name)
{
    period_t period;
    err_t err;

    cr_assert_eq(period_between("2026-02-01", "2026-01-31", &period, &err), -1);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert(strstr(err.text, "end_date 2026-01-31"));
}

Test(period, unknown_zones_are_refused)
{
    static const char *const zones[] = { "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe", "",
                                         "zone.tab" };
    err_t err;

    for (size_t i = 0; i < sizeof(zones) / sizeof(zones[0]); i++) {
        cr_assert_eq(period_use_zone(zones[i], &err), -1, "%s", zones[i]);
        cr_assert(strstr(err.text, "CRM_TIMEZONE"));
    }
    cr_assert_str_eq(period_zone(), "UTC", "the zone before stays");
}
