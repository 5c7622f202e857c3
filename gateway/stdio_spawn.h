/* Starts a program without a shell, in a process group of its own, with three pipes. */
#pragma once

#include <sys/types.h>

#include "err.h"

enum { STDIO_INPUT, STDIO_OUTPUT, STDIO_ERRORS, STDIO_STREAMS };

typedef struct {
    char *const *command; /* NULL-ended; a name without '/' is looked for in the gateway's PATH */
    char *const *env; /* NAME=value, NULL-ended or NULL; with the gateway's own PATH, HOME, LANG, TMPDIR */
    const char *cwd;  /* NULL: the gateway's */
} stdio_program_t;

/* *ret_fds are our ends: STDIO_INPUT to write to, the others to read from, none blocks. -1 with a sentence
 * that begins with "Its". */
int stdio_spawn(const stdio_program_t *program, pid_t *ret_pid, int ret_fds[STDIO_STREAMS], err_t *err);
