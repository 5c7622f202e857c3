/* See reload.h. */
#include "reload.h"

#include <string.h>

#include "mem.h"

#define MAX_REASON_BYTES 300

const pick_t reload_picks[] = {
    { "reload_id", "id", PICK_TEXT },
    { "app_id", "appId", PICK_TEXT },
    { "status", "status", PICK_TEXT },
    { "partial", "partial", PICK_BOOL },
    { "created_at", "creationTime", PICK_TEXT },
    { "started_at", "startTime", PICK_TEXT },
    { "ended_at", "endTime", PICK_TEXT },
    { "error_code", "errorCode", PICK_TEXT },
    { "error", "errorMessage", PICK_TEXT },
    { 0 },
};

bool reload_is_one(const json_t *reload)
{
    const char *id = answer_text(reload, "id");

    return id && *id;
}

reload_end_t reload_end(const json_t *reload)
{
    static const char *const bad[] = { "FAILED", "CANCELED", "EXCEEDED_LIMIT" };
    const char *status = answer_text(reload, "status");

    for (size_t i = 0; status && i < COUNT_OF(bad); i++) {
        if (strcmp(status, bad[i]) == 0) {
            return RELOAD_ENDED_BADLY;
        }
    }
    return status && strcmp(status, "SUCCEEDED") == 0 ? RELOAD_SUCCEEDED : RELOAD_RUNNING;
}

static span_t next_line(span_t *rest)
{
    const char *end = memchr(rest->at, '\n', rest->length);
    span_t line = { rest->at, end ? (size_t)(end - rest->at) : rest->length };
    size_t used = line.length + (end ? 1 : 0);

    *rest = (span_t){ rest->at + used, rest->length - used };
    if (line.length > 0 && line.at[line.length - 1] == '\r') {
        line.length--;
    }
    return span_trim(line);
}

/* The last line with "error" in it, as a script goes on after the first ones; else the last one. */
static span_t telling_line(span_t log)
{
    span_t error = { 0 }, last = { 0 };

    while (log.length > 0) {
        span_t line = next_line(&log);
        if (line.length == 0) {
            continue;
        }
        last = line;
        AUTO(mem_free) char *words = mem_strndup(line.at, line.length);
        if (strcasestr(words, "error")) {
            error = line;
        }
    }
    return error.at ? error : last;
}

void reload_add_reason(buf_t *text, const json_t *reload)
{
    const json_t *log = json_object_get(reload, "log");
    span_t line = telling_line((span_t){ json_string_value(log), json_string_length(log) });
    const char *message = answer_text(reload, "errorMessage");

    if (message && *message) {
        answer_add_cut(text, message, MAX_REASON_BYTES);
    }
    if (line.at) {
        AUTO(mem_free) char *words = mem_strndup(line.at, line.length);
        bool is_first = text->length == 0;
        buf_add_text(text, is_first ? "" : " (log: ");
        answer_add_cut(text, words, MAX_REASON_BYTES);
        buf_add_text(text, is_first ? "" : ")");
    }
}

json_t *reload_answer(const json_t *reload, buf_t *text)
{
    json_t *answer = answer_pick(reload, reload_picks);
    reload_end_t end = reload_end(reload);

    json_object_set_new(answer, "finished", json_boolean(end != RELOAD_RUNNING));
    buf_add_text(text, "Reload: ");
    answer_add_line(text, answer);
    if (end == RELOAD_ENDED_BADLY) {
        AUTO_BUF reason = { 0 };
        reload_add_reason(&reason, reload);
        json_object_set_new(answer, "reason", json_string(buf_text(&reason)));
        buf_addf(text, ". Reason: %s", reason.length > 0 ? buf_text(&reason) : "Qlik did not say.");
    }
    return answer;
}
