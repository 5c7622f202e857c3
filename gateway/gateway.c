/* See gateway.h. */
#include "gateway.h"

#include "clock.h"
#include "discover.h"
#include "jwks_fetch.h"
#include "mem.h"
#include "watch.h"

typedef struct {
    gateway_t *gateway;
    char *connector;
    bool anew, awaited, wants_legacy;
} suspicion_t;

static void on_suspicion(void *self)
{
    suspicion_t *suspicion = self;
    discover_t *discover = suspicion->gateway->discover;

    if (discover && suspicion->wants_legacy) {
        discover_want_legacy(discover, suspicion->connector);
    } else if (discover && suspicion->awaited) {
        discover_await(discover, suspicion->connector);
    } else if (discover) {
        discover_suspect(discover, suspicion->connector, suspicion->anew);
    }
    mem_free(suspicion->connector);
    mem_free(suspicion);
}

static void post(gateway_t *gateway, const char *connector, const suspicion_t *what)
{
    suspicion_t *suspicion = NEW(suspicion_t);

    *suspicion = *what;
    suspicion->gateway = gateway;
    suspicion->connector = mem_strdup(connector);
    loop_post(gateway->loop, on_suspicion, suspicion);
}

void gateway_suspect(gateway_t *gateway, const char *connector, bool anew)
{
    post(gateway, connector, &(suspicion_t){ .anew = anew });
}

void gateway_await(gateway_t *gateway, const char *connector)
{
    post(gateway, connector, &(suspicion_t){ .awaited = true });
}

void gateway_want_legacy(gateway_t *gateway, const char *connector)
{
    post(gateway, connector, &(suspicion_t){ .wants_legacy = true });
}

static void on_wanted_key(void *self)
{
    gateway_t *gateway = self;

    if (gateway->jwks) {
        jwks_fetch_again(gateway->jwks);
    }
}

/* What is too often ends here, so that a flood of forged tokens does not reach the main thread. */
void gateway_want_key(void *self, const char *kid)
{
    gateway_t *gateway = self;

    if (jwks_fetch_may(gateway->jwks, kid, clock_ms())) {
        loop_post(gateway->loop, on_wanted_key, gateway);
    }
}

typedef struct {
    gateway_t *gateway;
    char *connector, *uri;
    bool held;
} holding_t;

static void on_holding(void *self)
{
    holding_t *holding = self;

    if (holding->gateway->watches) {
        watches_hold(holding->gateway->watches, holding->connector, span_of(holding->uri), holding->held);
    }
    mem_free(holding->connector);
    mem_free(holding->uri);
    mem_free(holding);
}

void gateway_hold(gateway_t *gateway, const char *connector, span_t own_uri, bool held)
{
    holding_t *holding = NEW(holding_t);

    holding->gateway = gateway;
    holding->connector = mem_strdup(connector);
    holding->uri = mem_strndup(own_uri.at, own_uri.length);
    holding->held = held;
    loop_post(gateway->loop, on_holding, holding);
}
