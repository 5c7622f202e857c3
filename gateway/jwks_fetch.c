/* See jwks_fetch.h. Neither log nor status says the URL: its query may hold a secret. */
#include "jwks_fetch.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdlib.h>

#include "clock.h"
#include "jwks_rules.h"
#include "log.h"
#include "mem.h"
#include "web.h"

#define DEADLINE_MS 10000
#define MAX_SET_BYTES (256 * 1024)
#define FIRST_RETRY_MS 1000
#define LAST_RETRY_MS 60000

struct jwks_fetch {
    loop_t *loop;
    loop_f changed;
    void *self;
    web_t *web;
    web_call_t *call; /* while it is being fetched */
    struct event *timer;
    config_t *config;
    char *document; /* the last good set, as it came; NULL: none yet */
    size_t document_length;
    keys_t *keys; /* those of the configuration and of the document */
    size_t fetched_count;
    char *last_error; /* NULL: none since the last good set */
    int64_t fetched_unix_ms, refresh_unix_ms;
    unsigned failures;
    jwks_limit_t limit;
};

static void on_reply(void *self, const web_reply_t *reply, const err_t *err);

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what;
    jwks_fetch_again(self);
}

jwks_fetch_t *jwks_fetch_new(loop_t *loop, loop_f changed, void *self)
{
    jwks_fetch_t *fetch = NEW(jwks_fetch_t);

    fetch->loop = loop;
    fetch->changed = changed;
    fetch->self = self;
    fetch->web = web_new(loop);
    fetch->timer = evtimer_new(loop_base(loop), on_timer, fetch);
    jwks_limit_init(&fetch->limit);
    return fetch;
}

void jwks_fetch_free(jwks_fetch_t *fetch)
{
    if (!fetch) {
        return;
    }
    web_free(fetch->web); /* ends the call */
    event_free(fetch->timer);
    pthread_mutex_destroy(&fetch->limit.mutex);
    config_unref(fetch->config);
    keys_free(fetch->keys);
    mem_free(fetch->document);
    mem_free(fetch->last_error);
    mem_free(fetch);
}

static const char *url_of(const config_t *config)
{
    return config && config->auth_mode == AUTH_JWT ? config->jwks_url : NULL;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* random() is for telling replicas apart (serve.c seeds it), not for secrets. */
static int64_t schedule(jwks_fetch_t *fetch, int64_t shortest_ms, int64_t longest_ms)
{
    int64_t ms = shortest_ms + random() % (longest_ms - shortest_ms + 1);
    struct timeval wait = clock_timeval(ms);

    evtimer_add(fetch->timer, &wait);
    return ms;
}

void jwks_fetch_again(jwks_fetch_t *fetch)
{
    static const char *const headers[] = { "Accept: application/jwk-set+json, application/json", NULL };
    web_request_t request = {
        .method = "GET",
        .url = url_of(fetch->config),
        .headers = headers,
        .timeout_ms = DEADLINE_MS,
        .max_reply_bytes = MAX_SET_BYTES,
    };

    if (!request.url || fetch->call) {
        return;
    }
    request.ca_file = fetch->config->jwks_ca_file;
    evtimer_del(fetch->timer);
    fetch->call = web_start(fetch->web, &request, on_reply, fetch);
}

bool jwks_fetch_may(jwks_fetch_t *fetch, const char *kid, int64_t now_ms)
{
    return jwks_limit_take(&fetch->limit, span_of(kid), now_ms);
}

/* What tokens are checked with: a new set each time, as workers hold the one before. document may be NULL. */
static keys_t *join(const config_t *config, const span_t *document, size_t *ret_fetched, err_t *err)
{
    keys_t *keys = keys_new();

    keys_add_all(keys, config->keys);
    if (document && keys_add_jwks(keys, *document, err)) {
        keys_free(keys);
        return NULL;
    }
    *ret_fetched = keys_count(keys) - keys_count(config->keys);
    return keys;
}

static void set_error(jwks_fetch_t *fetch, const char *text)
{
    mem_free(fetch->last_error);
    fetch->last_error = text ? mem_strdup(text) : NULL;
}

static void fail(jwks_fetch_t *fetch, const char *text)
{
    int64_t wait_ms = FIRST_RETRY_MS;
    bool news = !is_same(fetch->last_error, text);

    for (unsigned i = 0; i < fetch->failures && wait_ms < LAST_RETRY_MS; i++) {
        wait_ms *= 2;
    }
    wait_ms = wait_ms < LAST_RETRY_MS ? wait_ms : LAST_RETRY_MS;
    fetch->failures++;
    fetch->refresh_unix_ms = 0; /* soon, and again */
    schedule(fetch, wait_ms - wait_ms / 10, wait_ms + wait_ms / 10);
    set_error(fetch, text);
    if (news && log_begin(LOG_LEVEL_WARN, "keys cannot be fetched")) {
        log_str("setting", "auth.jwks_url");
        log_str("reason", text);
        log_bool("keeps_last_keys", fetch->document);
        log_end();
    }
    if (news) {
        fetch->changed(fetch->self);
    }
}

static void log_fetched(const jwks_fetch_t *fetch)
{
    if (log_begin(LOG_LEVEL_INFO, "keys fetched")) {
        log_str("setting", "auth.jwks_url");
        log_int("keys", (int64_t)fetch->fetched_count);
        log_end();
    }
}

static void take_document(jwks_fetch_t *fetch, span_t document, keys_t *keys, size_t fetched_count)
{
    keys_free(fetch->keys);
    fetch->keys = keys;
    fetch->fetched_count = fetched_count;
    mem_free(fetch->document);
    fetch->document = mem_strndup(document.at, document.length);
    fetch->document_length = document.length;
}

/* Refreshed when four fifths of its lifetime are over, or a little later. */
static void learn(jwks_fetch_t *fetch, const web_reply_t *reply)
{
    span_t before = { fetch->document, fetch->document_length };
    int64_t lifetime_ms = jwks_lifetime_ms(reply->cache_control);
    bool same = before.at && span_equal(before, reply->body);
    bool news = !same || fetch->last_error;

    if (!same) {
        size_t fetched_count = 0;
        err_t err;
        keys_t *keys = join(fetch->config, &reply->body, &fetched_count, &err);
        if (!keys) {
            fail(fetch, err.text);
            return;
        }
        take_document(fetch, reply->body, keys, fetched_count);
    }
    set_error(fetch, NULL);
    fetch->failures = 0;
    fetch->fetched_unix_ms = clock_unix_ms();
    fetch->refresh_unix_ms =
        fetch->fetched_unix_ms + schedule(fetch, lifetime_ms * 80 / 100, lifetime_ms * 95 / 100);
    if (news) {
        log_fetched(fetch);
    }
    fetch->changed(fetch->self); /* /status says when it was */
}

static void on_reply(void *self, const web_reply_t *reply, const err_t *err)
{
    jwks_fetch_t *fetch = self;

    fetch->call = NULL;
    if (err) {
        fail(fetch, err->text);
    } else if (reply->status >= 300 && reply->status < 400) {
        AUTO(mem_free)
        char *text = mem_printf("The answer is a redirect (HTTP %d), which is not followed.", reply->status);
        fail(fetch, text);
    } else if (reply->status != 200) {
        AUTO(mem_free) char *text = mem_printf("The answer is HTTP %d instead of 200.", reply->status);
        fail(fetch, text);
    } else {
        learn(fetch, reply);
    }
}

static void forget(jwks_fetch_t *fetch)
{
    if (fetch->call) {
        web_cancel(TAKE(fetch->call));
    }
    evtimer_del(fetch->timer);
    mem_free(TAKE(fetch->document));
    fetch->document_length = 0;
    fetch->fetched_unix_ms = fetch->refresh_unix_ms = 0;
    fetch->failures = 0;
    set_error(fetch, NULL);
}

void jwks_fetch_configure(jwks_fetch_t *fetch, config_t *config)
{
    config_t *before = fetch->config;
    err_t err;

    fetch->config = config_ref(config);
    if (!before || !is_same(url_of(before), url_of(config)) ||
        !is_same(before->jwks_ca_file, config->jwks_ca_file)) {
        forget(fetch);
    }
    config_unref(before);
    keys_free(fetch->keys);
    /* The document was found good before, whatever the configuration. */
    span_t document = { fetch->document, fetch->document_length };
    fetch->keys = join(config, fetch->document ? &document : NULL, &fetch->fetched_count, &err);
    jwks_fetch_again(fetch);
}

static const char *state_of(const jwks_fetch_t *fetch)
{
    if (!fetch->document) {
        return fetch->last_error ? "down" : "starting";
    }
    return fetch->last_error ? "stale" : "ok";
}

static json_t *time_or_null(int64_t unix_ms)
{
    char text[CLOCK_ISO_SIZE];

    return unix_ms ? json_string(clock_iso(unix_ms, text)) : json_null();
}

static json_t *describe(const jwks_fetch_t *fetch)
{
    return json_pack("{s:s, s:I, s:o, s:o, s:s?}", "state", state_of(fetch), "keys",
                     (json_int_t)fetch->fetched_count, "fetched_at", time_or_null(fetch->fetched_unix_ms),
                     "refresh_at", time_or_null(fetch->refresh_unix_ms), "last_error", fetch->last_error);
}

/* The page is the catalog's, which knows nothing of keys; this is done once per catalog. */
static void add_status(const jwks_fetch_t *fetch, catalog_t *catalog)
{
    json_auto_t *page = json_loads(catalog->status, 0, NULL);

    json_object_set_new(page, "ready", json_boolean(catalog->ready && !catalog->awaits_keys));
    json_object_set_new(page, "jwks", describe(fetch));
    mem_free(catalog->status);
    catalog->status = json_dumps(page, JSON_COMPACT);
}

void jwks_fetch_show(const jwks_fetch_t *fetch, catalog_t *catalog)
{
    keys_free(catalog->keys);
    catalog->keys = keys_ref(fetch->keys);
    if (url_of(fetch->config)) {
        catalog->awaits_keys = !fetch->document;
        add_status(fetch, catalog);
    }
}
