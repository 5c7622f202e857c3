/* libcurl's multi interface on our loop. libcurl says which descriptors and which one timeout it waits for
 * (on_socket_wanted, on_timeout_wanted), we tell it when they are due, and after each telling all finished
 * transfers are answered (answer_finished). libcurl may not be called from within its own callbacks; ours run
 * outside of them, so a callback may start and cancel calls.
 *
 * Surprising: giving up a transfer whose host name is still being looked up would wait for the lookup's
 * thread, and so block the loop, but for CURLOPT_QUICK_EXIT.
 */
#include "web.h"

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"

#define CONNECT_TIMEOUT_MS 5000
#define DEFAULT_MAX_REPLY 8388608
#define MAX_CONNECTIONS 64
#define MAX_SPARE_EASIES 16
#define KEEP_NAMES_SECONDS 30

typedef struct watch {
    web_t *web;
    struct event event;
    struct watch *next, **link;
} watch_t;

struct web {
    loop_t *loop;
    CURLM *multi;
    struct event timer;
    watch_t *watches;
    web_call_t *calls;
    CURL *spares[MAX_SPARE_EASIES]; /* easy handles are costly to make */
    size_t spare_count;
};

struct web_call {
    web_t *web;
    web_f cb;
    void *self;
    CURL *easy;
    struct curl_slist *headers;
    buf_t body;
    size_t max_reply_bytes;
    bool too_large, ended;
    const char *refusal; /* told by the event below, without libcurl */
    struct event refuse;
    web_call_t *next, **link;
};

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *self, void *watched);
static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *self);
static void on_timer(evutil_socket_t fd, short what, void *self);
static void on_socket(evutil_socket_t fd, short what, void *self);
static void on_refuse(evutil_socket_t fd, short what, void *self);
static void answer_finished(web_t *web);

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

web_t *web_new(loop_t *loop)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    web_t *web = NEW(web_t);

    pthread_once(&once, init_curl);
    web->loop = loop;
    web->multi = curl_multi_init();
    if (!web->multi) {
        abort();
    }
    evtimer_assign(&web->timer, loop_base(loop), on_timer, web);
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(web->multi, CURLMOPT_SOCKETDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(web->multi, CURLMOPT_TIMERDATA, web);
    curl_multi_setopt(web->multi, CURLMOPT_MAXCONNECTS, (long)MAX_CONNECTIONS);
    return web;
}

static void unwatch(watch_t *watch)
{
    *watch->link = watch->next;
    if (watch->next) {
        watch->next->link = watch->link;
    }
    event_del(&watch->event);
    free(watch);
}

void web_free(web_t *web)
{
    if (!web) {
        return;
    }
    while (web->calls) {
        web_cancel(web->calls);
    }
    while (web->spare_count > 0) {
        curl_easy_cleanup(web->spares[--web->spare_count]);
    }
    curl_multi_cleanup(web->multi);
    while (web->watches) {
        unwatch(web->watches);
    }
    event_del(&web->timer);
    free(web);
}

static watch_t *watch_new(web_t *web, curl_socket_t fd)
{
    watch_t *watch = NEW(watch_t);

    watch->web = web;
    watch->next = web->watches;
    watch->link = &web->watches;
    if (watch->next) {
        watch->next->link = &watch->next;
    }
    web->watches = watch;
    event_assign(&watch->event, loop_base(web->loop), fd, EV_PERSIST, on_socket, watch);
    curl_multi_assign(web->multi, fd, watch);
    return watch;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *self, void *watched)
{
    web_t *web = self;
    watch_t *watch = watched;
    short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(web->multi, fd, NULL);
            unwatch(watch);
        }
        return 0;
    }
    watch = watch ? watch : watch_new(web, fd);
    event_del(&watch->event);
    event_assign(&watch->event, loop_base(web->loop), fd, (short)(events | EV_PERSIST), on_socket, watch);
    event_add(&watch->event, NULL);
    return 0;
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *self)
{
    web_t *web = self;
    struct timeval wait = clock_timeval(timeout_ms);

    (void)multi;
    if (timeout_ms < 0) {
        evtimer_del(&web->timer);
    } else {
        evtimer_add(&web->timer, &wait);
    }
    return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    web_t *web = self;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(web->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    answer_finished(web);
}

static void on_socket(evutil_socket_t fd, short what, void *self)
{
    web_t *web = ((watch_t *)self)->web; /* the watch may be gone after the next line */
    int running;

    curl_multi_socket_action(
        web->multi, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
        &running);
    answer_finished(web);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *self)
{
    web_call_t *call = self;
    size_t length = size * count;

    if (length > call->max_reply_bytes - call->body.length) {
        call->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buf_add(&call->body, bytes, length);
    return length;
}

static bool names_header(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* Header values come from tokens and arguments; a line break in one would be a header, or a request, of its
 * own. */
static bool is_one_line(const char *line)
{
    return !strpbrk(line, "\r\n");
}

static void add_header(web_call_t *call, const char *line)
{
    struct curl_slist *longer = curl_slist_append(call->headers, line);

    if (!longer) {
        abort();
    }
    call->headers = longer;
}

/* Without these two libcurl would wait a second for "100 Continue" and call every body a form. */
static void set_headers(web_call_t *call, const char *const *lines)
{
    bool typed = false;

    for (; lines && *lines; lines++) {
        if (!is_one_line(*lines)) {
            call->refusal = "A header of the request to the upstream has a line break in it.";
            return;
        }
        typed = typed || names_header(*lines, "Content-Type");
        add_header(call, *lines);
    }
    add_header(call, "Expect:");
    if (!typed) {
        add_header(call, "Content-Type:");
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_method(CURL *easy, const web_request_t *request)
{
    bool has_body = request->body.length > 0 || strcmp(request->method, "POST") == 0 ||
                    strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (has_body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
        curl_easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, request->body.at ? request->body.at : "");
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_limits(web_call_t *call, const web_request_t *request)
{
    CURL *easy = call->easy;
    int64_t connect_ms = request->timeout_ms < CONNECT_TIMEOUT_MS ? request->timeout_ms : CONNECT_TIMEOUT_MS;

    /* 0 would mean no limit to libcurl. */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms > 0 ? request->timeout_ms : 1));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->max_reply_bytes);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)KEEP_NAMES_SECONDS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
}

static void set_trust(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* also: not the one in the environment */
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

static CURL *take_easy(web_t *web)
{
    CURL *easy = web->spare_count > 0 ? web->spares[--web->spare_count] : curl_easy_init();

    if (!easy) {
        abort();
    }
    return easy;
}

static void give_back_easy(web_t *web, CURL *easy)
{
    if (web->spare_count == MAX_SPARE_EASIES) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    web->spares[web->spare_count++] = easy;
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
    call->easy = take_easy(web);
    evtimer_assign(&call->refuse, loop_base(web->loop), on_refuse, call);
    enlist(web, call);
    curl_easy_setopt(call->easy, CURLOPT_URL, request->url);
    curl_easy_setopt(call->easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(call->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(call->easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(call->easy, CURLOPT_USERAGENT, "guiche/" GUICHE_VERSION);
    set_method(call->easy, request);
    set_limits(call, request);
    set_trust(call->easy);
    set_headers(call, request->headers);
    if (!call->refusal && curl_multi_add_handle(web->multi, call->easy) != CURLM_OK) {
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
        curl_multi_remove_handle(call->web->multi, call->easy);
    }
}

static void call_free(web_call_t *call)
{
    give_back_easy(call->web, call->easy);
    curl_slist_free_all(call->headers);
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
                          .location = reply_header(call->easy, "Location") };
    call->cb(call->self, &reply, NULL);
}

/* libcurl's own words are used for the rest only; they name neither host nor URL. */
static const struct {
    CURLcode code;
    err_kind_t kind;
    const char *text;
} failures[] = {
    { CURLE_OPERATION_TIMEDOUT, ERR_TIMEOUT, "The upstream did not answer within its deadline." },
    { CURLE_COULDNT_RESOLVE_HOST, ERR_UPSTREAM, "The upstream's host name could not be resolved." },
    { CURLE_COULDNT_CONNECT, ERR_UPSTREAM, "The upstream refused the connection or could not be reached." },
    { CURLE_GOT_NOTHING, ERR_UPSTREAM, "The upstream closed the connection before it answered." },
    { CURLE_PARTIAL_FILE, ERR_UPSTREAM, "The upstream closed the connection in the middle of its answer." },
    { CURLE_RECV_ERROR, ERR_UPSTREAM,
      "The upstream broke off the connection, or did not answer in valid HTTP." },
    { CURLE_SEND_ERROR, ERR_UPSTREAM, "The upstream broke off the connection." },
    { CURLE_PEER_FAILED_VERIFICATION, ERR_UPSTREAM, "The upstream's certificate could not be verified." },
    { CURLE_SSL_CONNECT_ERROR, ERR_UPSTREAM, "No TLS connection to the upstream could be made." },
    { CURLE_UNSUPPORTED_PROTOCOL, ERR_UPSTREAM,
      "The upstream's URL is neither http:// nor https://, or its answer "
      "is not HTTP." },
    { CURLE_URL_MALFORMAT, ERR_UPSTREAM, "The upstream's URL is not a valid URL." },
};

static void answer_failure(web_call_t *call, CURLcode code)
{
    err_t err;

    if (call->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        err_set(&err, ERR_UPSTREAM, "The upstream's answer is larger than %zu bytes.", call->max_reply_bytes);
        call->cb(call->self, NULL, &err);
        return;
    }
    err_set(&err, ERR_UPSTREAM, "The request to the upstream failed: %s.", curl_easy_strerror(code));
    for (size_t i = 0; i < COUNT_OF(failures); i++) {
        if (failures[i].code == code) {
            err_set(&err, failures[i].kind, "%s", failures[i].text);
        }
    }
    call->cb(call->self, NULL, &err);
}

static void answer_finished(web_t *web)
{
    CURLMsg *message;
    int more;

    while ((message = curl_multi_info_read(web->multi, &more))) {
        web_call_t *call;
        CURLcode code = message->data.result; /* the message is gone with its handle */

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        end(call);
        if (code == CURLE_OK) {
            answer(call);
        } else {
            answer_failure(call, code);
        }
        call_free(call);
    }
}
