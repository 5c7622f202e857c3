/* See schema_legacy.h. No engine's grammar is followed to its end: what is plain in all of them is let
 * through.
 */
#include "schema_legacy.h"

#include <stdlib.h>
#include <string.h>

#define MAX_REPEATS 200 /* all {n} of a pattern together: Rust gives up at 255 times \w */

/* Outside of brackets: escapes that mean the same everywhere, groups without extras. */
static const char *skip_escape(const char *at)
{
    return at[1] && strchr("dDwWsSbBnrtfv\\/.*+?()[]{}|^$", at[1]) ? at + 2 : NULL;
}

static const char *skip_class(const char *at)
{
    at += at[1] == '^' ? 2 : 1;
    if (*at == ']') {
        return NULL;
    }
    for (; *at && *at != ']'; at++) {
        bool set_operator = (*at == '&' || *at == '~' || *at == '-') && at[1] == *at;
        if (*at == '[' || set_operator) {
            return NULL;
        }
        if (*at == '\\') {
            if (!at[1] || !strchr("dDwWsSnrtfv\\/.*+?()[]{}|^$-", at[1])) {
                return NULL;
            }
            at++;
        }
    }
    return *at ? at + 1 : NULL;
}

/* {3}, {1,20}, {2,}: the higher number is added to *total. */
static const char *skip_repeat(const char *at, int *total)
{
    char *behind;
    long low = at[1] >= '0' && at[1] <= '9' ? strtol(at + 1, &behind, 10) : -1, high = low;

    if (low >= 0 && *behind == ',') {
        const char *from = behind + 1;
        high = strtol(from, &behind, 10);
        high = high > low ? high : low;
    }
    if (low < 0 || high < 0 || high > MAX_REPEATS || *behind != '}') {
        return NULL;
    }
    *total += (int)high;
    return behind + 1;
}

static bool is_repeat(char c)
{
    return c == '*' || c == '+' || c == '?' || c == '{';
}

/* One atom, or a mark between atoms; NULL: not plain. */
static const char *skip_one(const char *at, int *depth)
{
    switch (*at) {
    case '\\':
        return skip_escape(at);
    case '[':
        return skip_class(at);
    case '(':
        ++*depth;
        return at[1] != '?' ? at + 1 : at[2] == ':' ? at + 3 : NULL;
    case ')':
        return --*depth >= 0 ? at + 1 : NULL;
    case ']':
    case '}':
        return NULL;
    default:
        return (unsigned char)*at >= ' ' && (unsigned char)*at < 0x7f ? at + 1 : NULL;
    }
}

/* Repeats inside a group that is repeated multiply. */
static const char *skip_repeated(const char *pattern, const char *at, int *total)
{
    if (*at == '{') {
        bool group = at[-1] == ')' && at - pattern > 1;
        int before = *total;
        at = skip_repeat(at, total);
        return group && before > 0 ? NULL : at;
    }
    return at + 1;
}

bool schema_pattern_is_plain(const char *pattern)
{
    int depth = 0, total = 0;
    bool repeatable = false; /* something stands before that can be repeated */

    for (const char *at = pattern; *at;) {
        if (is_repeat(*at)) {
            at = repeatable ? skip_repeated(pattern, at, &total) : NULL;
            if (at && *at == '?') {
                at++;
            }
            repeatable = false;
        } else {
            repeatable = !strchr("(|^$", *at) && !(at[0] == '\\' && strchr("bB", at[1]));
            at = skip_one(at, &depth);
        }
        if (!at) {
            return false;
        }
    }
    return depth == 0 && total <= MAX_REPEATS;
}
