/* The open listens of a connector: who is told when a list or a resource has changed. What each wants to hear
 * is known to common/mcp, which passes over the rest, and ends them all at a stop. */
#include "runtime.h"

#include "listen.h"

struct listener {
    runtime_t *runtime;
    mcp_listen_t *listen;
    listener_t *previous, *next;
};

static void forget(void *self)
{
    listener_t *listener = self;

    if (listener->previous) {
        listener->previous->next = listener->next;
    } else {
        listener->runtime->listeners = listener->next;
    }
    if (listener->next) {
        listener->next->previous = listener->previous;
    }
    mem_free(listener);
}

void listens_open(void *self, mcp_listen_t *listen)
{
    runtime_t *runtime = self;
    listener_t *listener = NEW(listener_t);

    *listener = (listener_t){ runtime, listen, NULL, runtime->listeners };
    if (listener->next) {
        listener->next->previous = listener;
    }
    runtime->listeners = listener;
    mcp_listen_on_gone(listen, forget, listener);
}

void runtime_list_changed(runtime_t *runtime, mcp_kind_t kind)
{
    for (const listener_t *listener = runtime->listeners; listener; listener = listener->next) {
        mcp_listen_changed(listener->listen, kind);
    }
}

void runtime_resource_updated(runtime_t *runtime, const char *uri)
{
    for (const listener_t *listener = runtime->listeners; listener; listener = listener->next) {
        mcp_listen_updated(listener->listen, span_of(uri));
    }
}
