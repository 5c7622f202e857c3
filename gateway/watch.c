/* See watch.h: what is to be open, and what is made of what is heard. The two kinds of streams are
 * watch_listen.c and watch_session.c. */
#include "watch.h"

#include <event2/event.h>

#include "clock.h"
#include "hop_headers.h"
#include "log.h"
#include "mem.h"
#include "watch_private.h"

#define FILTER_PAUSE_MS 20 /* many clients often come or go at once */

/* Held resources outlive the connector's place in the configuration, because their holders do. */
typedef struct held {
    LIST_ENTRY(held) link;
    char *connector;
    topics_t *topics;
} held_t;

enum { SLOT_ID = 1, SLOT_METHOD, SLOT_URI };

static const json_want_t params_wants[] = { { .key = "uri", .slot = SLOT_URI }, { 0 } };
static const json_want_t message_wants[] = {
    { .key = "id", .slot = SLOT_ID },
    { .key = "method", .slot = SLOT_METHOD },
    { .key = "params", .inside = params_wants },
    { 0 },
};

static void on_refilter(evutil_socket_t fd, short what, void *self);
static void on_retell(evutil_socket_t fd, short what, void *self);
static void on_look(evutil_socket_t fd, short what, void *self);

/* What the streams share. */

int watch_read(span_t data, buf_t *text, watch_message_t *ret)
{
    json_scan_t scan;
    err_t err;

    if (json_scan(data, message_wants, &scan, &err)) {
        return -1;
    }
    *ret =
        (watch_message_t){ .id = scan.slots[SLOT_ID], .method = scan_plain_string(scan.slots[SLOT_METHOD]) };
    if (scan_string(scan.slots[SLOT_URI], text)) {
        ret->uri = buf_span(text);
    }
    return 0;
}

watch_stream_t *watch_open_stream(watch_t *watch, bool in_session, const watch_stream_events_t *events,
                                  void *self)
{
    watch_stream_options_t options = {
        .loop = watch->watches->loop,
        .pool = watch->pool,
        .max_event_bytes = watch->watches->catalog->config->max_reply_bytes,
        .in_session = in_session,
    };

    return watch_stream_new(&options, events, self);
}

void watch_headers(const watch_t *watch, const watch_session_t *session, const char *method, buf_t *out)
{
    AUTO(mem_free) char *token = hop_own_token(watch->connector);
    hop_headers_t headers = {
        .connector = watch->connector,
        .revision = session ? session->revision : MCP_2026_07_28,
        .session_id = span_of(session_id(session ? session->session : NULL)),
        .method = method,
        .principal = span_of(token),
    };

    hop_headers(out, &headers);
}

static unsigned open_streams(const watch_t *watch)
{
    return (unsigned)watch_listen_is_open(watch) << 1 | watch_session_is_open(watch);
}

void watch_tell_state(watch_t *watch)
{
    unsigned now = open_streams(watch);

    if (now == watch->told_state) {
        return;
    }
    watch->told_state = now;
    watch->watches->events->state(watch->watches->self);
}

/* What is heard. */

/* Until nothing waits, or until it may be told. */
static void tell_touched(watch_t *watch)
{
    int64_t wait_ms;
    const char *uri;

    while ((uri = topics_next_touched(watch->topics, clock_ms(), &wait_ms))) {
        watch->watches->events->updated(watch->watches->self, watch->name, span_of(uri));
    }
    if (wait_ms >= 0) {
        loop_arm(watch->retell, wait_ms);
    }
}

static void on_retell(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    tell_touched(self);
}

void watch_catch_up(watch_t *watch)
{
    topics_touch_all(watch->topics);
    loop_arm(watch->retell, 0);
    watch->watches->events->said(watch->watches->self, watch->name, 0);
}

static unsigned kinds_of(span_t method)
{
    static const struct {
        const char *method;
        mcp_kind_t kind;
    } changes[] = {
        { "notifications/tools/list_changed", MCP_TOOLS },
        { "notifications/resources/list_changed", MCP_RESOURCES },
        { "notifications/prompts/list_changed", MCP_PROMPTS },
    };

    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        if (span_is(method, changes[i].method)) {
            return 1u << changes[i].kind;
        }
    }
    return 0;
}

void watch_take(watch_t *watch, const watch_message_t *message)
{
    unsigned kinds = kinds_of(message->method);

    if (kinds) {
        watch->watches->events->said(watch->watches->self, watch->name, kinds);
    } else if (span_is(message->method, "notifications/resources/updated") && message->uri.at) {
        topics_touch(watch->topics, message->uri, clock_ms());
        tell_touched(watch);
    }
}

/* Plans. */

static unsigned told_lists(const declared_t *declared)
{
    unsigned kinds = 0;

    for (int kind = 0; kind < MCP_KINDS; kind++) {
        kinds |= declared->list_changed[kind] ? 1u << (kind == MCP_TEMPLATES ? MCP_RESOURCES : kind) : 0;
    }
    return kinds;
}

static plan_t plan_for(const catalog_connector_t *connector, const topics_t *topics)
{
    bool is_modern = mcp_revision_era(connector->revision) == MCP_MODERN;
    unsigned kinds = told_lists(&connector->declared);
    bool subscribe = connector->declared.subscribe && !connector->config->forward_headers;
    bool anything = kinds || (subscribe && !topics_is_empty(topics));

    return (plan_t){
        .listen = is_modern && anything,
        .session = is_modern ? connector->speaks_legacy && connector->session
                             : connector->session || kinds || subscribe,
        .kinds = kinds,
        .subscribe = subscribe,
        .revision = is_modern ? connector->legacy_revision : connector->revision,
        .held = session_ref(connector->session),
    };
}

/* One that is refused may be taken from a connector that declares something else now. */
static void follow_listen(watch_t *watch, const plan_t *before)
{
    const plan_t *plan = &watch->plan;
    bool differs = before->kinds != plan->kinds || before->subscribe != plan->subscribe;

    if (!plan->listen || (differs && !watch_listen_is_open(watch))) {
        watch_listen_stop(watch);
    }
    if (plan->listen && !watch->listen) {
        watch_listen_start(watch);
    } else if (plan->listen && differs) {
        watch_listen_refilter(watch);
    }
}

static void follow_session(watch_t *watch, const plan_t *before)
{
    const plan_t *plan = &watch->plan;
    bool same =
        before->session == plan->session && before->revision == plan->revision && before->held == plan->held;

    if (same) {
        return; /* one that was lost waits for the next */
    }
    watch_session_leave(watch);
    topics_forget_requests(watch->topics);
    if (plan->session) {
        watch_session_start(watch);
    }
}

static void follow(watch_t *watch, const catalog_connector_t *connector)
{
    plan_t before = watch->plan;

    watch->connector = connector;
    watch->plan = plan_for(connector, watch->topics);
    follow_listen(watch, &before);
    follow_session(watch, &before);
    watch_session_subscribe(watch);
    watch_tell_state(watch);
    session_unref(before.held);
}

/* Held resources. */

static held_t *find_held(const watches_t *watches, const char *connector)
{
    held_t *held;

    LIST_FOREACH(held, &watches->held, link)
    {
        if (strcmp(held->connector, connector) == 0) {
            return held;
        }
    }
    return NULL;
}

static topics_t *topics_for(watches_t *watches, const char *connector)
{
    held_t *held = find_held(watches, connector);

    if (!held) {
        held = NEW(held_t);
        held->connector = mem_strdup(connector);
        held->topics = topics_new();
        LIST_INSERT_HEAD(&watches->held, held, link);
    }
    return held->topics;
}

static watch_t *find_watch(const watches_t *watches, const char *name)
{
    watch_t *watch;

    LIST_FOREACH(watch, &watches->all, link)
    {
        if (strcmp(watch->name, name) == 0) {
            return watch;
        }
    }
    return NULL;
}

void watches_hold(watches_t *watches, const char *connector, span_t own_uri, bool held)
{
    topics_t *topics = topics_for(watches, connector);
    watch_t *watch = find_watch(watches, connector);
    bool changed = held ? topics_hold(topics, own_uri) : topics_release(topics, own_uri);

    if (watch && changed && !evtimer_pending(watch->refilter, NULL)) {
        loop_arm(watch->refilter, FILTER_PAUSE_MS);
    }
}

static void on_refilter(evutil_socket_t fd, short what, void *self)
{
    watch_t *watch = self;
    bool listened = watch->plan.listen;

    (void)fd, (void)what;
    follow(watch, watch->connector);
    if (listened && watch->plan.listen && watch->plan.subscribe) {
        watch_listen_refilter(watch);
    }
}

static void on_look(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    watch_session_look(self);
}

/* Life. */

watches_t *watches_new(loop_t *loop, resolver_t *resolver, const watch_events_t *events, void *self)
{
    watches_t *watches = NEW(watches_t);

    watches->loop = loop;
    watches->resolver = resolver;
    watches->events = events;
    watches->self = self;
    LIST_INIT(&watches->all);
    LIST_INIT(&watches->held);
    return watches;
}

static watch_t *watch_new(watches_t *watches, const connector_config_t *config)
{
    watch_t *watch = NEW(watch_t);
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

    watch->watches = watches;
    watch->name = mem_strdup(config->name);
    watch->pool = http_pool_new(watches->loop, watches->resolver, &config->hop, &limits);
    watch->topics = topics_for(watches, config->name);
    watch->refilter = evtimer_new(loop_base(watches->loop), on_refilter, watch);
    watch->retell = evtimer_new(loop_base(watches->loop), on_retell, watch);
    watch->look = evtimer_new(loop_base(watches->loop), on_look, watch);
    LIST_INIT(&watch->left);
    LIST_INIT(&watch->posts);
    LIST_INSERT_HEAD(&watches->all, watch, link);
    return watch;
}

static void watch_free(watch_t *watch)
{
    LIST_REMOVE(watch, link);
    watch_listen_stop(watch);
    watch_session_stop(watch);
    topics_forget_requests(watch->topics);
    event_free(watch->refilter);
    event_free(watch->retell);
    event_free(watch->look);
    http_pool_free(watch->pool);
    session_unref(watch->plan.held);
    mem_free(watch->name);
    mem_free(watch);
}

void watches_free(watches_t *watches)
{
    watch_t *watch;
    held_t *held;

    if (!watches) {
        return;
    }
    while ((watch = LIST_FIRST(&watches->all))) {
        watch_free(watch);
    }
    while ((held = LIST_FIRST(&watches->held))) {
        LIST_REMOVE(held, link);
        topics_free(held->topics);
        mem_free(held->connector);
        mem_free(held);
    }
    catalog_unref(watches->catalog);
    mem_free(watches);
}

static bool is_still_there(const watch_t *watch, const catalog_t *catalog)
{
    const connector_config_t *before = watch->connector->config;

    for (size_t i = 0; i < catalog->connector_count; i++) {
        const connector_config_t *config = catalog->connectors[i].config;
        if (strcmp(config->name, watch->name) == 0) {
            return config_same_place(before, config) && connector_same_headers(before, config);
        }
    }
    return false;
}

/* Those whose connector is not configured any more, or elsewhere, or with another credential: what was opened
 * with the one before does not go on. */
static void free_gone(watches_t *watches, const catalog_t *catalog)
{
    watch_t *watch, *next;

    for (watch = LIST_FIRST(&watches->all); watch; watch = next) {
        next = LIST_NEXT(watch, link);
        if (is_still_there(watch, catalog)) {
            continue;
        }
        if (watch->told_state) {
            watches->events->state(watches->self);
        }
        watch_free(watch);
    }
}

void watches_show(watches_t *watches, catalog_t *catalog)
{
    catalog_t *before = watches->catalog;

    free_gone(watches, catalog);
    watches->catalog = catalog_ref(catalog);
    for (size_t i = 0; i < catalog->connector_count; i++) {
        const catalog_connector_t *connector = &catalog->connectors[i];
        watch_t *watch = find_watch(watches, connector->config->name);
        follow(watch ? watch : watch_new(watches, connector->config), connector);
    }
    catalog_unref(before);
}

const char *watches_state(const watches_t *watches, const char *connector)
{
    const watch_t *watch = find_watch(watches, connector);

    if (watch && watch_listen_is_open(watch)) {
        return "listen";
    }
    return watch && watch_session_is_open(watch) ? "stream" : "polled";
}

size_t watches_open(const watches_t *watches)
{
    const watch_t *watch;
    size_t open = 0;

    LIST_FOREACH(watch, &watches->all, link)
    {
        open += watch_listen_is_open(watch) + watch_session_is_open(watch);
    }
    return open;
}
