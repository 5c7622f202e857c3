/* See notify.h. */
#include "notify.h"

#include <event2/buffer.h>
#include <inttypes.h>

#include "clock.h"
#include "hop_headers.h"
#include "mem.h"
#include "relay.h"

#define DEADLINE_MS 5000
#define METHOD "notifications/cancelled"

AUTO_DEFINE(struct evbuffer *, evbuffer_free);

struct notice {
    LIST_ENTRY(notice) link;
    view_t *view;
    relay_t *relay;
};

static void on_answer(void *self, const relay_answer_t *answer);
static void on_error(void *self, const err_t *err, bool sent);

static const relay_events_t events = { .on_answer = on_answer, .on_error = on_error };

static void notice_free(struct notice *notice)
{
    LIST_REMOVE(notice, link);
    view_unref(notice->view);
    mem_free(notice);
}

/* A notification is answered by 202, which for a request would be no answer: both ends are alike here. */
static void on_answer(void *self, const relay_answer_t *answer)
{
    (void)answer;
    notice_free(self);
}

static void on_error(void *self, const err_t *err, bool sent)
{
    (void)err, (void)sent;
    notice_free(self);
}

static span_t hop_token(view_t *view, const catalog_connector_t *connector)
{
    return worker_hop_token(view->worker, connector, view->worker->self);
}

void notify_cancelled(view_t *view, size_t index, uint64_t request_id)
{
    const catalog_connector_t *connector = &view->catalog->connectors[index];

    if (mcp_revision_era(connector->revision) == MCP_MODERN || !connector->session_id) {
        return;
    }
    AUTO(evbuffer_free) struct evbuffer *body = evbuffer_new();
    AUTO_BUF lines = { 0 };
    struct notice *notice = NEW(struct notice);
    hop_headers_t headers = {
        .connector = connector,
        .revision = connector->revision,
        .method = METHOD,
        .principal = hop_token(view, connector),
    };
    hop_headers(&lines, &headers);
    evbuffer_add_printf(body,
                        "{\"jsonrpc\":\"2.0\",\"method\":\"" METHOD "\",\"params\":{\"requestId\":%" PRIu64
                        ",\"reason\":\"The caller is gone or its time is up.\"}}",
                        request_id);
    relay_request_t request = {
        .pool = view->lanes[index]->pool,
        .headers = buf_span(&lines),
        .deadline_ms = clock_ms() + DEADLINE_MS,
        .id = request_id,
        .max_event_bytes = HTTP_STREAM_HIGH_BYTES,
    };
    notice->view = view_ref(view);
    LIST_INSERT_HEAD(&view->worker->notices, notice, link);
    notice->relay = relay_start(&request, body, &events, notice);
}

void notify_cancel_all(worker_t *worker)
{
    struct notice *notice;

    while ((notice = LIST_FIRST(&worker->notices))) {
        relay_cancel(notice->relay);
        notice_free(notice);
    }
}
