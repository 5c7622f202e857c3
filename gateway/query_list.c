/* See query_list.h. Escapes of both languages are understood; bytes that come out of them are checked for
 * UTF-8 by who makes a string of them. */
#include "query_list.h"

#include <ctype.h>
#include <stdint.h>

#include "mem.h"

typedef struct {
    const char *at, *end;
    query_list_t *list;
} reader_t;

static int refuse(err_t *err)
{
    return err_set(err, ERR_CALLER,
                   "This is no list that can be read from a query; use POST with JSON arguments.");
}

static void skip_space(reader_t *reader)
{
    while (reader->at < reader->end && strchr(" \t\r\n", *reader->at) && *reader->at) {
        reader->at++;
    }
}

static bool take(reader_t *reader, char c)
{
    skip_space(reader);
    if (reader->at < reader->end && *reader->at == c) {
        reader->at++;
        return true;
    }
    return false;
}

static void add_utf8(buf_t *out, uint32_t code)
{
    if (code < 0x80) {
        buf_add_char(out, (char)code);
    } else if (code < 0x800) {
        buf_add_char(out, (char)(0xc0 | code >> 6));
        buf_add_char(out, (char)(0x80 | (code & 0x3f)));
    } else if (code < 0x10000) {
        buf_add_char(out, (char)(0xe0 | code >> 12));
        buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (code & 0x3f)));
    } else {
        buf_add_char(out, (char)(0xf0 | code >> 18));
        buf_add_char(out, (char)(0x80 | (code >> 12 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (code >> 6 & 0x3f)));
        buf_add_char(out, (char)(0x80 | (code & 0x3f)));
    }
}

/* Exactly `digits` hex digits; -1 when they are not there. */
static int64_t read_hex(reader_t *reader, size_t digits)
{
    int64_t code = 0;

    if ((size_t)(reader->end - reader->at) < digits) {
        return -1;
    }
    for (size_t i = 0; i < digits; i++) {
        unsigned char c = (unsigned char)*reader->at++;
        if (!isxdigit(c)) {
            return -1;
        }
        code = code * 16 + (isdigit(c) ? c - '0' : tolower(c) - 'a' + 10);
    }
    return code;
}

/* JSON writes characters above U+FFFF as two halves. */
static int64_t read_low_half(reader_t *reader, int64_t high)
{
    if (reader->end - reader->at < 2 || reader->at[0] != '\\' || reader->at[1] != 'u') {
        return -1;
    }
    reader->at += 2;
    int64_t low = read_hex(reader, 4);
    return low >= 0xdc00 && low <= 0xdfff ? 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) : -1;
}

static int read_code(reader_t *reader, size_t digits, buf_t *out)
{
    int64_t code = read_hex(reader, digits);

    if (code >= 0xd800 && code <= 0xdbff) {
        code = read_low_half(reader, code);
    }
    if (code <= 0 || code > 0x10ffff || (code >= 0xdc00 && code <= 0xdfff)) {
        return -1;
    }
    add_utf8(out, (uint32_t)code);
    return 0;
}

static int read_escape(reader_t *reader, buf_t *out)
{
    static const char names[] = "ntrbf\\/'\"", values[] = "\n\t\r\b\f\\/'\"";

    if (reader->at == reader->end) {
        return -1;
    }
    char c = *reader->at++;
    const char *found = c ? strchr(names, c) : NULL;
    if (found) {
        buf_add_char(out, values[found - names]);
        return 0;
    }
    switch (c) {
    case 'x':
        return read_code(reader, 2, out);
    case 'u':
        return read_code(reader, 4, out);
    case 'U':
        return read_code(reader, 8, out);
    default:
        return -1;
    }
}

static int read_string(reader_t *reader, buf_t *out)
{
    char quote = *reader->at++;

    while (reader->at < reader->end && *reader->at != quote) {
        char c = *reader->at++;
        if (c == '\\') {
            if (read_escape(reader, out)) {
                return -1;
            }
        } else if ((unsigned char)c < 0x20) {
            return -1;
        } else {
            buf_add_char(out, c);
        }
    }
    return reader->at++ < reader->end ? 0 : -1;
}

static int read_word(reader_t *reader, buf_t *out)
{
    const char *start = reader->at;

    while (reader->at < reader->end && (isalnum((unsigned char)*reader->at) || strchr("+-.", *reader->at)) &&
           *reader->at) {
        reader->at++;
    }
    buf_add(out, start, (size_t)(reader->at - start));
    return reader->at > start ? 0 : -1;
}

void query_list_add(query_list_t *list, span_t text, bool quoted)
{
    list->items = mem_resize(list->items, (list->count + 1) * sizeof(query_item_t));
    list->items[list->count++] = (query_item_t){ list->texts.length, text.length, quoted };
    buf_add_span(&list->texts, text);
}

static int read_item(reader_t *reader)
{
    AUTO_BUF text = { 0 };

    skip_space(reader);
    if (reader->at == reader->end || reader->list->count == QUERY_LIST_MAX) {
        return -1;
    }
    bool quoted = *reader->at == '"' || *reader->at == '\'';
    if (quoted ? read_string(reader, &text) : read_word(reader, &text)) {
        return -1;
    }
    query_list_add(reader->list, buf_span(&text), quoted);
    return 0;
}

/* Python allows a comma after the last item. */
static int read_items(reader_t *reader)
{
    while (!take(reader, ']')) {
        if (read_item(reader)) {
            return -1;
        }
        if (!take(reader, ',')) {
            return take(reader, ']') ? 0 : -1;
        }
    }
    return 0;
}

int query_list_parse(span_t text, query_list_t *ret, err_t *err)
{
    reader_t reader = { text.at, text.at + text.length, ret };

    *ret = (query_list_t){ 0 };
    if (!take(&reader, '[') || read_items(&reader)) {
        query_list_release(ret);
        return refuse(err);
    }
    skip_space(&reader);
    if (reader.at != reader.end) {
        query_list_release(ret);
        return refuse(err);
    }
    return 0;
}

span_t query_list_text(const query_list_t *list, size_t index)
{
    return (span_t){ list->texts.data ? list->texts.data + list->items[index].start : "",
                     list->items[index].length };
}

void query_list_release(query_list_t *list)
{
    buf_free(&list->texts);
    mem_free(list->items);
    *list = (query_list_t){ 0 };
}
