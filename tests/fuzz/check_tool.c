/* A tool's declaration, as any connector may give it. Whatever it is: what is offered is JSON that can be
 * shaped for each revision, and what older clients get has nothing left to rewrite.
 */
#include "check_tool.h"

#include <jansson.h>

#include "fuzz.h"
#include "json_scan.h"
#include "mem.h"
#include "schema_legacy.h"
#include "shapes.h"

static void check_shapes(const char *declaration)
{
    for (int shape = 0; shape < MCP_SHAPES; shape++) {
        AUTO_BUF out = { 0 };
        json_scan_t ignored;
        if (shape_entry(MCP_TOOLS, span_of(declaration), "name", (mcp_shape_t)shape, &out, NULL) == 0) {
            MUST(json_scan(buf_span(&out), NULL, &ignored, NULL) == 0);
        }
    }
}

static void check_legacy(const char *declaration)
{
    json_t *tool = json_loads(declaration, JSON_REJECT_DUPLICATES, NULL);
    bool changed = false;

    /* NULL: integers beyond 64 bits, which are taken. -1: a reference to what is hidden now. */
    if (tool && schema_legacy_input(json_object_get(tool, "inputSchema"), &changed, NULL) == 0) {
        MUST(!changed);
    }
    json_decref(tool);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    span_t text = { (const char *)data, size };
    json_scan_t ignored;
    checked_tool_t tool;

    if (scan_kind(text) != SCAN_OBJECT || json_scan(text, NULL, &ignored, NULL)) {
        return 0; /* the listing around it would not have been taken, or have given it otherwise */
    }
    if (check_tool(text, &tool, NULL)) {
        return 0;
    }
    check_shapes(tool.modern);
    if (tool.legacy) {
        check_shapes(tool.legacy);
        check_legacy(tool.legacy);
    }
    checked_tool_release(&tool);
    return 0;
}
