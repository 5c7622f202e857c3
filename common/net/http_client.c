/* One exchange of the hop client, as a flow:
 *
 *     hop_start -> idle connection, or (resolve) -> connect -> send -> head -> body ... -> end
 *
 * Here is its life: how it begins, sends its request, and ends, is cancelled or left. What is https has the
 * same life; the way there and back is hop_web.c's.
 *
 * Surprising things: the request is kept until the first byte of an answer, because a reused connection may
 * turn out to be dead and the request then goes out a second time. Failures found inside hop_start() are told
 * by the timer's event, made active by hand, so no callback runs before hop_start() has returned. When a
 * write fails the answer is still read: a server may refuse a request before it has read it all.
 */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <stdlib.h>
#include <sys/uio.h>

#include "clock.h"
#include "http_client_private.h"
#include "mem.h"

#define LEFT_MS 1000 /* how long the end of an answer is waited for that nobody wants any more */

static void on_timer(evutil_socket_t fd, short what, void *self);

/* Lets go of everything that could call back. The last use of hop->pool: it may be gone after the callback
 * that ends. */
static void end(hop_t *hop)
{
    if (hop->ended) {
        return;
    }
    hop->ended = true;
    if (hop->left) {
        LIST_REMOVE(hop, link);
        hop->pool->left_count--;
    } else {
        hop->pool->hops--;
    }
    event_del(&hop->timer);
    loop_write_cancel(hop->pool->loop, &hop->sending);
    if (hop->conn) {
        http_conn_close(TAKE(hop->conn));
    }
    if (hop->question) {
        resolve_cancel(TAKE(hop->question));
    }
    if (hop->web) {
        hop_web_end(hop);
    }
}

static void hop_free(hop_t *hop)
{
    buf_free(&hop->head);
    buf_free(&hop->message);
    evbuffer_free(hop->body);
    free(hop->addresses);
    free(hop);
}

void hop_fail(hop_t *hop, const err_t *err)
{
    end(hop);
    hop->telling = true;
    hop->events->on_error(hop->self, err, hop->ever_sent);
    hop_free(hop);
}

void hop_fail_with(hop_t *hop, err_kind_t kind, const char *text)
{
    err_t err;

    err_set(&err, kind, "%s", text);
    hop_fail(hop, &err);
}

void hop_fail_soon(hop_t *hop, err_kind_t kind, const char *text)
{
    hop->failure_kind = kind;
    hop->failure = text;
    event_active(&hop->timer, EV_TIMEOUT, 0);
}

void hop_arm_timer(hop_t *hop)
{
    if (hop->failure) {
        return; /* adding a timeout would take the event off the active queue */
    }
    int64_t until_ms = hop->connecting && hop->connect_until_ms < hop->deadline_ms ? hop->connect_until_ms
                                                                                   : hop->deadline_ms;
    loop_arm(&hop->timer, until_ms - clock_ms());
}

static void take_body(hop_t *hop, buf_t *body)
{
    if (body) {
        hop->message = *body;
        *body = (buf_t){ 0 };
    }
}

static void compose(hop_t *hop, const hop_request_t *request)
{
    buf_t *head = &hop->head;
    span_t rest = span_of(hop->pool->request_rest);

    buf_reserve(head, strlen(request->method) + rest.length + request->headers.length + 64);
    buf_add_text(head, request->method);
    buf_add_span(head, rest);
    buf_add_span(head, request->headers);
    if (hop->message.length > 0 || strcmp(request->method, "POST") == 0) {
        buf_add_text(head, "Content-Length: ");
        buf_add_u64(head, hop->message.length);
        buf_add_text(head, "\r\n");
    }
    buf_add_text(head, "\r\n");
}

static void send_waiting(void *self)
{
    hop_send(self);
}

static void begin(hop_t *hop, const hop_request_t *request)
{
    compose(hop, request);
    if (hop->deadline_ms <= clock_ms()) {
        return;
    }
    hop->conn = http_pool_take(hop->pool, hop);
    if (hop->conn) {
        loop_write_soon(hop->pool->loop, &hop->sending, send_waiting, hop);
    } else {
        hop_connect(hop);
    }
}

hop_t *hop_start(http_pool_t *pool, const hop_request_t *request, buf_t *body, const hop_events_t *events,
                 void *self)
{
    hop_t *hop = NEW(hop_t);

    hop->pool = pool;
    hop->events = events;
    hop->self = self;
    hop->deadline_ms = request->deadline_ms;
    hop->idempotent = request->idempotent;
    hop->body = evbuffer_new();
    pool->hops++;
    evtimer_assign(&hop->timer, loop_base(pool->loop), on_timer, hop);
    http_response_begin(&hop->response, strcmp(request->method, "HEAD") == 0);
    take_body(hop, body);
    if (pool->web) {
        hop_web_begin(hop, request);
    } else {
        begin(hop, request);
    }
    hop_arm_timer(hop);
    return hop;
}

void hop_writable(hop_t *hop)
{
    if (hop->connecting) {
        hop_connect_writable(hop);
    } else {
        hop_send(hop);
    }
}

static struct iovec unsent(const buf_t *buf, size_t sent)
{
    if (sent >= buf->length) {
        return (struct iovec){ 0 };
    }
    return (struct iovec){ .iov_base = buf->data + sent, .iov_len = buf->length - sent };
}

/* Both parts at once: one system call, and one segment where they are small. */
static ssize_t write_some(hop_t *hop)
{
    size_t head = hop->head.length;
    struct iovec parts[] = {
        unsent(&hop->head, hop->sent),
        unsent(&hop->message, hop->sent > head ? hop->sent - head : 0),
    };
    struct msghdr message = { .msg_iov = parts, .msg_iovlen = COUNT_OF(parts) };

    return sendmsg(hop->conn->fd, &message, MSG_NOSIGNAL);
}

bool hop_is_sent(const hop_t *hop)
{
    return hop->sent == hop->head.length + hop->message.length;
}

void hop_send(hop_t *hop)
{
    while (!hop_is_sent(hop)) {
        ssize_t written = write_some(hop);

        if (written > 0) {
            hop->sent += (size_t)written;
            hop->ever_sent = true;
        } else if (written < 0 && errno == EAGAIN) {
            event_add(&hop->conn->writable, NULL);
            return;
        } else if (written == 0 || errno != EINTR) {
            event_active(&hop->conn->readable, EV_READ, 0);
            return;
        }
    }
}

void hop_finish(hop_t *hop)
{
    end(hop);
    hop->telling = true;
    hop->events->on_end(hop->self, hop->body);
    hop_free(hop);
}

bool hop_goes_on(hop_t *hop)
{
    hop->telling = false;
    if (hop->ended) {
        hop_free(hop);
        return false;
    }
    return true;
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    hop_t *hop = self;
    int64_t now_ms = clock_ms();

    (void)fd;
    (void)what;
    if (hop->failure) {
        hop_fail_with(hop, hop->failure_kind, hop->failure);
    } else if (now_ms >= hop->deadline_ms) {
        hop_fail_with(hop, ERR_TIMEOUT, "The connector did not answer within its deadline.");
    } else if (hop->connecting && now_ms >= hop->connect_until_ms) {
        hop_on_connect_timeout(hop);
    } else {
        hop_arm_timer(hop);
    }
}

void hop_cancel(hop_t *hop)
{
    end(hop);
    if (!hop->telling) {
        hop_free(hop);
    }
}

static void throw_away(void *self, struct evbuffer *body)
{
    (void)self;
    evbuffer_drain(body, evbuffer_get_length(body));
}

static void ignore_error(void *self, const err_t *err, bool sent)
{
    (void)self, (void)err, (void)sent;
}

/* To whom an exchange is told that was left. */
static const hop_events_t nobody = { .on_body = throw_away, .on_end = throw_away, .on_error = ignore_error };

static bool may_serve_again(const hop_t *hop)
{
    return hop->web ? hop->answered : hop->conn && hop->response.keep_alive;
}

/* As many at most as the pool would keep idle: a connector that ends no stream must not hold more. */
void hop_leave(hop_t *hop)
{
    http_pool_t *pool = hop->pool;

    if (hop->ended || !may_serve_again(hop) || pool->left_count >= pool->limits.max_idle) {
        hop_cancel(hop);
        return;
    }
    hop->events = &nobody;
    hop->left = true;
    pool->hops--;
    pool->left_count++;
    LIST_INSERT_HEAD(&pool->left, hop, link);
    hop_pause(hop, false);
    hop_extend(hop, clock_ms() + LEFT_MS);
}

void hop_drop_left(http_pool_t *pool)
{
    while (!LIST_EMPTY(&pool->left)) {
        hop_cancel(LIST_FIRST(&pool->left));
    }
}

void hop_pause(hop_t *hop, bool paused)
{
    hop->paused = paused;
    if (hop->conn && !hop->connecting) {
        http_conn_watch(hop->conn, !paused);
    }
    if (hop->web) {
        hop_web_pause(hop);
    }
}

void hop_extend(hop_t *hop, int64_t deadline_ms)
{
    hop->deadline_ms = deadline_ms;
    if (!hop->ended) {
        hop_arm_timer(hop);
    }
}
