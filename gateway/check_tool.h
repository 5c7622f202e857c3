/* One tool as a connector declares it, checked before it is offered. One bad declaration makes clients throw
 * away the whole list: so each is mended where that loses nothing, or kept out with a reason that /status
 * shows. Rules and the clients behind them: docs/protocol.md; MCP 2026-07-28 server/tools,
 * basic/transports/streamable-http "Schema Extension".
 */
#pragma once

#include <stdbool.h>

#include "err.h"
#include "span.h"

#define CHECK_TOOL_MAX_BYTES (256 * 1024)
#define CHECK_TOOL_MAX_NAME 128

typedef struct {
    char *own_name;
    char *description;
    char *schema; /* inputSchema, JSON */
    char *modern; /* the declaration, JSON: byte for byte as given unless something had to be mended */
    char *legacy; /* the same with a schema that clients of earlier revisions can read; NULL: they do not get
                     this tool */
    char *legacy_reason;        /* why not */
    bool read_only, idempotent; /* annotations */
    bool streams;               /* guiche/streams */
    bool mended, typed;         /* something had to be; the inputSchema got its type */
} checked_tool_t;

/* `declaration`: an item of a checked list. 0, or -1 with the reason; *ret is then empty. */
int check_tool(span_t declaration, checked_tool_t *ret, err_t *err);
void checked_tool_release(checked_tool_t *tool);
