/* A connector as its users meet it: a process with a command line and an environment, spoken to over HTTP.
 * Everything here waits at most PROCESS_PATIENCE_S and fails the test beyond. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#define PROCESS_PATIENCE_S 20

typedef struct {
    pid_t pid;
    char folder[64];
    char address[128]; /* "127.0.0.1:41123" or "unix:/..." */
} process_t;

typedef struct {
    int status;
    char *head, *body; /* leaked: a test is a process */
} reply_t;

/* args and environment are NULL-ended; the environment is all there is. --address-file is added. Waits until
 * it listens. */
process_t process_start(const char *program, const char *const *args, const char *const *environment);
int process_stop(process_t *process, int signal); /* signal 0: only waits. Exit code, or -signal */
char *process_stderr(const process_t *process);   /* so far */

/* Runs to its end: the exit code. */
int process_run(const char *program, const char *const *args, const char *const *environment,
                char **ret_stdout, char **ret_stderr);

int process_connect(const process_t *process);
/* headers: whole lines with CRLF, or "". */
void process_send(int fd, const char *method, const char *path, const char *headers, const char *body);
reply_t process_read(int fd); /* until its Content-Length, or the end of the stream */
reply_t process_ask(const process_t *process, const char *method, const char *path, const char *headers,
                    const char *body);
