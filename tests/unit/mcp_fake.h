/* An MCP server and an HTTP request that only remember: what a connector's calls see instead of common/mcp
 * and evhttp. Each fake call is one tools/call, unless its request is changed, whose answer can be read
 * afterwards. */
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
const char *fake_log(mcp_call_t *call);                           /* "level params\n" each */
mcp_request_t *fake_request(mcp_call_t *call);                    /* to be filled before the call starts */
/* The code, 0: none; raw JSON, NULL: absent. */
int fake_rpc_error(const mcp_call_t *call, const char **ret_message, const char **ret_data);

/* Questions to a legacy client: the method and raw params of each, NULL: no more. */
void fake_call_let_ask(mcp_call_t *call);
const char *fake_asked(const mcp_call_t *call, size_t index, const char **ret_params);
void fake_call_reply(mcp_call_t *call, size_t index, const mcp_reply_t *reply);
