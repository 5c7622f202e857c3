/* Moments in and out. */
#include <criterion/criterion.h>

#include "moment.h"

static int64_t read_as(const char *text, bool ends)
{
    int64_t s = -1;
    err_t err;

    cr_expect_eq(moment_parse("since", text, ends, &s, &err), 0, "%s", text);
    return s;
}

Test(moment, days_and_times_are_read)
{
    cr_expect_eq(read_as("1970-01-01", false), 0);
    cr_expect_eq(read_as("2026-11-20", false), 1795132800);
    cr_expect_eq(read_as("2026-11-20", true), 1795132800 + 86399);
    cr_expect_eq(read_as("2026-11-20T10:41", true), 1795132800 + 10 * 3600 + 41 * 60);
    cr_expect_eq(read_as("2026-11-20 10:41:15", false), 1795132800 + 10 * 3600 + 41 * 60 + 15);
    cr_expect_eq(read_as("2026-11-20T10:41:15.123Z", false), 1795132800 + 10 * 3600 + 41 * 60 + 15);
    cr_expect_eq(read_as("2026-11-20T00:00-03:00", false), 1795132800 + 3 * 3600);
    cr_expect_eq(read_as("2026-11-20T00:00:00+0530", false), 1795132800 - 5 * 3600 - 30 * 60);
    cr_expect_eq(read_as("2028-02-29", false), 1835395200);
}

Test(moment, what_is_none_is_refused)
{
    static const char *const wrong[] = { "",
                                         "tomorrow",
                                         "2026-13-01",
                                         "2026-02-30",
                                         "2026-11-2",
                                         "2026/11/20",
                                         "20261120",
                                         "2026-11-20T",
                                         "2026-11-20T25:00",
                                         "2026-11-20T10:60",
                                         "2026-11-20T10:41:61",
                                         "2026-11-20T10:41X",
                                         "2026-11-20T10:41:00Zx",
                                         "1969-12-31",
                                         "2026-11-20T10:41+1",
                                         "-026-11-20" };
    int64_t s = 5;
    err_t err;

    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        cr_expect_eq(moment_parse("since", wrong[i], false, &s, &err), -1, "%s", wrong[i]);
        cr_expect_eq(s, 5, "%s", wrong[i]);
        cr_expect_eq(err.kind, ERR_CALLER);
        cr_expect_str_eq(
            err.text,
            "Argument \"since\" must be a day as YYYY-MM-DD or a time such as 2026-11-20T10:41:00Z.");
    }
}

Test(moment, is_written_in_utc)
{
    char text[MOMENT_SIZE];

    cr_expect_str_eq(moment_iso(0, text), "1970-01-01T00:00:00Z");
    cr_expect_str_eq(moment_iso(1795171275, text), "2026-11-20T10:41:15Z");
    cr_expect_str_eq(moment_iso(-5, text), "1970-01-01T00:00:00Z");
    cr_expect_str_eq(moment_iso(INT64_MAX, text), "9999-12-31T23:59:59Z");
}
