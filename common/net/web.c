/* Requests to upstreams, from their start to the one callback. Transfers run in web_multi.c.
 *
 * Surprising: giving up a transfer whose host name is still being looked up would wait for the lookup's
 * thread, and so block the loop, but for CURLOPT_QUICK_EXIT.
 */
#include "web_private.h"

#include <stdbool.h>
#include <stdlib.h>

#include "buf.h"
#include "mem.h"

#define DEFAULT_MAX_REPLY 8388608
#define MAX_CONNECTIONS 64

struct web {
    loop_t *loop;
    web_multi_t *multi;
    web_call_t *calls;
};

static void on_refuse(evutil_socket_t fd, short what, void *self);
static void on_done(void *transfer, CURLcode code);

web_t *web_new(loop_t *loop)
{
    web_t *web = NEW(web_t);

    web->loop = loop;
    web->multi = web_multi_new(loop, MAX_CONNECTIONS, on_done);
    return web;
}

void web_free(web_t *web)
{
    if (!web) {
        return;
    }
    while (web->calls) {
        web_cancel(web->calls);
    }
    web_multi_free(web->multi);
    free(web);
}

static void enlist(web_t *web, web_call_t *call)
{
    call->next = web->calls;
    call->link = &web->calls;
    if (call->next) {
        call->next->link = &call->next;
    }
    web->calls = call;
}

web_call_t *web_start(web_t *web, const web_request_t *request, web_f cb, void *self)
{
    web_call_t *call = NEW(web_call_t);

    call->web = web;
    call->cb = cb;
    call->self = self;
    call->max_reply_bytes = request->max_reply_bytes ? request->max_reply_bytes : DEFAULT_MAX_REPLY;
    call->easy = web_multi_take(web->multi);
    evtimer_assign(&call->refuse, loop_base(web->loop), on_refuse, call);
    enlist(web, call);
    web_setup(call, request);
    if (!call->refusal && !web_multi_start(web->multi, call->easy)) {
        call->refusal = "The request to the upstream could not be started.";
    }
    if (call->refusal) {
        event_active(&call->refuse, EV_TIMEOUT, 0);
    }
    return call;
}

/* Off libcurl's and our lists: nothing comes for it any more. */
static void end(web_call_t *call)
{
    call->ended = true;
    *call->link = call->next;
    if (call->next) {
        call->next->link = call->link;
    }
    event_del(&call->refuse);
    if (!call->refusal) {
        web_multi_stop(call->web->multi, call->easy);
    }
}

static void call_free(web_call_t *call)
{
    web_multi_give_back(call->web->multi, call->easy);
    web_drop_headers(call->headers);
    if (call->sent.at) {
        mem_wipe((char *)call->sent.at, call->sent.length);
        mem_free((char *)call->sent.at);
    }
    buf_free(&call->body);
    free(call);
}

void web_cancel(web_call_t *call)
{
    if (!call->ended) {
        end(call);
        call_free(call);
    }
}

static void on_refuse(evutil_socket_t fd, short what, void *self)
{
    web_call_t *call = self;
    err_t err;

    (void)fd;
    (void)what;
    end(call);
    call->how = WEB_OWN_FAULT;
    err_set(&err, ERR_UPSTREAM, "%s", call->refusal);
    call->cb(call->self, NULL, &err);
    call_free(call);
}

static span_t reply_header(CURL *easy, const char *name)
{
    struct curl_header *header;

    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &header) == CURLHE_OK ? span_of(header->value)
                                                                                   : (span_t){ 0 };
}

static void answer(web_call_t *call)
{
    long status = 0;

    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    web_reply_t reply = { .status = (int)status,
                          .body = buf_span(&call->body),
                          .content_type = reply_header(call->easy, "Content-Type"),
                          .retry_after = reply_header(call->easy, "Retry-After"),
                          .cache_control = reply_header(call->easy, "Cache-Control"),
                          .location = reply_header(call->easy, "Location"),
                          .server = reply_header(call->easy, "Server"),
                          .trace = reply_header(call->easy, "X-B3-Traceid") };
    if (!reply.trace.at) {
        reply.trace = reply_header(call->easy, "X-Request-Id");
    }
    call->cb(call->self, &reply, NULL);
}

/* libcurl's own words are used for the rest only; they name neither host nor URL. */
static const struct failure {
    CURLcode code;
    web_end_t how;
    err_kind_t kind;
    const char *text;
} failures[] = {
    { CURLE_OPERATION_TIMEDOUT, WEB_LATE, ERR_TIMEOUT, "The upstream did not answer within its deadline." },
    { CURLE_COULDNT_RESOLVE_HOST, WEB_NO_NAME, ERR_UPSTREAM,
      "The upstream's host name could not be resolved." },
    { CURLE_COULDNT_CONNECT, WEB_NO_CONNECTION, ERR_UPSTREAM,
      "The upstream refused the connection or could not be reached." },
    { CURLE_GOT_NOTHING, WEB_NO_ANSWER, ERR_UPSTREAM,
      "The upstream closed the connection before it answered." },
    { CURLE_SEND_FAIL_REWIND, WEB_NO_ANSWER, ERR_UPSTREAM,
      "The upstream closed the connection before it answered." },
    { CURLE_PARTIAL_FILE, WEB_HALF_ANSWER, ERR_UPSTREAM,
      "The upstream closed the connection in the middle of its answer." },
    { CURLE_RECV_ERROR, WEB_BROKEN, ERR_UPSTREAM,
      "The upstream broke off the connection, or did not answer in valid HTTP." },
    { CURLE_SEND_ERROR, WEB_BROKEN, ERR_UPSTREAM, "The upstream broke off the connection." },
    { CURLE_PEER_FAILED_VERIFICATION, WEB_NOT_TRUSTED, ERR_UPSTREAM,
      "The upstream's certificate could not be verified." },
    { CURLE_SSL_CONNECT_ERROR, WEB_NO_TLS, ERR_UPSTREAM, "No TLS connection to the upstream could be made." },
    { CURLE_UNSUPPORTED_PROTOCOL, WEB_BROKEN, ERR_UPSTREAM,
      "The upstream's URL is neither http:// nor https://, or its answer "
      "is not HTTP." },
    { CURLE_URL_MALFORMAT, WEB_OWN_FAULT, ERR_UPSTREAM, "The upstream's URL is not a valid URL." },
};

static const struct failure *find_failure(CURLcode code)
{
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        if (failures[i].code == code) {
            return &failures[i];
        }
    }
    return NULL;
}

static void answer_failure(web_call_t *call, CURLcode code)
{
    const struct failure *failure = find_failure(code);
    err_t err;

    if (call->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        call->how = WEB_TOO_LARGE;
        err_set(&err, ERR_UPSTREAM, "The upstream's answer is larger than %zu bytes.", call->max_reply_bytes);
    } else if (failure) {
        call->how = failure->how;
        err_set(&err, failure->kind, "%s", failure->text);
    } else {
        call->how = WEB_BROKEN;
        err_set(&err, ERR_UPSTREAM, "The request to the upstream failed: %s.", curl_easy_strerror(code));
    }
    call->cb(call->self, NULL, &err);
}

web_end_t web_end(const web_call_t *call)
{
    return call->how;
}

bool web_was_sent(const web_call_t *call)
{
    return call->was_sent;
}

/* Bytes of it were written: over TLS only once the certificate was found to hold. */
static bool was_sent(const web_call_t *call)
{
    long bytes = 0;

    curl_easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &bytes);
    return bytes > 0;
}

static void on_done(void *transfer, CURLcode code)
{
    web_call_t *call = transfer;

    end(call);
    call->was_sent = was_sent(call);
    if (code == CURLE_OK) {
        answer(call);
    } else {
        answer_failure(call, code);
    }
    call_free(call);
}
