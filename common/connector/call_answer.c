/* What a tool says: its result, its failure, its progress. Here jansson values become the bytes that
 * common/mcp sends. */
#include "call_life.h"

#include <math.h>
#include <string.h>

/* The gateway takes replies of 8 MiB; some of it is the envelope. */
#define RESULT_MAX_BYTES ((size_t)8 * 1024 * 1024 - 65536)
#define RESULT_MEMBERS 2

static int add_bytes(const char *bytes, size_t length, void *out)
{
    buf_add(out, bytes, length);
    return 0;
}

/* 15 digits and not 17: 0.1 stays 0.1 for the model that reads it, as does any decimal of so many digits. */
static int dump(const json_t *value, buf_t *out)
{
    return json_dump_callback(value, add_bytes, out,
                              JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
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
static int render(const tool_t *tool, const json_t *structured, const char *text, buf_t *value,
                  buf_t *content, err_t *err)
{
    if (!structured && (!text || tool->result_schema)) {
        return err_set(err, ERR_INTERNAL, "The tool %s gave no result. This is a mistake in the connector.",
                       tool->name);
    }
    if (structured && dump(structured, value) != 0) {
        return err_set(err, ERR_INTERNAL,
                       "The result of %s cannot be written as JSON. This is a mistake in the connector.",
                       tool->name);
    }
    add_text_block(content, text ? span_of(text) : buf_span(value));
    if (value->length + content->length > RESULT_MAX_BYTES) {
        return err_set(err, ERR_CALLER, "The result is larger than 8 MiB. Narrow the request.");
    }
    return 0;
}

void call_finish(call_t *call, json_t *structured, const char *text)
{
    json_auto_t *owned = structured;
    AUTO_BUF value = { 0 };
    AUTO_BUF content = { 0 };
    json_member_t members[RESULT_MEMBERS];
    size_t count = 0;
    err_t err;

    if (call_ended(call)) {
        return;
    }
    if (call->mcp && render(call->tool, owned, text, &value, &content, &err) != 0) {
        call_fail(call, &err);
        return;
    }
    members[count++] = (json_member_t){ SPAN("content"), buf_span(&content) };
    if (owned) {
        members[count++] = (json_member_t){ SPAN("structuredContent"), buf_span(&value) };
    }
    mcp_call_t *mcp = call_end(call);
    if (mcp) {
        mcp_call_result(mcp, members, count);
    }
    call_release(call);
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
    if (!data || dump(data, out) != 0) {
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
    if (waiting_bytes > HTTP_STREAM_HIGH_BYTES) {
        call->choked = true;
        mcp_call_on_drained(call->mcp, on_drained, call);
    }
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
