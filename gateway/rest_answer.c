/* See rest_answer.h. */
#include "rest_answer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "clock.h"
#include "errors.h"
#include "mem.h"

bool rest_is_error(const json_member_t *members, size_t count)
{
    return scan_is_true(scan_find(members, count, "isError"));
}

/* All text blocks, a line each. */
static void add_text(buf_t *out, span_t content)
{
    if (scan_kind(content) != SCAN_ARRAY) {
        return;
    }
    for (span_t rest = content, block; scan_next_item(&rest, &block);) {
        span_t text = scan_kind(block) == SCAN_OBJECT ? scan_member(block, "text") : (span_t){ 0 };
        if (text.at && scan_string_is(scan_member(block, "type"), "text")) {
            if (out->length > 0) {
                buf_add_char(out, '\n');
            }
            scan_string(text, out);
        }
    }
}

void rest_result_error(const json_member_t *members, size_t count, err_t *ret)
{
    span_t meta = scan_find(members, count, "_meta");
    AUTO_BUF text = { 0 };
    AUTO_BUF name = { 0 };

    add_text(&text, scan_find(members, count, "content"));
    if (scan_kind(meta) == SCAN_OBJECT) {
        scan_string(scan_member(meta, "guiche/kind"), &name);
    }
    int kind = err_from_name(buf_text(&name));
    err_set(ret, kind < 0 ? ERR_UPSTREAM : (err_kind_t)kind, "%s",
            text.length > 0 ? buf_text(&text) : "The tool failed and did not say why.");
}

void rest_rpc_error(const mcp_rpc_error_t *error, err_t *ret)
{
    AUTO_BUF text = { 0 };

    scan_string(error->message, &text);
    err_set(ret, error->code == RPC_INVALID_PARAMS ? ERR_CALLER : ERR_UPSTREAM, "%s",
            text.length > 0 ? buf_text(&text)
                            : "The connector answered with an error and did not say which.");
}

void rest_result(buf_t *out, const json_member_t *members, size_t count)
{
    span_t structured = scan_find(members, count, "structuredContent");
    AUTO_BUF text = { 0 };

    if (structured.at && scan_kind(structured) != SCAN_NULL) {
        buf_add_span(out, structured);
        return;
    }
    add_text(&text, scan_find(members, count, "content"));
    buf_add_json_string(out, buf_span(&text));
}

const char *rest_code(err_kind_t kind)
{
    return kind == ERR_UNKNOWN ? "not_found" : err_name(kind);
}

static void add_progress(buf_t *out, double progress)
{
    if (progress >= 0) {
        buf_addf(out, "%.4g", progress);
    } else {
        buf_add_text(out, "null");
    }
}

void rest_event(buf_t *out, const rest_event_t *event, int64_t unix_ms)
{
    char time[CLOCK_ISO_SIZE];

    buf_addf(out, "{\"type\":\"%s\",\"stage\":\"%s\",\"progress\":", event->type, event->stage);
    add_progress(out, event->progress);
    buf_add_text(out, ",\"message\":");
    buf_add_span(out, event->message.at ? event->message : SPAN("\"\""));
    buf_add_text(out, ",\"data\":");
    buf_add_span(out, event->data.at ? event->data : SPAN("{}"));
    buf_addf(out, ",\"timestamp\":\"%s\"}", clock_iso(unix_ms, time));
}

static double number(span_t text)
{
    char copy[64];

    if (text.length == 0 || text.length >= sizeof(copy)) {
        return NAN;
    }
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return strtod(copy, NULL);
}

static double share(span_t done, span_t total)
{
    double of = number(total), part = number(done) / of;

    if (!(of > 0) || !isfinite(part)) {
        return -1;
    }
    return part < 0 ? 0 : part > 1 ? 1 : part;
}

void rest_progress(const mcp_progress_t *progress, rest_event_t *ret)
{
    static const char *const stages[] = { "starting", "processing", "analyzing", "comparing" };
    span_t stage = { 0 }, data = { 0 };

    if (progress->meta.at) {
        stage = scan_member(progress->meta, "guiche/stage");
        data = scan_member(progress->meta, "guiche/data");
    }
    *ret = (rest_event_t){
        .type = "progress",
        .stage = "processing",
        .progress = share(progress->progress, progress->total),
        .message = progress->message,
        .data = scan_kind(data) == SCAN_OBJECT ? data : (span_t){ 0 },
    };
    for (size_t i = 0; i < COUNT_OF(stages); i++) {
        if (scan_string_is(stage, stages[i])) {
            ret->stage = stages[i];
        }
    }
}

static bool is_empty_object(span_t object)
{
    json_member_t member;

    return !scan_next_member(&object, &member);
}

/* The object's own bytes, reopened at its closing brace. A result that has a key `result` keeps its own. */
void rest_done_data(buf_t *out, span_t result)
{
    if (scan_kind(result) != SCAN_OBJECT || is_empty_object(result)) {
        buf_add_text(out, "{\"result\":");
        buf_add_span(out, result);
        buf_add_char(out, '}');
        return;
    }
    while (result.at[result.length - 1] != '}') {
        result.length--;
    }
    if (scan_member(result, "result").at) {
        buf_add_span(out, result);
        return;
    }
    buf_add(out, result.at, result.length - 1);
    buf_add_text(out, ",\"result\":");
    buf_add_span(out, result);
    buf_add_char(out, '}');
}
