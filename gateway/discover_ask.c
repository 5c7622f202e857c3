/* See discover_ask.h. The conversation:
 *
 *     modern   server/discover, the lists it declares; of a server that is not ours also initialize,
 *              notifications/initialized: whether it serves legacy clients in their own way
 *     legacy   server/discover (not understood), initialize, notifications/initialized, the lists it declares
 *
 * Asked from the beginning again, it goes on in the session that there is: initialize would open one more at
 * the server each time.
 *
 * What does not tell an era: no answer, a refused credential, a gateway in between that is down (MCP
 * 2026-07-28 basic/versioning; checked on the HTTP status). Old servers that answer 500 to what they do not
 * know are asked twice, and then it counts whether initialize goes well.
 *
 * Tools are asked for whatever was declared. Another list that cannot be had is noted and leaves the rest as
 * it is.
 */
#include "discover_ask.h"

#include <stdlib.h>

#include "clock.h"
#include "discover_pages.h"
#include "envelope.h"
#include "handshake.h"
#include "hop_headers.h"
#include "mem.h"
#include "relay.h"

#define DEADLINE_MS 10000 /* of each step: the opening, and each list with all its pages */
#define METHOD_NOT_FOUND -32601
#define VERSION_NOT_SUPPORTED -32022

struct ask {
    ask_request_t request;
    ask_f done;
    void *self;
    relay_t *relay;
    handshake_t *handshake;
    catalog_connector_t connector; /* what hop_headers() wants to know */
    int64_t deadline_ms;
    era_t era;
    mcp_revision_t revision;
    bool legacy_known, speaks_legacy;
    mcp_revision_t legacy_revision;
    session_t *session;
    bool discovered; /* asked from the beginning, so that what it declares is fresh */
    bool resumed;    /* a legacy one, in the session that there was */
    bool repeated;   /* server/discover was sent twice */
    declared_t declared;
    mcp_kind_t kind; /* of the list being asked for */
    pages_t pages;
    listing_t *lists[MCP_KINDS];
    err_t note; /* "": none */
};

static void ask_discover(ask_t *ask);
static void on_discover(void *self, const relay_answer_t *answer);
static void on_discover_error(void *self, const err_t *err, bool sent);
static void enter_session(ask_t *ask);
static void ask_initialize(ask_t *ask);
static void on_handshake(void *self, const handshake_result_t *result, const err_t *err);
static void ask_lists(ask_t *ask);
static void ask_page(ask_t *ask);
static void on_list(void *self, const relay_answer_t *answer);
static void on_list_error(void *self, const err_t *err, bool sent);
static void next_list(ask_t *ask);
static void after_lists(ask_t *ask);
static void finish(ask_t *ask);

static const relay_events_t discover_events = { .on_answer = on_discover, .on_error = on_discover_error };
static const relay_events_t list_events = { .on_answer = on_list, .on_error = on_list_error };

ask_t *ask_start(const ask_request_t *request, ask_f done, void *self)
{
    ask_t *ask = NEW(ask_t);

    ask->request = *request;
    ask->done = done;
    ask->self = self;
    ask->deadline_ms = clock_ms() + DEADLINE_MS;
    ask->connector.config = request->config;
    ask->era = request->era;
    ask->revision = request->revision;
    if (request->config->trusted && request->all->hop_secret) {
        hop_key_derive(span_of(request->all->hop_secret), request->config->name, ask->connector.hop_key);
    }
    if (ask->era == ERA_UNKNOWN) {
        ask->discovered = true;
        ask_discover(ask);
        return ask;
    }
    ask->declared = request->declared;
    ask->session = session_ref(request->session);
    ask->legacy_known = request->legacy_known;
    ask->speaks_legacy = request->speaks_legacy;
    ask->legacy_revision = request->legacy_revision;
    ask_lists(ask);
    return ask;
}

static void ask_free(ask_t *ask)
{
    mem_wipe(ask->connector.hop_key, sizeof(ask->connector.hop_key));
    session_unref(ask->session);
    pages_release(&ask->pages);
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        listing_free(ask->lists[kind]);
    }
    mem_free(ask);
}

void ask_cancel(ask_t *ask)
{
    if (ask->relay) {
        relay_cancel(ask->relay);
    }
    if (ask->handshake) {
        handshake_cancel(ask->handshake);
    }
    ask_free(ask);
}

static void fail(ask_t *ask, const err_t *err)
{
    ask_f done = ask->done;
    void *self = ask->self;
    err_t copy = *err;

    ask_free(ask);
    done(self, NULL, &copy);
}

static void fail_with(ask_t *ask, const char *text)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "%s", text);
    fail(ask, &err);
}

/* Why it cannot be asked, in our words: what a server says of itself is not repeated. But with a command the
 * server's 503 is the gateway's own (stdio_bridge.h), and tells how the process ended. */
static void name_trouble(const ask_t *ask, const relay_answer_t *answer, err_t *ret)
{
    AUTO_BUF said = { 0 };
    bool is_ours = ask->request.config->command && answer->status == 503;

    err_set(ret, ERR_UPSTREAM, "%s",
            is_ours && scan_string(answer->error.message, &said)
                ? buf_text(&said)
                : "It is busy or starting, or something before it is.");
}

static void send_message(ask_t *ask, const char *method, mcp_revision_t revision, const buf_t *message,
                         const relay_events_t *events)
{
    AUTO_BUF body = { 0 };
    AUTO(mem_free) char *token = hop_own_token(&ask->connector);
    AUTO_BUF lines = { 0 };
    hop_headers_t headers = {
        .connector = &ask->connector,
        .opening = events == &discover_events,
        .revision = revision,
        .session_id = ask->era == ERA_LEGACY ? span_of(session_id(ask->session)) : (span_t){ 0 },
        .method = method,
        .principal = span_of(token),
    };

    hop_headers(&lines, &headers);
    buf_add_span(&body, buf_span(message));
    relay_request_t request = {
        .pool = ask->request.pool,
        .headers = buf_span(&lines),
        .key_holder = ask->request.config->trusted ? ask->request.config->name : NULL,
        .deadline_ms = ask->deadline_ms,
        .idempotent = true,
        .id = *ask->request.last_id,
        .max_event_bytes = ask->request.max_event_bytes,
    };
    ask->relay = relay_start(&request, &body, events, ask);
}

/* Not used before in this session (2025-11-25 basic "Requests"). */
static uint64_t next_id(ask_t *ask)
{
    return ++*ask->request.last_id;
}

static void ask_discover(ask_t *ask)
{
    AUTO_BUF message = { 0 };
    envelope_request_t request = { .revision = MCP_2026_07_28,
                                   .id = next_id(ask),
                                   .method = "server/discover" };

    envelope_request(&message, &request);
    send_message(ask, request.method, MCP_2026_07_28, &message, &discover_events);
}

static bool lists_our_revision(span_t versions)
{
    for (span_t rest = versions, item; scan_kind(versions) == SCAN_ARRAY && scan_next_item(&rest, &item);) {
        if (scan_string_is(item, mcp_revision_name(MCP_2026_07_28))) {
            return true;
        }
    }
    return false;
}

typedef enum { TELLS_NOTHING, TELLS_LITTLE, TELLS_LEGACY } evidence_t;

/* Servers of the earlier revisions answer an unknown method, or a request without a session, with any 4xx, or
 * with a page; some with 500, which others answer when they have a bad moment. */
static evidence_t evidence(int status)
{
    static const int nothing[] = { 0, 401, 403, 408, 429, 502, 503, 504 };

    for (size_t i = 0; i < COUNT_OF(nothing); i++) {
        if (status == nothing[i]) {
            return TELLS_NOTHING;
        }
    }
    return status >= 500 ? TELLS_LITTLE : TELLS_LEGACY;
}

/* It is no modern server's answer; err: what to say when it is no server's at all. */
static void weigh(ask_t *ask, int status, const err_t *err)
{
    evidence_t found = evidence(status);

    if (found == TELLS_NOTHING) {
        fail(ask, err);
    } else if (found == TELLS_LITTLE && !ask->repeated) {
        ask->repeated = true;
        ask_discover(ask);
    } else {
        enter_session(ask);
    }
}

/* MCP 2026-07-28 basic/versioning: it speaks our revision and refused it all the same, as it may when it has
 * just been changed. */
static bool wants_our_revision(const relay_answer_t *answer)
{
    return !answer->members && answer->error.code == VERSION_NOT_SUPPORTED &&
           lists_our_revision(scan_member(answer->error.data, "supported"));
}

static bool is_declared(span_t capabilities, const char *name)
{
    return scan_kind(scan_member(capabilities, name)) == SCAN_OBJECT;
}

static bool tells_changes(span_t capabilities, const char *name)
{
    return scan_is_true(scan_member(scan_member(capabilities, name), "listChanged"));
}

static void read_declared(span_t capabilities, declared_t *ret)
{
    bool of_resources = tells_changes(capabilities, "resources");

    *ret = (declared_t){
        .offers = { .tools = is_declared(capabilities, "tools"),
                    .resources = is_declared(capabilities, "resources"),
                    .prompts = is_declared(capabilities, "prompts"),
                    .completions = is_declared(capabilities, "completions"),
                    .logging = is_declared(capabilities, "logging") },
        .list_changed = { [MCP_TOOLS] = tells_changes(capabilities, "tools"),
                          [MCP_RESOURCES] = of_resources,
                          [MCP_TEMPLATES] = of_resources,
                          [MCP_PROMPTS] = tells_changes(capabilities, "prompts") },
        .subscribe = scan_is_true(scan_member(scan_member(capabilities, "resources"), "subscribe")),
    };
}

static void on_discover(void *self, const relay_answer_t *answer)
{
    ask_t *ask = self;
    err_t busy;

    ask->relay = NULL;
    name_trouble(ask, answer, &busy);
    if (answer->members && lists_our_revision(relay_member(answer, "supportedVersions"))) {
        ask->era = ERA_MODERN;
        ask->revision = MCP_2026_07_28;
        read_declared(relay_member(answer, "capabilities"), &ask->declared);
        ask_lists(ask);
    } else if (!wants_our_revision(answer)) {
        weigh(ask, answer->status, &busy);
    } else if (ask->repeated) {
        fail_with(ask, "It refuses the revision that it says it speaks.");
    } else {
        ask->repeated = true;
        ask_discover(ask);
    }
}

static void on_discover_error(void *self, const err_t *err, bool sent)
{
    ask_t *ask = self;
    int status = relay_status(ask->relay);

    (void)sent;
    ask->relay = NULL;
    weigh(ask, err->kind == ERR_TIMEOUT ? 0 : status, err);
}

static void go_on_in_session(ask_t *ask)
{
    ask->legacy_known = ask->speaks_legacy = true;
    ask->legacy_revision = ask->request.legacy_revision;
    ask->session = session_ref(ask->request.session);
}

static void enter_session(ask_t *ask)
{
    if (!ask->request.session || mcp_revision_era(ask->request.revision) == MCP_MODERN) {
        ask_initialize(ask);
        return;
    }
    go_on_in_session(ask);
    ask->resumed = true;
    ask->discovered = false;
    ask->era = ERA_LEGACY;
    ask->revision = ask->legacy_revision;
    ask->declared = ask->request.declared;
    ask_lists(ask);
}

static void ask_initialize(ask_t *ask)
{
    AUTO(mem_free) char *token = hop_own_token(&ask->connector);
    handshake_request_t request = {
        .pool = ask->request.pool,
        .connector = &ask->connector,
        .config = ask->request.all,
        .ends = ask->request.ends,
        .principal = span_of(token),
        .id = next_id(ask),
        .deadline_ms = ask->deadline_ms,
        .max_event_bytes = ask->request.max_event_bytes,
    };

    ask->legacy_known = true;
    ask->handshake = handshake_start(&request, on_handshake, ask);
}

/* Of what it offers on the legacy wire alone, these need no list. */
static void add_legacy_offers(ask_t *ask, const mcp_capabilities_t *legacy)
{
    mcp_capabilities_t *offers = &ask->declared.offers;

    offers->completions = offers->completions || legacy->completions;
    offers->logging = offers->logging || legacy->logging;
}

static void on_handshake(void *self, const handshake_result_t *result, const err_t *err)
{
    ask_t *ask = self;
    declared_t declared;

    ask->handshake = NULL;
    if (err) {
        ask->era == ERA_MODERN ? finish(ask) : fail(ask, err);
        return;
    }
    ask->speaks_legacy = true;
    ask->legacy_revision = result->revision;
    ask->session = session_ref(result->session);
    read_declared(result->capabilities, &declared);
    if (ask->era == ERA_MODERN) {
        add_legacy_offers(ask, &declared.offers);
        finish(ask);
        return;
    }
    ask->era = ERA_LEGACY;
    ask->revision = result->revision;
    ask->declared = declared;
    ask_lists(ask);
}

static void ask_lists(ask_t *ask)
{
    ask->kind = MCP_TOOLS;
    ask->deadline_ms = clock_ms() + DEADLINE_MS;
    ask_page(ask);
}

static void ask_page(ask_t *ask)
{
    static const char *const methods[MCP_KINDS] = {
        [MCP_TOOLS] = "tools/list",
        [MCP_RESOURCES] = "resources/list",
        [MCP_TEMPLATES] = "resources/templates/list",
        [MCP_PROMPTS] = "prompts/list",
    };
    AUTO_BUF message = { 0 };
    envelope_request_t request = {
        .revision = ask->revision,
        .id = next_id(ask),
        .method = methods[ask->kind],
        .cursor = buf_span(&ask->pages.cursor),
    };

    envelope_request(&message, &request);
    send_message(ask, request.method, ask->revision, &message, &list_events);
}

/* An era that was known may have changed: then the tools that were declared are missed first, and it is asked
 * from the beginning. */
static bool has_none(const ask_t *ask, const relay_answer_t *answer)
{
    bool may_have_none = ask->discovered || ask->kind != MCP_TOOLS || !ask->declared.offers.tools;

    return may_have_none && !answer->members && answer->error.code == METHOD_NOT_FOUND;
}

/* Perhaps because the session is not known any more, which servers say in many ways. */
static void leave_session(ask_t *ask)
{
    session_unref(TAKE(ask->session));
    pages_release(&ask->pages);
    ask->resumed = false;
    ask->discovered = true;
    ask->deadline_ms = clock_ms() + DEADLINE_MS;
    ask_initialize(ask);
}

static void list_failed(ask_t *ask, const err_t *err)
{
    if (ask->kind == MCP_TOOLS && ask->resumed) {
        leave_session(ask);
        return;
    }
    if (ask->kind == MCP_TOOLS) {
        fail(ask, err);
        return;
    }
    ask->note = *err;
    pages_release(&ask->pages);
    next_list(ask);
}

static void on_list(void *self, const relay_answer_t *answer)
{
    ask_t *ask = self;
    err_t err;

    ask->relay = NULL;
    int more = has_none(ask, answer) ? 0 : pages_take(&ask->pages, ask->kind, answer, &err);
    if (more < 0) {
        list_failed(ask, &err);
    } else if (more > 0) {
        ask_page(ask);
    } else {
        if (ask->pages.note) {
            err_set(&ask->note, ERR_UPSTREAM, "%s", ask->pages.note);
        }
        ask->lists[ask->kind] = pages_listing(&ask->pages);
        next_list(ask);
    }
}

static void on_list_error(void *self, const err_t *err, bool sent)
{
    ask_t *ask = self;
    bool answered = relay_status(ask->relay) != 0;

    (void)sent;
    ask->relay = NULL;
    if (answered && err->kind != ERR_TIMEOUT) {
        list_failed(ask, err);
    } else {
        fail(ask, err); /* it is gone, and would be so for the next list */
    }
}

static bool offers_list(const ask_t *ask, mcp_kind_t kind)
{
    const mcp_capabilities_t *offers = &ask->declared.offers;

    return kind == MCP_TOOLS || (kind == MCP_PROMPTS ? offers->prompts : offers->resources);
}

/* What is not declared is an empty list. */
static void next_list(ask_t *ask)
{
    while (++ask->kind < MCP_KINDS && !offers_list(ask, ask->kind)) {
        ask->lists[ask->kind] = pages_listing(&ask->pages);
    }
    ask->deadline_ms = clock_ms() + DEADLINE_MS;
    if (ask->kind < MCP_KINDS) {
        ask_page(ask);
    } else {
        after_lists(ask);
    }
}

/* For legacy clients, once there are some: initialize is none of a modern client's messages. A server that
 * refuses it speaks the modern era alone. */
static void after_lists(ask_t *ask)
{
    if (ask->legacy_known || !ask->request.want_legacy || ask->request.config->trusted) {
        finish(ask);
    } else if (ask->request.session) {
        go_on_in_session(ask);
        add_legacy_offers(ask, &ask->request.declared.offers);
        finish(ask);
    } else {
        ask_initialize(ask);
    }
}

static void finish(ask_t *ask)
{
    session_t *session = TAKE(ask->session);
    err_t note = ask->note;
    asked_t asked = {
        .era = ask->era,
        .revision = ask->revision,
        .legacy_known = ask->legacy_known,
        .speaks_legacy = ask->speaks_legacy,
        .legacy_revision = ask->legacy_revision,
        .session = session,
        .declared = ask->declared,
        .note = *note.text ? note.text : NULL,
    };
    ask_f done = ask->done;
    void *self = ask->self;

    memcpy(asked.lists, ask->lists, sizeof(asked.lists));
    memset(ask->lists, 0, sizeof(ask->lists));
    ask_free(ask);
    done(self, &asked, NULL);
    session_unref(session);
}
