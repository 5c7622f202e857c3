/* An exchange of the hop client over TLS: libcurl makes, checks and keeps the connections, the rest is as
 * elsewhere (http_client.c).
 *
 * Surprising things: libcurl's callbacks run within libcurl, where nothing of it may be called; they only
 * take down what came and make `news` active, an event of our own, by which the reader is told right after.
 * What one call into libcurl brings (it reads 100 times at most) is thus told at once, and measured against
 * max_reply_bytes after the reader has had its turn. libcurl looks at idle connections only when it needs
 * one, so what nobody needs any more is closed with its multi handle, by the reaper. A request whose body
 * libcurl takes from us cannot be sent twice by libcurl; what is repeated is repeated here.
 */
#include "hop_web_private.h"

#include <event2/buffer.h>
#include <stdlib.h>

#include "clock.h"
#include "http_framing.h"
#include "http_response_private.h"
#include "mem.h"

static void on_reaper(evutil_socket_t fd, short what, void *self);
static void on_news(evutil_socket_t fd, short what, void *self);
static size_t on_header(char *line, size_t size, size_t count, void *self);
static size_t on_bytes(char *bytes, size_t size, size_t count, void *self);
static void on_done(void *transfer, CURLcode code);

hop_web_pool_t *hop_web_pool_new(http_pool_t *pool, const hop_url_t *url)
{
    hop_web_pool_t *web = NEW(hop_web_pool_t);

    web->pool = pool;
    web->url = mem_printf("https://%s%s", url->authority, url->path);
    web->ca_file = url->ca_file ? mem_strdup(url->ca_file) : NULL;
    evtimer_assign(&web->reaper, loop_base(pool->loop), on_reaper, web);
    return web;
}

void hop_web_pool_free(hop_web_pool_t *web)
{
    if (!web) {
        return;
    }
    event_del(&web->reaper);
    web_multi_free(web->multi);
    free(web->url);
    free(web->ca_file);
    free(web);
}

static size_t running(const hop_web_pool_t *web)
{
    return web->pool->hops + web->pool->left_count;
}

size_t hop_web_pool_open(const hop_web_pool_t *web)
{
    return web->multi ? web_multi_open(web->multi) : 0;
}

size_t hop_web_pool_idle(const hop_web_pool_t *web)
{
    size_t open = hop_web_pool_open(web), busy = running(web);

    return open > busy ? open - busy : 0;
}

static void on_reaper(evutil_socket_t fd, short what, void *self)
{
    hop_web_pool_t *web = self;

    (void)fd;
    (void)what;
    if (running(web) == 0) {
        web_multi_free(TAKE(web->multi));
    }
}

static void prepare(hop_t *hop, const hop_request_t *request)
{
    hop_web_pool_t *pool = hop->pool->web;
    hop_web_t *web = NEW(hop_web_t);

    if (!pool->multi) {
        pool->multi = web_multi_new(hop->pool->loop, hop->pool->limits.max_idle, on_done);
    }
    hop->web = web;
    web->easy = web_multi_take(pool->multi);
    evtimer_assign(&web->news, loop_base(hop->pool->loop), on_news, hop);
    hop_web_setup(hop, request);
    curl_easy_setopt(web->easy, CURLOPT_PRIVATE, hop);
    curl_easy_setopt(web->easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(web->easy, CURLOPT_HEADERDATA, hop);
    curl_easy_setopt(web->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(web->easy, CURLOPT_WRITEDATA, hop);
}

static void start(hop_t *hop)
{
    hop->web->running = web_multi_start(hop->pool->web->multi, hop->web->easy);
    if (!hop->web->running) {
        hop_fail_soon(hop, ERR_INTERNAL, "The exchange with the connector could not be started.");
    }
}

void hop_web_begin(hop_t *hop, const hop_request_t *request)
{
    if (hop->deadline_ms > clock_ms()) {
        prepare(hop, request);
        start(hop);
    }
}

/* Over TLS bytes of a request are written only once the certificate was found to hold. */
static void stop(hop_t *hop)
{
    hop_web_t *web = hop->web;
    long bytes = 0;

    if (web->running) {
        curl_easy_getinfo(web->easy, CURLINFO_REQUEST_SIZE, &bytes);
        hop->ever_sent = hop->ever_sent || bytes > 0;
        web_multi_stop(hop->pool->web->multi, web->easy);
        web->running = false;
    }
}

void hop_web_end(hop_t *hop)
{
    hop_web_pool_t *pool = hop->pool->web;

    stop(hop);
    hop_web_t *web = TAKE(hop->web);
    event_del(&web->news);
    web_multi_give_back(pool->multi, web->easy);
    web_drop_headers(web->headers);
    free(web);
    loop_arm(&pool->reaper, hop->pool->limits.idle_ms);
}

static void note_news(hop_t *hop)
{
    event_active(&hop->web->news, EV_TIMEOUT, 0);
}

/* Before an answer has come on_bytes sees to it. */
void hop_web_pause(hop_t *hop)
{
    hop_web_t *web = hop->web;

    if (!web->running || !hop->answered) {
        return;
    }
    curl_easy_pause(web->easy, hop->paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

static span_t trim_line_end(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r')) {
        length--;
    }
    return (span_t){ line, length };
}

/* The same limits as without TLS (http_response.h). */
static const char *check_line(hop_web_t *web, span_t line, size_t length)
{
    web->head_bytes += length;
    web->head_lines++;
    if (web->head_bytes > HTTP_RESPONSE_MAX_HEAD || web->head_lines > HTTP_RESPONSE_MAX_LINES + 2) {
        return "its headers are larger than 32 KiB or more than 100 lines";
    }
    return http_response_is_clean(line) ? NULL : "a header has a control character in it";
}

/* Lines of interim answers (1xx) and of trailers come here too. */
static size_t on_header(char *bytes, size_t size, size_t count, void *self)
{
    hop_t *hop = self;
    hop_web_t *web = hop->web;
    span_t line = trim_line_end(bytes, size * count);
    long status = 0;

    hop->answered = true;
    web->wrong = check_line(web, line, size * count);
    if (web->wrong) {
        return 0;
    }
    curl_easy_getinfo(web->easy, CURLINFO_RESPONSE_CODE, &status);
    if (line.length == 0 && status >= 200 && !web->head_whole) {
        web->head_whole = true;
        note_news(hop);
    }
    return size * count;
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *self)
{
    hop_t *hop = self;

    if (hop->paused) {
        return CURL_WRITEFUNC_PAUSE;
    }
    evbuffer_add(hop->body, bytes, size * count);
    hop->web->grown = true;
    note_news(hop);
    return size * count;
}

static span_t header(CURL *easy, const char *name)
{
    struct curl_header *found;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? span_of(found->value)
                                                                                  : (span_t){ 0 };
}

static bool tell_head(hop_t *hop)
{
    CURL *easy = hop->web->easy;
    span_t encoding = header(easy, "Content-Encoding");
    long status = 0;
    err_t err;

    if (encoding.length > 0 && !span_is_nocase(encoding, "identity")) {
        http_response_refuse(&err, "it is compressed, which was not asked for");
        hop_fail(hop, &err);
        return false;
    }
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    hop_head_t head = { .status = (int)status,
                        .content_type = header(easy, "Content-Type"),
                        .session_id = header(easy, "Mcp-Session-Id"),
                        .retry_after = header(easy, "Retry-After") };
    hop->telling = true;
    if (hop->events->on_head) {
        hop->events->on_head(hop->self, &head);
    }
    return hop_goes_on(hop);
}

/* What has come since the last time. False when that was the end of the exchange, which is gone now. */
static bool tell(hop_t *hop)
{
    hop_web_t *web = hop->web;

    if (web->head_whole && !web->head_told) {
        web->head_told = true;
        if (!tell_head(hop)) {
            return false;
        }
    }
    if (web->grown) {
        web->grown = false;
        if (!hop_tell_body(hop)) {
            return false;
        }
    }
    if (hop_has_too_much(hop)) {
        hop_fail_too_large(hop);
        return false;
    }
    return true;
}

static void on_news(evutil_socket_t fd, short what, void *self)
{
    hop_t *hop = self;

    (void)fd;
    (void)what;
    tell(hop);
}

/* As without TLS: a reused connection that died before any byte of an answer most likely was closed by the
 * server for being idle. Then libcurl makes a new one, and finds that it cannot have the body again. */
static bool may_repeat(const hop_t *hop, CURLcode code)
{
    long new_connections = 0;

    curl_easy_getinfo(hop->web->easy, CURLINFO_NUM_CONNECTS, &new_connections);
    return hop->idempotent && !hop->answered && !hop->web->repeated &&
           (code == CURLE_SEND_FAIL_REWIND || (new_connections == 0 && hop_web_died(code)));
}

static void repeat(hop_t *hop)
{
    stop(hop);
    hop->web->repeated = true;
    hop->web->taken = 0;
    curl_easy_setopt(hop->web->easy, CURLOPT_FRESH_CONNECT, 1L);
    start(hop);
}

static void on_done(void *transfer, CURLcode code)
{
    hop_t *hop = transfer;
    err_t err;

    if (code != CURLE_OK && may_repeat(hop, code)) {
        repeat(hop);
    } else if (tell(hop)) {
        if (code == CURLE_OK && hop->web->head_told) {
            hop_finish(hop);
        } else {
            hop_web_failure(hop, code, &err);
            hop_fail(hop, &err);
        }
    }
}
