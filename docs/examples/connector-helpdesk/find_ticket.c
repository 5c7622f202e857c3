/* find_ticket: one request with whoever's token this call goes out with. */
#include "helpdesk.h"

typedef struct {
    const char *id;
} args_t;

typedef struct {
    call_t *call;
} flow_t;

static const field_t args[] = {
    FIELD(args_t, id, .required = true, .max_length = 40, .doc = "Number of the ticket."),
    { 0 },
};

static void find_ticket(call_t *call, const void *decoded);
static void on_ticket(void *self, const upstream_reply_t *reply, const err_t *err);

const tool_t find_ticket_tool = {
    .name = "find_ticket",
    .description = "Find a ticket of the helpdesk by its number; returns its subject and status.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = "{\"type\":\"object\",\"properties\":{\"subject\":{\"type\":\"string\"},"
                     "\"status\":{\"type\":\"string\"}},\"required\":[\"subject\",\"status\"]}",
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = find_ticket,
};

static void find_ticket(call_t *call, const void *decoded)
{
    static const char *const user_headers[] = { "X-Helpdesk-Token", NULL };
    const args_t *a = decoded;
    const desk_t *desk = call_state(call);
    const account_rule_t rule = { "Helpdesk", user_headers, desk->settings->token != NULL, &desk->tenants,
                                  NULL };
    flow_t *f = CALL_NEW(call, flow_t);
    const char *token;
    err_t err;

    f->call = call;
    account_t account = account_of_call(call, &rule, &token, &err);
    if (account == ACCOUNT_NONE) {
        call_fail(call, &err);
        return;
    }
    if (account == ACCOUNT_SERVICE) {
        token = desk->settings->token;
    }
    const char *const headers[] = { upstream_header(call, "Api-Key", token), NULL };
    const char *path = call_printf(call, "/tickets/%s", upstream_encode(call, a->id));
    upstream_ask(
        call, desk->server,
        &(upstream_request_t){ .method = "GET", .path = path, .headers = headers, .repeatable = true },
        on_ticket, f);
}

static void on_ticket(void *self, const upstream_reply_t *reply, const err_t *err)
{
    flow_t *f = self;
    const desk_t *desk = call_state(f->call);
    const char *subject, *status;
    err_t failed;

    if (!err && (reply->status != 200 ||
                 json_unpack((json_t *)reply->json, "{s:s, s:s}", "subject", &subject, "status", &status))) {
        upstream_refused(desk->server, reply, NULL, &failed);
        err = &failed;
    }
    if (err) {
        call_fail(f->call, err);
        return;
    }
    call_finish(f->call, json_pack("{s:s, s:s}", "subject", subject, "status", status), NULL);
}
