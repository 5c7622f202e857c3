/* Helper threads: work there, its end back home. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "mem.h"
#include "pool.h"

/* A home that keeps what is posted to it until asked. */
typedef struct {
    pthread_mutex_t lock;
    size_t count;
    struct {
        pool_f fn;
        void *job;
    } posted[256];
} home_t;

typedef struct {
    _Atomic int worked, done;
    pthread_t worker;
    _Atomic bool *gate; /* the work waits until it opens */
} job_t;

static void post(void *self, pool_f fn, void *job)
{
    home_t *home = self;

    pthread_mutex_lock(&home->lock);
    home->posted[home->count].fn = fn;
    home->posted[home->count++].job = job;
    pthread_mutex_unlock(&home->lock);
}

static size_t run_posted(home_t *home)
{
    for (size_t i = 0; i < home->count; i++) {
        home->posted[i].fn(home->posted[i].job);
    }
    return home->count;
}

static void work(void *self)
{
    job_t *job = self;

    while (job->gate && !*job->gate) {
        usleep(1000);
    }
    job->worker = pthread_self();
    job->worked++;
}

static void done(void *self)
{
    job_t *job = self;

    job->done++;
}

Test(pool, works_on_a_helper_and_ends_at_home, .timeout = 10)
{
    home_t home = { .lock = PTHREAD_MUTEX_INITIALIZER };
    job_t jobs[100] = { 0 };
    pool_t *pool = pool_new(3, 100);

    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        cr_assert(pool_run(pool, &home, post, work, done, &jobs[i]));
    }
    pool_free(pool); /* queued ones run too */
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        cr_assert_eq(jobs[i].worked, 1);
        cr_assert_eq(jobs[i].done, 0); /* not before home's own thread gets to it */
        cr_assert_not(pthread_equal(jobs[i].worker, pthread_self()));
    }
    cr_assert_eq(run_posted(&home), 100);
    for (size_t i = 0; i < COUNT_OF(jobs); i++) {
        cr_assert_eq(jobs[i].done, 1);
    }
}

Test(pool, refuses_a_job_when_the_queue_is_full, .timeout = 10)
{
    home_t home = { .lock = PTHREAD_MUTEX_INITIALIZER };
    _Atomic bool gate = false;
    job_t running = { .gate = &gate }, waiting[2] = { 0 }, refused = { 0 };
    pool_t *pool = pool_new(1, 2);

    cr_assert(pool_run(pool, &home, post, work, done, &running));
    while (pool_queued(pool) > 0) {
        usleep(1000); /* until the helper has it */
    }
    cr_assert(pool_run(pool, &home, post, work, done, &waiting[0]));
    cr_assert(pool_run(pool, &home, post, work, done, &waiting[1]));
    cr_assert_eq(pool_queued(pool), 2);
    cr_assert_not(pool_run(pool, &home, post, work, done, &refused));
    gate = true;
    pool_free(pool);
    cr_assert_eq(refused.worked, 0);
    cr_assert_eq(run_posted(&home), 3);
}

Test(pool, is_freed_without_having_worked)
{
    pool_free(pool_new(0, 1));
    pool_free(NULL);
}

static _Atomic int signal_on_helper;
static pthread_t main_thread;

static void on_signal(int number)
{
    (void)number;
    if (!pthread_equal(pthread_self(), main_thread)) {
        signal_on_helper = 1;
    }
}

Test(pool, leaves_signals_to_the_thread_that_made_it, .timeout = 10)
{
    pool_t *pool = pool_new(4, 10);

    main_thread = pthread_self();
    signal(SIGUSR1, on_signal);
    for (int i = 0; i < 50; i++) {
        kill(getpid(), SIGUSR1);
    }
    pool_free(pool);
    cr_assert_eq(signal_on_helper, 0);
}
