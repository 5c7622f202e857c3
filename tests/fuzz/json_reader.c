/* See json_reader.h. A recursive reader over valid text; comparison without case folds as Go's encoding/json
 * does, which also takes the long s for s and the Kelvin sign for k. */
#include "json_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

typedef struct {
    const char *at, *end;
} text_t;

static void skip_space(text_t *text)
{
    while (text->at < text->end &&
           (*text->at == ' ' || *text->at == '\t' || *text->at == '\r' || *text->at == '\n')) {
        text->at++;
    }
}

static void skip_string(text_t *text)
{
    for (text->at++; *text->at != '"'; text->at++) {
        text->at += *text->at == '\\';
    }
    text->at++;
}

static void skip_value(text_t *text)
{
    char open = *text->at;

    if (open == '"') {
        skip_string(text);
        return;
    }
    if (open != '{' && open != '[') {
        while (text->at < text->end && !memchr(",]} \t\r\n", *text->at, 7)) {
            text->at++;
        }
        return;
    }
    text->at++;
    for (skip_space(text); *text->at != ']' && *text->at != '}'; skip_space(text)) {
        if (*text->at == ',' || *text->at == ':') {
            text->at++;
        } else {
            skip_value(text);
        }
    }
    text->at++;
}

span_t reader_root(span_t whole)
{
    text_t text = { whole.at, whole.at + whole.length };

    skip_space(&text);
    const char *start = text.at;
    if (text.at < text.end) {
        skip_value(&text);
    }
    return (span_t){ start, (size_t)(text.at - start) };
}

static void add_code(buf_t *out, unsigned long code)
{
    if (code < 0x80) {
        buf_add_char(out, (char)code);
        return;
    }
    int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    buf_add_char(out, (char)((more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0) | code >> (6 * more)));
    while (more-- > 0) {
        buf_add_char(out, (char)(0x80 | ((code >> (6 * more)) & 0x3F)));
    }
}

static unsigned long hex4(const char *at)
{
    char digits[5] = { at[0], at[1], at[2], at[3], '\0' };

    return strtoul(digits, NULL, 16);
}

/* From the backslash on; returns the bytes it took. */
static size_t add_escape(buf_t *out, const char *at)
{
    if (at[1] != 'u') {
        const char *found = strchr("b\bf\fn\nr\rt\t", at[1]);
        buf_add_char(out, found ? found[1] : at[1]);
        return 2;
    }
    unsigned long code = hex4(at + 2);
    if (code < 0xD800 || code > 0xDBFF) {
        add_code(out, code);
        return 6;
    }
    add_code(out, 0x10000 + ((code - 0xD800) << 10) + (hex4(at + 8) - 0xDC00));
    return 12;
}

bool reader_string(span_t value, buf_t *out)
{
    if (value.length < 2 || value.at[0] != '"') {
        return false;
    }
    for (size_t i = 1; i < value.length - 1;) {
        if (value.at[i] == '\\') {
            i += add_escape(out, value.at + i);
        } else {
            buf_add_char(out, value.at[i++]);
        }
    }
    return true;
}

void reader_each(span_t object, reader_each_f each, void *self)
{
    if (object.length == 0 || object.at[0] != '{') {
        return;
    }
    text_t text = { object.at + 1, object.at + object.length };
    for (skip_space(&text); *text.at != '}'; skip_space(&text)) {
        AUTO_BUF name = { 0 };
        const char *start = text.at;
        skip_value(&text);
        reader_string((span_t){ start, (size_t)(text.at - start) }, &name);
        skip_space(&text);
        text.at++; /* the colon */
        skip_space(&text);
        start = text.at;
        skip_value(&text);
        each(self, (span_t){ buf_text(&name), name.length }, (span_t){ start, (size_t)(text.at - start) });
        skip_space(&text);
        text.at += *text.at == ',';
    }
}

static void fold(buf_t *out, span_t name)
{
    for (size_t i = 0; i < name.length; i++) {
        span_t rest = { name.at + i, name.length - i };
        if (rest.length >= 2 && memcmp(rest.at, "\xc5\xbf", 2) == 0) {
            buf_add_char(out, 's');
            i += 1;
        } else if (rest.length >= 3 && memcmp(rest.at, "\xe2\x84\xaa", 3) == 0) {
            buf_add_char(out, 'k');
            i += 2;
        } else {
            buf_add_char(out, name.at[i]);
        }
    }
}

typedef struct {
    const char *name;
    taste_t taste;
    span_t found;
} search_t;

static void consider(void *self, span_t name, span_t value)
{
    search_t *search = self;
    AUTO_BUF folded = { 0 };

    if (search->found.at && !search->taste.last) {
        return;
    }
    fold(&folded, name);
    if (search->taste.nocase ? span_is_nocase((span_t){ buf_text(&folded), folded.length }, search->name)
                             : span_is(name, search->name)) {
        search->found = value;
    }
}

span_t reader_member(span_t object, const char *name, taste_t taste)
{
    search_t search = { name, taste, { 0 } };

    reader_each(object, consider, &search);
    return search.found;
}
