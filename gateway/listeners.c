/* See listeners.h. What a listener sees is kept as a mark of each list (see worker_list_mark()), which is
 * made once for all who see the same: a thousand listeners of one view cost one list.
 */
#include "listeners.h"

#include <event2/event.h>
#include <sys/queue.h>

#include "clock.h"
#include "mem.h"
#include "policy.h"
#include "worker.h"

/* A connector that comes back has all its resources told anew: 10,000 of them, each looked for in all
 * listens, held a worker up for seconds. */
#define CHAINS 1024

/* A resource as its connector knows it; connector NULL: nobody is asked about it now. */
typedef struct source {
    LIST_ENTRY(source) link; /* of the chain of its URI, while it has a connector */
    struct listener *listener;
    char *connector, *uri;
} source_t;

typedef struct listener {
    LIST_ENTRY(listener) link;
    listeners_t *listeners;
    mcp_listen_t *listen;
    principal_t *principal;
    uint64_t seen[MCP_KINDS]; /* marks of the lists it wants */
    source_t *sources;        /* one per URI of the listen */
} listener_t;

struct listeners {
    worker_t *worker;
    LIST_HEAD(, listener) all;
    LIST_HEAD(chain, source) chains[CHAINS]; /* what is held, by URI */
    size_t count;
    struct event *expiry; /* when the next token expires */
    int64_t expiry_unix;  /* INT64_MAX: none is expected to */
};

/* Templates are among resources. */
static const mcp_kind_t listed[] = { MCP_TOOLS, MCP_RESOURCES, MCP_PROMPTS };

static void on_gone(void *self);
static void on_expiry(evutil_socket_t fd, short what, void *self);

listeners_t *listeners_new(worker_t *worker)
{
    listeners_t *listeners = NEW(listeners_t);

    listeners->worker = worker;
    listeners->expiry = evtimer_new(loop_base(worker->loop), on_expiry, listeners);
    listeners->expiry_unix = INT64_MAX;
    LIST_INIT(&listeners->all);
    return listeners;
}

void listeners_free(listeners_t *listeners)
{
    event_free(listeners->expiry);
    mem_free(listeners);
}

size_t listeners_count(const listeners_t *listeners)
{
    return listeners->count;
}

/* Resources. */

/* False: not to this principal, or nobody could tell that it has changed. */
static bool find_source(const worker_t *worker, const principal_t *principal, span_t uri,
                        catalog_route_t *ret)
{
    const catalog_t *catalog = worker->view->catalog;

    if (!catalog_route(catalog, MCP_RESOURCES, uri, ret) ||
        !policy_allows(catalog->policy, principal, catalog_index(catalog, ret->entry))) {
        return false;
    }
    const catalog_connector_t *connector = &catalog->connectors[ret->entry->connector];
    return connector->declared.subscribe && !connector->config->forward_headers;
}

static struct chain *chain_of(listeners_t *listeners, span_t uri)
{
    return &listeners->chains[span_hash(uri) % CHAINS];
}

static void hold(listener_t *listener, source_t *source, const char *connector, span_t uri)
{
    source->listener = listener;
    source->connector = mem_strdup(connector);
    source->uri = mem_strndup(uri.at, uri.length);
    LIST_INSERT_HEAD(chain_of(listener->listeners, uri), source, link);
    gateway_hold(listener->listeners->worker->gateway, connector, uri, true);
}

static void release(source_t *source)
{
    if (!source->connector) {
        return;
    }
    gateway_hold(source->listener->listeners->worker->gateway, source->connector, span_of(source->uri),
                 false);
    LIST_REMOVE(source, link);
    mem_free(source->connector);
    mem_free(source->uri);
    *source = (source_t){ 0 };
}

static bool is_source(const source_t *source, const char *connector, span_t uri)
{
    return source->connector && strcmp(source->connector, connector) == 0 && span_is(uri, source->uri);
}

/* A new catalog may lead a URI elsewhere, a new configuration forbid it. */
static void follow_source(listener_t *listener, size_t index)
{
    worker_t *worker = listener->listeners->worker;
    source_t *source = &listener->sources[index];
    catalog_route_t route;

    if (!find_source(worker, listener->principal, mcp_listen_uri(listener->listen, index), &route)) {
        release(source);
        return;
    }
    const char *connector = worker->view->catalog->connectors[route.entry->connector].config->name;
    if (!is_source(source, connector, route.own)) {
        release(source);
        hold(listener, source, connector, route.own);
    }
}

static void follow_sources(listener_t *listener)
{
    for (size_t i = 0; i < mcp_listen_uri_count(listener->listen); i++) {
        follow_source(listener, i);
    }
}

void listeners_updated(listeners_t *listeners, const char *connector, span_t own_uri)
{
    const source_t *source;

    LIST_FOREACH(source, chain_of(listeners, own_uri), link)
    {
        if (is_source(source, connector, own_uri)) {
            const listener_t *listener = source->listener;
            mcp_listen_updated(listener->listen,
                               mcp_listen_uri(listener->listen, (size_t)(source - listener->sources)));
        }
    }
}

/* Opening. */

static bool is_same_holder(const principal_t *a, const principal_t *b)
{
    return a == b || (strcmp(a->subject, b->subject) == 0 && strcmp(a->tenant_id, b->tenant_id) == 0);
}

static size_t count_of(const listeners_t *listeners, const principal_t *principal)
{
    const listener_t *listener;
    size_t count = 0;

    LIST_FOREACH(listener, &listeners->all, link)
    {
        count += is_same_holder(listener->principal, principal);
    }
    return count;
}

static int check_limits(const listeners_t *listeners, const mcp_listen_t *listen, err_t *err)
{
    const principal_t *principal = mcp_listen_request(listen)->principal;

    if (__atomic_load_n(&listeners->worker->gateway->listens, __ATOMIC_RELAXED) >= LISTENERS_MAX) {
        return err_set(err, ERR_DENIED,
                       "Too many clients listen for changes; ask for the lists now and then.");
    }
    if (count_of(listeners, principal) >= LISTENERS_MAX_OF_ONE) {
        return err_set(err, ERR_DENIED, "You have too many subscriptions/listen open; close some of them.");
    }
    if (mcp_listen_uri_count(listen) > LISTENERS_MAX_URIS) {
        return err_set(err, ERR_DENIED, "One listen may name %d resources.", LISTENERS_MAX_URIS);
    }
    return 0;
}

int listeners_admit(listeners_t *listeners, mcp_listen_t *listen, err_t *err)
{
    const principal_t *principal = mcp_listen_request(listen)->principal;
    catalog_route_t route;

    if (check_limits(listeners, listen, err)) {
        return -1;
    }
    for (size_t i = mcp_listen_uri_count(listen); i-- > 0;) {
        if (!find_source(listeners->worker, principal, mcp_listen_uri(listen, i), &route)) {
            mcp_listen_drop_uri(listen, i);
        }
    }
    return 0;
}

static uint64_t mark_of(const listener_t *listener, mcp_kind_t kind)
{
    worker_t *worker = listener->listeners->worker;
    uint64_t mark = worker_list_mark(worker, listener->principal, kind);

    if (kind == MCP_RESOURCES) {
        mark = mark * 31 + worker_list_mark(worker, listener->principal, MCP_TEMPLATES);
    }
    return mark;
}

/* The timer is for the token that expires first. One that never does has 0. */
static void expect_expiry(listeners_t *listeners, const listener_t *listener)
{
    int64_t expires_unix = listener->principal->expires_unix;

    if (expires_unix && expires_unix < listeners->expiry_unix) {
        listeners->expiry_unix = expires_unix;
        loop_arm(listeners->expiry, expires_unix * 1000 - clock_unix_ms());
    }
}

static void expect_expiries(listeners_t *listeners)
{
    const listener_t *listener;

    listeners->expiry_unix = INT64_MAX;
    LIST_FOREACH(listener, &listeners->all, link)
    {
        expect_expiry(listeners, listener);
    }
}

void listeners_add(listeners_t *listeners, mcp_listen_t *listen)
{
    listener_t *listener = NEW(listener_t);

    listener->listeners = listeners;
    listener->listen = listen;
    listener->principal = principal_ref((principal_t *)mcp_listen_request(listen)->principal);
    listener->sources = NEW_ARRAY(source_t, mcp_listen_uri_count(listen));
    LIST_INSERT_HEAD(&listeners->all, listener, link);
    listeners->count++;
    __atomic_add_fetch(&listeners->worker->gateway->listens, 1, __ATOMIC_RELAXED);
    mcp_listen_on_gone(listen, on_gone, listener);
    for (size_t i = 0; i < COUNT_OF(listed); i++) {
        if (mcp_listen_wants(listen, listed[i])) {
            listener->seen[listed[i]] = mark_of(listener, listed[i]);
        }
    }
    follow_sources(listener);
    expect_expiry(listeners, listener);
}

static void forget(listener_t *listener)
{
    listeners_t *listeners = listener->listeners;

    for (size_t i = 0; i < mcp_listen_uri_count(listener->listen); i++) {
        release(&listener->sources[i]);
    }
    LIST_REMOVE(listener, link);
    listeners->count--;
    __atomic_sub_fetch(&listeners->worker->gateway->listens, 1, __ATOMIC_RELAXED);
    principal_unref(listener->principal);
    mem_free(listener->sources);
    mem_free(listener);
}

static void on_gone(void *self)
{
    forget(self);
}

static void end(listener_t *listener)
{
    mcp_listen_t *listen = listener->listen;

    forget(listener);
    mcp_listen_end(listen);
}

static void on_expiry(evutil_socket_t fd, short what, void *self)
{
    listeners_t *listeners = self;
    int64_t now_unix = clock_unix();
    listener_t *listener, *next;

    (void)fd, (void)what;
    for (listener = LIST_FIRST(&listeners->all); listener; listener = next) {
        int64_t expires_unix = listener->principal->expires_unix;
        next = LIST_NEXT(listener, link);
        if (expires_unix && expires_unix <= now_unix) {
            end(listener);
        }
    }
    expect_expiries(listeners);
}

/* The token is still in the request. What it permits may be something else now. */
static bool is_still_accepted(listener_t *listener)
{
    worker_t *worker = listener->listeners->worker;
    principal_t *principal;
    size_t count = 0;
    span_t authorization = http_header(mcp_listen_request(listener->listen)->http, "Authorization", &count);
    err_t err;

    if (gate_check(worker->gate, authorization, count, clock_unix(), &principal, &err)) {
        return false;
    }
    principal_unref(listener->principal);
    listener->principal = principal;
    return true;
}

void listeners_recheck(listeners_t *listeners)
{
    listener_t *listener, *next;

    for (listener = LIST_FIRST(&listeners->all); listener; listener = next) {
        next = LIST_NEXT(listener, link);
        if (!is_still_accepted(listener)) {
            end(listener);
        }
    }
    expect_expiries(listeners);
}

/* Telling. */

typedef struct {
    entry_set_t entries[MCP_KINDS]; /* in lists that are said to have changed */
    bool any[MCP_KINDS];
} said_t;

static void add_said(said_t *said, mcp_kind_t kind, size_t index)
{
    said->any[kind] = true;
    said->entries[kind].words[index / 64] |= UINT64_C(1) << (index % 64);
}

static void read_said(const catalog_t *catalog, const unsigned *kinds, said_t *ret)
{
    int form = mcp_shape(MCP_2026_07_28);

    memset(ret, 0, sizeof(*ret));
    for (size_t i = 0; kinds && i < catalog->entry_count; i++) {
        const catalog_entry_t *entry = &catalog->entries[i];
        mcp_kind_t kind = entry->kind == MCP_TEMPLATES ? MCP_RESOURCES : entry->kind;
        if (kinds[entry->connector] & 1u << kind && entry->forms[form].at) {
            add_said(ret, kind, i);
        }
    }
}

static bool sees_any(const worker_t *worker, const principal_t *principal, const entry_set_t *entries)
{
    entry_set_t visible;

    worker_visible(worker, principal, &visible);
    for (size_t i = 0; i < COUNT_OF(visible.words); i++) {
        if (visible.words[i] & entries->words[i]) {
            return true;
        }
    }
    return false;
}

static void tell(listener_t *listener, mcp_kind_t kind, const said_t *said)
{
    uint64_t mark = mark_of(listener, kind);
    bool changed = mark != listener->seen[kind];

    listener->seen[kind] = mark;
    if (changed || (said->any[kind] &&
                    sees_any(listener->listeners->worker, listener->principal, &said->entries[kind]))) {
        mcp_listen_changed(listener->listen, kind);
    }
}

static void tell_listener(listener_t *listener, const said_t *said)
{
    for (size_t i = 0; i < COUNT_OF(listed); i++) {
        if (mcp_listen_wants(listener->listen, listed[i])) {
            tell(listener, listed[i], said);
        }
    }
}

void listeners_shown(listeners_t *listeners, const unsigned *kinds)
{
    listener_t *listener;
    said_t said;

    if (LIST_EMPTY(&listeners->all)) {
        return;
    }
    read_said(listeners->worker->view->catalog, kinds, &said);
    LIST_FOREACH(listener, &listeners->all, link)
    {
        follow_sources(listener);
        tell_listener(listener, &said);
    }
}
