/* See jwks_rules.h. */
#include "jwks_rules.h"

#include <stddef.h>

#define MINUTE_MS INT64_C(60000)
#define SHORTEST_MS (5 * MINUTE_MS)
#define LONGEST_MS (24 * 60 * MINUTE_MS)
#define USUAL_MS (15 * MINUTE_MS)

static span_t next_directive(span_t *rest)
{
    const char *comma = memchr(rest->at, ',', rest->length);
    span_t one = { rest->at, comma ? (size_t)(comma - rest->at) : rest->length };
    size_t used = one.length + (comma ? 1 : 0);

    *rest = (span_t){ rest->at + used, rest->length - used };
    return span_trim(one);
}

/* Digits; more of them than a day has seconds count as a day. -1: no number. */
static int64_t seconds_of(span_t digits)
{
    int64_t seconds = 0;

    for (size_t i = 0; i < digits.length; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9') {
            return -1;
        }
        seconds = seconds > LONGEST_MS ? seconds : seconds * 10 + (digits.at[i] - '0');
    }
    return digits.length > 0 ? seconds : -1;
}

static int64_t clamp(int64_t ms)
{
    return ms < SHORTEST_MS ? SHORTEST_MS : ms > LONGEST_MS ? LONGEST_MS : ms;
}

int64_t jwks_lifetime_ms(span_t cache_control)
{
    static const char max_age[] = "max-age=";
    size_t length = sizeof(max_age) - 1;
    int64_t ms = USUAL_MS;

    for (span_t rest = cache_control; rest.length > 0;) {
        span_t directive = next_directive(&rest);
        if (span_is_nocase(directive, "no-store") || span_is_nocase(directive, "no-cache")) {
            return SHORTEST_MS;
        }
        if (directive.length > length && strncasecmp(directive.at, max_age, length) == 0) {
            int64_t seconds = seconds_of((span_t){ directive.at + length, directive.length - length });
            ms = seconds < 0 ? ms : clamp(seconds * 1000);
        }
    }
    return ms;
}

/* FNV-1a: a kid may have 8 KiB, and who finds two that collide has gained nothing. */
static uint64_t hash(span_t text)
{
    uint64_t value = 0xcbf29ce484222325;

    for (size_t i = 0; i < text.length; i++) {
        value = (value ^ (unsigned char)text.at[i]) * 0x100000001b3;
    }
    return value;
}

void jwks_limit_init(jwks_limit_t *limit)
{
    *limit = (jwks_limit_t){ 0 };
    pthread_mutex_init(&limit->mutex, NULL);
}

static bool take(jwks_limit_t *limit, uint64_t kid_hash, int64_t now_ms)
{
    size_t free_slot = JWKS_KIDS_A_MINUTE;

    for (size_t i = 0; i < JWKS_KIDS_A_MINUTE; i++) {
        bool over = limit->asked[i].until_ms <= now_ms;
        if (!over && limit->asked[i].kid_hash == kid_hash) {
            return false;
        }
        free_slot = over ? i : free_slot;
    }
    if (free_slot == JWKS_KIDS_A_MINUTE) {
        return false;
    }
    limit->asked[free_slot].kid_hash = kid_hash;
    limit->asked[free_slot].until_ms = now_ms + MINUTE_MS;
    return true;
}

bool jwks_limit_take(jwks_limit_t *limit, span_t kid, int64_t now_ms)
{
    pthread_mutex_lock(&limit->mutex);
    bool taken = take(limit, hash(kid), now_ms);
    pthread_mutex_unlock(&limit->mutex);
    return taken;
}
