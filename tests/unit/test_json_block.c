/* Long strings are read 64 bytes at a time, with integers for what is where; so each thing that may or may
 * not stand in a string is tried at each offset of such a block, and across its end. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "errors.h"
#include "json_scan.h"
#include "mem.h"

static const char *const good[] = {
    "z",
    "zzzzzzzzzzzzzzz",
    "\\\"",
    "\\\\",
    "\\/",
    "\\b\\f\\n\\r\\t",
    "\\u00e7",
    "\\ud83d\\ude00",
    "\xC3\xA7",
    "\xE2\x82\xAC",
    "\xF0\x9F\x98\x80",
    "{\\\"a\\\":\\\"\\\\\\\"b\\\\\\\"\\\"},",
};

static const char *const bad[] = {
    "\\x",      "\\u12",    "\\ud83d",      "\\\xC3\xA7",   "\\\n",
    "\n",       "\x1F",     "\xC3",         "\xC3\\n",      "\xA7",
    "\xC0\xAF", "\xE2\x82", "\xED\xA0\x80", "\xC3\xA7\xA7", "\xF5\x80\x80\x80",
};

/* In front of all that is tried: more escapes than the scan looks at one by one. */
#define ESCAPES "\\n\\n\\n\\n\\n\\n"

static json_scan_t found;
static err_t err;

static void add_filler(buf_t *text, size_t count)
{
    while (count-- > 0) {
        buf_add_char(text, 'z');
    }
}

static void expect_taken(buf_t *text)
{
    span_t rest = buf_span(text), item;

    cr_assert_eq(json_scan(rest, NULL, &found, &err), 0, "%s: %s", err.text, buf_text(text));
    cr_assert(scan_next_item(&rest, &item));
    cr_expect_eq(item.length, text->length - strlen("[,7]"), "%s", buf_text(text));
    cr_assert(scan_next_item(&rest, &item));
    cr_expect(span_is(item, "7"), "%s", buf_text(text));
}

static void expect_refused(buf_t *text, size_t at)
{
    char place[64];

    snprintf(place, sizeof(place), " at byte %zu of ", at);
    cr_assert_eq(json_scan(buf_span(text), NULL, &found, &err), -1, "taken: %s", buf_text(text));
    cr_expect_eq(err.code, RPC_PARSE_ERROR);
    cr_expect(strstr(err.text, place), "%s, not%s: %s", err.text, place, buf_text(text));
}

static void put_at(buf_t *text, size_t offset, const char *piece, size_t after)
{
    buf_clear(text);
    buf_add_text(text, "[\"" ESCAPES);
    add_filler(text, offset);
    buf_add_text(text, piece);
    add_filler(text, after);
    buf_add_text(text, "\",7]");
}

Test(json_block, takes_what_may_stand_in_a_string_at_every_offset)
{
    AUTO_BUF text = { 0 };

    for (size_t i = 0; i < COUNT_OF(good); i++) {
        for (size_t offset = 0; offset < 140; offset++) {
            put_at(&text, offset, good[i], offset % 3 * 40);
            expect_taken(&text);
        }
    }
}

Test(json_block, says_where_something_stands_that_may_not)
{
    static const size_t sound[] = { [13] = strlen("\xC3\xA7") }; /* bytes of it that are not at fault */
    AUTO_BUF text = { 0 };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        for (size_t offset = 0; offset < 140; offset++) {
            put_at(&text, offset, bad[i], 1 + offset % 3 * 40);
            expect_refused(&text, strlen("[\"" ESCAPES) + offset + (i < COUNT_OF(sound) ? sound[i] : 0));
        }
    }
}

Test(json_block, counts_backslashes_across_the_end_of_a_block)
{
    AUTO_BUF text = { 0 };

    for (size_t offset = 0; offset < 80; offset++) {
        for (size_t count = 0; count < 80; count++) {
            put_at(&text, offset, "", 0);
            text.length -= strlen("\",7]");
            for (size_t i = 0; i < count; i++) {
                buf_add_char(&text, '\\');
            }
            if (count % 2 == 1) {
                buf_add_char(&text, '"');
            }
            add_filler(&text, offset);
            buf_add_text(&text, "\",7]");
            expect_taken(&text);
        }
    }
}

Test(json_block, ends_no_string_at_a_quote_that_is_escaped)
{
    AUTO_BUF text = { 0 };

    for (size_t count = 1; count < 200; count++) {
        put_at(&text, 0, "", 0);
        text.length -= strlen("\",7]");
        for (size_t i = 0; i < count; i++) {
            buf_add_text(&text, "\\\"");
        }
        cr_expect_eq(json_scan(buf_span(&text), NULL, &found, &err), -1);
        buf_add_text(&text, "\",7]");
        expect_taken(&text);
    }
}

Test(json_block, takes_any_mixture_and_finds_one_bad_piece_in_it)
{
    AUTO_BUF text = { 0 };

    srand(3);
    for (int round = 0; round < 20000; round++) {
        int count = rand() % 40, spoilt = rand() % 2 ? rand() % (count + 1) : -1;
        buf_clear(&text);
        buf_add_text(&text, "[\"");
        for (int i = 0; i <= count; i++) {
            if (i == spoilt) {
                buf_add_text(&text, bad[(size_t)rand() % COUNT_OF(bad)]);
                buf_add_char(&text, 'z');
            }
            buf_add_text(&text, good[(size_t)rand() % COUNT_OF(good)]);
        }
        buf_add_text(&text, "\",7]");
        if (spoilt < 0) {
            expect_taken(&text);
        } else {
            cr_expect_eq(json_scan(buf_span(&text), NULL, &found, &err), -1, "taken: %s", buf_text(&text));
        }
    }
}
