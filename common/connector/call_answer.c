/* What a tool says: its result, its failure, its progress. Here jansson values become the bytes that
 * common/mcp sends. */
#include "call_life.h"

#include <math.h>
#include <string.h>

/* The gateway takes replies of 8 MiB; some of it is the envelope. */
#define RESULT_MAX_BYTES ((size_t)8 * 1024 * 1024 - 65536)

static int add_bytes(const char *bytes, size_t length, void *out)
{
    buf_add(out, bytes, length);
    return 0;
}

int call_dump(const json_t *value, buf_t *out)
{
    return json_dump_callback(value, add_bytes, out,
                              JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

int call_check_size(size_t bytes, err_t *err)
{
    if (bytes > RESULT_MAX_BYTES) {
        return err_set(err, ERR_CALLER, "The result is larger than 8 MiB. Narrow the request.");
    }
    return 0;
}

json_t *call_number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static void add_text_block(buf_t *out, span_t text)
{
    buf_add_text(out, "[{\"type\":\"text\",\"text\":");
    buf_add_json_string(out, text);
    buf_add_text(out, "}]");
}

/* MCP 2026-07-28 server/tools "Structured Content": the value, and the same as text in the first content
 * block. */
static int render(const entry_t *entry, const json_t *structured, const char *text, buf_t *value,
                  buf_t *content, err_t *err)
{
    if (entry->kind != MCP_TOOLS || (!structured && (!text || entry->tool->result_schema))) {
        return err_set(err, ERR_INTERNAL,
                       "%s gave no result of its kind. This is a mistake in the connector.", entry->name);
    }
    if (structured && call_dump(structured, value) != 0) {
        return err_set(err, ERR_INTERNAL,
                       "The result of %s cannot be written as JSON. This is a mistake in the connector.",
                       entry->name);
    }
    add_text_block(content, text ? span_of(text) : buf_span(value));
    return call_check_size(value->length + content->length, err);
}

void call_end_with(call_t *call, const json_member_t *members, size_t count)
{
    mcp_call_t *mcp = call_end(call);

    if (mcp) {
        mcp_call_result(mcp, members, count);
    }
    call_release(call);
}

void call_finish(call_t *call, json_t *structured, const char *text)
{
    json_auto_t *owned = structured;
    AUTO_BUF value = { 0 };
    AUTO_BUF content = { 0 };
    err_t err;

    if (call_ended(call)) {
        return;
    }
    if (call->mcp && render(call->entry, owned, text, &value, &content, &err) != 0) {
        call_fail(call, &err);
        return;
    }
    const json_member_t members[] = { { SPAN("content"), buf_span(&content) },
                                      { SPAN("structuredContent"), buf_span(&value) } };
    call_end_with(call, members, owned ? 2 : 1);
}

void call_fail(call_t *call, const err_t *err)
{
    if (call_ended(call)) {
        return;
    }
    mcp_call_t *mcp = call_end(call);
    if (mcp) {
        mcp_call_error(mcp, err);
    }
    call_release(call);
}

void call_end_with_rpc_error(call_t *call, int code, const char *message, const char *data)
{
    AUTO_BUF text = { 0 };

    if (call_ended(call)) {
        return;
    }
    buf_add_json_string(&text, span_of(message));
    mcp_call_t *mcp = call_end(call);
    if (mcp) {
        mcp_call_rpc_error(mcp, &(mcp_rpc_error_t){ code, buf_span(&text), span_of(data) });
    }
    call_release(call);
}

void call_failf(call_t *call, err_kind_t kind, const char *format, ...)
{
    err_t err;
    va_list args;

    va_start(args, format);
    err_setv(&err, kind, format, args);
    va_end(args);
    call_fail(call, &err);
}

/* {"guiche/stage":"comparing","guiche/data":{...}} */
static void add_meta(buf_t *out, const char *stage, const json_t *data)
{
    size_t before;

    buf_add_text(out, "{\"guiche/stage\":");
    buf_add_json_string(out, span_of(stage ? stage : "processing"));
    buf_add_text(out, ",\"guiche/data\":");
    before = out->length;
    if (!data || call_dump(data, out) != 0) {
        out->length = before;
        buf_add_text(out, "{}");
    }
    buf_add_char(out, '}');
}

static void on_drained(void *self)
{
    call_t *call = self;

    call->choked = false;
}

static void look_at_waiting(call_t *call, size_t waiting_bytes)
{
    if (waiting_bytes > HTTP_STREAM_HIGH_BYTES) {
        call->choked = true;
        mcp_call_on_drained(call->mcp, on_drained, call);
    }
}

static void send_progress(call_t *call, const char *stage, double done, double total, const char *message,
                          const json_t *data)
{
    AUTO_BUF done_text = { 0 };
    AUTO_BUF total_text = { 0 };
    AUTO_BUF message_text = { 0 };
    AUTO_BUF meta = { 0 };

    buf_addf(&done_text, "%.15g", done);
    if (isfinite(total) && total > 0) {
        buf_addf(&total_text, "%.15g", total);
    }
    if (message) {
        buf_add_json_string(&message_text, span_of(message));
    }
    add_meta(&meta, stage, data);
    size_t waiting_bytes =
        mcp_call_progress(call->mcp, &(mcp_progress_t){ buf_span(&done_text), buf_span(&total_text),
                                                        buf_span(&message_text), buf_span(&meta) });
    look_at_waiting(call, waiting_bytes);
}

void call_progress(call_t *call, const char *stage, double done, double total, const char *message,
                   json_t *data)
{
    json_auto_t *owned = data;

    if (call_ended(call) || !call->mcp || !mcp_call_wants_progress(call->mcp)) {
        return;
    }
    call_extend(call);
    if (isfinite(done) && done > call->last_done && !call->choked) {
        call->last_done = done;
        send_progress(call, stage, done, total, message, owned);
    }
}

void call_log(call_t *call, const char *level, const char *logger, json_t *data)
{
    json_auto_t *params = json_pack("{s:s, s:s*, s:o}", "level", level, "logger", logger, "data", data);
    AUTO_BUF text = { 0 };

    if (!call_ended(call) && call->mcp && !call->choked && params && call_dump(params, &text) == 0) {
        look_at_waiting(call, mcp_call_log(call->mcp, span_of(level), buf_span(&text)));
    }
}
