/* An MCP server and an HTTP request that only remember: what a connector's calls see instead of common/mcp
 * and evhttp. Each fake call is one tools/call whose answer can be read afterwards. */
#pragma once

#include "server.h"

typedef struct {
    const char *name, *value;
} fake_header_t;

mcp_call_t *fake_call_new(mcp_era_t era, const char *arguments,
                          const fake_header_t *headers); /* headers NULL-ended */
void fake_call_free(mcp_call_t *call);
void fake_call_ask_progress(mcp_call_t *call);
void fake_call_hang_up(mcp_call_t *call);
void fake_call_stop_reading(mcp_call_t *call); /* what is sent from now on waits */
void fake_call_read_on(mcp_call_t *call);

int fake_answers(const mcp_call_t *call);                         /* how many ends it was given */
const char *fake_member(const mcp_call_t *call, const char *key); /* of the result, raw JSON; NULL: absent */
const err_t *fake_error(const mcp_call_t *call);                  /* NULL: none */
const char *fake_progress(mcp_call_t *call);                      /* "progress/total message meta\n" each */
