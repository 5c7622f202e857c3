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

#include "eras.h"
#include "err.h"
#include "fields.h"
#include "loop.h"
#include "mem.h"
#include "pool.h"
#include "principal.h"

/* One tools/call, resources/read, prompts/get or completion/complete, from the first step to its answer. */
typedef struct call call_t;

typedef struct {
    const char *name;        /* own name: create_ticket */
    const char *title;       /* for people; NULL: none */
    const char *description; /* for the model: what it does, when to use it, what it returns */
    const field_t *args;     /* NULL: takes none */
    size_t args_size;
    /* Instead of args, for what rows cannot say: the whole inputSchema as JSON text. What comes is then the
     * tool's own to check; it finds it by call_arguments(). */
    const char *input_schema;
    const char *result_schema; /* outputSchema, JSON text of an object schema; NULL: none */
    bool read_only, destructive, idempotent, open_world; /* annotations; the truth */
    bool streams;                                        /* reports progress (guiche/streams) */
    int64_t timeout_ms;                                  /* 0: CALL_TIMEOUT */
    void (*run)(call_t *call, const void *args); /* args: the decoded struct, lives as long as the call */
} tool_t;

/* Something to read that has an address of its own. */
typedef struct {
    const char *uri;                 /* "odoo://models" */
    const char *name;                /* short, for lists */
    const char *title, *description; /* NULL: none */
    const char *mime_type;           /* NULL: not said */
    int64_t ttl_ms;                  /* how long a reader may keep it; 0: not at all */
    bool is_public;                  /* the same for everyone: what one read may be shown to another */
    void (*read)(call_t *call);      /* ends in call_finish_resource() or call_finish_blob() */
} resource_t;

/* What is being typed, for completion/complete. */
typedef struct {
    const char *argument; /* of the prompt, or variable of the template: one of its rows */
    const char *value;    /* what of it there is so far; may be empty, is never longer than the row allows */
    const json_t *known;  /* the others that are settled, name to string; NULL: none are told */
} completion_t;

/* Resources of one kind: each variable of the address is a row. */
typedef struct {
    const char *uri_template; /* "odoo://model/{model}/fields": RFC 6570 level 1, no two variables adjacent */
    const char *name, *title, *description, *mime_type;
    const field_t *vars; /* strings */
    size_t vars_size;
    void (*read)(call_t *call, const void *vars);              /* decoded, percent-coding resolved */
    void (*complete)(call_t *call, const completion_t *asked); /* NULL: nothing is suggested */
} resource_template_t;

/* Messages that people pick to begin with. */
typedef struct {
    const char *name, *title, *description;
    const field_t *args; /* strings; NULL: takes none */
    size_t args_size;
    void (*get)(call_t *call, const void *args); /* ends in call_finish_prompt() */
    void (*complete)(call_t *call, const completion_t *asked);
} prompt_t;

/* JSON written as JSON: .result_schema = STRINGIZE({"type": "object"}). (The name is one that clang-format
 * leaves alone.) */
#define STRINGIZE(...) #__VA_ARGS__

typedef struct runtime runtime_t;

typedef struct connector {
    const char *name;           /* "crm": process mcp-crm, metrics label, token audience */
    const char *title;          /* "CRM and BI" */
    const char *instructions;   /* for the model, about all tools; or NULL */
    const tool_t *const *tools; /* NULL-ended, as the lists below; NULL: none */
    const resource_t *const *resources;
    const resource_template_t *const *templates;
    const prompt_t *const *prompts;
    bool logs; /* uses call_log() */
    /* Asked once, at start: whether a tool is offered with these settings (a read-only mode). One that is not
     * is unknown to callers. NULL: all are. */
    bool (*offers)(const void *settings, const tool_t *tool);
    const field_t *settings; /* rows with .env; NULL: none */
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
/* Tells all who listen for it (MCP 2026-07-28 subscriptions/listen) that a list has changed, or what a
 * resource says. Whoever knows the URI may listen, of any tenant: the URI itself must be no secret. */
void runtime_list_changed(runtime_t *runtime, mcp_kind_t kind);
void runtime_resource_updated(runtime_t *runtime, const char *uri);

/* What a tool, resource or prompt sees of its call. */
void *call_state(const call_t *call); /* what open() returned */
const void *call_settings(const call_t *call);
const principal_t *call_principal(const call_t *call);
const char *call_tenant(const call_t *call);
const char *call_id(const call_t *call);          /* request id, for logs */
const char *call_uri(const call_t *call);         /* of what is read, as the caller wrote it; else NULL */
const json_t *call_arguments(const call_t *call); /* the object that was decoded; never NULL */
int64_t call_left_ms(const call_t *call);         /* until its deadline; 0: passed */
/* The upstream could not be reached, or refused the service account: its probe asks now instead of at its
 * next turn, so that GET /ready follows what calls meet. */
void call_doubts_upstream(const call_t *call);
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
/* The same, with the text in a buffer, which is empty then. */
static inline void call_finish_text(call_t *call, json_t *structured, buf_t *text)
{
    call_finish(call, structured, (const char *)call_own(call, buf_steal(text), mem_free));
}
/* Blocks of any kind (content.h), stolen. structured: stolen, or NULL where there is no result_schema. */
void call_finish_content(call_t *call, json_t *content, json_t *structured);
/* A failure that says more than a sentence does: isError with these blocks, stolen. */
void call_finish_error_content(call_t *call, json_t *content);
/* The ends of resources and prompts. mime_type NULL: as declared. */
void call_finish_resource(call_t *call, const char *mime_type, const char *text);
void call_finish_blob(call_t *call, const char *mime_type, const void *bytes, size_t length);
/* messages: an array of content_message(), stolen. description NULL: none. */
void call_finish_prompt(call_t *call, const char *description, json_t *messages);
/* total: of all that fit, -1: not known. At most 100 values are sent; of more, the first. */
void call_finish_completion(call_t *call, const char *const *values, size_t count, int64_t total,
                            bool has_more);
void call_fail(call_t *call, const err_t *err);
void call_failf(call_t *call, err_kind_t kind, const char *format, ...) __attribute__((format(printf, 3, 4)));

json_t *call_number(double value); /* a JSON number; null when it is NaN or infinite, which JSON cannot say */

/* Progress, sent only when the caller asked for it; gives the call its time again (120 s in all). stage:
 * starting, processing, analyzing, comparing. `done` must grow from event to event: one that does not is not
 * sent (MCP 2026-07-28 basic/patterns/progress), nor is one while too much of what was sent has not been
 * read. total 0: unknown. data: stolen object or NULL. */
void call_progress(call_t *call, const char *stage, double done, double total, const char *message,
                   json_t *data);

/* A log message for who called, not for our own log: level is one of debug, info, notice, warning, error,
 * critical, alert, emergency; logger a name or NULL; data any JSON, stolen. It goes to a caller who asked for
 * that level. Never a secret. The connector must say .logs. */
void call_log(call_t *call, const char *level, const char *logger, json_t *data);

/* Asking the person in front (tools, resources and prompts; not completions). It takes another round: the
 * tool says what it wants to know and ends there, and its run function is called again, from the top, with
 * the answers.
 *
 *     const json_t *name = call_input(call, "name");
 *     if (!name) {
 *         call_ask_input(call, json_pack("{s:o}", "name", input_elicitation("Who?", schema)), NULL);
 *         return;
 *     }
 *
 * Between the rounds nothing is kept here, not even the process: what the tool must remember is `state`, any
 * JSON. It travels sealed through the client, holds for 10 minutes and for this principal, tool and arguments
 * only, and is refused when it was touched. It may be played back within that time: what must happen once is
 * checked where it happens. Source: MCP 2026-07-28 basic/patterns/mrtr; a legacy client is asked in mid-call
 * (sampling/createMessage, elicitation/create, roots/list), which the tool does not see. */
/* Ends this round. requests: {key: input_elicitation() and the like}, stolen, NULL: only come back. state:
 * stolen, or NULL. A client that cannot be asked is told so, as by call_require(). */
void call_ask_input(call_t *call, json_t *requests, json_t *state);
/* What was answered under that key: an object, see input.h; NULL: nothing yet. */
const json_t *call_input(const call_t *call, const char *key);
const json_t *call_round_state(const call_t *call); /* what the round before left; NULL: this is the first */
/* Whether the client can be asked: "elicitation" (by a form), "sampling", "roots". */
bool call_can_ask(const call_t *call, const char *capability);
/* The same; when it cannot, the call fails with the error that says so, and `false` is returned. */
bool call_require(call_t *call, const char *capability);

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
