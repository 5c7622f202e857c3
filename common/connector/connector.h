/* The connector runtime: a connector is a table, a tool is a file that opens with its declaration, and
 * everything else (HTTP, MCP in both eras, tokens, limits, metrics, deadlines, --help) is here, once.
 *
 *     static const tool_t *const tools[] = { &create_ticket_tool, &find_tickets_tool, NULL };
 *     static const connector_t helpdesk = { .name = "helpdesk", .tools = tools, ... };
 *     int main(int argc, char **argv) { return connector_main(&helpdesk, argc, argv); }
 *
 * Environment of every connector: LISTEN, HOP_KEY, ENVIRONMENT, LOG_LEVEL, CALL_TIMEOUT, HELPERS.
 * Options: --help, --version, --env-example, --markdown, --no-auth TENANT, --address-file PATH, and the
 * connector's own verbs.
 * A start that fails is one sentence on stderr; the exit code is 2 when the command line or the environment
 * is wrong, else 1.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <jansson.h>

#include "err.h"
#include "fields.h"
#include "loop.h"
#include "mem.h"
#include "pool.h"
#include "principal.h"

typedef struct call call_t; /* one tools/call, from the first step to its answer */

typedef struct {
    const char *name;        /* own name: create_ticket */
    const char *title;       /* for people; NULL: none */
    const char *description; /* for the model: what it does, when to use it, what it returns */
    const field_t *args;     /* NULL: takes none */
    size_t args_size;
    const char *result_schema; /* outputSchema, JSON text of an object schema; NULL: none */
    bool read_only, destructive, idempotent, open_world; /* annotations; the truth */
    bool streams;                                        /* reports progress (guiche/streams) */
    int64_t timeout_ms;                                  /* 0: CALL_TIMEOUT */
    void (*run)(call_t *call, const void *args); /* args: the decoded struct, lives as long as the call */
} tool_t;

typedef struct runtime runtime_t;

typedef struct connector {
    const char *name;           /* "crm": process mcp-crm, metrics label, token audience */
    const char *title;          /* "CRM and BI" */
    const char *instructions;   /* for the model, about all tools; or NULL */
    const tool_t *const *tools; /* NULL-ended */
    const field_t *settings;    /* rows with .env; NULL: none */
    size_t settings_size;
    /* Once, before the first call. NULL with *err: the process ends with that sentence (ERR_CALLER: a setting
     * is wrong). settings live as long as the process. NULL: no state. */
    void *(*open)(runtime_t *runtime, const void *settings, err_t *err);
    /* At the end, when no call is open and no probe is out; but a stop that has waited 5 s for them goes on
     * without: what `state` lends to a helper thread must be waited for or counted. */
    void (*close)(void *state);
    /* Asks whether the upstream answers; calls runtime_ready() when it knows. At start, then every 30 s,
     * every 2 s while it does not. NULL: always ready. */
    void (*probe)(void *state, runtime_t *runtime);
    /* Verbs of its own: called instead of serving when argv[1] is --VERB. argv[0] is then "--VERB" and the
     * rest follows. Returns the exit code. */
    const struct connector_verb *verbs; /* ended by a NULL name */
    const char *usual_prefix;           /* "crm_" */
    /* One line for people at start, e.g. "SQLite, demo data". NULL: none. Also in GET /ready as "about". */
    const char *(*about)(void *state);
} connector_t;

typedef struct connector_verb {
    const char *name; /* "migrate": --migrate */
    const char *doc;
    int (*run)(const void *settings, int argc, char **argv);
} connector_verb_t;

int connector_main(const connector_t *connector, int argc, char **argv);

loop_t *runtime_loop(runtime_t *runtime);
pool_t *runtime_pool(runtime_t *runtime);
bool runtime_is_production(const runtime_t *runtime);
void runtime_ready(runtime_t *runtime, const err_t *err); /* NULL: the upstream answers and accepts us */

/* What a tool sees of its call. */
void *call_state(const call_t *call); /* what open() returned */
const void *call_settings(const call_t *call);
const principal_t *call_principal(const call_t *call);
const char *call_tenant(const call_t *call);
const char *call_id(const call_t *call);  /* request id, for logs */
int64_t call_left_ms(const call_t *call); /* until its deadline; 0: passed */
/* A header the gateway forwarded for this connector (a user's own upstream token); NULL when absent. Never
 * log it. */
const char *call_header(call_t *call, const char *name);

/* Memory that lives as long as the call. */
void *call_alloc(call_t *call, size_t size); /* zeroed */
char *call_printf(call_t *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void *call_own(call_t *call, void *p, void (*free_fn)(void *)); /* freed with the call; returns p */
#define CALL_NEW(call, type) ((type *)call_alloc(call, sizeof(type)))

/* The ends. Exactly one, exactly once; nothing may be done with the call afterwards. `structured` is stolen
 * and becomes structuredContent; `text` is what a model reads (NULL: the structured value as JSON). Both NULL
 * (a json_pack() that failed) and a missing `structured` where a result_schema promises one are answered as
 * our own fault. */
void call_finish(call_t *call, json_t *structured, const char *text);
void call_fail(call_t *call, const err_t *err);
void call_failf(call_t *call, err_kind_t kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

json_t *call_number(double value); /* a JSON number; null when it is NaN or infinite, which JSON cannot say */

/* Progress, sent only when the caller asked for it; gives the call its time again (120 s in all). stage:
 * starting, processing, analyzing, comparing. `done` must grow from event to event: one that does not is not
 * sent (MCP 2026-07-28 basic/patterns/progress), nor is one while too much of what was sent has not been
 * read. total 0: unknown. data: stolen object or NULL. */
void call_progress(call_t *call, const char *stage, double done, double total, const char *message,
                   json_t *data);

/* For those who write operations (a database, a client of an upstream). An operation holds the call while it
 * runs, so that its memory stays; when the call has ended meanwhile (client gone, deadline) it does not call
 * back.
 *
 *     call_hold(call);                    the operation starts
 *     ...
 *     if (!call_ended(call)) cb(...);     it is over
 *     call_release(call);
 */
void call_hold(call_t *call);
void call_release(call_t *call);
bool call_ended(const call_t *call);
/* Told once when the call is cancelled or its deadline passes while it is still open: stop the work. NULL
 * removes it. One at a time: an operation sets it when it starts and removes it when it is over. */
void call_on_cancel(call_t *call, void (*cancel)(void *self), void *self);
/* work(job) on a helper thread, then done(job) on the loop. Once the call has ended, work that has not begun
 * is left out and done is not called. dispose (or NULL) runs on the loop in any case, last. When too much
 * waits already, the call fails. */
void call_offload(call_t *call, pool_f work, pool_f done, pool_f dispose, void *job);
/* After the current step; not at all once the call has ended. */
void call_defer(call_t *call, loop_f fn, void *self);
