/* What a tool leaves for its next round, on its way through a client that must neither read nor change it.
 *
 * AES-256-GCM under a key made of HOP_KEY, so that any replica opens what another has sealed; without one
 * (--no-auth) under a key of this process. What it is bound to (who, which tool, which arguments) and until
 * when it holds are authenticated with it. Source: MCP 2026-07-28 basic/patterns/mrtr "Server Requirements".
 */
#pragma once

#include <stdint.h>

#include "buf.h"
#include "err.h"
#include "span.h"

#define STATE_HOLDS_S 600

typedef struct sealer sealer_t;

sealer_t *sealer_new(const char *hop_key); /* NULL: a random key */
void sealer_free(sealer_t *sealer);

/* Appends the sealed text: base64url, so it needs no escapes in JSON. */
void sealer_seal(const sealer_t *sealer, span_t bound, span_t plain, int64_t now_unix, buf_t *out);
/* Appends the plain bytes; -1 with ERR_CALLER when it was touched, is bound to something else, or too old. */
int sealer_open(const sealer_t *sealer, span_t bound, span_t sealed, int64_t now_unix, buf_t *out,
                err_t *err);
