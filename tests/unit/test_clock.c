/* Times as people write and read them; the clocks move on. */
#include <criterion/criterion.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

Test(clock, goes_forward)
{
    int64_t before_us = clock_us(), before_ms = clock_ms();

    usleep(3000);
    cr_assert_geq(clock_us() - before_us, 3000);
    cr_assert_geq(clock_ms() - before_ms, 2);
}

Test(clock, agrees_with_the_system_about_the_date)
{
    long long before = time(NULL), now = clock_unix(), now_ms = clock_unix_ms(), after = time(NULL);

    cr_assert(before - 1 <= now && now <= after + 1);
    cr_assert(before - 1 <= now_ms / 1000 && now_ms / 1000 <= after + 1);
}

Test(clock, writes_iso_8601_in_utc)
{
    char text[CLOCK_ISO_SIZE];

    cr_assert_str_eq(clock_iso(1795171275123, text), "2026-11-20T10:41:15.123Z");
    cr_assert_str_eq(clock_iso(0, text), "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(clock_iso(951782400007, text), "2000-02-29T00:00:00.007Z");
}

Test(clock, stays_within_four_digit_years)
{
    char text[CLOCK_ISO_SIZE];

    cr_assert_str_eq(clock_iso(-1, text), "1970-01-01T00:00:00.000Z");
    cr_assert_str_eq(clock_iso(INT64_MAX, text), "9999-12-31T23:59:59.999Z");
    cr_assert_str_eq(clock_iso(INT64_MIN, text), "1970-01-01T00:00:00.000Z");
}

Test(clock, reads_durations)
{
    cr_assert_eq(clock_parse_ms("250ms"), 250);
    cr_assert_eq(clock_parse_ms("25s"), 25000);
    cr_assert_eq(clock_parse_ms("2m"), 120000);
    cr_assert_eq(clock_parse_ms("24h"), 86400000);
    cr_assert_eq(clock_parse_ms("7"), 7000);
    cr_assert_eq(clock_parse_ms("0"), 0);
    cr_assert_eq(clock_parse_ms("87672h"), INT64_C(315619200000));
}

Test(clock, splits_milliseconds_for_timers)
{
    struct timeval wait = clock_timeval(61250);

    cr_assert_eq(wait.tv_sec, 61);
    cr_assert_eq(wait.tv_usec, 250000);
    wait = clock_timeval(-1);
    cr_assert_eq(wait.tv_sec, 0);
    cr_assert_eq(wait.tv_usec, 0);
}

Test(clock, refuses_what_is_no_duration)
{
    static const char *const wrong[] = { "",
                                         "s",
                                         "-1s",
                                         "+1s",
                                         " 1s",
                                         "1 s",
                                         "1s ",
                                         "1d",
                                         "1.5s",
                                         "1e3s",
                                         "87673h",
                                         "99999999999999999999s",
                                         "1sms",
                                         "0x1",
                                         "315619200001ms",
                                         "25S",
                                         "9223372036854775807" };

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        cr_assert_eq(clock_parse_ms(wrong[i]), -1, "%s", wrong[i]);
    }
}
