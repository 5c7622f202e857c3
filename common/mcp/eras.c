/* The table of revisions, oldest first (see eras.h). */
#include "eras.h"

#include "mem.h"

static const struct {
    const char *name;
    mcp_shape_t shape;
} revisions[MCP_REVISIONS] = {
    [MCP_2024_11_05] = { "2024-11-05", MCP_SHAPE_2024_11 },
    [MCP_2025_03_26] = { "2025-03-26", MCP_SHAPE_2025_03 },
    [MCP_2025_06_18] = { "2025-06-18", MCP_SHAPE_2025_06 },
    [MCP_2025_11_25] = { "2025-11-25", MCP_SHAPE_2025_06 },
    [MCP_2026_07_28] = { "2026-07-28", MCP_SHAPE_MODERN },
};

const char *mcp_revision_name(mcp_revision_t revision)
{
    return revisions[revision].name;
}

int mcp_revision_find(span_t name)
{
    for (size_t i = 0; i < COUNT_OF(revisions); i++) {
        if (span_is(name, revisions[i].name)) {
            return (int)i;
        }
    }
    return -1;
}

mcp_era_t mcp_revision_era(mcp_revision_t revision)
{
    return revision >= MCP_2026_07_28 ? MCP_MODERN : MCP_LEGACY;
}

const char *mcp_act_method(mcp_act_t act)
{
    static const char *const methods[MCP_ACTS] = { "", "tools/call", "resources/read", "prompts/get",
                                                   "completion/complete" };

    return methods[act];
}

const char *mcp_kind_name(mcp_kind_t kind)
{
    static const char *const names[MCP_KINDS] = { "tools", "resources", "resourceTemplates", "prompts" };

    return names[kind];
}

mcp_shape_t mcp_shape(mcp_revision_t revision)
{
    return revisions[revision].shape;
}
