/* What comes back on an exchange's connection, until it ends one way or the other. A callback may cancel its
 * own exchange: hop_t then lives until the callback has returned, and nothing else of it is touched after
 * (tell_head, hop_tell_body).
 */
#include <errno.h>
#include <event2/buffer.h>

#include "http_client_private.h"
#include "mem.h"

/* The connection ended before the answer did. A reused one that died before any byte of an answer most likely
 * was closed by the server for being idle, in the moment we took it. The second time it is a fresh one, so
 * there is no third. */
static void died(hop_t *hop)
{
    if (hop->answered) {
        hop_fail_with(hop, ERR_UPSTREAM, "The connector closed the connection in the middle of its answer.");
        return;
    }
    if (!hop->conn->reused || (hop->sent > 0 && !hop->idempotent)) {
        hop_fail_with(hop, ERR_UPSTREAM, "The connector closed the connection before it answered.");
        return;
    }
    loop_write_cancel(hop->pool->loop, &hop->sending);
    http_conn_close(TAKE(hop->conn));
    hop->sent = 0;
    hop_connect(hop);
    hop_arm_timer(hop);
}

bool hop_has_too_much(const hop_t *hop)
{
    return evbuffer_get_length(hop->body) > hop->pool->limits.max_reply_bytes;
}

void hop_fail_too_large(hop_t *hop)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM, "The connector's answer is larger than %zu bytes.",
            hop->pool->limits.max_reply_bytes);
    hop_fail(hop, &err);
}

/* The connection goes back first, so that what on_end starts finds it. */
static void finish(hop_t *hop)
{
    if (hop_has_too_much(hop)) {
        hop_fail_too_large(hop);
        return;
    }
    http_conn_t *conn = TAKE(hop->conn);
    if (hop->response.keep_alive && hop_is_sent(hop) && evbuffer_get_length(conn->in) == 0) {
        http_conn_keep(conn);
    } else {
        http_conn_close(conn);
    }
    hop_finish(hop);
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
    return hop_goes_on(hop);
}

bool hop_tell_body(hop_t *hop)
{
    hop->telling = true;
    if (hop->events->on_body) {
        hop->events->on_body(hop->self, hop->body);
    }
    return hop_goes_on(hop);
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
        hop_fail(hop, &err);
    } else if (step == HTTP_RESPONSE_END) {
        finish(hop);
    } else if (step == HTTP_RESPONSE_BODY && hop_tell_body(hop) && hop_has_too_much(hop)) {
        hop_fail_too_large(hop);
    }
}

static void note_answer(hop_t *hop)
{
    hop->answered = true;
    if (hop_is_sent(hop)) {
        buf_free(&hop->head);
        buf_free(&hop->message);
        hop->sent = 0;
    }
}

/* The rest of a long body, where its reader collects it, goes right into it; all else into conn->in, to be
 * looked at. */
static ssize_t read_some(hop_t *hop)
{
    uint64_t straight = http_response_straight(&hop->response);
    ssize_t got;

    if (straight == 0 || evbuffer_get_length(hop->conn->in) > 0 || evbuffer_get_length(hop->body) == 0) {
        return http_conn_read(hop->conn, hop->conn->in, http_response_expects(&hop->response));
    }
    got = http_conn_read(hop->conn, hop->body, straight);
    if (got > 0) {
        http_response_took(&hop->response, (uint64_t)got);
    }
    return got;
}

void hop_readable(hop_t *hop)
{
    if (hop->paused) {
        return;
    }
    ssize_t got = read_some(hop);
    if (got > 0 && !hop->sending.waits) { /* else it answers what nobody has asked yet */
        note_answer(hop);
        read_answer(hop);
    } else if (got == 0 && http_response_ends_at_close(&hop->response)) {
        finish(hop);
    } else if (got >= 0 || errno != EAGAIN) {
        died(hop);
    }
}
