/* Revisions of the protocol and which of them a request speaks. */
#pragma once

#include <stdbool.h>

#include "span.h"

typedef enum { MCP_LEGACY, MCP_MODERN } mcp_era_t;

typedef enum {
    MCP_2024_11_05, /* echoed in initialize, nothing else of it is served */
    MCP_2025_03_26,
    MCP_2025_06_18,
    MCP_2025_11_25,
    MCP_2026_07_28,
    MCP_REVISIONS,
} mcp_revision_t;

/* What a server offers, list by list. */
typedef enum { MCP_TOOLS, MCP_RESOURCES, MCP_TEMPLATES, MCP_PROMPTS, MCP_KINDS } mcp_kind_t;

/* What takes a handler's time: the methods that name one entry of those lists. */
typedef enum {
    MCP_NO_ACT,
    MCP_CALL_TOOL,
    MCP_READ_RESOURCE,
    MCP_GET_PROMPT,
    MCP_COMPLETE,
    MCP_ACTS
} mcp_act_t;

#define MCP_LEGACY_LATEST MCP_2025_11_25

const char *mcp_revision_name(mcp_revision_t revision); /* "2025-11-25" */
int mcp_revision_find(span_t name);                     /* the revision, or -1 */
mcp_era_t mcp_revision_era(mcp_revision_t revision);
const char *mcp_act_method(mcp_act_t act); /* "tools/call" */
/* Member of the result that holds the list: "tools", "resources", "resourceTemplates", "prompts". */
const char *mcp_kind_name(mcp_kind_t kind);

/* What an answer may look like: revisions that share a shape share rendered lists. */
typedef enum {
    MCP_SHAPE_2024_11, /* no annotations, no audio */
    MCP_SHAPE_2025_03, /* no outputSchema, structuredContent, title, _meta, resource_link */
    MCP_SHAPE_2025_06, /* 2025-06-18 and 2025-11-25: structuredContent is an object */
    MCP_SHAPE_MODERN,  /* byte-true */
    MCP_SHAPES,
} mcp_shape_t;
mcp_shape_t mcp_shape(mcp_revision_t revision);
