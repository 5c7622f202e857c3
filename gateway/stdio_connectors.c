/* See stdio_connectors.h. A bridge's number stands in its socket's name and in the connector's url
 * ("stdio:github/3"): whoever compares urls (workers' lanes, discovery) sees that a changed command is
 * another server. */
#include "stdio_connectors.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "mem.h"
#include "stdio_bridge.h"

#define MAX_FOLDER_BYTES 70 /* the path of a unix socket has 107 */

typedef struct entry {
    LIST_ENTRY(entry) link;
    stdio_connectors_t *stdio;
    stdio_bridge_t *bridge;
    uint64_t number;
    bool wanted, fresh; /* while a configuration is taken in */
    bool leaving;
} entry_t;

struct stdio_connectors {
    loop_t *loop;
    void (*changed)(void *self, const char *connector);
    void *self;
    char *folder; /* NULL: none was needed yet */
    LIST_HEAD(, entry) entries;
    uint64_t last_number;
    loop_f done; /* while all are being stopped */
    void *done_self;
};

static void on_changed(void *self, const stdio_bridge_t *bridge);
static void on_freed(void *self);

static const stdio_bridge_events_t events = { .on_changed = on_changed, .on_freed = on_freed };

stdio_connectors_t *stdio_connectors_new(loop_t *loop, void (*changed)(void *self, const char *connector),
                                         void *self)
{
    stdio_connectors_t *stdio = NEW(stdio_connectors_t);

    stdio->loop = loop;
    stdio->changed = changed;
    stdio->self = self;
    return stdio;
}

static void on_changed(void *self, const stdio_bridge_t *bridge)
{
    entry_t *entry = self;

    if (!entry->leaving) {
        entry->stdio->changed(entry->stdio->self, stdio_bridge_name(bridge));
    }
}

static void entry_free(entry_t *entry)
{
    LIST_REMOVE(entry, link);
    mem_free(entry);
}

static void on_freed(void *self)
{
    entry_t *entry = self;
    stdio_connectors_t *stdio = entry->stdio;

    entry_free(entry);
    if (stdio->done && LIST_EMPTY(&stdio->entries)) {
        TAKE(stdio->done)(stdio->done_self);
    }
}

static int make_folder(stdio_connectors_t *stdio, err_t *err)
{
    const char *base = getenv("TMPDIR");

    if (stdio->folder) {
        return 0;
    }
    if (!base || base[0] != '/' || strlen(base) > MAX_FOLDER_BYTES) {
        base = "/tmp";
    }
    stdio->folder = mem_printf("%s/guiche-XXXXXX", base);
    if (!mkdtemp(stdio->folder)) { /* mode 0700 */
        mem_free(TAKE(stdio->folder));
        return err_set(err, ERR_CALLER,
                       "connectors with a command need a folder for their sockets, and none can be made in "
                       "%.128s (%s); TMPDIR may name another.",
                       base, strerror(errno));
    }
    return 0;
}

static entry_t *find(const stdio_connectors_t *stdio, const connector_config_t *connector)
{
    entry_t *entry;

    for (entry = LIST_FIRST(&stdio->entries); entry; entry = LIST_NEXT(entry, link)) {
        if (!entry->leaving && stdio_bridge_serves(entry->bridge, connector)) {
            return entry;
        }
    }
    return NULL;
}

static entry_t *open_entry(stdio_connectors_t *stdio, const connector_config_t *connector, err_t *err)
{
    if (make_folder(stdio, err)) {
        return NULL;
    }
    entry_t *entry = NEW(entry_t);
    entry->number = ++stdio->last_number;
    AUTO(mem_free) char *path = mem_printf("%s/%" PRIu64, stdio->folder, entry->number);
    entry->bridge = stdio_bridge_new(stdio->loop, path, connector, &events, entry, err);
    if (!entry->bridge) {
        mem_free(entry);
        return NULL;
    }
    entry->stdio = stdio;
    entry->fresh = true;
    LIST_INSERT_HEAD(&stdio->entries, entry, link);
    return entry;
}

static int reach(connector_config_t *connector, const entry_t *entry, err_t *err)
{
    AUTO(mem_free) char *url = mem_printf("unix:%s", stdio_bridge_socket(entry->bridge));

    mem_free(connector->url);
    connector->url = mem_printf("stdio:%s/%" PRIu64, connector->name, entry->number);
    hop_url_release(&connector->hop);
    return hop_url_parse(url, &connector->hop, err);
}

static int want(stdio_connectors_t *stdio, connector_config_t *connector, err_t *err)
{
    entry_t *same = find(stdio, connector), *entry = same ? same : open_entry(stdio, connector, err);

    if (!entry) {
        return -1;
    }
    entry->wanted = true;
    return reach(connector, entry, err);
}

static int want_all(stdio_connectors_t *stdio, config_t *config, err_t *err)
{
    for (size_t i = 0; i < config->connector_count; i++) {
        if (config->connectors[i].command && want(stdio, &config->connectors[i], err)) {
            return -1;
        }
    }
    return 0;
}

static void undo(stdio_connectors_t *stdio)
{
    entry_t *entry, *next;

    for (entry = LIST_FIRST(&stdio->entries); entry; entry = next) {
        next = LIST_NEXT(entry, link);
        entry->wanted = false;
        if (entry->fresh) {
            stdio_bridge_free(entry->bridge);
            entry_free(entry);
        }
    }
}

static void leave(entry_t *entry, int64_t drain_ms)
{
    entry->leaving = true;
    stdio_bridge_stop(entry->bridge, drain_ms);
}

int stdio_connectors_configure(stdio_connectors_t *stdio, config_t *config, err_t *err)
{
    entry_t *entry;

    if (want_all(stdio, config, err)) {
        undo(stdio);
        return -1;
    }
    for (entry = LIST_FIRST(&stdio->entries); entry; entry = LIST_NEXT(entry, link)) {
        if (entry->wanted) {
            stdio_bridge_limit(entry->bridge, config);
        } else if (!entry->leaving) {
            leave(entry, config->drain_ms);
        }
        entry->wanted = entry->fresh = false;
    }
    return 0;
}

static void on_none_left(void *self)
{
    stdio_connectors_t *stdio = self;

    TAKE(stdio->done)(stdio->done_self);
}

void stdio_connectors_stop(stdio_connectors_t *stdio, loop_f done, void *self)
{
    entry_t *entry;

    stdio->done = done;
    stdio->done_self = self;
    for (entry = LIST_FIRST(&stdio->entries); entry; entry = LIST_NEXT(entry, link)) {
        leave(entry, 0);
    }
    if (LIST_EMPTY(&stdio->entries)) {
        loop_defer(stdio->loop, on_none_left, stdio);
    }
}

void stdio_connectors_free(stdio_connectors_t *stdio)
{
    entry_t *entry;

    if (!stdio) {
        return;
    }
    while ((entry = LIST_FIRST(&stdio->entries))) {
        stdio_bridge_free(entry->bridge);
        entry_free(entry);
    }
    if (stdio->folder) {
        rmdir(stdio->folder);
    }
    mem_free(stdio->folder);
    mem_free(stdio);
}
