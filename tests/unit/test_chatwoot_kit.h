/* Calls of the tools of mcp-chatwoot with Chatwoot faked: the requests they make are kept, and are answered
 * with what the test has laid ready, in their order. */
#pragma once

#include <jansson.h>

#include "call_fake.h"
#include "chatwoot.h"

#define KIT_MAX 8

typedef struct {
    char *method, *path, *body; /* body: JSON text or NULL */
    char *token_name, *token;   /* of the one header */
    bool repeatable;
} kit_request_t;

typedef struct {
    chatwoot_settings_t settings;
    chatwoot_t state;
    const char *tenant;                   /* of the caller; "demo" */
    const char *token_header, *id_header; /* what the gateway forwarded */
    int status[KIT_MAX];                  /* answers; 0: 200 */
    const char *reply[KIT_MAX];           /* their bodies; NULL: {} */
    call_fake_t call;                     /* with what the last call said */
    kit_request_t asked[KIT_MAX];         /* by the last call */
    size_t asked_count;
    upstream_f cb; /* of the request that is out */
    void *cb_self;
} kit_t;

/* A service account of account 3, so that the profile is not asked for. */
kit_t *kit_new(void);
void kit_free(kit_t *kit);

/* Runs the tool to its end. The result (borrowed), or NULL when it failed: kit->call.err. */
json_t *kit_call(kit_t *kit, const char *tool, const char *arguments);
/* "POST /api/v1/accounts/3/... {body}" of the nth request. */
const char *kit_asked(kit_t *kit, size_t n);
