/* Names to addresses for one loop, see resolve.h. A name has its waiting questions and, while a helper thread
 * looks it up, a job. The job shares nothing with the helper but its own struct; job->name is read and
 * cleared on the loop only, so a resolver may be freed while lookups run. */
#include "resolve.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

#define KEEP_MS 30000

typedef struct {
    struct sockaddr_storage at[RESOLVE_MAX_ADDRESSES];
    size_t count;
} addresses_t;

typedef struct name name_t;

typedef struct {
    name_t *name; /* NULL: the resolver has been freed meanwhile */
    char *host;
    addresses_t found;
    int failure; /* of getaddrinfo */
} job_t;

struct name {
    char *host;
    addresses_t known;
    int64_t known_until_ms; /* 0: not known */
    job_t *job;
    bool forgotten; /* while the job runs: its answer may be older than the failure it is asked about */
    resolve_t *waiting;
    name_t *next;
};

struct resolver {
    loop_t *loop;
    pool_t *pool;
    name_t *names;
    resolve_t *ready;
};

struct resolve {
    resolve_f cb;
    void *self;
    uint16_t port;
    addresses_t found;
    const char *failure;
    struct event tell;       /* made active by hand when the answer is known at once */
    resolve_t *next, **link; /* in name->waiting or resolver->ready */
};

static void on_tell(evutil_socket_t fd, short what, void *self);
static void on_looked_up(void *self);

resolver_t *resolver_new(loop_t *loop, pool_t *pool)
{
    resolver_t *resolver = NEW(resolver_t);

    resolver->loop = loop;
    resolver->pool = pool;
    return resolver;
}

static void enlist(resolve_t **list, resolve_t *question)
{
    question->next = *list;
    question->link = list;
    if (question->next) {
        question->next->link = &question->next;
    }
    *list = question;
}

static void question_free(resolve_t *question)
{
    *question->link = question->next;
    if (question->next) {
        question->next->link = question->link;
    }
    event_del(&question->tell);
    free(question);
}

static void free_all(resolve_t **list)
{
    while (*list) {
        question_free(*list);
    }
}

void resolver_free(resolver_t *resolver)
{
    if (!resolver) {
        return;
    }
    free_all(&resolver->ready);
    while (resolver->names) {
        name_t *name = resolver->names;

        resolver->names = name->next;
        free_all(&name->waiting);
        if (name->job) {
            name->job->name = NULL;
        }
        free(name->host);
        free(name);
    }
    free(resolver);
}

static name_t *find_name(const resolver_t *resolver, const char *host)
{
    for (name_t *name = resolver->names; name; name = name->next) {
        if (strcmp(name->host, host) == 0) {
            return name;
        }
    }
    return NULL;
}

static name_t *add_name(resolver_t *resolver, const char *host)
{
    name_t *name = NEW(name_t);

    name->host = mem_strdup(host);
    name->next = resolver->names;
    resolver->names = name;
    return name;
}

static bool read_literal(const char *host, addresses_t *ret)
{
    struct sockaddr_in v4 = { .sin_family = AF_INET };
    struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

    ret->count = 1;
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(&ret->at[0], &v4, sizeof(v4));
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(&ret->at[0], &v6, sizeof(v6));
        return true;
    }
    ret->count = 0;
    return false;
}

static void job_free(job_t *job)
{
    free(job->host);
    free(job);
}

/* On a helper thread. */
static void look_up(void *self)
{
    job_t *job = self;
    struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM }, *all = NULL;

    job->failure = getaddrinfo(job->host, NULL, &hints, &all);
    if (job->failure) {
        return;
    }
    for (struct addrinfo *one = all; one && job->found.count < RESOLVE_MAX_ADDRESSES; one = one->ai_next) {
        if (one->ai_family == AF_INET || one->ai_family == AF_INET6) {
            memcpy(&job->found.at[job->found.count++], one->ai_addr, one->ai_addrlen);
        }
    }
    freeaddrinfo(all);
}

static bool start_job(resolver_t *resolver, name_t *name)
{
    job_t *job = NEW(job_t);

    job->name = name;
    job->host = mem_strdup(name->host);
    if (!pool_run(resolver->pool, resolver->loop, loop_post, look_up, on_looked_up, job)) {
        job_free(job);
        return false;
    }
    name->job = job;
    name->forgotten = false;
    return true;
}

static void tell_soon(resolver_t *resolver, resolve_t *question)
{
    enlist(&resolver->ready, question);
    event_active(&question->tell, EV_TIMEOUT, 0);
}

resolve_t *resolve_start(resolver_t *resolver, const char *host, uint16_t port, resolve_f cb, void *self)
{
    resolve_t *question = NEW(resolve_t);

    question->cb = cb;
    question->self = self;
    question->port = port;
    evtimer_assign(&question->tell, loop_base(resolver->loop), on_tell, question);
    if (read_literal(host, &question->found)) {
        tell_soon(resolver, question);
        return question;
    }
    name_t *name = find_name(resolver, host);
    name = name ? name : add_name(resolver, host);
    if (name->known_until_ms > clock_ms()) {
        question->found = name->known;
        tell_soon(resolver, question);
    } else if (name->job || start_job(resolver, name)) {
        enlist(&name->waiting, question);
    } else {
        question->failure = "Too many host names wait to be resolved.";
        tell_soon(resolver, question);
    }
    return question;
}

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
    if (address->ss_family == AF_INET) {
        ((struct sockaddr_in *)address)->sin_port = htons(port);
    } else {
        ((struct sockaddr_in6 *)address)->sin6_port = htons(port);
    }
}

/* The question is taken out of its list and freed first: its owner may do anything in the callback. */
static void tell(resolve_t *question)
{
    resolve_t told = *question;
    err_t err;

    question_free(question);
    if (told.failure) {
        err_set(&err, ERR_UPSTREAM, "%s", told.failure);
        told.cb(told.self, NULL, 0, &err);
        return;
    }
    for (size_t i = 0; i < told.found.count; i++) {
        set_port(&told.found.at[i], told.port);
    }
    told.cb(told.self, told.found.at, told.found.count, NULL);
}

static void on_tell(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    tell(self);
}

static const char *explain(const job_t *job)
{
    if (job->failure == EAI_AGAIN) {
        return "The host name could not be resolved just now.";
    }
    return job->failure || job->found.count == 0 ? "The host name could not be resolved." : NULL;
}

static void on_looked_up(void *self)
{
    job_t *job = self;
    name_t *name = job->name;

    if (!name) {
        job_free(job);
        return;
    }
    const char *failure = explain(job);
    if (!failure) {
        name->known = job->found;
        name->known_until_ms = name->forgotten ? 0 : clock_ms() + KEEP_MS;
    }
    name->job = NULL;
    job_free(job);

    /* Those who ask from now on, in callbacks too, are not among those who waited: */
    resolve_t *waited = TAKE(name->waiting);
    addresses_t found = name->known;
    if (waited) {
        waited->link = &waited;
    }
    while (waited) {
        waited->failure = failure;
        waited->found = found;
        tell(waited);
    }
}

void resolve_cancel(resolve_t *question)
{
    question_free(question);
}

void resolver_forget(resolver_t *resolver, const char *host)
{
    name_t *name = find_name(resolver, host);

    if (name) {
        name->known_until_ms = 0;
        name->forgotten = true;
    }
}
