/* See http_quota.h. Counts are atomics; only the table of addresses has a lock, taken when a connection comes
 * and goes, and only where a limit by address is set. An IPv6 address counts by its first 64 bits, since
 * whoever has one of those has them all.
 */
#include "http_quota.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/resource.h>

#include "mem.h"
#include "span.h"

#define BUCKETS 1024
#define COMPLAINT_EVERY_MS 60000
#define MAX_CONNECTIONS 16384 /* about 70 MB when all are idle */

typedef struct address {
    struct address *next;
    unsigned char key[16];
    size_t connections;
} address_t;

struct http_quota {
    atomic_size_t connections, bytes;
    atomic_llong complained_ms;
    pthread_mutex_t lock; /* of the addresses */
    address_t *addresses[BUCKETS];
};

http_quota_t *http_quota_new(void)
{
    http_quota_t *quota = NEW(http_quota_t);

    pthread_mutex_init(&quota->lock, NULL);
    return quota;
}

void http_quota_free(http_quota_t *quota)
{
    if (!quota) {
        return;
    }
    for (size_t i = 0; i < BUCKETS; i++) {
        while (quota->addresses[i]) {
            address_t *address = quota->addresses[i];
            quota->addresses[i] = address->next;
            mem_free(address);
        }
    }
    pthread_mutex_destroy(&quota->lock);
    mem_free(quota);
}

size_t http_quota_connect(http_quota_t *quota)
{
    return atomic_fetch_add(&quota->connections, 1) + 1;
}

void http_quota_disconnect(http_quota_t *quota)
{
    atomic_fetch_sub(&quota->connections, 1);
}

size_t http_quota_hold(http_quota_t *quota, size_t bytes)
{
    return atomic_fetch_add(&quota->bytes, bytes) + bytes;
}

void http_quota_let_go(http_quota_t *quota, size_t bytes)
{
    atomic_fetch_sub(&quota->bytes, bytes);
}

size_t http_quota_held(const http_quota_t *quota)
{
    return atomic_load(&quota->bytes);
}

bool http_quota_may_complain(http_quota_t *quota, int64_t now_ms)
{
    long long before = atomic_load(&quota->complained_ms);

    return (before == 0 || now_ms - before >= COMPLAINT_EVERY_MS) &&
           atomic_compare_exchange_strong(&quota->complained_ms, &before, now_ms);
}

size_t http_quota_default_connections(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur / 3 * 2 > MAX_CONNECTIONS) {
        return MAX_CONNECTIONS;
    }
    return (size_t)files.rlim_cur / 3 * 2;
}

/* addresses */

static const unsigned char v4_in_v6[12] = { [10] = 0xff, [11] = 0xff };

static void key_of(const struct sockaddr *peer, unsigned char key[16])
{
    memset(key, 0, 16);
    if (peer->sa_family == AF_INET) {
        memcpy(key, v4_in_v6, sizeof(v4_in_v6));
        memcpy(key + 12, &((const struct sockaddr_in *)peer)->sin_addr, 4);
    } else if (peer->sa_family == AF_INET6) {
        const unsigned char *address = ((const struct sockaddr_in6 *)peer)->sin6_addr.s6_addr;
        memcpy(key, address, memcmp(address, v4_in_v6, sizeof(v4_in_v6)) == 0 ? 16 : 8);
    }
}

/* Who fills one bucket on purpose needs that many addresses. */
static address_t **find(http_quota_t *quota, const unsigned char key[16])
{
    address_t **at = &quota->addresses[span_hash((span_t){ (const char *)key, 16 }) % BUCKETS];

    while (*at && memcmp((*at)->key, key, 16) != 0) {
        at = &(*at)->next;
    }
    return at;
}

size_t http_quota_enter(http_quota_t *quota, const struct sockaddr *peer)
{
    unsigned char key[16];
    address_t **at;
    size_t now;

    key_of(peer, key);
    pthread_mutex_lock(&quota->lock);
    at = find(quota, key);
    if (!*at) {
        *at = NEW(address_t);
        memcpy((*at)->key, key, sizeof(key));
    }
    now = ++(*at)->connections;
    pthread_mutex_unlock(&quota->lock);
    return now;
}

void http_quota_leave(http_quota_t *quota, const struct sockaddr *peer)
{
    unsigned char key[16];
    address_t **at, *address;

    key_of(peer, key);
    pthread_mutex_lock(&quota->lock);
    at = find(quota, key);
    address = *at;
    if (address && --address->connections == 0) {
        *at = address->next;
        mem_free(address);
    }
    pthread_mutex_unlock(&quota->lock);
}
