/* A file of whole HTTP requests, each after a line with its length in bytes. */
#pragma once

#include <stddef.h>

typedef struct {
    char *bytes;
    size_t length;
    size_t reply_bytes; /* of the first answer's body; 0 until it came */
} request_t;

typedef struct {
    request_t *at;
    size_t count;
} requests_t;

requests_t requests_read(const char *path);
