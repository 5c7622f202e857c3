/* See buf.h. Grows by doubling; one byte is always kept free, so that buf_text() never moves anything. */
#include "buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "utf8.h"

void buf_reserve(buf_t *buf, size_t more)
{
    size_t need;

    if (__builtin_add_overflow(buf->length, more, &need) || need > SIZE_MAX / 2) {
        abort();
    }
    need++;
    if (need <= buf->size) {
        return;
    }
    size_t size = buf->size > 0 ? buf->size : 64;
    while (size < need) {
        size *= 2;
    }
    buf->data = mem_resize(buf->data, size);
    buf->size = size;
}

void buf_addf(buf_t *buf, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    buf_reserve(buf, 128);
    int length = vsnprintf(buf->data + buf->length, buf->size - buf->length, format, args);
    if (length >= (int)(buf->size - buf->length)) {
        buf_reserve(buf, (size_t)length);
        length = vsnprintf(buf->data + buf->length, buf->size - buf->length, format, again);
    }
    va_end(again);
    va_end(args);
    if (length > 0) {
        buf->length += (size_t)length;
    }
}

void buf_add_u64(buf_t *buf, uint64_t number)
{
    char digits[20];
    size_t at = sizeof(digits);

    do {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    buf_add(buf, digits + at, sizeof(digits) - at);
}

void buf_add_count(buf_t *buf, size_t count, const char *what)
{
    char last = *what ? what[strlen(what) - 1] : '\0';
    const char *ending = last == 's' || last == 'x' ? "es" : "s";

    buf_addf(buf, "%zu %s%s", count, what, count == 1 ? "" : ending);
}

/* How the first character of `text` is written inside a JSON string; points into `text` or scratch. */
static span_t json_char(span_t text, size_t *ret_taken, char scratch[8])
{
    unsigned char c = (unsigned char)text.at[0];
    const char *named = c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : NULL;

    *ret_taken = 1;
    if (c == '"' || c == '\\') {
        scratch[0] = '\\';
        scratch[1] = (char)c;
        return (span_t){ scratch, 2 };
    }
    if (named) {
        return (span_t){ named, 2 };
    }
    if (c < 0x20 || c == 0x7F) {
        snprintf(scratch, 8, "\\u%04x", c);
        return (span_t){ scratch, 6 };
    }
    size_t length = utf8_char(text);
    if (length == 0) {
        return SPAN("\xEF\xBF\xBD");
    }
    *ret_taken = length;
    return (span_t){ text.at, length };
}

/* How many bytes stand as they are in a JSON string: most text is nothing else and copied in one piece. */
static size_t plain_length(span_t text)
{
    size_t i = 0;

    while (i < text.length) {
        unsigned char c = (unsigned char)text.at[i];
        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\') {
            break;
        }
        i++;
    }
    return i;
}

void buf_add_json_string(buf_t *buf, span_t text)
{
    char scratch[8];

    buf_add_char(buf, '"');
    while (text.length > 0) {
        size_t taken = plain_length(text);
        if (taken > 0) {
            buf_add(buf, text.at, taken);
        } else {
            buf_add_span(buf, json_char(text, &taken, scratch));
        }
        text.at += taken;
        text.length -= taken;
    }
    buf_add_char(buf, '"');
}

/* The next piece of a JSON string: a run of plain text, no longer than `room`, or one character. */
static span_t json_piece(span_t text, size_t room, size_t *ret_taken, char scratch[8])
{
    size_t plain = plain_length(text);

    if (plain == 0 || room == 0) {
        return json_char(text, ret_taken, scratch);
    }
    *ret_taken = plain < room ? plain : room;
    return (span_t){ text.at, *ret_taken };
}

void buf_add_json_string_cut(buf_t *buf, span_t text, size_t max_bytes)
{
    char scratch[8];
    size_t room = max_bytes > 5 ? max_bytes - 5 : 0; /* quotes and "..." */

    buf_add_char(buf, '"');
    while (text.length > 0) {
        size_t taken;
        span_t shown = json_piece(text, room, &taken, scratch);
        if (shown.length > room) {
            buf_add_text(buf, "...");
            break;
        }
        buf_add_span(buf, shown);
        room -= shown.length;
        text.at += taken;
        text.length -= taken;
    }
    buf_add_char(buf, '"');
}

void buf_clear(buf_t *buf)
{
    buf->length = 0;
}

void buf_free(buf_t *buf)
{
    free(buf->data);
    *buf = (buf_t){ 0 };
}

const char *buf_text(buf_t *buf)
{
    buf_reserve(buf, 0);
    buf->data[buf->length] = '\0';
    return buf->data;
}

char *buf_steal(buf_t *buf)
{
    buf_text(buf);
    char *text = buf->data;
    *buf = (buf_t){ 0 };
    return text;
}

span_t buf_span(const buf_t *buf)
{
    return (span_t){ buf->data, buf->length };
}
