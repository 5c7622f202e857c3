/* How long a fetched key set holds, and how often unknown keys may have it fetched. */
#include "jwks_rules.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "mem.h"

#define MINUTE INT64_C(60000)

Test(jwks_rules, honours_max_age_between_five_minutes_and_a_day)
{
    static const struct {
        const char *header;
        int64_t minutes;
    } cases[] = {
        { NULL, 15 },
        { "", 15 },
        { "public", 15 },
        { "max-age=3600", 60 },
        { "public, max-age=3600, must-revalidate", 60 },
        { "Max-Age=3600", 60 },
        { " ,, max-age=3600 ,", 60 },
        { "max-age=0", 5 },
        { "max-age=299", 5 },
        { "max-age=86401", 1440 },
        { "max-age=99999999999999999999999999", 1440 },
        { "max-age=", 15 },
        { "max-age=-1", 15 },
        { "max-age=1e9", 15 },
        { "s-maxage=3600", 15 },
        { "no-store, max-age=3600", 5 },
        { "no-cache", 5 },
    };

    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        cr_expect_eq(jwks_lifetime_ms(span_of(cases[i].header)), cases[i].minutes * MINUTE, "%s",
                     cases[i].header ? cases[i].header : "(none)");
    }
}

Test(jwks_rules, lets_one_unknown_kid_fetch_once_a_minute)
{
    jwks_limit_t limit;

    jwks_limit_init(&limit);
    cr_assert(jwks_limit_take(&limit, SPAN("new"), 1000));
    cr_assert(!jwks_limit_take(&limit, SPAN("new"), 1000));
    cr_assert(!jwks_limit_take(&limit, SPAN("new"), 1000 + MINUTE - 1));
    cr_assert(jwks_limit_take(&limit, SPAN("other"), 1000), "another kid has a minute of its own");
    cr_assert(jwks_limit_take(&limit, SPAN("new"), 1000 + MINUTE));
    cr_assert(jwks_limit_take(&limit, SPAN(""), 1000), "no kid at all is a kid too");
}

Test(jwks_rules, lets_a_flood_of_kids_fetch_a_few_times_a_minute)
{
    jwks_limit_t limit;
    unsigned taken = 0;

    jwks_limit_init(&limit);
    for (int64_t now = 0; now < 3 * MINUTE; now += 10) {
        char kid[32];
        snprintf(kid, sizeof(kid), "forged-%lld", (long long)now);
        taken += jwks_limit_take(&limit, span_of(kid), now);
    }
    cr_assert_eq(taken, 3 * JWKS_KIDS_A_MINUTE);
}
