/* One resource, resource template or prompt as a connector declares it, checked before it is offered; tools
 * have check_tool.h. As there, one bad declaration makes clients throw away the whole list: so each is mended
 * where that loses nothing, or kept out with a reason that /status shows. Shapes: MCP 2026-07-28 schema
 * Resource, ResourceTemplate, Prompt.
 */
#pragma once

#include "eras.h"
#include "err.h"
#include "span.h"

#define CHECK_ENTRY_MAX_BYTES (64 * 1024)
#define CHECK_ENTRY_MAX_NAME 128
#define CHECK_ENTRY_MAX_URI 2048

typedef struct {
    char *own_name;    /* name of a prompt, uri, uriTemplate */
    char *declaration; /* JSON: byte for byte as given unless something had to be mended */
} checked_entry_t;

/* 0, or -1 with the reason; *ret is then empty. */
int check_entry(mcp_kind_t kind, span_t declaration, checked_entry_t *ret, err_t *err);
void checked_entry_release(checked_entry_t *entry);

/* What a refused declaration of any kind, tools too, is known by, for the report; "?" when there is none.
 * Caller frees. */
char *check_entry_name(mcp_kind_t kind, span_t declaration);
