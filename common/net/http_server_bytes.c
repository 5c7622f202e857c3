/* The bytes of a connection, before evhttp sees them and after it wrote them.
 *
 * - In: every byte goes through the gate first (http_gate.h). evhttp is shown whole heads only, which have
 * passed; the start of one that is not whole yet is put aside. What a gate has not passed is drained here and
 * never reaches evhttp. A body whose sender will be refused in any case is not waited for.
 * - Out: when evhttp answers by itself, on_output() sees bytes that no handler has sent; they are replaced by
 * ours in the same turn, before they can leave.
 *
 * Surprising: both run as callbacks of the buffers, where a connection must not end.
 */
#include "http_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "http_direct.h"

#define MAX_SENT_AHEAD 65536
#define SMALL_BODY 16384 /* not counted: connections are */

/* what is refused */

static void refuse_large_head(conn_t *conn)
{
    const http_limits_t *limits = &conn->server->limits;

    conn_refuse(conn, 431, "headers_too_large",
                mem_printf("The request line and headers are longer than %zu bytes or more than %zu lines.",
                           limits->max_header_bytes, limits->max_header_lines));
}

static void refuse_large_body(conn_t *conn)
{
    conn_refuse(conn, 413, "body_too_large",
                mem_printf("The body is larger than %zu bytes, the most this server takes.",
                           conn->server->limits.max_body_bytes));
}

static void refuse_by_gate(conn_t *conn)
{
    const http_gate_refusal_t *why = conn->gate.refusal;

    if (why->status == 431) {
        refuse_large_head(conn);
    } else if (why->status == 413) {
        refuse_large_body(conn);
    } else {
        conn_refuse(conn, why->status, why->code, mem_strdup(why->text));
    }
}

/* what is passed on */

static void put_back(conn_t *conn, struct evbuffer *input, struct evbuffer *bytes)
{
    conn->moving = true;
    evbuffer_prepend_buffer(input, bytes);
    conn->moving = false;
}

/* Only these: before them there may be a head that evhttp has not looked at yet. */
static void drop_last(conn_t *conn, struct evbuffer *input, size_t length)
{
    size_t before = evbuffer_get_length(input) - length;
    struct evbuffer *kept = before > 0 ? evbuffer_new() : NULL;

    if (kept) {
        evbuffer_remove_buffer(input, kept, before);
    }
    evbuffer_drain(input, length);
    if (kept) {
        put_back(conn, input, kept);
        evbuffer_free(kept);
    }
}

/* Copied: moved, each of many small pieces would keep the large block it was read into. */
static void put_aside(conn_t *conn, struct evbuffer *input)
{
    size_t length = evbuffer_get_length(input);

    if (!conn->early) {
        conn->early = evbuffer_new();
    }
    evbuffer_add(conn->early, evbuffer_pullup(input, -1), length);
    evbuffer_drain(input, length);
}

/* Puts in the place of the head what evhttp is to see of it. With cut_short it gets the request as if it had
 * no body, so that the handler refuses it in its own words now; the bytes of the body that are here, and all
 * that follow, are thrown away. */
static void show_head(conn_t *conn, struct evbuffer *input)
{
    buf_t *out = &conn->server->scratch;

    buf_clear(out);
    http_head_for_evhttp(conn->head, !conn->cut_short, conn->gate.http_1_0, out);
    conn->moving = true;
    evbuffer_drain(input, conn->cut_short ? evbuffer_get_length(input) : conn->gate.head_bytes);
    evbuffer_prepend(input, out->data, out->length);
    conn->moving = false;
}

static void on_head(conn_t *conn, struct evbuffer *input)
{
    http_server_t *server = conn->server;

    conn_be_busy(conn);
    conn->phase = PHASE_BODY;
    conn->deadline_ms = loop_now_ms(server->loop) + server->limits.body_timeout_ms;
    if (conn->early) {
        put_back(conn, input, conn->early);
        evbuffer_free(TAKE(conn->early));
    }
    size_t length = conn->gate.head_bytes;
    span_t bytes = { (const char *)evbuffer_pullup(input, (ev_ssize_t)length), length };
    conn->head = http_head_new(bytes, conn->gate.header_lines);
    if (conn->gate.stage == HTTP_GATE_BODY && server->wants_body &&
        !server->wants_body(server->wants_body_self, conn->head)) {
        conn->cut_short = true;
        conn->gate.body_bytes = 0;
    }
    show_head(conn, input);
}

static void hold_body(conn_t *conn)
{
    if (conn->gate.body_bytes > SMALL_BODY && !conn_hold(conn, (size_t)conn->gate.body_bytes)) {
        conn_refuse(conn, 503, "too_much_in_flight",
                    mem_strdup("Too many large requests are being read. Try again in a moment."));
    }
}

static void feed_gate(conn_t *conn, struct evbuffer *input, size_t offset)
{
    const http_limits_t *limits = &conn->server->limits;
    const http_gate_limits_t most = { limits->max_header_bytes, limits->max_header_lines,
                                      limits->max_body_bytes };
    struct evbuffer_ptr at;
    struct evbuffer_iovec piece;

    evbuffer_ptr_set(input, &at, offset, EVBUFFER_PTR_SET);
    while (conn->gate.stage < HTTP_GATE_WHOLE && evbuffer_peek(input, -1, &at, &piece, 1) > 0) {
        http_gate_feed(&conn->gate, &most, piece.iov_base, piece.iov_len);
        if (evbuffer_ptr_set(input, &at, piece.iov_len, EVBUFFER_PTR_ADD) < 0) {
            break;
        }
    }
}

/* What `input` holds from `offset` on, of the request that is coming in. */
static void read_request(conn_t *conn, struct evbuffer *input, size_t offset)
{
    feed_gate(conn, input, offset);
    if (conn->gate.stage == HTTP_GATE_REFUSED) {
        refuse_by_gate(conn);
    } else if (conn->gate.stage == HTTP_GATE_HEAD) {
        put_aside(conn, input);
    } else {
        if (conn->phase == PHASE_HEAD) {
            on_head(conn, input);
        }
        hold_body(conn);
    }
    if (conn->gate.stage == HTTP_GATE_WHOLE || conn->cut_short) {
        conn_watch(conn); /* evhttp is about to hand it over */
    }
    if (conn->farewell) {
        evbuffer_drain(input, evbuffer_get_length(input));
    }
}

/* The rest of a body whose length is known. */
static void read_ahead(conn_t *conn, struct evbuffer *input)
{
    if (conn->gate.stage != HTTP_GATE_BODY || !conn->gate.sized || conn->cut_short || conn->farewell) {
        return;
    }
    conn->moving = true;
    size_t got = http_read_ahead(conn->fd, input, (size_t)conn->gate.left);
    conn->moving = false;
    if (got > 0) {
        read_request(conn, input, evbuffer_get_length(input) - got);
    }
}

static void begin_request(conn_t *conn)
{
    if (conn->served) {
        conn_be_busy(conn);
    }
    conn->phase = PHASE_HEAD;
    conn->started_us = clock_us();
    conn->deadline_ms = loop_now_ms(conn->server->loop) + conn->server->limits.header_timeout_ms;
    conn->gate = (http_gate_t){ 0 };
}

void conn_limit_input(conn_t *conn)
{
    if (evbuffer_get_length(bufferevent_get_input(conn->bev)) > MAX_SENT_AHEAD) {
        bufferevent_disable(conn->bev, EV_READ); /* evhttp enables it again for the next request */
    }
}

/* Runs before evhttp sees the bytes: what is drained here it never does. */
void on_input(struct evbuffer *input, const struct evbuffer_cb_info *info, void *self)
{
    conn_t *conn = self;

    if (info->n_added == 0 || conn->moving) {
        return;
    }
    if (conn->farewell || conn->cut_short) {
        drop_last(conn, input, info->n_added);
        return;
    }
    if (conn->phase == PHASE_IDLE) {
        begin_request(conn);
    }
    if (conn->phase == PHASE_HEAD || conn->phase == PHASE_BODY) {
        read_request(conn, input, evbuffer_get_length(input) - info->n_added);
        read_ahead(conn, input);
    } else {
        conn_limit_input(conn);
    }
}

/* bytes going out */

/* evhttp speaks for itself: "100 Continue" passes, an error is noted and becomes ours. */
static void replace_own_answer(conn_t *conn, struct evbuffer *output, size_t added)
{
    struct evbuffer_ptr at;
    char line[24] = "";
    int status;

    evbuffer_ptr_set(output, &at, evbuffer_get_length(output) - added, EVBUFFER_PTR_SET);
    evbuffer_copyout_from(output, &at, line, sizeof(line) - 1);
    if (sscanf(line, "HTTP/%*d.%*d %d", &status) == 1 && status != 100) {
        conn_refuse(conn, 400, "bad_request", mem_strdup("This is not a well-formed HTTP/1.1 request."));
    }
}

void on_output(struct evbuffer *output, const struct evbuffer_cb_info *info, void *self)
{
    conn_t *conn = self;

    if (conn->phase < PHASE_OPEN) {
        if (info->n_added > 0 && !conn->farewell) {
            replace_own_answer(conn, output, info->n_added);
        }
    } else if (conn->phase != PHASE_REFUSED && (info->n_deleted > 0 || info->orig_size == 0)) {
        conn->deadline_ms = loop_now_ms(conn->server->loop) + conn->server->limits.idle_timeout_ms;
    }
}

void conn_sends(conn_t *conn, phase_t phase)
{
    conn->phase = phase;
    conn->sending_since_ms = loop_now_ms(conn->server->loop);
    conn->deadline_ms = conn->sending_since_ms + conn->server->limits.idle_timeout_ms;
}

/* evhttp goes on to the next request after this, or closes: the header is what it looks at. */
void on_answer_sent(struct evhttp_request *evreq, void *self)
{
    conn_t *conn = self;
    struct evbuffer *input = bufferevent_get_input(conn->bev);

    conn_sends(conn, PHASE_IDLE);
    conn_let_go(conn);
    if (conn->server->draining || conn->cut_short) {
        evhttp_add_header(evhttp_request_get_output_headers(evreq), "Connection", "close");
    } else if (evbuffer_get_length(input) > 0) {
        begin_request(conn);
        read_request(conn, input, 0);
    } else {
        conn_be_idle(conn);
    }
}
