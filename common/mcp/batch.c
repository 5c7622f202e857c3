/* A JSON-RPC batch, which revision 2025-03-26 has and no other (basic "Batching"): an array of messages in,
 * an array of answers out, in the order in which they were ready. Each element goes its own way as if it had
 * come alone, all at once, and is told to `ended` for itself; only what would be sent is collected here.
 * There is no stream in a batch, so progress and log messages are dropped and nothing can be asked.
 */
#include "server_private.h"

#include "envelope.h"
#include "errors.h"
#include "json_bytes.h"
#include "mem.h"
#include "meta_keys.h"

#define MAX_MESSAGES 100
#define MAX_ANSWER_BYTES ((size_t)32 * 1024 * 1024) /* of all together */

struct mcp_batch {
    http_request_t *http;
    struct batch_calls calls; /* that are open */
    size_t pending;           /* elements without an answer; one more while they are being started */
    bool gone;
    buf_t out;
};

static void batch_free(mcp_batch_t *batch)
{
    buf_free(&batch->out);
    mem_free(batch);
}

/* While the calls are told, one may answer for another: what it says is not sent any more. */
static void on_hang_up(void *self)
{
    mcp_batch_t *batch = self;
    mcp_call_t *call;

    batch->gone = true;
    while ((call = LIST_FIRST(&batch->calls))) {
        mcp_call_hang_up(call);
    }
    batch_free(batch);
}

/* All notifications and responses: 202 (2025-03-26 basic/transports "Sending Messages to the Server"). */
static void finish(mcp_batch_t *batch)
{
    mcp_sink_t to = { .http = batch->http };
    bool empty = batch->out.length == 0;

    if (!empty) {
        buf_add_char(&batch->out, ']');
    }
    http_on_gone(batch->http, NULL, NULL);
    mcp_server_send(&to, empty ? 202 : 200, &batch->out);
    batch_free(batch);
}

static void settle(mcp_batch_t *batch)
{
    if (--batch->pending == 0 && !batch->gone) {
        finish(batch);
    }
}

void mcp_batch_take(mcp_batch_t *batch, span_t id, buf_t *answer)
{
    if (answer->length == 0) {
        settle(batch);
        return;
    }
    buf_add_char(&batch->out, batch->out.length == 0 ? '[' : ',');
    if (batch->out.length + answer->length > MAX_ANSWER_BYTES) {
        envelope_error(&batch->out, id, RPC_INTERNAL_ERROR,
                       "The answers of this batch are too large together. Send this message alone.",
                       (span_t){ 0 });
    } else {
        buf_add_span(&batch->out, buf_span(answer));
    }
    settle(batch);
}

void mcp_batch_add_call(mcp_batch_t *batch, mcp_call_t *call)
{
    LIST_INSERT_HEAD(&batch->calls, call, batch_link);
}

/* Every element is looked at before any is run. */
static int check_elements(span_t array, err_t *err)
{
    size_t count = 0;
    span_t item;

    for (span_t rest = array; count <= MAX_MESSAGES && scan_next_item(&rest, &item); count++) {
        if (scan_member(scan_member(scan_member(item, "params"), "_meta"), META_VERSION).at) {
            return err_set(err, ERR_PROTOCOL, "A request of revision 2026-07-28 cannot be part of a batch.");
        }
    }
    if (count == 0) {
        return err_set(err, ERR_PROTOCOL, "The batch is empty.");
    }
    return count <= MAX_MESSAGES ? 0 : err_set(err, ERR_PROTOCOL, "A batch has at most 100 messages.");
}

/* 2025-03-26 basic "Batching"; 2025-06-18 has done away with it. */
static int check(const http_request_t *http, span_t array, err_t *err)
{
    size_t count;
    span_t version = http_header(http, "MCP-Protocol-Version", &count);

    if (count > 1 || (count == 1 && !span_is(version, mcp_revision_name(MCP_2025_03_26)))) {
        return err_set(err, ERR_PROTOCOL,
                       "Only revision 2025-03-26 has JSON-RPC batches: send one message per request.");
    }
    return check_elements(array, err);
}

static void run(mcp_batch_t *batch, mcp_server_t *server, const message_t *message, span_t array)
{
    span_t item;

    for (span_t rest = array; scan_next_item(&rest, &item);) {
        message_t element = { .body = item, .batch = batch };
        element.request.http = message->request.http;
        element.request.principal = message->request.principal;
        batch->pending++;
        mcp_server_take(server, &element);
        message_release(&element);
    }
}

void mcp_batch_begin(mcp_server_t *server, message_t *message)
{
    const char *end = message->body.at + message->body.length;
    const char *bracket = json_skip_space(message->body.at, end);
    span_t array = { bracket, (size_t)(end - bracket) };
    err_t err;

    message->request.revision = MCP_2025_03_26;
    if (check(message->request.http, array, &err)) {
        mcp_server_refuse(server, message, 0, &err);
        return;
    }
    mcp_batch_t *batch = NEW(mcp_batch_t);
    batch->http = message->request.http;
    batch->pending = 1;
    LIST_INIT(&batch->calls);
    http_on_gone(batch->http, on_hang_up, batch);
    run(batch, server, message, array);
    settle(batch);
}
