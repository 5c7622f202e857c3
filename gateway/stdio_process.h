/* A server that the gateway runs itself (`command:` of a connector): started without a shell in a process
 * group of its own, spoken to by lines on its standard streams, and started again when it ends, after 0.5 s
 * and then ever later, up to 30 s; one that ran for a minute counts as healthy again. Its stderr goes to our
 * log.
 *
 * It gets PATH, HOME, LANG and TMPDIR of the gateway, what the configuration gives it, and no other variable:
 * the gateway's own secrets stay here. Main thread only, as SIGCHLD is told there.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "buf.h"
#include "config.h"
#include "loop.h"
#include "span.h"

typedef struct stdio_process stdio_process_t;

/* None comes from within a function below. The process may not be freed in one. */
typedef struct {
    void (*on_up)(void *self);
    void (*on_line)(void *self, span_t line);      /* borrowed while it runs; not blank */
    void (*on_long_line)(void *self, span_t line); /* it was longer than allowed, and this is its beginning */
    void (*on_down)(void *self);                   /* it ended, or could not be started */
    void (*on_stopped)(void *self);                /* after stdio_process_stop(): nothing of it is left */
} stdio_events_t;

/* `config` is copied. Started in the next turn of the loop. */
stdio_process_t *stdio_process_new(loop_t *loop, const connector_config_t *config, size_t max_line_bytes,
                                   const stdio_events_t *events, void *self);
void stdio_process_free(stdio_process_t *process); /* one that still runs is killed here and now */
void stdio_process_limit(stdio_process_t *process, size_t max_line_bytes);

bool stdio_process_is_up(const stdio_process_t *process);
/* Why it is not: "Its process ended with status 1; it is started again after 4 s." */
void stdio_process_trouble(const stdio_process_t *process, buf_t *out);

/* One message; its line break is added. false: it is not running, or leaves too much unread. */
bool stdio_process_write(stdio_process_t *process, span_t message);
/* A line that it wrote, for the log (stdio_log.h). */
void stdio_process_log(stdio_process_t *process, const char *message, span_t line);

/* Closes its input; after 2 s it gets SIGTERM, after 2 more SIGKILL, each with its whole process group. */
void stdio_process_stop(stdio_process_t *process);
