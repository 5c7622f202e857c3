/* A small file read whole: secrets, key sets. */
#pragma once

#include <stddef.h>

/* NUL-terminated, in one allocation that has never moved (so that a secret leaves no copies behind); the
 * caller's to free. NULL with errno set: EFBIG when there are more than max_bytes. May block: for the start
 * of a process. */
char *file_read(const char *path, size_t max_bytes, size_t *ret_length);
