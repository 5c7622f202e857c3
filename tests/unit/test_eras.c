/* Names of revisions, their era and their shape. */
#include <criterion/criterion.h>

#include "eras.h"

Test(eras, finds_every_revision_by_its_name)
{
    for (int i = 0; i < MCP_REVISIONS; i++) {
        cr_expect_eq(mcp_revision_find(span_of(mcp_revision_name((mcp_revision_t)i))), i);
    }
}

Test(eras, knows_no_other_names)
{
    cr_expect_eq(mcp_revision_find(SPAN("2025-11-2")), -1);
    cr_expect_eq(mcp_revision_find(SPAN("2025-11-255")), -1);
    cr_expect_eq(mcp_revision_find(SPAN("v999.0.0")), -1);
    cr_expect_eq(mcp_revision_find(SPAN("")), -1);
    cr_expect_eq(mcp_revision_find((span_t){ 0 }), -1);
}

Test(eras, only_2026_07_28_is_modern)
{
    cr_expect_eq(mcp_revision_era(MCP_2026_07_28), MCP_MODERN);
    for (int i = 0; i < MCP_2026_07_28; i++) {
        cr_expect_eq(mcp_revision_era((mcp_revision_t)i), MCP_LEGACY);
    }
}

Test(eras, revisions_that_look_alike_share_a_shape)
{
    cr_expect_eq(mcp_shape(MCP_2025_06_18), mcp_shape(MCP_2025_11_25));
    cr_expect_neq(mcp_shape(MCP_2025_03_26), mcp_shape(MCP_2025_06_18));
    cr_expect_neq(mcp_shape(MCP_2024_11_05), mcp_shape(MCP_2025_03_26));
    cr_expect_eq(mcp_shape(MCP_2026_07_28), MCP_SHAPE_MODERN);
}
