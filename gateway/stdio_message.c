/* See stdio_message.h. Only the outermost level is scanned strictly: what stands in params and result belongs
 * to the two who talk, and is looked up without judging it. */
#include "stdio_message.h"

#include <event2/buffer.h>
#include <string.h>

#include "json_scan.h"

#define PIECE_BYTES 16384
#define SPARE_BYTES 65536 /* what a long line may leave allocated */

enum { SLOT_JSONRPC = 1, SLOT_ID, SLOT_METHOD, SLOT_PARAMS, SLOT_RESULT, SLOT_ERROR };

static const json_want_t wants[] = {
    { .key = "jsonrpc", .slot = SLOT_JSONRPC },
    { .key = "id", .slot = SLOT_ID },
    { .key = "method", .slot = SLOT_METHOD },
    { .key = "params", .slot = SLOT_PARAMS },
    { .key = "result", .slot = SLOT_RESULT },
    { .key = "error", .slot = SLOT_ERROR },
    { 0 },
};

static bool is_id(span_t value)
{
    return scan_kind(value) == SCAN_STRING || scan_kind(value) == SCAN_NUMBER;
}

static int find_kind(const json_scan_t *scan, stdio_kind_t *ret)
{
    span_t id = scan->slots[SLOT_ID];
    bool has_result = scan->slots[SLOT_RESULT].at, has_error = scan->slots[SLOT_ERROR].at;

    if (!scan_string_is(scan->slots[SLOT_JSONRPC], "2.0")) {
        return -1;
    }
    if (scan_kind(scan->slots[SLOT_METHOD]) == SCAN_STRING) {
        *ret = id.at ? STDIO_REQUEST : STDIO_NOTIFICATION;
        return has_result || has_error || (id.at && !is_id(id)) ? -1 : 0;
    }
    *ret = STDIO_RESPONSE;
    return scan->slots[SLOT_METHOD].at || !is_id(id) || has_result == has_error ? -1 : 0;
}

static void find_parts(const json_scan_t *scan, stdio_message_t *ret)
{
    span_t params = scan->slots[SLOT_PARAMS];
    span_t meta = scan_member(ret->kind == STDIO_RESPONSE ? ret->result : params, "_meta");

    ret->subscription_id = scan_member(meta, "io.modelcontextprotocol/subscriptionId");
    if (ret->kind == STDIO_REQUEST) {
        ret->progress_token = scan_member(meta, "progressToken");
    } else if (scan_string_is(ret->method, "notifications/progress")) {
        ret->progress_token = scan_member(params, "progressToken");
    } else if (scan_string_is(ret->method, "notifications/cancelled")) {
        ret->request_id = scan_member(params, "requestId");
    }
}

int stdio_message_read(span_t text, stdio_message_t *ret, err_t *err)
{
    json_scan_t scan;

    *ret = (stdio_message_t){ .text = text };
    if (json_scan(text, wants, &scan, err)) {
        return -1;
    }
    if (find_kind(&scan, &ret->kind)) {
        return err_set(err, ERR_PROTOCOL, "This is no JSON-RPC request, notification or response.");
    }
    ret->id = scan.slots[SLOT_ID];
    ret->method = scan.slots[SLOT_METHOD];
    ret->result = scan.slots[SLOT_RESULT];
    find_parts(&scan, ret);
    return 0;
}

static span_t id_at(span_t rest)
{
    size_t blanks = 0, length = 0;

    while (blanks < rest.length && rest.at[blanks] == ' ') {
        blanks++;
    }
    while (blanks + length < rest.length && rest.at[blanks + length] >= '0' &&
           rest.at[blanks + length] <= '9') {
        length++;
    }
    return length > 0 ? (span_t){ rest.at + blanks, length } : (span_t){ 0 };
}

/* Servers write the id either right at the beginning or last of all; what stands between may hold others. */
span_t stdio_message_guess_id(span_t line)
{
    static const char key[] = "\"id\":", start[] = "{\"jsonrpc\"";
    const size_t size = sizeof(key) - 1;
    bool takes_first = line.length >= sizeof(start) && memcmp(line.at, start, sizeof(start) - 1) == 0;
    span_t found = { 0 };

    for (span_t rest = line; rest.length > size && !(takes_first && found.at);) {
        const char *at = memmem(rest.at, rest.length, key, size);
        if (!at) {
            break;
        }
        rest.length -= (size_t)(at + size - rest.at);
        rest.at = at + size;
        span_t id = id_at(rest);
        found = id.at ? id : found;
    }
    return found;
}

/* The change whose part comes first from `at` on; NULL: none. */
static const stdio_change_t *next_change(const char *at, const stdio_change_t *changes, size_t count)
{
    const stdio_change_t *first = NULL;

    for (size_t i = 0; i < count; i++) {
        if (changes[i].part.at >= at && (!first || changes[i].part.at < first->part.at)) {
            first = &changes[i];
        }
    }
    return first;
}

void stdio_message_write(buf_t *out, span_t text, const stdio_change_t *changes, size_t count)
{
    const char *at = text.at, *end = text.at + text.length;
    const stdio_change_t *change;
    size_t start = out->length;

    while ((change = next_change(at, changes, count))) {
        buf_add(out, at, (size_t)(change->part.at - at));
        buf_add_span(out, change->with);
        at = change->part.at + change->part.length;
    }
    buf_add(out, at, (size_t)(end - at));
    for (size_t i = start; i < out->length; i++) {
        if (out->data[i] == '\n' || out->data[i] == '\r') {
            out->data[i] = ' ';
        }
    }
}

/* Lines. */

static void begin_line(stdio_lines_t *lines, const char *bytes, size_t length)
{
    size_t have = lines->begun.length, room = lines->max_bytes > have ? lines->max_bytes - have : 0;

    lines->is_long = lines->is_long || length > room;
    buf_add(&lines->begun, bytes, length < room ? length : room);
}

static void end_line(stdio_lines_t *lines, stdio_line_f on_line, void *self)
{
    span_t line = buf_span(&lines->begun);

    while (line.length > 0 && line.at[line.length - 1] == '\r') {
        line.length--;
    }
    if (span_trim(line).length > 0) {
        on_line(self, line, lines->is_long);
    }
    if (lines->begun.size > SPARE_BYTES) {
        buf_free(&lines->begun);
    }
    buf_clear(&lines->begun);
    lines->is_long = false;
}

void stdio_lines_read(stdio_lines_t *lines, struct evbuffer *in, stdio_line_f on_line, void *self)
{
    char piece[PIECE_BYTES];
    int length;

    while ((length = evbuffer_remove(in, piece, sizeof(piece))) > 0) {
        const char *at = piece, *end = piece + length, *line_end;
        while ((line_end = memchr(at, '\n', (size_t)(end - at)))) {
            begin_line(lines, at, (size_t)(line_end - at));
            end_line(lines, on_line, self);
            at = line_end + 1;
        }
        begin_line(lines, at, (size_t)(end - at));
    }
}

void stdio_lines_end(stdio_lines_t *lines, stdio_line_f on_line, void *self)
{
    end_line(lines, on_line, self);
}

void stdio_lines_release(stdio_lines_t *lines)
{
    buf_free(&lines->begun);
}
