/* See notify.h. */
#include "notify.h"

#include "clock.h"
#include "mem.h"
#include "relay.h"

#define DEADLINE_MS 5000

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

void notify_post(view_t *view, size_t connector, span_t lines, buf_t *body)
{
    struct notice *notice = NEW(struct notice);
    relay_request_t request = {
        .pool = view->lanes[connector]->pool,
        .headers = lines,
        .deadline_ms = clock_ms() + DEADLINE_MS,
        .idempotent = true, /* who hears it twice passes over the second */
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
