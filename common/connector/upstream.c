/* Asking: one request of a call, from its start to what is told of it. See upstream.h; the sentences are made
 * in upstream_text.c.
 *
 * An ask is out with libcurl, waits to ask again, or has its answer read on a helper thread. In the first two
 * the call's cancel finds it (call_on_cancel), in the third call_offload() looks after it. A probe is an ask
 * without a call; its answer is read on the loop, so it should ask for little.
 */
#include "upstream_private.h"

#include <ctype.h>
#include <string.h>
#include <event2/event.h>
#include <event2/event_struct.h>

#include "buf.h"
#include "clock.h"
#include "log.h"
#include "mem.h"
#include "percent.h"
#include "retry_after.h"
#include "upstream_json.h"

#define DEFAULT_MAX_REPLY_BYTES ((size_t)8 << 20)
#define READ_ON_HELPER_BYTES 65536
#define SHORTEST_WAIT_MS 200 /* "Retry-After: 0" is no reason to hammer */
#define LATE_MS 50 /* a timer may fire a clock tick early; whoever asks before the time is refused anew */
#define MAX_TRIES 5
#define SPARE_MS 500              /* that must be left of the call after a wait */
#define DEMO_SERVER "guiche-demo" /* what tests/upstreams/standin.py says of itself */
#define TRACE_MAX_LENGTH 64
#define JSON_TYPE "Content-Type: application/json"
/* Whoever reads the upstream's log can tell the readiness check from calls. */
#define PROBE_AGENT "User-Agent: guiche/" GUICHE_VERSION " (readiness check)"

typedef struct ask {
    call_t *call; /* NULL: a probe */
    upstream_t *upstream;
    upstream_f cb;
    void *self;

    char *method, *url;
    char **headers; /* NULL-ended */
    buf_t body;
    bool repeatable, raw;
    int64_t timeout_ms; /* 0: what the call has left */
    int tries;

    web_call_t *web; /* while it is out */
    struct event wait;
    upstream_reply_t reply; /* what a helper reads, copied into the three below */
    buf_t answer;
    char *content_type, *location, *retry_after;
    json_t *json;
} ask_t;

static void send_it(ask_t *ask);
static void on_reply(void *self, const web_reply_t *reply, const err_t *err);
static void on_waited(evutil_socket_t fd, short what, void *self);
static void on_cancel(void *self);

/* One per connector */

static bool is_base_url(const char *url)
{
    size_t scheme = strncmp(url, "https://", 8) == 0 ? 8 : strncmp(url, "http://", 7) == 0 ? 7 : 0;

    for (const char *c = url; *c; c++) {
        if (*c <= ' ' || *c > '~') {
            return false;
        }
    }
    return scheme > 0 && strcspn(url + scheme, "/:") > 0 && !strpbrk(url, "@?#\\");
}

upstream_t *upstream_new(loop_t *loop, const upstream_options_t *options, err_t *err)
{
    size_t length = strlen(options->url);

    if (!is_base_url(options->url)) {
        err_set(err, ERR_CALLER,
                "%s must be an address such as https://host.example/path, without a user, a query or a "
                "fragment.",
                options->url_variable);
        return NULL;
    }
    while (options->url[length - 1] == '/') {
        length--;
    }
    upstream_t *upstream = NEW(upstream_t);
    upstream->loop = loop;
    upstream->web = web_new(loop);
    upstream->name = mem_strdup(options->name);
    upstream->base = mem_strndup(options->url, length);
    upstream->url_variable = mem_strdup(options->url_variable);
    upstream->max_reply_bytes = options->max_reply_bytes ? options->max_reply_bytes : DEFAULT_MAX_REPLY_BYTES;
    upstream->production = options->production;
    return upstream;
}

/* An ask's own memory */

static void wipe_lines(char **lines)
{
    for (size_t i = 0; lines && lines[i]; i++) {
        mem_wipe(lines[i], strlen(lines[i]));
        mem_free(lines[i]);
    }
    mem_free(lines);
}

/* Bodies hold credentials too (Odoo's XML-RPC). */
static void ask_free(ask_t *ask)
{
    wipe_lines(ask->headers);
    if (ask->body.data) {
        mem_wipe(ask->body.data, ask->body.length);
    }
    buf_free(&ask->body);
    buf_free(&ask->answer);
    json_decref(ask->json);
    mem_free(ask->content_type);
    mem_free(ask->location);
    mem_free(ask->retry_after);
    mem_free(ask->method);
    mem_free(ask->url);
    mem_free(ask);
}

void upstream_free(upstream_t *upstream)
{
    if (!upstream) {
        return;
    }
    if (upstream->probe) {
        ask_free(upstream->probe);
    }
    web_free(upstream->web);
    mem_free(upstream->name);
    mem_free(upstream->base);
    mem_free(upstream->url_variable);
    mem_free(upstream);
}

static char **copy_headers(const upstream_request_t *request, bool is_probe)
{
    size_t count = 0;

    while (request->headers && request->headers[count]) {
        count++;
    }
    char **copy = NEW_ARRAY(char *, count + 3);
    for (size_t i = 0; i < count; i++) {
        copy[i] = mem_strdup(request->headers[i]);
    }
    if (request->json) {
        copy[count++] = mem_strdup(JSON_TYPE);
    } else if (request->content_type) {
        copy[count++] = mem_printf("Content-Type: %s", request->content_type);
    }
    if (is_probe) {
        copy[count] = mem_strdup(PROBE_AGENT);
    }
    return copy;
}

static int add_bytes(const char *bytes, size_t length, void *out)
{
    buf_add(out, bytes, length);
    return 0;
}

/* call: NULL for a probe. */
static ask_t *ask_new(upstream_t *upstream, call_t *call, const upstream_request_t *request, upstream_f cb,
                      void *self)
{
    ask_t *ask = NEW(ask_t);

    ask->call = call;
    ask->upstream = upstream;
    ask->cb = cb;
    ask->self = self;
    ask->method = mem_strdup(request->method);
    ask->url = mem_printf("%s%s", upstream->base, request->path);
    ask->headers = copy_headers(request, !call);
    ask->timeout_ms = request->timeout_ms;
    ask->repeatable = request->repeatable;
    ask->raw = request->raw;
    if (request->json) {
        json_dump_callback(request->json, add_bytes, &ask->body, JSON_COMPACT | JSON_ENCODE_ANY);
    } else if (request->bytes.length > 0) {
        buf_add_span(&ask->body, request->bytes);
    }
    evtimer_assign(&ask->wait, loop_base(upstream->loop), on_waited, ask);
    return ask;
}

/* Out, and again */

static int64_t time_of(const ask_t *ask)
{
    int64_t left_ms = ask->call ? call_left_ms(ask->call) : ask->timeout_ms;

    return ask->timeout_ms > 0 && ask->timeout_ms < left_ms ? ask->timeout_ms : left_ms;
}

static void send_it(ask_t *ask)
{
    ask->tries++;
    ask->web = web_start(ask->upstream->web,
                         &(web_request_t){ .method = ask->method,
                                           .url = ask->url,
                                           .headers = (const char *const *)ask->headers,
                                           .body = buf_span(&ask->body),
                                           .timeout_ms = time_of(ask),
                                           .max_reply_bytes = ask->upstream->max_reply_bytes,
                                           .once = !ask->repeatable },
                         on_reply, ask);
}

static void on_waited(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    send_it(self);
}

/* How long to wait before it is asked again; -1: it is not. */
static int64_t pause_ms(const ask_t *ask, const web_reply_t *reply)
{
    bool busy = reply && (reply->status == 429 || reply->status == 503);
    int64_t wait_ms;

    if (!busy || !ask->repeatable || !ask->call || ask->tries == MAX_TRIES) {
        return -1;
    }
    wait_ms = retry_after_ms(reply->retry_after, clock_unix());
    if (wait_ms < 0) {
        return -1;
    }
    wait_ms = (wait_ms < SHORTEST_WAIT_MS ? SHORTEST_WAIT_MS : wait_ms) + LATE_MS;
    return wait_ms + SPARE_MS < call_left_ms(ask->call) ? wait_ms : -1;
}

static void on_cancel(void *self)
{
    ask_t *ask = self;
    call_t *call = ask->call;

    if (ask->web) {
        web_cancel(ask->web);
    }
    event_del(&ask->wait);
    ask_free(ask);
    call_release(call);
}

/* Its answer */

static void read_on_helper(void *self)
{
    ask_t *ask = self;

    ask->json = upstream_read_json(buf_span(&ask->answer));
}

static void on_read(void *self)
{
    ask_t *ask = self;

    ask->reply.json = ask->json;
    ask->cb(ask->self, &ask->reply, NULL);
}

static void dispose(void *self)
{
    ask_free(self);
}

static char *copy_span(span_t span)
{
    return span.at ? mem_strndup(span.at, span.length) : NULL;
}

/* What libcurl lends is gone after its callback. */
static void offload(ask_t *ask, const upstream_reply_t *reply)
{
    ask->content_type = copy_span(reply->content_type);
    ask->location = copy_span(reply->location);
    ask->retry_after = copy_span(reply->retry_after);
    buf_add_span(&ask->answer, reply->body);
    ask->reply = *reply;
    ask->reply.body = buf_span(&ask->answer);
    ask->reply.content_type = span_of(ask->content_type);
    ask->reply.location = span_of(ask->location);
    ask->reply.retry_after = span_of(ask->retry_after);
    call_offload(ask->call, read_on_helper, on_read, dispose, ask);
}

static bool is_trace_id(span_t id, const char *const *sent)
{
    for (size_t i = 0; i < id.length; i++) {
        if (!isalnum((unsigned char)id.at[i]) && id.at[i] != '-') {
            return false;
        }
    }
    return id.length > 0 && id.length <= TRACE_MAX_LENGTH && !upstream_repeats_secret(id, sent);
}

/* By its trace id the vendor's support finds what happened; nobody who called can use it. */
static void log_trace(const ask_t *ask, const web_reply_t *reply)
{
    if (reply->status < 400 || !ask->call || !is_trace_id(reply->trace, (const char *const *)ask->headers) ||
        !log_begin(LOG_LEVEL_INFO, "the upstream refused")) {
        return;
    }
    log_str("request_id", call_id(ask->call));
    log_str("upstream", ask->upstream->name);
    log_int("status", reply->status);
    log_span("trace_id", reply->trace);
    log_end();
}

static bool answer(ask_t *ask, const web_reply_t *from)
{
    upstream_reply_t reply = { .status = from->status,
                               .body = from->body,
                               .content_type = from->content_type,
                               .location = from->location,
                               .retry_after = from->retry_after,
                               .sent_headers = (const char *const *)ask->headers,
                               .repeatable = ask->repeatable };

    if (!ask->raw && ask->call && from->body.length > READ_ON_HELPER_BYTES) {
        offload(ask, &reply);
        return false;
    }
    ask->json = ask->raw ? NULL : upstream_read_json(from->body);
    reply.json = ask->json;
    ask->cb(ask->self, &reply, NULL);
    return true;
}

static bool is_out_of_reach(web_end_t how)
{
    return how == WEB_NO_NAME || how == WEB_NO_CONNECTION || how == WEB_NO_TLS || how == WEB_NOT_TRUSTED;
}

/* True when the ask is over. */
static bool answer_or_fail(ask_t *ask, const web_reply_t *reply, const web_call_t *web)
{
    const upstream_t *upstream = ask->upstream;
    err_t failed;

    if (reply && upstream->production && span_is(reply->server, DEMO_SERVER)) {
        upstream_refuse_demo(upstream, &failed);
    } else if (reply) {
        log_trace(ask, reply);
        return answer(ask, reply);
    } else {
        upstream_failed(upstream, web_end(web), ask->repeatable, web_was_sent(web), &failed);
        if (ask->call && is_out_of_reach(web_end(web))) {
            call_doubts_upstream(ask->call);
        }
    }
    ask->cb(ask->self, NULL, &failed);
    return true;
}

static void on_reply(void *self, const web_reply_t *reply, const err_t *err)
{
    ask_t *ask = self;
    call_t *call = ask->call;
    const web_call_t *web = TAKE(ask->web);
    int64_t wait_ms = pause_ms(ask, reply);

    (void)err;
    if (wait_ms >= 0) {
        loop_arm(&ask->wait, wait_ms);
        return;
    }
    if (call) {
        call_on_cancel(call, NULL, NULL);
    } else {
        ask->upstream->probe = NULL;
    }
    if (call && call_ended(call)) { /* the tool answered without waiting for it */
        ask_free(ask);
    } else if (answer_or_fail(ask, reply, web)) {
        ask_free(ask);
    }
    if (call) {
        call_release(call);
    }
}

/* The ways in */

void upstream_ask(call_t *call, upstream_t *upstream, const upstream_request_t *request, upstream_f cb,
                  void *self)
{
    ask_t *ask = ask_new(upstream, call, request, cb, self);

    call_hold(call);
    call_on_cancel(call, on_cancel, ask);
    send_it(ask);
}

static void end_last_probe(upstream_t *upstream)
{
    ask_t *ask = TAKE(upstream->probe);
    err_t err;

    web_cancel(ask->web);
    upstream_failed(upstream, WEB_LATE, true, true, &err);
    ask->cb(ask->self, NULL, &err);
    ask_free(ask);
}

void upstream_probe(upstream_t *upstream, const upstream_request_t *request, int64_t timeout_ms,
                    upstream_f cb, void *self)
{
    if (upstream->probe) {
        end_last_probe(upstream);
    }
    ask_t *ask = ask_new(upstream, NULL, request, cb, self);
    ask->timeout_ms = timeout_ms;
    upstream->probe = ask;
    send_it(ask);
}

static void wipe_text(void *text)
{
    mem_wipe(text, strlen(text));
    mem_free(text);
}

char *upstream_header(call_t *call, const char *name, const char *value)
{
    return call_own(call, mem_printf("%s: %s", name, value), wipe_text);
}

char *upstream_encode(call_t *call, const char *text)
{
    buf_t encoded = { 0 };

    percent_encode(&encoded, span_of(text));
    return call_own(call, buf_steal(&encoded), mem_free);
}
