/* See discover_ask.h. The conversation:
 *
 *     modern   server/discover, tools/list (and its further pages)
 *     legacy   server/discover (not understood), initialize, notifications/initialized, tools/list
 *
 * What does not tell an era: no answer, a refused credential, a gateway in between that is down (MCP
 * 2026-07-28 basic/versioning; checked on the HTTP status).
 */
#include "discover_ask.h"

#include <event2/buffer.h>
#include <inttypes.h>
#include <stdlib.h>

#include "clock.h"
#include "envelope.h"
#include "hop_headers.h"
#include "mem.h"
#include "principal.h"
#include "relay.h"

#define DEADLINE_MS 10000
#define MAX_PAGES 50
#define MAX_LIST_BYTES (8 * 1024 * 1024)

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

struct ask {
    ask_request_t request;
    ask_f done;
    void *self;
    relay_t *relay;
    catalog_connector_t connector; /* what hop_headers() wants to know */
    int64_t deadline_ms;
    era_t era;
    mcp_revision_t revision;
    char *session_id;
    buf_t tools;  /* declarations, one after the other */
    buf_t ends;   /* of each: size_t offsets */
    buf_t cursor; /* raw JSON of the page asked for; empty: the first */
    buf_t seen;   /* all cursors so far, a line each: a raw JSON string holds no line break */
    unsigned pages;
    int64_t ttl_ms;
    bool is_public;
    const char *note;
};

static void ask_discover(ask_t *ask);
static void on_discover(void *self, const relay_answer_t *answer);
static void on_discover_error(void *self, const err_t *err, bool sent);
static void ask_initialize(ask_t *ask);
static void on_initialize(void *self, const relay_answer_t *answer);
static void say_initialized(ask_t *ask);
static void on_initialized(void *self, const relay_answer_t *answer);
static void on_initialized_error(void *self, const err_t *err, bool sent);
static void ask_list(ask_t *ask);
static void on_list(void *self, const relay_answer_t *answer);
static void on_error(void *self, const err_t *err, bool sent);
static void finish(ask_t *ask);

static const relay_events_t discover_events = { .on_answer = on_discover, .on_error = on_discover_error };
static const relay_events_t initialize_events = { .on_answer = on_initialize, .on_error = on_error };
static const relay_events_t initialized_events = { .on_answer = on_initialized,
                                                   .on_error = on_initialized_error };
static const relay_events_t list_events = { .on_answer = on_list, .on_error = on_error };

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
    ask->ttl_ms = -1;
    ask->is_public = true;
    if (request->config->trusted && request->hop_secret) {
        hop_key_derive(span_of(request->hop_secret), request->config->name, ask->connector.hop_key);
    }
    if (ask->era == ERA_UNKNOWN) {
        ask_discover(ask);
        return ask;
    }
    ask->session_id = request->session_id ? mem_strdup(request->session_id) : NULL;
    ask_list(ask);
    return ask;
}

static void ask_free(ask_t *ask)
{
    mem_wipe(ask->connector.hop_key, sizeof(ask->connector.hop_key));
    mem_free(ask->session_id);
    buf_free(&ask->tools);
    buf_free(&ask->ends);
    buf_free(&ask->cursor);
    buf_free(&ask->seen);
    mem_free(ask);
}

void ask_cancel(ask_t *ask)
{
    if (ask->relay) {
        relay_cancel(ask->relay);
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

static void on_error(void *self, const err_t *err, bool sent)
{
    ask_t *ask = self;

    (void)sent;
    ask->relay = NULL;
    fail(ask, err);
}

static void fail_with(ask_t *ask, const char *text)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "%s", text);
    fail(ask, &err);
}

/* Asking for itself the gateway is nobody's agent: a principal without a tenant's data or a permission. */
static char *own_token(const ask_t *ask)
{
    if (!*ask->connector.hop_key) {
        return NULL;
    }
    principal_t *gateway = principal_new("guiche", "guiche", NULL, 0);
    char *token = hop_mint(ask->connector.hop_key, ask->request.config->name, gateway, clock_unix());
    principal_unref(gateway);
    return token;
}

static void send_message(ask_t *ask, const char *method, mcp_revision_t revision, const buf_t *message,
                         const relay_events_t *events)
{
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();
    AUTO(mem_free) char *token = own_token(ask);
    AUTO_BUF lines = { 0 };
    hop_headers_t headers = {
        .connector = &ask->connector,
        .opening = events == &discover_events || events == &initialize_events,
        .revision = revision,
        .method = method,
        .principal = span_of(token),
    };

    ask->connector.session_id = ask->session_id;
    hop_headers(&lines, &headers);
    evbuffer_add(body, message->data, message->length);
    relay_request_t request = {
        .pool = ask->request.pool,
        .headers = buf_span(&lines),
        .key_holder = ask->request.config->trusted ? ask->request.config->name : NULL,
        .deadline_ms = ask->deadline_ms,
        .idempotent = true,
        .id = *ask->request.last_id,
        .max_event_bytes = ask->request.max_event_bytes,
    };
    ask->relay = relay_start(&request, body, events, ask);
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

/* Servers of the earlier revisions answer an unknown method, or a request without a session, with any 4xx,
 * and some with 500 or a page. */
static bool tells_legacy(int status)
{
    static const int says_nothing[] = { 0, 401, 403, 408, 429, 502, 503, 504 };

    for (size_t i = 0; i < COUNT_OF(says_nothing); i++) {
        if (status == says_nothing[i]) {
            return false;
        }
    }
    return true;
}

static void on_discover(void *self, const relay_answer_t *answer)
{
    ask_t *ask = self;

    ask->relay = NULL;
    if (answer->members && lists_our_revision(relay_member(answer, "supportedVersions"))) {
        ask->era = ERA_MODERN;
        ask->revision = MCP_2026_07_28;
        ask_list(ask);
    } else if (tells_legacy(answer->status)) {
        ask_initialize(ask);
    } else {
        fail_with(ask, "It is busy or starting, or something before it is.");
    }
}

static void on_discover_error(void *self, const err_t *err, bool sent)
{
    ask_t *ask = self;
    int status = relay_status(ask->relay);

    (void)sent;
    ask->relay = NULL;
    if (tells_legacy(status) && err->kind != ERR_TIMEOUT) {
        ask_initialize(ask);
    } else {
        fail(ask, err);
    }
}

static void ask_initialize(ask_t *ask)
{
    AUTO_BUF message = { 0 };

    ask->era = ERA_LEGACY;
    buf_addf(&message,
             "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64
             ",\"method\":\"initialize\",\"params\":{\"protocolVersion\":\"%s\","
             "\"capabilities\":{},\"clientInfo\":{\"name\":\"guiche\",\"version\":\"" GUICHE_VERSION "\"}}}",
             next_id(ask), mcp_revision_name(MCP_LEGACY_LATEST));
    send_message(ask, "initialize", MCP_LEGACY_LATEST, &message, &initialize_events);
}

static void on_initialize(void *self, const relay_answer_t *answer)
{
    ask_t *ask = self;
    span_t version =
        answer->members ? scan_plain_string(relay_member(answer, "protocolVersion")) : (span_t){ 0 };
    int revision = version.at ? mcp_revision_find(version) : -1;

    ask->relay = NULL;
    if (!answer->members) {
        fail_with(ask, "It refuses to initialize.");
    } else if (revision < 0 || mcp_revision_era(revision) == MCP_MODERN) {
        fail_with(ask, "It speaks no revision of the protocol that is spoken here.");
    } else {
        ask->revision = revision;
        if (answer->session_id.at) {
            ask->session_id = mem_strndup(answer->session_id.at, answer->session_id.length);
        }
        say_initialized(ask);
    }
}

static void say_initialized(ask_t *ask)
{
    AUTO_BUF message = { 0 };

    envelope_notification(&message, "notifications/initialized");
    send_message(ask, "notifications/initialized", ask->revision, &message, &initialized_events);
}

static void on_initialized(void *self, const relay_answer_t *answer)
{
    ask_t *ask = self;

    (void)answer;
    ask->relay = NULL;
    ask_list(ask);
}

/* The proper answer is 202 without a body, which for a request would be none: whatever is wrong shows in what
 * follows. */
static void on_initialized_error(void *self, const err_t *err, bool sent)
{
    (void)err, (void)sent;
    on_initialized(self, NULL);
}

static void ask_list(ask_t *ask)
{
    AUTO_BUF message = { 0 };
    envelope_request_t request = {
        .revision = ask->revision,
        .id = next_id(ask),
        .method = "tools/list",
        .cursor = buf_span(&ask->cursor),
    };

    envelope_request(&message, &request);
    send_message(ask, request.method, ask->revision, &message, &list_events);
}

static const char *take_tools(ask_t *ask, span_t tools)
{
    for (span_t rest = tools, item; scan_next_item(&rest, &item);) {
        buf_add_span(&ask->tools, item);
        buf_add(&ask->ends, &ask->tools.length, sizeof(size_t));
    }
    if (ask->tools.length > MAX_LIST_BYTES || ask->ends.length / sizeof(size_t) > CATALOG_MAX_TOOLS) {
        return "Its list is too long.";
    }
    return NULL;
}

/* MCP 2026-07-28 server/utilities/caching. The shortest page decides, and one private page makes the list
 * private. */
static void take_freshness(ask_t *ask, const relay_answer_t *answer)
{
    span_t ttl = relay_member(answer, "ttlMs");

    if (scan_is_integer(ttl) && ttl.length < 16) {
        int64_t ms = strtoll(ttl.at, NULL, 10);
        if (ms >= 0 && (ask->ttl_ms < 0 || ms < ask->ttl_ms)) {
            ask->ttl_ms = ms;
        }
    }
    ask->is_public = ask->is_public && scan_string_is(relay_member(answer, "cacheScope"), "public");
}

/* Its quotes keep a cursor from being found within another. */
static bool was_seen(const ask_t *ask, span_t cursor)
{
    return ask->seen.length > 0 && memmem(ask->seen.data, ask->seen.length, cursor.at, cursor.length);
}

/* True when there is a further page. An empty string is a cursor too (server/utilities/pagination). */
static bool next_page(ask_t *ask, span_t cursor)
{
    if (scan_kind(cursor) != SCAN_STRING) {
        return false;
    }
    if (was_seen(ask, cursor)) {
        ask->note = "Its list repeats a cursor; what may come after was left out.";
        return false;
    }
    if (++ask->pages >= MAX_PAGES) {
        ask->note = "Its list has too many pages; the rest was left out.";
        return false;
    }
    buf_clear(&ask->cursor);
    buf_add_span(&ask->cursor, cursor);
    buf_add_span(&ask->seen, cursor);
    buf_add_char(&ask->seen, '\n');
    return true;
}

static void on_list(void *self, const relay_answer_t *answer)
{
    ask_t *ask = self;
    span_t tools = answer->members ? relay_member(answer, "tools") : (span_t){ 0 };

    ask->relay = NULL;
    if (scan_kind(tools) != SCAN_ARRAY) {
        fail_with(ask, answer->members ? "Its list holds no tools array." : "It refuses to list its tools.");
        return;
    }
    const char *wrong = take_tools(ask, tools);
    take_freshness(ask, answer);
    if (wrong) {
        fail_with(ask, wrong);
    } else if (next_page(ask, relay_member(answer, "nextCursor"))) {
        ask_list(ask);
    } else {
        finish(ask);
    }
}

static listing_t *make_listing(ask_t *ask)
{
    listing_t *listing = NEW(listing_t);
    size_t start = 0;

    listing->count = ask->ends.length / sizeof(size_t);
    listing->tools = NEW_ARRAY(span_t, listing->count);
    listing->bytes = buf_steal(&ask->tools);
    listing->ttl_ms = ask->ttl_ms;
    listing->is_public = ask->is_public;
    for (size_t i = 0; i < listing->count; i++) {
        size_t end;
        memcpy(&end, ask->ends.data + i * sizeof(end), sizeof(end));
        listing->tools[i] = (span_t){ listing->bytes + start, end - start };
        start = end;
    }
    return listing;
}

static void finish(ask_t *ask)
{
    AUTO(mem_free) char *session_id = TAKE(ask->session_id);
    asked_t asked = {
        .era = ask->era,
        .revision = ask->revision,
        .session_id = session_id,
        .listing = make_listing(ask),
        .note = ask->note,
    };
    ask_f done = ask->done;
    void *self = ask->self;

    ask_free(ask);
    done(self, &asked, NULL);
}
