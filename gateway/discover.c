/* See discover.h: which connectors there are, and what is told of them. When each is asked is in
 * discover_source.c. */
#include "discover.h"

#include "discover_private.h"
#include "mem.h"

#define SUSPECT_EVERY_MS 5000
#define AWAITED_EVERY_MS 500

discover_t *discover_new(loop_t *loop, resolver_t *resolver, session_ends_t *ends, loop_f changed, void *self)
{
    discover_t *discover = NEW(discover_t);

    discover->loop = loop;
    discover->resolver = resolver;
    discover->ends = ends;
    discover->changed = changed;
    discover->self = self;
    return discover;
}

static void on_telling(void *self)
{
    discover_t *discover = self;

    discover->telling = false;
    if (discover->over) {
        mem_free(discover);
    } else {
        discover->changed(discover->self);
    }
}

void discover_tell_said(discover_t *discover)
{
    if (!discover->telling) {
        discover->telling = true;
        loop_defer(discover->loop, on_telling, discover);
    }
}

/* Several connectors often answer in one turn of the loop: one new catalog is enough. */
void discover_tell(discover_t *discover)
{
    discover->fresh = true;
    discover_tell_said(discover);
}

static void free_sources(source_t **sources, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        discover_source_free(sources[i]);
    }
    mem_free(sources);
}

void discover_free(discover_t *discover)
{
    if (!discover) {
        return;
    }
    free_sources(discover->sources, discover->count);
    config_unref(discover->config);
    discover->over = true;
    if (!discover->telling) {
        mem_free(discover);
    }
}

/* Takes a connector that is still the same out of the old list. */
static source_t *take_over(source_t **sources, size_t count, const connector_config_t *config)
{
    for (size_t i = 0; i < count; i++) {
        if (sources[i] && strcmp(sources[i]->config->name, config->name) == 0 &&
            config_same_place(sources[i]->config, config)) {
            return TAKE(sources[i]);
        }
    }
    return NULL;
}

void discover_configure(discover_t *discover, config_t *config)
{
    source_t **before = discover->sources;
    size_t count_before = discover->count;
    config_t *config_before = discover->config;

    discover->config = config_ref(config);
    discover->count = config->connector_count;
    discover->sources = NEW_ARRAY(source_t *, discover->count);
    for (size_t i = 0; i < discover->count; i++) {
        const connector_config_t *connector = &config->connectors[i];
        source_t *same = take_over(before, count_before, connector);
        discover->sources[i] = same ? same : discover_source_new(discover, connector);
        if (discover->sources[i]->ask) {
            ask_cancel(TAKE(discover->sources[i]->ask)); /* it reads the old configuration */
        }
        if (!connector_same_headers(discover->sources[i]->config, connector)) {
            discover->sources[i]->era_until_ms = 0;
            discover->sources[i]->session_until_ms = 0; /* it was opened with another credential */
        }
        discover->sources[i]->config = connector;
        discover_source_begin(discover->sources[i]);
    }
    free_sources(before, count_before);
    config_unref(config_before);
    discover_tell(discover);
}

static source_t *find_source(const discover_t *discover, const char *connector)
{
    for (size_t i = 0; i < discover->count; i++) {
        if (strcmp(discover->sources[i]->config->name, connector) == 0) {
            return discover->sources[i];
        }
    }
    return NULL;
}

void discover_suspect(discover_t *discover, const char *connector, bool anew)
{
    source_t *source = find_source(discover, connector);

    if (source && !source->ask) {
        source->era_until_ms = anew ? 0 : source->era_until_ms;
        discover_source_ask_again(source, SUSPECT_EVERY_MS);
    }
}

void discover_await(discover_t *discover, const char *connector)
{
    source_t *source = find_source(discover, connector);

    if (source) {
        source->awaited = true;
    }
    if (source && !source->ask) {
        source->era_until_ms = 0;
        discover_source_ask_again(source, AWAITED_EVERY_MS);
    }
}

void discover_want_legacy(discover_t *discover, const char *connector)
{
    source_t *source = find_source(discover, connector);

    if (!source) {
        return;
    }
    source->awaited = true;
    if (!source->wants_legacy && source->ask) {
        ask_cancel(TAKE(source->ask)); /* it does not find that out */
    }
    if (!source->wants_legacy) {
        source->wants_legacy = true;
        discover_source_begin(source);
    } else if (!source->ask) {
        discover_source_ask_again(source, AWAITED_EVERY_MS);
    }
}

void discover_changed(discover_t *discover, const char *connector, unsigned kinds)
{
    source_t *source = find_source(discover, connector);

    if (source) {
        source->said |= kinds;
    }
    if (source && source->ask) {
        source->again = true;
    } else if (source) {
        discover_source_ask_again(source, CHANGED_EVERY_MS);
    }
}

void discover_anew(discover_t *discover, const char *connector)
{
    for (size_t i = 0; i < discover->count; i++) {
        source_t *source = discover->sources[i];
        if (strcmp(source->config->name, connector) == 0 && !source->ask) {
            source->era_until_ms = 0;
            discover_source_begin(source);
        }
    }
}

void discover_found(discover_t *discover, found_t *ret)
{
    for (size_t i = 0; i < discover->count; i++) {
        source_t *source = discover->sources[i];
        ret[i] = (found_t){
            .listed = source->listed,
            .declared = source->declared,
            .revision = source->revision,
            .legacy_known = source->legacy_known,
            .speaks_legacy = source->speaks_legacy,
            .legacy_revision = source->legacy_revision,
            .session = source->session,
            .last_error = source->last_error,
            .stale_since_ms = source->stale_since_ms,
            .asked = source->asked,
            .asked_count = source->asked_count,
            .news = source->news,
        };
        for (int kind = 0; kind < MCP_KINDS; kind++) {
            ret[i].lists[kind] = source->lists[kind];
        }
        source->news = false;
    }
}

bool discover_take_said(discover_t *discover, unsigned *ret)
{
    bool fresh = discover->fresh;

    for (size_t i = 0; i < discover->count; i++) {
        ret[i] = discover->sources[i]->heard;
        discover->sources[i]->heard = 0;
    }
    discover->fresh = false;
    return fresh;
}
