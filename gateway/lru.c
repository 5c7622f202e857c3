/* See lru.h. A chained hash table whose entries also hang in one list, newest first. The table has as many
 * buckets as entries may be there, so it never grows. Keys come from outside, but only as digests or our own
 * pointers: nobody can choose them to collide. */
#include "lru.h"

#include <stdint.h>
#include <sys/queue.h>

#include "mem.h"

typedef struct entry {
    struct entry *next; /* in its bucket */
    TAILQ_ENTRY(entry) age;
    void *value;
    size_t bytes;
    uint64_t hash;
    size_t key_length;
    char key[];
} entry_t;

struct lru {
    TAILQ_HEAD(ages, entry) newest;
    entry_t **buckets;
    size_t mask, count, max_entries, bytes, max_bytes;
    lru_free_f free_value;
};

/* FNV-1a. */
static uint64_t hash_of(span_t key)
{
    uint64_t hash = 14695981039346656037u;

    for (size_t i = 0; i < key.length; i++) {
        hash = (hash ^ (unsigned char)key.at[i]) * 1099511628211u;
    }
    return hash;
}

lru_t *lru_new(size_t max_entries, size_t max_bytes, lru_free_f free_value)
{
    lru_t *lru = NEW(lru_t);
    size_t buckets = 16;

    while (buckets < max_entries) {
        buckets *= 2;
    }
    TAILQ_INIT(&lru->newest);
    lru->buckets = NEW_ARRAY(entry_t *, buckets);
    lru->mask = buckets - 1;
    lru->max_entries = max_entries;
    lru->max_bytes = max_bytes;
    lru->free_value = free_value;
    return lru;
}

void lru_free(lru_t *lru)
{
    if (lru) {
        lru_clear(lru);
        mem_free(lru->buckets);
        mem_free(lru);
    }
}

static entry_t **find(lru_t *lru, span_t key, uint64_t hash)
{
    entry_t **at = &lru->buckets[hash & lru->mask];

    while (*at && !((*at)->hash == hash && span_equal((span_t){ (*at)->key, (*at)->key_length }, key))) {
        at = &(*at)->next;
    }
    return at;
}

static void drop(lru_t *lru, entry_t **at)
{
    entry_t *entry = *at;

    *at = entry->next;
    TAILQ_REMOVE(&lru->newest, entry, age);
    lru->count--;
    lru->bytes -= entry->bytes;
    lru->free_value(entry->value);
    mem_free(entry);
}

static void drop_oldest(lru_t *lru)
{
    entry_t *oldest = TAILQ_LAST(&lru->newest, ages);
    entry_t **at = &lru->buckets[oldest->hash & lru->mask];

    while (*at != oldest) {
        at = &(*at)->next;
    }
    drop(lru, at);
}

void *lru_get(lru_t *lru, span_t key)
{
    entry_t *entry = *find(lru, key, hash_of(key));

    if (!entry) {
        return NULL;
    }
    TAILQ_REMOVE(&lru->newest, entry, age);
    TAILQ_INSERT_HEAD(&lru->newest, entry, age);
    return entry->value;
}

void lru_put(lru_t *lru, span_t key, void *value, size_t bytes)
{
    uint64_t hash = hash_of(key);
    entry_t *entry = mem_alloc(sizeof(*entry) + key.length);

    lru_remove(lru, key);
    entry->value = value;
    entry->bytes = bytes;
    entry->hash = hash;
    entry->key_length = key.length;
    memcpy(entry->key, key.at, key.length);
    entry->next = lru->buckets[hash & lru->mask];
    lru->buckets[hash & lru->mask] = entry;
    TAILQ_INSERT_HEAD(&lru->newest, entry, age);
    lru->count++;
    lru->bytes += bytes;
    while (lru->count > 1 && (lru->count > lru->max_entries || lru->bytes > lru->max_bytes)) {
        drop_oldest(lru);
    }
}

void lru_remove(lru_t *lru, span_t key)
{
    entry_t **at = find(lru, key, hash_of(key));

    if (*at) {
        drop(lru, at);
    }
}

void lru_clear(lru_t *lru)
{
    while (lru->count > 0) {
        drop_oldest(lru);
    }
}

size_t lru_count(const lru_t *lru)
{
    return lru->count;
}
