/* Reads HTTP answers as they come in: status, the end, and how many events a stream had. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    char head[2048];
    size_t head_length;
    bool has_head, chunked;
    int status;
    size_t body_bytes, left; /* by Content-Length */
    uint64_t events;         /* of a chunked body: its empty lines */
    char tail[5];            /* the last bytes, which tell the end of a chunked body */
} reply_t;

void reply_begin(reply_t *reply);
bool reply_read(reply_t *reply, const char *bytes, size_t length); /* true: it is whole */
