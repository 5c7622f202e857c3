/* See reply.h. What is surprising: of a chunked body only the end mark and the line breaks are looked at,
 * since the answers of this bench hold no "0\r\n\r\n" and no empty line of their own. */
#include "reply.h"

#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define END "0\r\n\r\n"

void reply_begin(reply_t *reply)
{
    reply->head_length = 0;
    reply->has_head = reply->chunked = false;
    reply->status = 0;
    reply->body_bytes = reply->left = 0;
    reply->events = 0;
    memset(reply->tail, 0, sizeof(reply->tail));
}

static void keep_tail(reply_t *reply, const char *bytes, size_t length)
{
    size_t kept = sizeof(reply->tail);

    if (length >= kept) {
        memcpy(reply->tail, bytes + length - kept, kept);
    } else {
        memmove(reply->tail, reply->tail + length, kept - length);
        memcpy(reply->tail + kept - length, bytes, length);
    }
}

static bool read_chunked(reply_t *reply, const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;
    char before = reply->tail[sizeof(reply->tail) - 1];

    while ((at = memchr(at, '\n', (size_t)(end - at)))) {
        reply->events += (at == bytes ? before : at[-1]) == '\n';
        at++;
    }
    keep_tail(reply, bytes, length);
    return memcmp(reply->tail, END, sizeof(reply->tail)) == 0;
}

static bool read_body(reply_t *reply, const char *bytes, size_t length)
{
    if (reply->chunked) {
        return read_chunked(reply, bytes, length);
    }
    reply->left -= length < reply->left ? length : reply->left;
    return reply->left == 0;
}

static void read_head(reply_t *reply, size_t bytes)
{
    reply->has_head = true;
    reply->status = atoi(reply->head + strlen("HTTP/1.1 "));
    reply->chunked = memmem(reply->head, bytes, "chunked", 7) != NULL;
    reply->body_bytes = reply->left = reply->chunked ? 0 : wire_body_bytes(reply->head, bytes);
}

bool reply_read(reply_t *reply, const char *bytes, size_t length)
{
    if (reply->has_head) {
        return read_body(reply, bytes, length);
    }
    size_t room = sizeof(reply->head) - reply->head_length, before = reply->head_length;
    size_t taken = length < room ? length : room;
    memcpy(reply->head + before, bytes, taken);
    reply->head_length += taken;
    size_t head = wire_head_bytes(reply->head, reply->head_length);
    if (head == 0) {
        return reply->head_length == sizeof(reply->head);
    }
    read_head(reply, head);
    return read_body(reply, bytes + (head - before), length - (head - before));
}
