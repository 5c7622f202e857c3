/* See discover.h: when one connector is asked, and what is made of the outcome. The conversation itself is in
 * discover_ask.c. Waits are spread by a tenth, so that replicas and connectors do not fall into step. */
#include <stdlib.h>

#include "clock.h"
#include "discover_private.h"
#include "log.h"
#include "mem.h"
#include "texts.h"

#define FIRST_RETRY_MS 500
#define LAST_RETRY_MS 30000
#define SHORTEST_REFRESH_MS 5000
#define LONGEST_REFRESH_MS 3600000
/* How long what a connector said of itself counts: one that was upgraded still answers initialize, and none
 * tells that it has prompts now, so only asking shows it. */
#define ERA_FOR_MS 600000
/* A session goes on while it serves: what was declared holds for all of it. But servers that keep theirs over
 * an upgrade, or do not look at the id, tell what they can do now only to who initializes. */
#define SESSION_FOR_MS 3600000

static void on_asked(void *self, const asked_t *asked, const err_t *err);

static void schedule(source_t *source, int64_t ms)
{
    loop_arm(source->timer, ms - ms / 10 + (ms >= 5 ? random() % (ms / 5) : 0));
}

/* The same, unless it is to be asked before that anyway. */
static void schedule_sooner(source_t *source, int64_t ms)
{
    struct timeval due, now;

    if (evtimer_pending(source->timer, &due)) {
        event_base_gettimeofday_cached(loop_base(source->discover->loop), &now);
        int64_t left_ms = (due.tv_sec - now.tv_sec) * 1000 + (due.tv_usec - now.tv_usec) / 1000;
        if (left_ms <= ms) {
            return;
        }
    }
    schedule(source, ms);
}

/* What does not have to be found out again. */
static void add_known(const source_t *source, ask_request_t *request)
{
    bool keeps_session = !source->session || session_serves(source->session);

    if (source->begun_ms < source->era_until_ms && keeps_session) {
        request->era = source->era;
    }
    if (keeps_session && (request->era != ERA_UNKNOWN || source->begun_ms < source->session_until_ms)) {
        request->session = source->session;
    }
}

void discover_source_begin(source_t *source)
{
    ask_request_t request = {
        .all = source->discover->config,
        .config = source->config,
        .pool = source->pool,
        .ends = source->discover->ends,
        .last_id = &source->last_id,
        .max_event_bytes = source->discover->config->max_reply_bytes,
    };

    if (source->ask) {
        return;
    }
    source->begun_ms = clock_ms();
    add_known(source, &request);
    request.revision = source->revision;
    request.want_legacy = source->wants_legacy;
    request.legacy_known = source->legacy_known;
    request.speaks_legacy = source->speaks_legacy;
    request.legacy_revision = source->legacy_revision;
    request.declared = source->declared;
    source->asking |= source->said;
    source->said = 0;
    event_del(source->timer);
    source->ask = ask_start(&request, on_asked, source);
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    discover_source_begin(self);
}

static int64_t retry_after_ms(unsigned failures)
{
    int64_t ms = FIRST_RETRY_MS;

    while (failures-- > 1 && ms < LAST_RETRY_MS) {
        ms *= 2;
    }
    return ms < LAST_RETRY_MS ? ms : LAST_RETRY_MS;
}

static void set_error(source_t *source, const char *text)
{
    mem_free(source->last_error);
    source->last_error = text ? mem_strdup(text) : NULL;
}

static void note_failure(source_t *source, const char *text)
{
    bool news = !source->asked || !source->last_error || strcmp(source->last_error, text) != 0;

    if (source->listed && !source->stale_since_ms) {
        source->stale_since_ms = clock_unix_ms();
        news = true;
    }
    source->asked = true;
    set_error(source, text);
    if (news && log_begin(LOG_LEVEL_WARN, "connector cannot be listed")) {
        log_str("connector", source->config->name);
        log_str("reason", text);
        log_bool("keeps_last_list", source->listed);
        log_end();
    }
    if (news || source->awaited) {
        discover_tell(source->discover);
    }
    source->awaited = false;
}

static void failed(source_t *source, const err_t *err)
{
    source->failures++;
    source->era = ERA_UNKNOWN;
    source->session_until_ms = 0; /* after a restart it may be known, and mean little */
    note_failure(source, err->text);
    schedule(source, retry_after_ms(source->failures));
}

static bool are_same(listing_t *const *before, listing_t *const *now)
{
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        if (now[kind] && !listing_is_same(before[kind], now[kind])) {
            return false;
        }
    }
    return true;
}

static int64_t refresh_ms(const source_t *source)
{
    int64_t ms = source->config->refresh_ms;
    bool said = false;

    for (int kind = 0; kind < MCP_KINDS; kind++) {
        int64_t ttl_ms = source->lists[kind] ? source->lists[kind]->ttl_ms : -1;
        if (ttl_ms > 0 && (!said || ttl_ms < ms)) {
            ms = ttl_ms;
            said = true;
        }
    }
    ms = ms > SHORTEST_REFRESH_MS ? ms : SHORTEST_REFRESH_MS;
    return ms < LONGEST_REFRESH_MS ? ms : LONGEST_REFRESH_MS;
}

static void log_found(const source_t *source)
{
    if (log_begin(LOG_LEVEL_INFO, "connector listed")) {
        log_str("connector", source->config->name);
        log_str("revision", mcp_revision_name(source->revision));
        for (int kind = 0; kind < MCP_KINDS; kind++) {
            log_int(mcp_kind_name(kind), source->lists[kind] ? (int64_t)source->lists[kind]->count : 0);
        }
        log_end();
    }
}

static void take_session(source_t *source, session_t *session)
{
    if (session == source->session) {
        return;
    }
    session_unref(source->session);
    source->session = session_ref(session);
    source->session_until_ms = clock_ms() + SESSION_FOR_MS;
}

/* A list that could not be had leaves the last good one. */
static void take_lists(source_t *source, listing_t *const *lists)
{
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        if (lists[kind]) {
            listing_free(source->lists[kind]);
            source->lists[kind] = lists[kind];
        }
    }
}

/* Whether there is nothing new about it but perhaps the lists. */
static bool is_known(const source_t *source, const asked_t *asked)
{
    return source->asked && !source->stale_since_ms && source->revision == asked->revision &&
           source->legacy_known == asked->legacy_known && source->speaks_legacy == asked->speaks_legacy &&
           memcmp(&source->declared, &asked->declared, sizeof(declared_t)) == 0 &&
           source->session == asked->session && text_is_same(source->last_error, asked->note);
}

static void learned(source_t *source, const asked_t *asked)
{
    bool same = are_same(source->lists, asked->lists);
    bool news = !same || !is_known(source, asked);

    source->news = source->news || !same;
    take_lists(source, asked->lists);
    if (source->era == ERA_UNKNOWN || clock_ms() >= source->era_until_ms) {
        source->era_until_ms = clock_ms() + ERA_FOR_MS;
    }
    source->era = asked->era;
    source->revision = asked->revision;
    source->legacy_known = asked->legacy_known;
    source->speaks_legacy = asked->speaks_legacy;
    source->legacy_revision = asked->legacy_revision;
    source->declared = asked->declared;
    take_session(source, asked->session);
    source->asked = source->listed = true;
    source->failures = 0;
    source->stale_since_ms = 0;
    set_error(source, asked->note);
    if (news) {
        log_found(source);
    }
    if (news || source->awaited) {
        discover_tell(source->discover);
    }
    source->awaited = false;
}

/* Templates are among resources. */
static unsigned said_as(mcp_kind_t kind)
{
    return 1u << (kind == MCP_TEMPLATES ? MCP_RESOURCES : kind);
}

/* A list that was not empty before: noted, and true when it is the first time it is said. That it has changed
 * at all counts as the first. */
static bool suddenly_empty(source_t *source, mcp_kind_t kind, const listing_t *now)
{
    bool had = source->lists[kind] && source->lists[kind]->count > 0;
    bool first = now && now->count == 0 && had && !source->emptied[kind] && !(source->asking & said_as(kind));

    source->emptied[kind] = first;
    return first;
}

/* The kind that is to be asked for once again before its emptiness is believed; MCP_KINDS: none. */
static mcp_kind_t not_believed(source_t *source, const asked_t *asked)
{
    mcp_kind_t ret = MCP_KINDS;

    for (int kind = 0; kind < MCP_KINDS; kind++) {
        if (suddenly_empty(source, kind, asked->lists[kind]) && ret == MCP_KINDS) {
            ret = kind;
        }
    }
    return ret;
}

static void doubt(source_t *source, const asked_t *asked, mcp_kind_t kind)
{
    AUTO(mem_free)
    char *text = mem_printf("It lists no %s any more; it is asked once again before that is believed.",
                            mcp_kind_name(kind));

    for (int i = 0; i < MCP_KINDS; i++) {
        listing_free(asked->lists[i]);
    }
    note_failure(source, text);
    schedule(source, SHORTEST_REFRESH_MS);
}

/* Whose entries are others now is seen in the catalog by who listens. What is left is said to have changed
 * and looks the same: all who see any of it are told. */
static void hear(source_t *source, const asked_t *asked)
{
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        if (asked->lists[kind] && !listing_has_same_items(source->lists[kind], asked->lists[kind])) {
            source->asking &= ~said_as(kind);
        }
    }
    source->heard |= source->asking;
    source->asking = 0;
    if (source->heard) {
        discover_tell_said(source->discover);
    }
}

static void take_asked(source_t *source, const asked_t *asked)
{
    mcp_kind_t kind = not_believed(source, asked);
    if (kind != MCP_KINDS) {
        doubt(source, asked, kind);
        return;
    }
    hear(source, asked);
    learned(source, asked);
    schedule(source, source->again ? CHANGED_EVERY_MS : refresh_ms(source));
    source->again = false;
}

static void on_asked(void *self, const asked_t *asked, const err_t *err)
{
    source_t *source = self;

    source->ask = NULL;
    source->asked_count++;
    if (err) {
        failed(source, err);
    } else {
        take_asked(source, asked);
    }
}

source_t *discover_source_new(discover_t *discover, const connector_config_t *config)
{
    source_t *source = NEW(source_t);
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

    source->discover = discover;
    source->config = config;
    source->revision = MCP_2026_07_28;
    source->pool = http_pool_new(discover->loop, discover->resolver, &config->hop, &limits);
    source->timer = evtimer_new(loop_base(discover->loop), on_timer, source);
    return source;
}

void discover_source_free(source_t *source)
{
    if (!source) {
        return;
    }
    if (source->ask) {
        ask_cancel(source->ask);
    }
    event_free(source->timer);
    http_pool_free(source->pool);
    for (int kind = 0; kind < MCP_KINDS; kind++) {
        listing_free(source->lists[kind]);
    }
    session_unref(source->session);
    mem_free(source->last_error);
    mem_free(source);
}

void discover_source_ask_again(source_t *source, int64_t every_ms)
{
    int64_t since_ms = clock_ms() - source->begun_ms;

    schedule_sooner(source, since_ms < every_ms ? every_ms - since_ms : 0);
}
