/* A map from bytes to pointers that forgets what was used longest ago: tokens already verified, hop tokens
 * already minted, lists already rendered. It belongs to one thread.
 */
#pragma once

#include <stddef.h>

#include "span.h"

typedef struct lru lru_t;
typedef void (*lru_free_f)(void *value);

lru_t *lru_new(size_t max_entries, size_t max_bytes, lru_free_f free_value);
void lru_free(lru_t *lru);

void *lru_get(lru_t *lru, span_t key); /* the value, now the newest; NULL */
/* Takes the value, in place of an older one with this key. `bytes` is what it weighs against max_bytes; the
 * newest entry stays even when it alone is too heavy, so that the caller may go on using it. */
void lru_put(lru_t *lru, span_t key, void *value, size_t bytes);
void lru_remove(lru_t *lru, span_t key);
void lru_clear(lru_t *lru);
size_t lru_count(const lru_t *lru);
