/* See mcp_fixture.h. */
#include "mcp_fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "mem.h"

fixture_t fixture;

static int authenticate(void *self, http_request_t *request, principal_t **ret, err_t *err)
{
    fixture_t *f = self;

    if (f->refuse.text[0]) {
        http_add_header(request, "WWW-Authenticate", "Bearer");
        *err = f->refuse;
        return -1;
    }
    *ret = principal_new(f->subject, "demo", NULL, 0);
    return 0;
}

static void capabilities(void *self, const mcp_request_t *request, mcp_capabilities_t *ret)
{
    fixture_t *f = self;

    (void)request;
    *ret = f->offers;
}

static int list(void *self, const mcp_request_t *request, mcp_kind_t kind, mcp_list_t *ret, err_t *err)
{
    fixture_t *f = self;

    (void)kind;

    if (f->list_error.text[0]) {
        *err = f->list_error;
        return -1;
    }
    f->listed_as = mcp_shape(request->revision);
    *ret = f->list;
    return 0;
}

static void call(void *self, mcp_call_t *call)
{
    fixture_t *f = self;

    if (f->call) {
        f->call(call);
    } else {
        f->open_call = call;
    }
}

static int admit(void *self, mcp_listen_t *listen, err_t *err)
{
    fixture_t *f = self;

    return f->admit ? f->admit(listen, err) : 0;
}

static void listen(void *self, mcp_listen_t *listen)
{
    fixture_t *f = self;

    f->open_listen = listen;
}

static void answered(void *self, const principal_t *principal, span_t message)
{
    fixture_t *f = self;

    f->answered++;
    snprintf(f->answered_text, sizeof(f->answered_text), "%.*s", SPAN_ARGS(message));
    snprintf(f->answered_by, sizeof(f->answered_by), "%s", principal->subject);
}

static void ended(void *self, const mcp_ended_t *ended)
{
    fixture_t *f = self;
    const mcp_request_t *r = ended->request;

    f->ended++;
    f->last = *ended;
    f->ended_had_call = ended->call != NULL;
    f->ended_revision = r->revision;
    snprintf(f->ended_text, sizeof(f->ended_text), "%s", ended->text ? ended->text : "");
    snprintf(f->ended_method, sizeof(f->ended_method), "%.*s", SPAN_ARGS(r->method));
    snprintf(f->ended_name, sizeof(f->ended_name), "%.*s", SPAN_ARGS(r->name));
    snprintf(f->ended_subject, sizeof(f->ended_subject), "%s", r->principal ? r->principal->subject : "");
    cr_expect_not_null(http_method(r->http), "told while the request still lives");
    cr_expect(ended->us >= 0);
}

static mcp_handlers_t handlers = {
    .authenticate = authenticate,
    .capabilities = capabilities,
    .list = list,
    .call = call,
    .answered = answered,
    .ended = ended,
};

void fixture_open(void)
{
    loop_t *loop = loop_new();

    fixture = (fixture_t){
        .loop = loop,
        .subject = "ana",
        .offers = { .tools = true },
        .options = { .name = "test",
                     .title = "Test",
                     .version = "1.0",
                     .instructions = "Ask.",
                     .heartbeat_ms = 15000,
                     .loop = loop,
                     .ask_prefix = "w3" },
        .list = { .items = SPAN("[{\"name\":\"a\",\"inputSchema\":{\"type\":\"object\"}}]"), .ttl_ms = 5000 },
    };
    fixture.server = mcp_server_new(&handlers, &fixture, &fixture.options);
}

void fixture_open_listening(void)
{
    handlers.admit = admit;
    handlers.listen = listen;
    fixture_open();
}

void fixture_close(void)
{
    mcp_server_free(fixture.server);
    loop_free(fixture.loop);
}

static void check_json(span_t json)
{
    json_scan_t found;
    err_t err;

    cr_expect_eq(json_scan(json, NULL, &found, &err), 0, "%s: %.*s", err.text, SPAN_ARGS(json));
    cr_expect_null(memmem(json.at, json.length, "\"id\":null", 9));
    cr_expect_not_null(memmem(json.at, json.length, "\"jsonrpc\":\"2.0\"", 15));
}

void check_answer(http_request_t *request)
{
    if (request->over && !request->streaming && request->sent.length > 0) {
        cr_expect_str_eq(buf_text(&request->type), "application/json");
        check_json(buf_span(&request->sent));
        cr_expect_eq(fixture.last.reply_bytes, request->sent.length);
    }
    if (request->over) {
        cr_expect_eq(fixture.ended, 1, "ended was told %d times", fixture.ended);
        cr_expect_eq(fixture.last.http_status, request->status);
        fixture.ended = 0;
    }
}

http_request_t *post_bytes(const char *headers, span_t body)
{
    AUTO_BUF all = { 0 };

    buf_addf(&all, "Host: localhost\n%s", headers);
    http_request_t *request = fake_request("POST", buf_text(&all), body);
    mcp_server_handle(fixture.server, request);
    check_answer(request);
    return request;
}

http_request_t *post(const char *headers, const char *body)
{
    return post_bytes(headers, span_of(body));
}

http_request_t *post_modern(const char *method, const char *more_headers, const char *params)
{
    AUTO_BUF headers = { 0 };
    AUTO_BUF body = { 0 };

    buf_addf(&headers, "MCP-Protocol-Version: 2026-07-28\nMcp-Method: %s\n%s", method, more_headers);
    buf_addf(&body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"%s\",\"params\":{%s%s" MODERN_META "}}",
             method, params, *params ? "," : "");
    return post(buf_text(&headers), buf_text(&body));
}

http_request_t *send_method(const char *method, const char *headers)
{
    http_request_t *request = fake_request(method, headers, SPAN(""));

    mcp_server_handle(fixture.server, request);
    check_answer(request);
    return request;
}

void expect_sent(http_request_t *request, int status, const char *answer)
{
    const char *sent = fake_sent(request);

    cr_expect(request->over, "the request is still open");
    cr_expect_eq(request->status, status, "status %d: %s", request->status, sent);
    if (answer[0] == '~') {
        cr_expect_not_null(strstr(sent, answer + 1), "%s", sent);
    } else {
        cr_expect_str_eq(sent, answer);
    }
    fake_free(request);
}

void expect_answer(const char *headers, const char *body, int status, const char *answer)
{
    expect_sent(post(headers, body), status, answer);
}
