/* The resolver, with a getaddrinfo of our own that counts, fails and takes its time. */
#include "resolve.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <event2/event.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

static atomic_int lookups;
static atomic_int first_octet = 10;
static atomic_int slow_ms;

static struct addrinfo *new_info(int family, const char *text, struct addrinfo *next)
{
    struct addrinfo *info = mem_alloc(sizeof(*info) + sizeof(struct sockaddr_in6));
    struct sockaddr_in *v4 = (struct sockaddr_in *)(info + 1);
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)(info + 1);

    info->ai_family = v4->sin_family = (sa_family_t)family;
    info->ai_addr = (struct sockaddr *)v4;
    info->ai_addrlen = family == AF_INET ? sizeof(*v4) : sizeof(*v6);
    inet_pton(family, text, family == AF_INET ? (void *)&v4->sin_addr : (void *)&v6->sin6_addr);
    info->ai_next = next;
    return info;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
    char text[32];

    (void)service;
    (void)hints;
    usleep((unsigned)slow_ms * 1000);
    snprintf(text, sizeof(text), "%d.0.0.%d", first_octet, atomic_fetch_add(&lookups, 1) + 1);
    if (strcmp(host, "unknown.test") == 0) {
        return EAI_NONAME;
    }
    if (strcmp(host, "later.test") == 0) {
        return EAI_AGAIN;
    }
    *ret = NULL;
    if (strcmp(host, "many.test") == 0) {
        for (int i = 0; i < 50; i++) {
            *ret = new_info(AF_INET, text, *ret);
        }
        return 0;
    }
    *ret = new_info(AF_INET6, "fd00::7", new_info(AF_INET, text, NULL));
    return 0;
}

void freeaddrinfo(struct addrinfo *info)
{
    while (info) {
        struct addrinfo *next = info->ai_next;
        free(info);
        info = next;
    }
}

typedef struct {
    int calls;
    size_t count;
    char at[2][INET6_ADDRSTRLEN];
    uint16_t port;
    err_t err;
} told_t;

static loop_t *loop;
static pool_t *pool;
static resolver_t *resolver;
static int expected; /* answers until the loop stops */

static void set_up(size_t max_queued)
{
    loop = loop_new();
    pool = pool_new(1, max_queued);
    resolver = resolver_new(loop, pool);
}

static void tear_down(void)
{
    resolver_free(resolver);
    pool_free(pool);
    loop_free(loop);
}

static void on_addresses(void *self, const struct sockaddr_storage *addresses, size_t count, const err_t *err)
{
    told_t *told = self;

    told->calls++;
    told->count = count;
    if (err) {
        told->err = *err;
    }
    for (size_t i = 0; i < count && i < 2; i++) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&addresses[i];
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&addresses[i];
        bool is_v4 = addresses[i].ss_family == AF_INET;

        inet_ntop(addresses[i].ss_family, is_v4 ? (const void *)&v4->sin_addr : (const void *)&v6->sin6_addr,
                  told->at[i], sizeof(told->at[i]));
        told->port = ntohs(is_v4 ? v4->sin_port : v6->sin6_port);
    }
    if (--expected == 0) {
        loop_stop(loop);
    }
}

static told_t ask(const char *host, uint16_t port)
{
    told_t told = { 0 };

    expected = 1;
    resolve_start(resolver, host, port, on_addresses, &told);
    cr_assert_eq(told.calls, 0, "told before resolve_start() had returned");
    loop_run(loop);
    cr_assert_eq(told.calls, 1);
    return told;
}

static void on_rest_over(evutil_socket_t fd, short what, void *self)
{
    (void)fd;
    (void)what;
    (void)self;
    loop_stop(loop);
}

static void run_loop_ms(int ms)
{
    struct timeval wait = { .tv_usec = ms * 1000 };

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_rest_over, NULL, &wait);
    loop_run(loop);
}

Test(resolve, answers_literals_without_asking_anyone)
{
    set_up(10);
    told_t v4 = ask("127.0.0.1", 8000), v6 = ask("::1", 81);

    cr_assert_str_eq(v4.at[0], "127.0.0.1");
    cr_assert_eq(v4.port, 8000);
    cr_assert_str_eq(v6.at[0], "::1");
    cr_assert_eq(v6.port, 81);
    cr_assert_eq(lookups, 0);
    tear_down();
}

Test(resolve, looks_a_name_up_once_and_keeps_it_for_every_port)
{
    set_up(10);
    told_t first = ask("crm.test", 1), second = ask("crm.test", 2);

    cr_assert_eq(first.count, 2);
    cr_assert_str_eq(first.at[0], "fd00::7");
    cr_assert_str_eq(first.at[1], "10.0.0.1");
    cr_assert_eq(first.port, 1);
    cr_assert_str_eq(second.at[1], "10.0.0.1");
    cr_assert_eq(second.port, 2);
    cr_assert_eq(lookups, 1);
    tear_down();
}

Test(resolve, asks_again_after_a_failed_connect)
{
    set_up(10);
    ask("crm.test", 1);
    resolver_forget(resolver, "crm.test");
    resolver_forget(resolver, "never-asked.test");
    first_octet = 11;
    cr_assert_str_eq(ask("crm.test", 1).at[1], "11.0.0.2");
    cr_assert_eq(lookups, 2);
    tear_down();
}

Test(resolve, asks_once_for_all_who_wait_for_the_same_name)
{
    told_t told[5] = { 0 };

    set_up(10);
    slow_ms = 50;
    for (expected = 0; expected < 5; expected++) {
        resolve_start(resolver, expected == 4 ? "qlik.test" : "crm.test", (uint16_t)expected, on_addresses,
                      &told[expected]);
    }
    loop_run(loop);
    for (size_t i = 0; i < 5; i++) {
        cr_assert_eq(told[i].calls, 1);
        cr_assert_eq(told[i].port, i);
    }
    cr_assert_eq(lookups, 2);
    tear_down();
}

Test(resolve, does_not_keep_an_answer_that_was_asked_for_before_the_failed_connect)
{
    told_t told = { 0 };

    set_up(10);
    slow_ms = 50;
    expected = 1;
    resolve_start(resolver, "crm.test", 1, on_addresses, &told);
    resolver_forget(resolver, "crm.test");
    loop_run(loop);
    ask("crm.test", 1);
    cr_assert_eq(lookups, 2);
    tear_down();
}

Test(resolve, says_that_a_name_is_unknown_and_asks_anew_next_time)
{
    set_up(10);
    told_t told = ask("unknown.test", 1);

    cr_assert_eq(told.count, 0);
    cr_assert_eq(told.err.kind, ERR_UPSTREAM);
    cr_assert_str_eq(told.err.text, "The host name could not be resolved.");
    cr_assert_str_eq(ask("later.test", 1).err.text, "The host name could not be resolved just now.");
    ask("unknown.test", 1);
    cr_assert_eq(lookups, 3);
    tear_down();
}

Test(resolve, hands_on_no_more_addresses_than_it_promises)
{
    set_up(10);
    cr_assert_eq(ask("many.test", 1).count, RESOLVE_MAX_ADDRESSES);
    tear_down();
}

Test(resolve, says_when_too_many_lookups_wait)
{
    told_t told[4] = { 0 };
    int refusals = 0;
    char host[32];

    set_up(1);
    slow_ms = 100;
    for (expected = 0; expected < 4; expected++) {
        snprintf(host, sizeof(host), "h%d.test", expected);
        resolve_start(resolver, host, 1, on_addresses, &told[expected]);
    }
    loop_run(loop);
    for (size_t i = 0; i < COUNT_OF(told); i++) {
        cr_assert_eq(told[i].calls, 1);
        refusals += strcmp(told[i].err.text, "Too many host names wait to be resolved.") == 0;
    }
    cr_assert_geq(refusals, 1); /* one runs, one waits; how many else depends on when the helper woke */
    tear_down();
}

static resolve_t *other;

static void on_addresses_cancel_other(void *self, const struct sockaddr_storage *addresses, size_t count,
                                      const err_t *err)
{
    resolve_cancel(other);
    on_addresses(self, addresses, count, err);
}

Test(resolve, says_nothing_after_a_cancel)
{
    told_t told[4] = { 0 };

    set_up(10);
    slow_ms = 20;
    resolve_cancel(resolve_start(resolver, "127.0.0.1", 1, on_addresses, &told[0]));
    resolve_cancel(resolve_start(resolver, "crm.test", 1, on_addresses, &told[1]));
    expected = 1;
    other = resolve_start(resolver, "crm.test", 1, on_addresses, &told[2]);
    /* The newest is told first, and cancels the one that waits with it. */
    resolve_start(resolver, "crm.test", 1, on_addresses_cancel_other, &told[3]);
    loop_run(loop);
    run_loop_ms(50);
    cr_assert_eq(told[0].calls + told[1].calls + told[2].calls, 0);
    cr_assert_eq(told[3].calls, 1);
    tear_down();
}

static void on_addresses_ask_again(void *self, const struct sockaddr_storage *addresses, size_t count,
                                   const err_t *err)
{
    (void)addresses;
    (void)count;
    (void)err;
    resolve_start(resolver, "crm.test", 3, on_addresses, self);
    resolve_start(resolver, "unknown.test", 3, on_addresses, self);
}

Test(resolve, may_be_asked_within_its_callback)
{
    told_t told = { 0 };

    set_up(10);
    expected = 2;
    resolve_start(resolver, "unknown.test", 1, on_addresses_ask_again, &told);
    loop_run(loop);
    cr_assert_eq(told.calls, 2);
    tear_down();
}

Test(resolve, may_be_freed_while_lookups_run)
{
    told_t told = { 0 };

    set_up(10);
    slow_ms = 50;
    resolve_start(resolver, "crm.test", 1, on_addresses, &told);
    resolve_start(resolver, "127.0.0.1", 1, on_addresses, &told);
    resolver_free(resolver);
    pool_free(pool);
    run_loop_ms(20);
    loop_free(loop);
    cr_assert_eq(told.calls, 0);
}
