/* Helper threads for what blocks: SQLite, name resolution, large XML. A job runs on a helper, its end is
 * posted back to the loop it came from. The pool knows no loop: `post` is how it reaches one (loop_post in
 * net/loop.h fits).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct pool pool_t;
typedef void (*pool_f)(void *job);
typedef void (*pool_post_f)(void *home, pool_f fn, void *job); /* thread-safe: run fn(job) on home's thread */

pool_t *pool_new(unsigned threads, size_t max_queued);
void pool_free(pool_t *pool); /* waits for running jobs; queued ones run too */

/* work(job) on a helper, then done(job) at home. false (and neither is called) when max_queued jobs wait. */
bool pool_run(pool_t *pool, void *home, pool_post_f post, pool_f work, pool_f done, void *job);
size_t pool_queued(const pool_t *pool);
