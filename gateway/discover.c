/* See discover.h: when each connector is asked, and what is made of the outcome. The conversation itself is
 * in discover_ask.c. Waits are spread by a tenth, so that replicas and connectors do not fall into step. */
#include "discover.h"

#include <event2/event.h>
#include <stdlib.h>

#include "clock.h"
#include "discover_ask.h"
#include "log.h"
#include "mem.h"

#define FIRST_RETRY_MS 500
#define LAST_RETRY_MS 30000
#define SHORTEST_REFRESH_MS 5000
#define LONGEST_REFRESH_MS 3600000
#define SUSPECT_EVERY_MS 5000
/* How long a connector counts as legacy: one that was upgraded still answers initialize, so only asking shows
 * it. */
#define LEGACY_FOR_MS 600000

typedef struct {
    discover_t *discover;
    const connector_config_t *config;
    ask_t *ask; /* while it is being asked */
    http_pool_t *pool;
    struct event *timer;
    int64_t begun_ms;
    era_t era; /* what is known of its era; unknown again after a failure */
    int64_t era_until_ms;
    mcp_revision_t revision; /* of the last good answer */
    char *session_id;
    listing_t *listing; /* the last good one */
    char *last_error;
    int64_t stale_since_ms;
    uint64_t last_id; /* of requests */
    unsigned failures;
    bool asked, emptied;
    bool news; /* the list has changed since the last discover_found() */
} source_t;

struct discover {
    loop_t *loop;
    resolver_t *resolver;
    config_t *config;
    source_t **sources; /* one per connector of the configuration */
    size_t count;
    loop_f changed;
    void *self;
    bool telling; /* changed() is deferred */
    bool over;    /* freed meanwhile: what was deferred only clears up */
};

static void on_asked(void *self, const asked_t *asked, const err_t *err);

discover_t *discover_new(loop_t *loop, resolver_t *resolver, loop_f changed, void *self)
{
    discover_t *discover = NEW(discover_t);

    discover->loop = loop;
    discover->resolver = resolver;
    discover->changed = changed;
    discover->self = self;
    return discover;
}

static void on_telling(void *self)
{
    discover_t *discover = self;

    discover->telling = false;
    if (discover->over) {
        mem_free(discover);
    } else {
        discover->changed(discover->self);
    }
}

/* Several connectors often answer in one turn of the loop: one new catalog is enough. */
static void tell(discover_t *discover)
{
    if (!discover->telling) {
        discover->telling = true;
        loop_defer(discover->loop, on_telling, discover);
    }
}

static void schedule(source_t *source, int64_t ms)
{
    int64_t wait_ms = ms - ms / 10 + (ms >= 5 ? random() % (ms / 5) : 0);
    struct timeval wait = { .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 };

    evtimer_add(source->timer, &wait);
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

static void begin(source_t *source)
{
    ask_request_t request = {
        .config = source->config,
        .pool = source->pool,
        .session_id = source->session_id,
        .last_id = &source->last_id,
        .hop_secret = source->discover->config->hop_secret,
        .max_event_bytes = source->discover->config->max_reply_bytes,
    };

    if (source->ask) {
        return;
    }
    source->begun_ms = clock_ms();
    if (source->begun_ms < source->era_until_ms) {
        request.era = source->era;
    }
    request.revision = source->revision;
    event_del(source->timer);
    source->ask = ask_start(&request, on_asked, source);
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    begin(self);
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

    if (source->listing && !source->stale_since_ms) {
        source->stale_since_ms = clock_unix_ms();
        news = true;
    }
    source->asked = true;
    set_error(source, text);
    if (news && log_begin(LOG_LEVEL_WARN, "connector cannot be listed")) {
        log_str("connector", source->config->name);
        log_str("reason", text);
        log_bool("keeps_last_list", source->listing);
        log_end();
    }
    if (news) {
        tell(source->discover);
    }
}

static void failed(source_t *source, const err_t *err)
{
    source->failures++;
    source->era = ERA_UNKNOWN;
    note_failure(source, err->text);
    schedule(source, retry_after_ms(source->failures));
}

static bool is_same(const listing_t *a, const listing_t *b)
{
    if (!a || a->count != b->count || a->ttl_ms != b->ttl_ms || a->is_public != b->is_public) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!span_equal(a->tools[i], b->tools[i])) {
            return false;
        }
    }
    return true;
}

static bool is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int64_t refresh_ms(const source_t *source)
{
    int64_t ms = source->listing->ttl_ms > 0 ? source->listing->ttl_ms : source->config->refresh_ms;

    ms = ms > SHORTEST_REFRESH_MS ? ms : SHORTEST_REFRESH_MS;
    return ms < LONGEST_REFRESH_MS ? ms : LONGEST_REFRESH_MS;
}

static void log_found(const source_t *source)
{
    if (log_begin(LOG_LEVEL_INFO, "connector listed")) {
        log_str("connector", source->config->name);
        log_str("revision", mcp_revision_name(source->revision));
        log_int("tools", (int64_t)source->listing->count);
        log_end();
    }
}

static void take_session(source_t *source, const char *session_id)
{
    mem_free(source->session_id);
    source->session_id = session_id ? mem_strdup(session_id) : NULL;
}

static void learned(source_t *source, const asked_t *asked)
{
    bool news = !source->asked || source->stale_since_ms || !is_same(source->listing, asked->listing) ||
                source->revision != asked->revision || !is_same_text(source->session_id, asked->session_id) ||
                !is_same_text(source->last_error, asked->note);

    source->news = source->news || !is_same(source->listing, asked->listing);
    listing_free(source->listing);
    source->listing = asked->listing;
    if (source->era == ERA_UNKNOWN || clock_ms() >= source->era_until_ms) {
        source->era_until_ms = asked->era == ERA_MODERN ? INT64_MAX : clock_ms() + LEGACY_FOR_MS;
    }
    source->era = asked->era;
    source->revision = asked->revision;
    take_session(source, asked->session_id);
    source->asked = true;
    source->failures = 0;
    source->stale_since_ms = 0;
    set_error(source, asked->note);
    if (news) {
        log_found(source);
        tell(source->discover);
    }
}

static void on_asked(void *self, const asked_t *asked, const err_t *err)
{
    source_t *source = self;

    source->ask = NULL;
    if (err) {
        failed(source, err);
        return;
    }
    bool suddenly_empty = asked->listing->count == 0 && source->listing && source->listing->count > 0;
    if (suddenly_empty && !source->emptied) {
        source->emptied = true;
        listing_free(asked->listing);
        note_failure(source, "It lists no tools any more; it is asked once again before that is believed.");
        schedule(source, SHORTEST_REFRESH_MS);
        return;
    }
    source->emptied = false;
    learned(source, asked);
    schedule(source, refresh_ms(source));
}

static source_t *source_new(discover_t *discover, const connector_config_t *config)
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

static void source_free(source_t *source)
{
    if (!source) {
        return;
    }
    if (source->ask) {
        ask_cancel(source->ask);
    }
    event_free(source->timer);
    http_pool_free(source->pool);
    listing_free(source->listing);
    mem_free(source->session_id);
    mem_free(source->last_error);
    mem_free(source);
}

static void free_sources(source_t **sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        source_free(sources[i]);
    }
    mem_free(sources);
}

void discover_free(discover_t *discover)
{
    if (!discover) {
        return;
    }
    free_sources(discover->sources, discover->count);
    config_unref(discover->config);
    discover->over = true;
    if (!discover->telling) {
        mem_free(discover);
    }
}

/* Takes a connector that is still the same out of the old list. */
static source_t *take_over(source_t **sources, size_t count, const connector_config_t *config)
{
    for (size_t i = 0; i < count; i++) {
        if (sources[i] && strcmp(sources[i]->config->name, config->name) == 0 &&
            strcmp(sources[i]->config->url, config->url) == 0) {
            return TAKE(sources[i]);
        }
    }
    return NULL;
}

void discover_configure(discover_t *discover, config_t *config)
{
    source_t **before = discover->sources;
    size_t count_before = discover->count;
    config_t *config_before = discover->config;

    discover->config = config_ref(config);
    discover->count = config->connector_count;
    discover->sources = NEW_ARRAY(source_t *, discover->count);
    for (size_t i = 0; i < discover->count; i++) {
        const connector_config_t *connector = &config->connectors[i];
        source_t *same = take_over(before, count_before, connector);
        discover->sources[i] = same ? same : source_new(discover, connector);
        if (discover->sources[i]->ask) {
            ask_cancel(TAKE(discover->sources[i]->ask)); /* it reads the old configuration */
        }
        discover->sources[i]->config = connector;
        begin(discover->sources[i]);
    }
    free_sources(before, count_before);
    config_unref(config_before);
    tell(discover);
}

void discover_suspect(discover_t *discover, const char *connector, bool anew)
{
    for (size_t i = 0; i < discover->count; i++) {
        source_t *source = discover->sources[i];
        if (strcmp(source->config->name, connector) == 0 && !source->ask) {
            int64_t since_ms = clock_ms() - source->begun_ms;
            source->era_until_ms = anew ? 0 : source->era_until_ms;
            schedule_sooner(source, since_ms < SUSPECT_EVERY_MS ? SUSPECT_EVERY_MS - since_ms : 0);
        }
    }
}

void discover_found(discover_t *discover, found_t *ret)
{
    for (size_t i = 0; i < discover->count; i++) {
        source_t *source = discover->sources[i];
        ret[i] = (found_t){
            .listing = source->listing,
            .revision = source->revision,
            .session_id = source->session_id,
            .last_error = source->last_error,
            .stale_since_ms = source->stale_since_ms,
            .asked = source->asked,
            .news = source->news,
        };
        source->news = false;
    }
}
