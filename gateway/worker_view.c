/* What a call works with: a catalog, and a lane to each of its connectors, of one worker. A new view takes
 * over the lanes that lead where its own would.
 */
#include "worker.h"

#include "mem.h"

static lane_t *lane_new(worker_t *worker, const connector_config_t *connector, size_t max_reply_bytes)
{
    lane_t *lane = NEW(lane_t);
    http_pool_limits_t limits = HTTP_POOL_LIMITS_DEFAULT;

    if (max_reply_bytes > 0) {
        limits.max_reply_bytes = max_reply_bytes;
    }
    lane->pool = http_pool_new(worker->loop, worker->resolver, &connector->hop, &limits);
    lane->sessions = sessions_new(loop_base(worker->loop));
    return lane;
}

/* The lane of the view before, when it leads to the same place with the same credentials under the same
 * limit.
 */
static lane_t *find_lane(const view_t *before, const connector_config_t *connector, size_t max_reply_bytes)
{
    if (!before || before->catalog->config->max_reply_bytes != max_reply_bytes) {
        return NULL;
    }
    for (size_t i = 0; i < before->catalog->connector_count; i++) {
        const connector_config_t *same = before->catalog->connectors[i].config;
        if (config_same_place(same, connector) && connector_same_headers(same, connector)) {
            return before->lanes[i];
        }
    }
    return NULL;
}

static void free_lane(void *self)
{
    lane_t *lane = self;

    sessions_free(lane->sessions);
    http_pool_free(lane->pool);
    mem_free(lane);
}

/* Freed after the callback that runs now: it may be one of the pool's own. */
static void lane_unref(worker_t *worker, lane_t *lane)
{
    if (--lane->references == 0) {
        loop_defer(worker->loop, free_lane, lane);
    }
}

view_t *view_new(worker_t *worker, catalog_t *catalog, const view_t *before)
{
    view_t *view = NEW(view_t);
    size_t max_reply_bytes = catalog->config->max_reply_bytes;

    view->worker = worker;
    view->catalog = catalog_ref(catalog);
    view->references = 1;
    view->lists = worker_lists_new();
    view->lanes = NEW_ARRAY(lane_t *, catalog->connector_count);
    for (size_t i = 0; i < catalog->connector_count; i++) {
        const connector_config_t *connector = catalog->connectors[i].config;
        lane_t *lane = find_lane(before, connector, max_reply_bytes);
        view->lanes[i] = lane ? lane : lane_new(worker, connector, max_reply_bytes);
        view->lanes[i]->references++;
    }
    return view;
}

view_t *view_ref(view_t *view)
{
    view->references++;
    return view;
}

void view_unref(view_t *view)
{
    if (!view || --view->references > 0) {
        return;
    }
    for (size_t i = 0; i < view->catalog->connector_count; i++) {
        lane_unref(view->worker, view->lanes[i]);
    }
    mem_free(view->lanes);
    lru_free(view->lists);
    catalog_unref(view->catalog);
    mem_free(view);
}
