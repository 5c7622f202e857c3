/* See gateway.h. */
#include "gateway.h"

#include "discover.h"
#include "mem.h"

typedef struct {
    gateway_t *gateway;
    char *connector;
    bool anew;
} suspicion_t;

static void on_suspicion(void *self)
{
    suspicion_t *suspicion = self;

    if (suspicion->gateway->discover) {
        discover_suspect(suspicion->gateway->discover, suspicion->connector, suspicion->anew);
    }
    mem_free(suspicion->connector);
    mem_free(suspicion);
}

void gateway_suspect(gateway_t *gateway, const char *connector, bool anew)
{
    suspicion_t *suspicion = NEW(suspicion_t);

    suspicion->gateway = gateway;
    suspicion->connector = mem_strdup(connector);
    suspicion->anew = anew;
    loop_post(gateway->loop, on_suspicion, suspicion);
}
