/* get_reload: the state of one reload, with the end of its log. */
#include <string.h>

#include "cloud.h"
#include "reload.h"

#define MAX_LOG_BYTES 4000

typedef struct {
    const char *reload_id;
} args_t;

static const field_t args[] = {
    FIELD(args_t, reload_id, .required = true, .doc = "From reload_app or list_reloads."),
    { 0 },
};

static void get_reload(call_t *call, const void *decoded);
static void on_reload(void *self, const json_t *reload, const err_t *err);

const tool_t get_reload_tool = {
    .name = "get_reload",
    .title = "Get a reload",
    .description = "How a reload is doing: status QUEUED, RELOADING or CANCELING while it runs, then "
                   "SUCCEEDED, FAILED, CANCELED or EXCEEDED_LIMIT (finished is true), with times, the reason "
                   "of a failure and the end of the log.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = RELOAD_SCHEMA,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_reload,
};

static void get_reload(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const char *path = cloud_path(call, CLOUD_RELOADS "/", "reload_id", a->reload_id, "");

    if (path) {
        cloud_get(call, path, on_reload, call);
    }
}

/* The next line; in a log that is one long line the next character. */
static const char *start_of_end(const char *log)
{
    const char *newline = strchr(log, '\n');

    if (newline && newline[1] != '\0') {
        return newline + 1;
    }
    while (((unsigned char)*log & 0xc0) == 0x80) {
        log++;
    }
    return log;
}

/* Failures stand at the end of a log, so the end is what is kept. */
static void add_log(json_t *answer, buf_t *text, const char *log)
{
    size_t length = strlen(log);
    const char *from = log;

    if (length > MAX_LOG_BYTES) {
        from = start_of_end(log + length - MAX_LOG_BYTES);
        json_object_set_new(answer, "log_cut", json_true());
    }
    json_object_set_new(answer, "log", json_string(from));
    buf_addf(text, "\nLog%s:\n%s",
             from == log ? "" : " (its end; the whole of it is in Qlik's reload history)", from);
}

static void on_reload(void *self, const json_t *reload, const err_t *err)
{
    call_t *call = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(call, err);
        return;
    }
    if (!reload_is_one(reload)) {
        call_failf(call, ERR_UPSTREAM, "Qlik answered without the reload. Trying again is safe.");
        return;
    }
    json_t *answer = reload_answer(reload, &text);
    const char *log = answer_text(reload, "log");
    if (log && *log) {
        add_log(answer, &text, log);
    }
    call_finish_text(call, answer, &text);
}
