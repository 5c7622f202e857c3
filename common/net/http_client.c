/* One exchange of the hop client, as a flow:
 *
 *     hop_start -> idle connection, or (resolve) -> connect -> send -> head -> body ... -> end
 *
 * Surprising things: the request is kept until the first byte of an answer, because a reused connection may
 * turn out to be dead and the request then goes out a second time (died()). Failures found inside hop_start()
 * are told by the timer's event, made active by hand, so no callback runs before hop_start() has returned.
 * When a write fails the answer is still read: a server may refuse a request before it has read it all. A
 * callback may cancel its own exchange; hop_t then lives until the callback has returned, and nothing else of
 * it is touched after (tell_head, tell_body).
 */
#include "http_client.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/un.h>

#include "clock.h"
#include "http_pool.h"
#include "http_response.h"
#include "mem.h"

#define WRITE_PIECES 16

struct hop {
    http_pool_t *pool;
    const hop_events_t *events;
    void *self;
    http_conn_t *conn;
    resolve_t *question;
    struct sockaddr_storage *addresses; /* of a TCP connector, tried in turn */
    size_t address_count, address_next;
    struct event timer; /* the deadline, the end of a connect, or a failure to tell */
    int64_t deadline_ms, connect_until_ms;
    struct evbuffer *request, *body;
    size_t sent; /* of the request, on this connection */
    http_response_t response;
    err_kind_t failure_kind;
    const char *failure; /* to be told by the timer */
    bool idempotent;
    bool connecting; /* no connection is established yet */
    bool ever_sent;  /* some byte of the request, on any connection */
    bool answered;   /* some byte of an answer came */
    bool paused, telling, ended;
};

static void start_connecting(hop_t *hop);
static void on_addresses(void *self, const struct sockaddr_storage *addresses, size_t count,
                         const err_t *err);
static void try_addresses(hop_t *hop, int failure);
static void on_connected(hop_t *hop);
static void send_request(hop_t *hop);
static void read_answer(hop_t *hop);
static void on_timer(evutil_socket_t fd, short what, void *self);

/* Lets go of everything that could call back. The last use of hop->pool: it may be gone after the callback
 * that ends. */
static void end(hop_t *hop)
{
    if (hop->ended) {
        return;
    }
    hop->ended = true;
    hop->pool->hops--;
    event_del(&hop->timer);
    if (hop->conn) {
        http_conn_close(TAKE(hop->conn));
    }
    if (hop->question) {
        resolve_cancel(TAKE(hop->question));
    }
}

static void hop_free(hop_t *hop)
{
    evbuffer_free(hop->request);
    evbuffer_free(hop->body);
    free(hop->addresses);
    free(hop);
}

static void fail(hop_t *hop, const err_t *err)
{
    end(hop);
    hop->telling = true;
    hop->events->on_error(hop->self, err, hop->ever_sent);
    hop_free(hop);
}

static void fail_with(hop_t *hop, err_kind_t kind, const char *text)
{
    err_t err;

    err_set(&err, kind, "%s", text);
    fail(hop, &err);
}

static void fail_soon(hop_t *hop, err_kind_t kind, const char *text)
{
    hop->failure_kind = kind;
    hop->failure = text;
    event_active(&hop->timer, EV_TIMEOUT, 0);
}

static void arm_timer(hop_t *hop)
{
    if (hop->failure) {
        return; /* adding a timeout would take the event off the active queue */
    }
    int64_t until_ms = hop->connecting && hop->connect_until_ms < hop->deadline_ms ? hop->connect_until_ms
                                                                                   : hop->deadline_ms;
    struct timeval wait = clock_timeval(until_ms - clock_ms());
    evtimer_add(&hop->timer, &wait);
}

static void compose(hop_t *hop, const hop_request_t *request, struct evbuffer *body)
{
    size_t body_bytes = body ? evbuffer_get_length(body) : 0;
    const char *rest = hop->pool->request_rest;

    evbuffer_expand(hop->request, strlen(request->method) + strlen(rest) + request->headers.length + 64);
    evbuffer_add(hop->request, request->method, strlen(request->method));
    evbuffer_add(hop->request, rest, strlen(rest));
    evbuffer_add(hop->request, request->headers.at, request->headers.length);
    if (body_bytes > 0 || strcmp(request->method, "POST") == 0) {
        evbuffer_add_printf(hop->request, "Content-Length: %zu\r\n\r\n", body_bytes);
    } else {
        evbuffer_add(hop->request, "\r\n", 2);
    }
    if (body) {
        evbuffer_add_buffer(hop->request, body);
    }
}

static void begin(hop_t *hop)
{
    hop->conn = http_pool_take(hop->pool, hop);
    if (hop->conn) {
        send_request(hop);
    } else {
        start_connecting(hop);
    }
}

hop_t *hop_start(http_pool_t *pool, const hop_request_t *request, struct evbuffer *body,
                 const hop_events_t *events, void *self)
{
    hop_t *hop = NEW(hop_t);

    hop->pool = pool;
    hop->events = events;
    hop->self = self;
    hop->deadline_ms = request->deadline_ms;
    hop->idempotent = request->idempotent;
    hop->request = evbuffer_new();
    hop->body = evbuffer_new();
    pool->hops++;
    evtimer_assign(&hop->timer, loop_base(pool->loop), on_timer, hop);
    http_response_begin(&hop->response, strcmp(request->method, "HEAD") == 0);
    compose(hop, request, body);
    if (hop->deadline_ms > clock_ms()) {
        begin(hop);
    }
    arm_timer(hop);
    return hop;
}

static void start_connecting(hop_t *hop)
{
    const hop_url_t *url = &hop->pool->url;

    hop->connecting = true;
    hop->connect_until_ms = clock_ms() + hop->pool->limits.connect_timeout_ms;
    if (!url->socket_path) {
        hop->question = resolve_start(hop->pool->resolver, url->host, url->port, on_addresses, hop);
        return;
    }
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    memccpy(address.sun_path, url->socket_path, '\0', sizeof(address.sun_path) - 1);
    free(hop->addresses);
    hop->addresses = NEW_ARRAY(struct sockaddr_storage, 1);
    memcpy(hop->addresses, &address, sizeof(address));
    hop->address_count = 1;
    hop->address_next = 0;
    try_addresses(hop, 0);
}

static void on_addresses(void *self, const struct sockaddr_storage *addresses, size_t count, const err_t *err)
{
    hop_t *hop = self;

    hop->question = NULL;
    if (err) {
        fail(hop, err);
        return;
    }
    free(hop->addresses);
    hop->addresses = NEW_ARRAY(struct sockaddr_storage, count);
    memcpy(hop->addresses, addresses, count * sizeof(*addresses));
    hop->address_count = count;
    hop->address_next = 0;
    try_addresses(hop, 0);
}

static void fail_to_connect(hop_t *hop, int failure)
{
    static const struct {
        int number;
        err_kind_t kind;
        const char *text;
    } failures[] = {
        { ECONNREFUSED, ERR_UPSTREAM, "The connector refused the connection." },
        { ENOENT, ERR_UPSTREAM, "The connector is not running: its socket does not exist." },
        { EACCES, ERR_UPSTREAM, "The connector's socket may not be opened by this user." },
        { EAGAIN, ERR_UPSTREAM, "The connector has too many connections waiting." },
        { ETIMEDOUT, ERR_UPSTREAM, "The connector did not accept the connection in time." },
        { EMFILE, ERR_INTERNAL, "No connection to the connector could be opened: too many are open here." },
        { ENFILE, ERR_INTERNAL, "No connection to the connector could be opened: too many are open here." },
    };

    if (hop->pool->url.host) {
        resolver_forget(hop->pool->resolver, hop->pool->url.host);
    }
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        if (failures[i].number == failure) {
            fail_soon(hop, failures[i].kind, failures[i].text);
            return;
        }
    }
    fail_soon(hop, ERR_UPSTREAM, "The connector could not be reached.");
}

static socklen_t address_size(const struct sockaddr_storage *address)
{
    switch (address->ss_family) {
    case AF_INET:
        return sizeof(struct sockaddr_in);
    case AF_INET6:
        return sizeof(struct sockaddr_in6);
    default:
        return sizeof(struct sockaddr_un);
    }
}

/* `failure`: why the address before did not do. */
static void try_addresses(hop_t *hop, int failure)
{
    bool connected = false;

    while (!hop->conn && hop->address_next < hop->address_count) {
        const struct sockaddr_storage *address = &hop->addresses[hop->address_next++];
        hop->conn = http_conn_open(hop->pool, hop, (const struct sockaddr *)address, address_size(address),
                                   &connected);
        failure = hop->conn ? 0 : errno;
    }
    if (!hop->conn) {
        fail_to_connect(hop, failure);
    } else if (connected) {
        on_connected(hop);
    } else {
        hop->connect_until_ms = clock_ms() + hop->pool->limits.connect_timeout_ms;
        event_add(&hop->conn->writable, NULL);
        arm_timer(hop);
    }
}

static void leave_address(hop_t *hop, int failure)
{
    http_conn_close(TAKE(hop->conn));
    try_addresses(hop, failure);
}

static void on_connected(hop_t *hop)
{
    hop->connecting = false;
    arm_timer(hop);
    http_conn_watch(hop->conn, !hop->paused);
    send_request(hop);
}

void hop_writable(hop_t *hop)
{
    int failure = 0;
    socklen_t size = sizeof(failure);

    if (!hop->connecting) {
        send_request(hop);
        return;
    }
    getsockopt(hop->conn->fd, SOL_SOCKET, SO_ERROR, &failure, &size);
    if (failure) {
        leave_address(hop, failure);
    } else {
        on_connected(hop);
    }
}

static ssize_t write_some(hop_t *hop)
{
    struct evbuffer_iovec pieces[WRITE_PIECES];
    struct evbuffer_ptr from;

    evbuffer_ptr_set(hop->request, &from, hop->sent, EVBUFFER_PTR_SET);
    int count = evbuffer_peek(hop->request, -1, &from, pieces, WRITE_PIECES);
    struct msghdr message = { .msg_iov = pieces,
                              .msg_iovlen = (size_t)(count < WRITE_PIECES ? count : WRITE_PIECES) };
    return sendmsg(hop->conn->fd, &message, MSG_NOSIGNAL);
}

static bool is_sent(const hop_t *hop)
{
    return hop->sent == evbuffer_get_length(hop->request);
}

static void send_request(hop_t *hop)
{
    while (!is_sent(hop)) {
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

/* The connection ended before the answer did. A reused one that died before any byte of an answer most likely
 * was closed by the server for being idle, in the moment we took it. The second time it is a fresh one, so
 * there is no third. */
static void died(hop_t *hop)
{
    if (hop->answered) {
        fail_with(hop, ERR_UPSTREAM, "The connector closed the connection in the middle of its answer.");
        return;
    }
    if (!hop->conn->reused || (hop->sent > 0 && !hop->idempotent)) {
        fail_with(hop, ERR_UPSTREAM, "The connector closed the connection before it answered.");
        return;
    }
    http_conn_close(TAKE(hop->conn));
    hop->sent = 0;
    start_connecting(hop);
    arm_timer(hop);
}

static bool has_too_much(const hop_t *hop)
{
    return evbuffer_get_length(hop->body) > hop->pool->limits.max_reply_bytes;
}

static void fail_too_large(hop_t *hop)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "The connector's answer is larger than %zu bytes.",
            hop->pool->limits.max_reply_bytes);
    fail(hop, &err);
}

/* The connection goes back first, so that what on_end starts finds it. */
static void finish(hop_t *hop)
{
    if (has_too_much(hop)) {
        fail_too_large(hop);
        return;
    }
    http_conn_t *conn = TAKE(hop->conn);
    if (hop->response.keep_alive && is_sent(hop) && evbuffer_get_length(conn->in) == 0) {
        http_conn_keep(conn);
    } else {
        http_conn_close(conn);
    }
    end(hop);
    hop->telling = true;
    hop->events->on_end(hop->self, hop->body);
    hop_free(hop);
}

/* After a callback: false when it has cancelled the exchange, which is gone now. */
static bool goes_on(hop_t *hop)
{
    hop->telling = false;
    if (hop->ended) {
        hop_free(hop);
        return false;
    }
    return true;
}

static bool tell_head(hop_t *hop)
{
    const http_response_t *response = &hop->response;
    hop_head_t head = { .status = response->status,
                        .content_type = response->content_type,
                        .session_id = response->session_id,
                        .retry_after = response->retry_after };

    hop->telling = true;
    if (hop->events->on_head) {
        hop->events->on_head(hop->self, &head);
    }
    return goes_on(hop);
}

static bool tell_body(hop_t *hop)
{
    hop->telling = true;
    if (hop->events->on_body) {
        hop->events->on_body(hop->self, hop->body);
    }
    return goes_on(hop);
}

static void read_answer(hop_t *hop)
{
    err_t err;
    http_response_step_t step = http_response_step(&hop->response, hop->conn->in, hop->body, &err);

    if (step == HTTP_RESPONSE_HEAD) {
        if (!tell_head(hop)) {
            return;
        }
        step = http_response_step(&hop->response, hop->conn->in, hop->body, &err);
    }
    if (step == HTTP_RESPONSE_ERROR) {
        fail(hop, &err);
    } else if (step == HTTP_RESPONSE_END) {
        finish(hop);
    } else if (step == HTTP_RESPONSE_BODY && tell_body(hop) && has_too_much(hop)) {
        fail_too_large(hop);
    }
}

static void note_answer(hop_t *hop)
{
    hop->answered = true;
    if (is_sent(hop)) {
        evbuffer_drain(hop->request, hop->sent);
        hop->sent = 0;
    }
}

void hop_readable(hop_t *hop)
{
    if (hop->paused) {
        return;
    }
    ssize_t got = http_conn_read(hop->conn, http_response_expects(&hop->response));
    if (got > 0) {
        note_answer(hop);
        read_answer(hop);
    } else if (got == 0 && http_response_ends_at_close(&hop->response)) {
        finish(hop);
    } else if (got == 0 || errno != EAGAIN) {
        died(hop);
    }
}

static void on_connect_timeout(hop_t *hop)
{
    if (hop->question) {
        fail_with(hop, ERR_UPSTREAM, "The connector's host name was not resolved in time.");
    } else {
        leave_address(hop, ETIMEDOUT);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    hop_t *hop = self;
    int64_t now_ms = clock_ms();

    (void)fd;
    (void)what;
    if (hop->failure) {
        fail_with(hop, hop->failure_kind, hop->failure);
    } else if (now_ms >= hop->deadline_ms) {
        fail_with(hop, ERR_TIMEOUT, "The connector did not answer within its deadline.");
    } else if (hop->connecting && now_ms >= hop->connect_until_ms) {
        on_connect_timeout(hop);
    } else {
        arm_timer(hop);
    }
}

void hop_cancel(hop_t *hop)
{
    end(hop);
    if (!hop->telling) {
        hop_free(hop);
    }
}

void hop_pause(hop_t *hop, bool paused)
{
    hop->paused = paused;
    if (hop->conn && !hop->connecting) {
        http_conn_watch(hop->conn, !paused);
    }
}

void hop_extend(hop_t *hop, int64_t deadline_ms)
{
    hop->deadline_ms = deadline_ms;
    if (!hop->ended) {
        arm_timer(hop);
    }
}
