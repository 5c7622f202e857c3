/* Who asks a connector: the principal of the gateway's hop token, or in --no-auth the one tenant that is
 * served. Verified tokens are remembered, so that a token costs its signature once. One per loop. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "err.h"
#include "principal.h"
#include "span.h"

#define HOP_HEADER "Guiche-Principal"

typedef struct hop_gate hop_gate_t;

hop_gate_t *hop_gate_new(const char *connector, const char *key_hex, err_t *err);
hop_gate_t *hop_gate_new_open(const char *tenant); /* everyone is this tenant, with permission "*" */
void hop_gate_free(hop_gate_t *gate);

/* `token` is the value of HOP_HEADER (absent: at == NULL), `lines` how often the header was there. A new
 * reference, or -1 with ERR_UNAUTHORIZED. */
int hop_gate_enter(hop_gate_t *gate, span_t token, size_t lines, int64_t now_unix, principal_t **ret,
                   err_t *err);
