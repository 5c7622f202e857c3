/* See showing.h. Two steps: every worker takes the catalog, then each tells those who listen. A client that
 * is told asks for the list on a connection that may be another worker's, and would find the old one there.
 */
#include "showing.h"

#include "mem.h"
#include "worker.h"

typedef struct {
    worker_t *worker;
    struct showing *showing;
} step_t;

typedef struct showing {
    catalog_t *catalog;
    unsigned *said;
    step_t *steps; /* one per worker */
    size_t count;
    size_t left; /* workers that have the step before them; atomic */
} showing_t;

static void on_take(void *self);
static void on_tell(void *self);

static unsigned *copy_said(const catalog_t *catalog, const unsigned *said)
{
    unsigned *copy = said ? NEW_ARRAY(unsigned, catalog->connector_count + 1) : NULL;

    for (size_t i = 0; said && i < catalog->connector_count; i++) {
        copy[i] = said[i];
    }
    return copy;
}

static showing_t *showing_new(const gateway_t *gateway, catalog_t *catalog, const unsigned *said)
{
    showing_t *showing = NEW(showing_t);

    showing->catalog = catalog_ref(catalog);
    showing->said = copy_said(catalog, said);
    showing->count = gateway->worker_count;
    showing->steps = NEW_ARRAY(step_t, showing->count);
    for (size_t i = 0; i < showing->count; i++) {
        showing->steps[i] = (step_t){ gateway->workers[i], showing };
    }
    return showing;
}

static void showing_free(showing_t *showing)
{
    catalog_unref(showing->catalog);
    mem_free(showing->said);
    mem_free(showing->steps);
    mem_free(showing);
}

/* Whoever is last goes on with it: after the last post it may be gone. */
static void begin(showing_t *showing, loop_f on_step)
{
    size_t count = showing->count;

    __atomic_store_n(&showing->left, count, __ATOMIC_RELEASE);
    for (size_t i = 0; i < count; i++) {
        loop_post(showing->steps[i].worker->loop, on_step, &showing->steps[i]);
    }
}

static bool is_last(showing_t *showing)
{
    return __atomic_sub_fetch(&showing->left, 1, __ATOMIC_ACQ_REL) == 0;
}

void showing_start(const gateway_t *gateway, catalog_t *catalog, const unsigned *said)
{
    if (gateway->worker_count > 0) {
        begin(showing_new(gateway, catalog, said), on_take);
    }
}

static void on_take(void *self)
{
    const step_t *step = self;

    worker_take(step->worker, step->showing->catalog);
    if (is_last(step->showing)) {
        begin(step->showing, on_tell);
    }
}

/* The worker may have a newer catalog by now. The connectors of that are in the same places unless there was
 * a reload, after which all of them are listed again. */
static void tell(const worker_t *worker, const showing_t *showing)
{
    bool fits = worker->view->catalog->config == showing->catalog->config;

    listeners_shown(worker->listeners, fits ? showing->said : NULL);
}

static void on_tell(void *self)
{
    const step_t *step = self;

    if (step->worker->listeners) { /* else it has drained and is closed */
        tell(step->worker, step->showing);
    }
    if (is_last(step->showing)) {
        showing_free(step->showing);
    }
}
