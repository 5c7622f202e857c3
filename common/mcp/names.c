/* See names.h. Everything here is a pure function of its input, so that every replica gives a tool the same
 * name. */
#include "names.h"

#include <ctype.h>
#include <openssl/sha.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"

#define HASH_HEX_LENGTH 8

static bool is_plain(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool name_is_safe(span_t name)
{
    char before = '_'; /* so that an underscore at the edge is one of a pair */

    if (name.length == 0 || name.length > NAME_MAX_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < name.length; i++) {
        char c = name.at[i];
        if (!is_plain(c) && (c != '_' || before == '_')) {
            return false;
        }
        before = c;
    }
    return before != '_';
}

bool name_is_valid(span_t name)
{
    for (size_t i = 0; i < name.length; i++) {
        if (!is_plain((char)tolower((unsigned char)name.at[i])) && !memchr("_-./", name.at[i], 4)) {
            return false;
        }
    }
    return name.length > 0 && name.length <= NAME_MAX_LENGTH;
}

/* Lower case, one underscore for any run of other bytes, none at the edges. */
static void add_safe(buf_t *out, span_t text)
{
    bool gap = false;

    for (size_t i = 0; i < text.length; i++) {
        char c = text.at[i];
        c = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        if (!is_plain(c)) {
            gap = true;
            continue;
        }
        if (gap && out->length > 0) {
            buf_add_char(out, '_');
        }
        gap = false;
        buf_add_char(out, c);
    }
}

/* Two long names that begin alike must not end up as one. */
static void shorten(buf_t *safe, span_t whole)
{
    uint8_t hash[SHA256_DIGEST_LENGTH];

    SHA256((const uint8_t *)whole.at, whole.length, hash);
    safe->length = NAME_MAX_LENGTH - 1 - HASH_HEX_LENGTH;
    while (safe->data[safe->length - 1] == '_') {
        safe->length--;
    }
    buf_addf(safe, "_%02x%02x%02x%02x", hash[0], hash[1], hash[2], hash[3]);
}

void name_public(const char *prefix, span_t own, char ret[NAME_MAX_LENGTH + 1])
{
    AUTO_BUF whole = { 0 };
    AUTO_BUF safe = { 0 };

    buf_add_text(&whole, prefix);
    buf_add_span(&whole, own);
    add_safe(&safe, buf_span(&whole));
    if (safe.length > NAME_MAX_LENGTH) {
        shorten(&safe, buf_span(&whole));
    }
    snprintf(ret, NAME_MAX_LENGTH + 1, "%s", buf_text(&safe));
}

/* On a mismatch the last star takes one byte more: linear in practice, at worst pattern times name, and both
 * are short. */
bool glob_matches(const char *pattern, span_t name)
{
    const char *after_star = NULL;
    size_t taken = 0, i = 0;

    while (i < name.length) {
        if (*pattern == '*') {
            after_star = ++pattern;
            taken = i;
        } else if (*pattern == name.at[i] && *pattern != '\0') {
            pattern++;
            i++;
        } else if (after_star) {
            pattern = after_star;
            i = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*') {
        pattern++;
    }
    return *pattern == '\0';
}
