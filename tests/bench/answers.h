/* The fixed answers of the responder: whole HTTP messages, built once. Each has a field of ANSWER_ID_BYTES
 * for the id of the request, which JSON lets us fill with blanks. */
#pragma once

#include <stddef.h>

#define ANSWER_ID_BYTES 20

typedef struct {
    char *bytes;
    size_t length, id_at; /* id_at 0: no id in it (202) */
} answer_t;

typedef struct {
    answer_t discover, tools, accepted, small, medium, large; /* bodies of 400 B, 4 KB, 64 KB */
} answers_t;

void answers_build(answers_t *ret, int tools, int ttl_ms);
/* One event of a stream, as one chunk; the last is the result, with the empty chunk that ends the body. id:
 * of the request, which our gateway takes as progress token too. Returns its bytes. */
#define ANSWER_STREAM_HEAD                                                                                   \
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
size_t answer_event(char *ret, size_t size, const char *id, int number, int count);
