/* Ids of rows we write: UUIDs of version 7 (RFC 9562), whose order is the order they were made in, so that of
 * two rows of one millisecond the later one is known. */
#pragma once

#include <stdint.h>

#define ID_SIZE 37
const char *id_new(int64_t unix_ms, char out[ID_SIZE]); /* returns out; one thread */
