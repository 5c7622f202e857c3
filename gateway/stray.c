/* See stray.h. Each worker is asked whether the call is one of its own; the last to say decides. What is
 * surprising: between the count and the question the call may end; then the connector is told what it would
 * have been told before.
 */
#include "stray.h"

#include <stdatomic.h>

#include "clock.h"
#include "envelope.h"
#include "errors.h"
#include "forward_private.h"
#include "hop_headers.h"
#include "log.h"
#include "mem.h"
#include "notify.h"

#define MAX_PER_SECOND 64

typedef struct {
    gateway_t *gateway;
    char *connector, *session_id;
    buf_t message;
    atomic_size_t left;   /* workers that have not looked yet */
    atomic_size_t calls;  /* of all workers */
    atomic_size_t holder; /* a worker that has one */
} stray_t;

/* One worker's part. */
typedef struct {
    stray_t *stray;
    size_t worker;
} look_t;

static void on_look(void *self);
static void on_ask(void *self);

/* Each costs every worker a look and a refused one a POST of ours: what a connector asks more often is not
 * answered. */
static bool is_too_often(gateway_t *gateway)
{
    int64_t second = clock_ms() / 1000;

    if (second != gateway->stray_second) {
        gateway->stray_second = second;
        gateway->strays = 0;
    }
    if (++gateway->strays == MAX_PER_SECOND + 1 &&
        log_begin(LOG_LEVEL_WARN, "too many questions without a call")) {
        log_end();
    }
    return gateway->strays > MAX_PER_SECOND;
}

void gateway_stray_question(gateway_t *gateway, const char *connector, span_t session_id, span_t message)
{
    if (is_too_often(gateway)) {
        return;
    }
    stray_t *stray = NEW(stray_t);
    stray->gateway = gateway;
    stray->connector = mem_strdup(connector);
    stray->session_id = mem_strndup(session_id.at ? session_id.at : "", session_id.length);
    buf_add_span(&stray->message, message);
    stray->left = gateway->worker_count;
    for (size_t i = 0; i < gateway->worker_count; i++) {
        look_t *look = NEW(look_t);
        *look = (look_t){ stray, i };
        loop_post(gateway->workers[i]->loop, on_look, look);
    }
}

static void stray_free(stray_t *stray)
{
    mem_free(stray->connector);
    mem_free(stray->session_id);
    buf_free(&stray->message);
    mem_free(stray);
}

static bool may_have_asked(const forward_t *forward, const stray_t *stray)
{
    return forward->relay && forward->call && forward->session &&
           strcmp(session_id(forward->session), stray->session_id) == 0 &&
           strcmp(forward->connector->config->name, stray->connector) == 0;
}

static forward_t *find_call(worker_t *worker, const stray_t *stray, size_t *ret_count)
{
    forward_t *forward, *found = NULL;

    *ret_count = 0;
    LIST_FOREACH(forward, &worker->forwards, link)
    {
        if (may_have_asked(forward, stray)) {
            found = forward;
            ++*ret_count;
        }
    }
    return found;
}

static void on_look(void *self)
{
    look_t *look = self;
    stray_t *stray = look->stray;
    bool stopped = !stray->gateway->workers[look->worker]->mcp;
    size_t count;

    find_call(stray->gateway->workers[look->worker], stray, &count);
    atomic_fetch_add(&stray->calls, count);
    if (count > 0) {
        atomic_store(&stray->holder, look->worker);
    }
    mem_free(look);
    if (atomic_fetch_sub(&stray->left, 1) > 1) {
        return;
    }
    if (stopped) {
        stray_free(stray); /* other workers' loops may be gone */
    } else {
        loop_post(stray->gateway->workers[stray->holder]->loop, on_ask, stray);
    }
}

static bool read_question(span_t message, relay_question_t *ret)
{
    *ret = (relay_question_t){
        .id = scan_member(message, "id"),
        .method = scan_plain_string(scan_member(message, "method")),
        .params = scan_member(message, "params"),
    };
    return ret->id.at && ret->method.at;
}

static void refuse(worker_t *worker, const stray_t *stray, span_t id)
{
    const catalog_t *catalog = worker->view->catalog;
    const catalog_connector_t *connector = catalog_connector(catalog, stray->connector);
    AUTO_BUF lines = { 0 };
    AUTO_BUF body = { 0 };

    if (!connector) {
        return;
    }
    hop_headers_t headers = {
        .connector = connector,
        .revision = connector->speaks_legacy ? connector->legacy_revision : connector->revision,
        .session_id = span_of(stray->session_id),
        .method = "",
    };
    hop_headers(&lines, &headers);
    envelope_error(&body, id, RPC_METHOD_NOT_FOUND,
                   "Which call this belongs to cannot be told: send it on the stream of that call.",
                   (span_t){ 0 });
    notify_post(worker->view, (size_t)(connector - catalog->connectors), buf_span(&lines), &body);
}

static void on_ask(void *self)
{
    stray_t *stray = self;
    worker_t *worker = stray->gateway->workers[stray->holder];
    relay_question_t question;
    size_t count;
    forward_t *forward = find_call(worker, stray, &count);

    if (worker->mcp && read_question(buf_span(&stray->message), &question)) {
        if (stray->calls == 1 && count == 1) {
            forward_question(forward, &question);
        } else {
            refuse(worker, stray, question.id);
        }
    }
    stray_free(stray);
}
