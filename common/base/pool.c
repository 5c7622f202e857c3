/* See pool.h. One queue, one lock, one condition: jobs take milliseconds, so nothing finer is worth it. */
#include "pool.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>

#include "mem.h"

typedef struct task {
    struct task *next;
    void *home, *job;
    pool_post_f post;
    pool_f work, done;
} task_t;

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    task_t *first, **last;
    size_t queued, max_queued;
    bool stopping;
    unsigned thread_count;
    pthread_t threads[];
};

static task_t *next_task(pool_t *pool)
{
    pthread_mutex_lock(&pool->lock);
    while (!pool->first && !pool->stopping) {
        pthread_cond_wait(&pool->changed, &pool->lock);
    }
    task_t *task = pool->first;
    if (task) {
        pool->first = task->next;
        if (!pool->first) {
            pool->last = &pool->first;
        }
        pool->queued--;
    }
    pthread_mutex_unlock(&pool->lock);
    return task;
}

static void *run_helper(void *self)
{
    task_t *task;

    while ((task = next_task(self))) {
        task->work(task->job);
        task->post(task->home, task->done, task->job);
        mem_free(task);
    }
    return NULL;
}

static void start_threads(pool_t *pool, unsigned threads)
{
    sigset_t all, before;

    /* Signals are for the loop thread: a helper that caught one would leave the loop asleep. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->thread_count < threads &&
           pthread_create(&pool->threads[pool->thread_count], NULL, run_helper, pool) == 0) {
        pool->thread_count++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

pool_t *pool_new(unsigned threads, size_t max_queued)
{
    if (threads == 0) {
        threads = 1;
    }
    pool_t *pool = mem_alloc(sizeof(*pool) + threads * sizeof(pool->threads[0]));
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->last = &pool->first;
    pool->max_queued = max_queued;
    start_threads(pool, threads);
    return pool;
}

void pool_free(pool_t *pool)
{
    if (!pool) {
        return;
    }
    pthread_mutex_lock(&pool->lock);
    pool->stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->thread_count; i++) {
        pthread_join(pool->threads[i], NULL);
    }
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->lock);
    mem_free(pool);
}

bool pool_run(pool_t *pool, void *home, pool_post_f post, pool_f work, pool_f done, void *job)
{
    assert(post && work && done);

    pthread_mutex_lock(&pool->lock);
    bool accepted = pool->thread_count > 0 && !pool->stopping && pool->queued < pool->max_queued;
    if (accepted) {
        task_t *task = NEW(task_t);
        *task = (task_t){ .home = home, .job = job, .post = post, .work = work, .done = done };
        *pool->last = task;
        pool->last = &task->next;
        pool->queued++;
        pthread_cond_signal(&pool->changed);
    }
    pthread_mutex_unlock(&pool->lock);
    return accepted;
}

size_t pool_queued(const pool_t *pool)
{
    pthread_mutex_t *lock = (pthread_mutex_t *)&pool->lock;

    pthread_mutex_lock(lock);
    size_t queued = pool->queued;
    pthread_mutex_unlock(lock);
    return queued;
}
