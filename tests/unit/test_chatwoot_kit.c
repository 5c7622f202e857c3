/* See test_chatwoot_kit.h. Here is what upstream.h promises to tools; the rest of a call is call_fake.c. */
#include "test_chatwoot_kit.h"

#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "percent.h"
#include "upstream_private.h"

static kit_t *kit_of(call_t *call)
{
    chatwoot_t *state = call_state(call);

    return (kit_t *)((char *)state - offsetof(kit_t, state));
}

const char *call_header(call_t *call, const char *name)
{
    const kit_t *kit = kit_of(call);

    return strcmp(name, CHATWOOT_TOKEN_HEADER) == 0     ? kit->token_header
           : strcmp(name, CHATWOOT_ACCOUNT_HEADER) == 0 ? kit->id_header
                                                        : NULL;
}

char *upstream_header(call_t *call, const char *name, const char *value)
{
    return call_printf(call, "%s: %s", name, value);
}

char *upstream_encode(call_t *call, const char *text)
{
    AUTO_BUF encoded = { 0 };

    percent_encode(&encoded, span_of(text));
    return call_printf(call, "%s", buf_text(&encoded));
}

static void answer(void *self)
{
    kit_t *kit = self;
    size_t n = kit->asked_count - 1;
    const char *body = kit->reply[n] ? kit->reply[n] : "{}";
    json_auto_t *json = json_loads(body, JSON_DECODE_ANY, NULL);
    const upstream_reply_t reply = { .status = kit->status[n] ? kit->status[n] : 200,
                                     .json = json,
                                     .body = span_of(body),
                                     .repeatable = kit->asked[n].repeatable };
    upstream_f cb = kit->cb;

    kit->cb = NULL;
    cb(kit->cb_self, &reply, NULL);
}

void upstream_ask(call_t *call, upstream_t *upstream, const upstream_request_t *request, upstream_f cb,
                  void *self)
{
    kit_t *kit = kit_of(call);

    (void)upstream;
    cr_assert_lt(kit->asked_count, KIT_MAX);
    cr_assert_null(kit->cb, "one request at a time");
    kit->asked[kit->asked_count++] = (kit_request_t){
        .method = mem_strdup(request->method),
        .path = mem_strdup(request->path),
        .body = request->json ? json_dumps(request->json, JSON_COMPACT) : NULL,
        .token_name = mem_strndup(request->headers[0], strcspn(request->headers[0], ":")),
        .token = mem_strdup(strchr(request->headers[0], ' ') + 1),
        .repeatable = request->repeatable,
    };
    kit->cb = cb;
    kit->cb_self = self;
    call_defer(call, answer, kit);
}

static void forget(kit_t *kit)
{
    for (size_t i = 0; i < kit->asked_count; i++) {
        free(kit->asked[i].method);
        free(kit->asked[i].path);
        free(kit->asked[i].body);
        free(kit->asked[i].token_name);
        free(kit->asked[i].token);
    }
    kit->asked_count = 0;
}

kit_t *kit_new(void)
{
    static struct upstream chatwoot = { .name = (char *)"Chatwoot", .url_variable = (char *)"CHATWOOT_URL" };
    kit_t *kit = NEW(kit_t);

    kit->settings = (chatwoot_settings_t){ .url = "http://x", .api_key = "service key", .account_id = 3 };
    kit->state =
        (chatwoot_t){ .settings = &kit->settings, .upstream = &chatwoot, .accounts = accounts_new() };
    kit->state.tenants.all = true;
    call_fake_init(&kit->call, &kit->state, &kit->settings);
    kit->tenant = "demo";
    return kit;
}

void kit_free(kit_t *kit)
{
    forget(kit);
    call_fake_clear(&kit->call);
    accounts_free(kit->state.accounts);
    free(kit);
}

json_t *kit_call(kit_t *kit, const char *tool, const char *arguments)
{
    forget(kit);
    return call_fake_run(&kit->call, call_fake_tool(chatwoot_tools, tool), kit->tenant, arguments);
}

const char *kit_asked(kit_t *kit, size_t n)
{
    static char text[2000];

    cr_assert_lt(n, kit->asked_count);
    const kit_request_t *asked = &kit->asked[n];
    snprintf(text, sizeof(text), "%s %s%s%s", asked->method, asked->path, asked->body ? " " : "",
             asked->body ? asked->body : "");
    return text;
}
