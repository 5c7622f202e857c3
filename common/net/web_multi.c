/* libcurl's multi interface on our loop. libcurl says which descriptors and which one timeout it waits for
 * (on_socket_wanted, on_timeout_wanted), we tell it when they are due, and after each telling all finished
 * transfers are handed on (hand_on_finished). libcurl may not be called from within its own callbacks; what
 * is handed on runs outside of them, so it may start and stop transfers, and free the multi: that waits until
 * the telling is over.
 */
#include "web_private.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mem.h"

#define MAX_SPARE_EASIES 16

typedef struct watch {
    web_multi_t *multi;
    struct event event;
    struct watch *next, **link;
} watch_t;

struct web_multi {
    loop_t *loop;
    CURLM *curl;
    web_done_f done;
    struct event timer;
    watch_t *watches;
    CURL *spares[MAX_SPARE_EASIES]; /* easy handles are costly to make */
    size_t spare_count;
    size_t open;
    bool handing_on, freed;
};

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *self, void *watched);
static int on_timeout_wanted(CURLM *curl, long timeout_ms, void *self);
static void on_timer(evutil_socket_t fd, short what, void *self);
static void on_socket(evutil_socket_t fd, short what, void *self);
static void hand_on_finished(web_multi_t *multi);

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

web_multi_t *web_multi_new(loop_t *loop, size_t max_connections, web_done_f done)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    web_multi_t *multi = NEW(web_multi_t);

    pthread_once(&once, init_curl);
    multi->loop = loop;
    multi->done = done;
    multi->curl = curl_multi_init();
    if (!multi->curl) {
        abort();
    }
    evtimer_assign(&multi->timer, loop_base(loop), on_timer, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETFUNCTION, on_socket_wanted);
    curl_multi_setopt(multi->curl, CURLMOPT_SOCKETDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERFUNCTION, on_timeout_wanted);
    curl_multi_setopt(multi->curl, CURLMOPT_TIMERDATA, multi);
    curl_multi_setopt(multi->curl, CURLMOPT_MAXCONNECTS, (long)max_connections);
    return multi;
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

void web_multi_free(web_multi_t *multi)
{
    if (!multi) {
        return;
    }
    multi->freed = true;
    if (multi->handing_on) {
        return;
    }
    while (multi->spare_count > 0) {
        curl_easy_cleanup(multi->spares[--multi->spare_count]);
    }
    curl_multi_cleanup(multi->curl);
    while (multi->watches) {
        unwatch(multi->watches);
    }
    event_del(&multi->timer);
    free(multi);
}

static watch_t *watch_new(web_multi_t *multi, curl_socket_t fd)
{
    watch_t *watch = NEW(watch_t);

    watch->multi = multi;
    watch->next = multi->watches;
    watch->link = &multi->watches;
    if (watch->next) {
        watch->next->link = &watch->next;
    }
    multi->watches = watch;
    event_assign(&watch->event, loop_base(multi->loop), fd, EV_PERSIST, on_socket, watch);
    curl_multi_assign(multi->curl, fd, watch);
    return watch;
}

static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *self, void *watched)
{
    web_multi_t *multi = self;
    watch_t *watch = watched;
    short events = (short)((what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watch) {
            curl_multi_assign(multi->curl, fd, NULL);
            unwatch(watch);
        }
        return 0;
    }
    watch = watch ? watch : watch_new(multi, fd);
    event_del(&watch->event);
    event_assign(&watch->event, loop_base(multi->loop), fd, (short)(events | EV_PERSIST), on_socket, watch);
    event_add(&watch->event, NULL);
    return 0;
}

static int on_timeout_wanted(CURLM *curl, long timeout_ms, void *self)
{
    web_multi_t *multi = self;

    (void)curl;
    if (timeout_ms < 0) {
        evtimer_del(&multi->timer);
    } else {
        loop_arm(&multi->timer, timeout_ms);
    }
    return 0;
}

static void on_timer(evutil_socket_t fd, short what, void *self)
{
    web_multi_t *multi = self;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(multi->curl, CURL_SOCKET_TIMEOUT, 0, &running);
    hand_on_finished(multi);
}

static void on_socket(evutil_socket_t fd, short what, void *self)
{
    web_multi_t *multi = ((watch_t *)self)->multi; /* the watch may be gone after the next line */
    int running;

    curl_multi_socket_action(
        multi->curl, fd, (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
        &running);
    hand_on_finished(multi);
}

/* Not inherited by a program that is started meanwhile, which libcurl itself does not see to. */
static curl_socket_t on_open(void *self, curlsocktype purpose, struct curl_sockaddr *address)
{
    web_multi_t *multi = self;
    int fd = socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);

    (void)purpose;
    multi->open += fd >= 0 ? 1 : 0;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

static int on_close(void *self, curl_socket_t fd)
{
    web_multi_t *multi = self;

    multi->open--;
    return close(fd);
}

size_t web_multi_open(const web_multi_t *multi)
{
    return multi->open;
}

CURL *web_multi_take(web_multi_t *multi)
{
    CURL *easy = multi->spare_count > 0 ? multi->spares[--multi->spare_count] : curl_easy_init();

    if (!easy) {
        abort();
    }
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_open);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, multi);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, on_close);
    curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, multi);
    return easy;
}

void web_multi_give_back(web_multi_t *multi, CURL *easy)
{
    if (multi->spare_count == MAX_SPARE_EASIES) {
        curl_easy_cleanup(easy);
        return;
    }
    curl_easy_reset(easy);
    multi->spares[multi->spare_count++] = easy;
}

bool web_multi_start(web_multi_t *multi, CURL *easy)
{
    return curl_multi_add_handle(multi->curl, easy) == CURLM_OK;
}

void web_multi_stop(web_multi_t *multi, CURL *easy)
{
    curl_multi_remove_handle(multi->curl, easy);
}

static void hand_on_finished(web_multi_t *multi)
{
    CURLMsg *message;
    int more;

    multi->handing_on = true;
    while (!multi->freed && (message = curl_multi_info_read(multi->curl, &more))) {
        void *transfer;
        CURLcode code = message->data.result; /* the message is gone with its handle */

        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        multi->done(transfer, code);
    }
    multi->handing_on = false;
    if (multi->freed) {
        web_multi_free(multi);
    }
}
