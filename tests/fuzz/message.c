/* What a client posts to /mcp: header lines, an empty line, the body. The HTTP server is a fake that breaks
 * when a request is used after its end. Whatever comes, each request is answered once, in JSON-RPC with one
 * of the statuses that are documented, and no call or listen stays open: with calls that answer at once, with
 * calls that answer later (after they have asked, logged and reported), and with a client that goes first.
 */
#include <string.h>

#include "fuzz.h"
#include "../unit/http_fake.h"
#include "json_scan.h"
#include "listen.h"
#include "mem.h"
#include "server.h"

#define CALLS_MAX 100

typedef enum { AT_ONCE, LATER, GONE, WAYS } way_t;

typedef struct {
    way_t way;
    mcp_call_t *calls[CALLS_MAX];
    size_t call_count, ended;
    mcp_listen_t *listen;
} peer_t;

static int authenticate(void *self, http_request_t *http, principal_t **ret, err_t *err)
{
    (void)self, (void)http, (void)err;
    *ret = principal_new("ana", "demo", NULL, 0);
    return 0;
}

static void capabilities(void *self, const mcp_request_t *request, mcp_capabilities_t *ret)
{
    (void)self, (void)request;
    *ret = (mcp_capabilities_t){ true, true, true, true, true };
}

static int list(void *self, const mcp_request_t *request, mcp_kind_t kind, mcp_list_t *ret, err_t *err)
{
    (void)self, (void)request, (void)kind, (void)err;
    *ret = (mcp_list_t){ .items = SPAN("[]") };
    return 0;
}

static void finish(mcp_call_t *call)
{
    static const json_member_t members[] = {
        { SPAN("content"), SPAN("[]") },
        { SPAN("contents"), SPAN("[]") },
        { SPAN("messages"), SPAN("[]") },
        { SPAN("completion"), SPAN("{\"values\":[]}") },
    };

    mcp_call_result(call, members, COUNT_OF(members));
}

static void on_call(void *self, mcp_call_t *call)
{
    peer_t *peer = self;
    const mcp_request_t *request = mcp_call_request(call);

    MUST(request->act != MCP_NO_ACT && request->id.at && request->name.at);
    MUST(!memchr(request->name.at, '\0', request->name.length));
    if (peer->way == AT_ONCE) {
        finish(call);
    } else {
        MUST(peer->call_count < CALLS_MAX);
        peer->calls[peer->call_count++] = call;
    }
}

static void on_listen(void *self, mcp_listen_t *listen)
{
    peer_t *peer = self;

    MUST(!peer->listen);
    peer->listen = listen;
}

static void on_ended(void *self, const mcp_ended_t *ended)
{
    peer_t *peer = self;

    MUST(http_method(ended->request->http)); /* it still lives */
    peer->ended++;
}

static const mcp_handlers_t handlers = { .authenticate = authenticate,
                                         .capabilities = capabilities,
                                         .list = list,
                                         .call = on_call,
                                         .listen = on_listen,
                                         .ended = on_ended };

static void ignore_reply(void *self, const mcp_reply_t *reply)
{
    (void)self, (void)reply;
}

static void finish_later(peer_t *peer)
{
    for (size_t i = 0; i < peer->call_count; i++) {
        mcp_call_ask(peer->calls[i], SPAN("roots/list"), (span_t){ 0 }, ignore_reply, NULL);
        mcp_call_log(peer->calls[i], SPAN("error"), SPAN("{\"level\":\"error\",\"data\":1}"));
        mcp_call_progress(peer->calls[i], &(mcp_progress_t){ .progress = SPAN("1") });
        finish(peer->calls[i]);
    }
    if (peer->listen) {
        mcp_listen_changed(peer->listen, MCP_TOOLS);
        if (mcp_listen_uri_count(peer->listen) > 0) {
            mcp_listen_updated(peer->listen, mcp_listen_uri(peer->listen, 0));
        }
        mcp_listen_end(peer->listen);
    }
}

/* What is sent */

static void check_message(span_t message)
{
    enum { VERSION = 1, ID, METHOD, RESULT, ERROR };
    static const json_want_t wants[] = {
        { "jsonrpc", VERSION, NULL, false }, { "id", ID, NULL, false },
        { "method", METHOD, NULL, false },   { "result", RESULT, NULL, false },
        { "error", ERROR, NULL, false },     { 0 }
    };
    json_scan_t found;

    MUST(json_scan(message, wants, &found, NULL) == 0);
    MUST(scan_string_is(found.slots[VERSION], "2.0"));
    MUST(scan_kind(found.slots[ID]) != SCAN_NULL);
    MUST(!!found.slots[METHOD].at + !!found.slots[RESULT].at + !!found.slots[ERROR].at == 1);
}

static void check_body(span_t body)
{
    json_scan_t whole;

    MUST(json_scan(body, NULL, &whole, NULL) == 0);
    if (scan_kind(body) != SCAN_ARRAY) {
        check_message(body);
        return;
    }
    MUST(body.length > 2);
    for (span_t rest = body, item; scan_next_item(&rest, &item);) {
        check_message(item);
    }
}

static void check_events(const char *sent)
{
    for (const char *at = sent; (at = strstr(at, "data: "));) {
        size_t length = strcspn(at += 6, "\n");
        check_message((span_t){ at, length });
        at += length;
    }
}

static void check_sent(http_request_t *http)
{
    static const int statuses[] = { 200, 202, 400, 403, 404, 406, 415 };
    bool known = false;

    for (size_t i = 0; i < COUNT_OF(statuses); i++) {
        known = known || http->status == statuses[i];
    }
    MUST(http->over && known);
    MUST((http->status == 202) == (http->sent.length == 0));
    if (http->streaming) {
        check_events(fake_sent(http));
    } else if (http->sent.length > 0) {
        check_body(buf_span(&http->sent));
    }
}

/* What comes */

static span_t split(span_t input, buf_t *headers)
{
    const char *end = memmem(input.at, input.length, "\n\n", 2);
    span_t rest = { input.at, end ? (size_t)(end - input.at) + 1 : 0 };

    buf_add_text(headers, "Host: localhost\n");
    while (rest.length > 0) {
        size_t length = (size_t)((const char *)memchr(rest.at, '\n', rest.length) - rest.at) + 1;
        if (memchr(rest.at, ':', length) && !memchr(rest.at, '\0', length)) {
            buf_add(headers, rest.at, length);
        }
        rest = (span_t){ rest.at + length, rest.length - length };
    }
    return end ? (span_t){ end + 2, (size_t)(input.at + input.length - end - 2) } : input;
}

static void post(way_t way, const char *headers, span_t body, loop_t *loop)
{
    const mcp_options_t options = { .name = "fuzz", .version = "1", .loop = loop };
    peer_t peer = { .way = way };
    mcp_server_t *server = mcp_server_new(&handlers, &peer, &options);
    http_request_t *http = fake_request("POST", headers, body);

    mcp_server_handle(server, http);
    if (way == GONE && !http->over) {
        fake_hang_up(http);
    } else {
        finish_later(&peer);
        check_sent(http);
    }
    MUST(peer.ended > 0);
    fake_free(http);
    mcp_server_free(server); /* which asserts that nothing is open */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static loop_t *loop;
    AUTO_BUF headers = { 0 };
    span_t body = split((span_t){ (const char *)data, size }, &headers);

    loop = loop ? loop : loop_new();
    for (int way = 0; way < WAYS; way++) {
        post((way_t)way, buf_text(&headers), body, loop);
    }
    return 0;
}
