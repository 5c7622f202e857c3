/* Tools that tell listening clients of a change. What is listed stays as it is: the suite looks at the
 * message. */
#include "conformance.h"

static runtime_t *runtime_of(const call_t *call)
{
    return ((const conformance_t *)call_state(call))->runtime;
}

static void tool_change(call_t *call, const void *args)
{
    (void)args;
    runtime_list_changed(runtime_of(call), MCP_TOOLS);
    call_finish(call, NULL, "Who listens has been told that the tools have changed.");
}

static void prompt_change(call_t *call, const void *args)
{
    (void)args;
    runtime_list_changed(runtime_of(call), MCP_PROMPTS);
    call_finish(call, NULL, "Who listens has been told that the prompts have changed.");
}

static void resource_update(call_t *call, const void *args)
{
    (void)args;
    runtime_resource_updated(runtime_of(call), "test://watched-resource");
    call_finish(call, NULL, "Who watches test://watched-resource has been told that it says something new.");
}

static const tool_t tool_change_tool = { .name = "test_trigger_tool_change",
                                         .description = "Tells listeners that the tools have changed.",
                                         .idempotent = true,
                                         .run = tool_change };
static const tool_t prompt_change_tool = { .name = "test_trigger_prompt_change",
                                           .description = "Tells listeners that the prompts have changed.",
                                           .idempotent = true,
                                           .run = prompt_change };
static const tool_t resource_update_tool = { .name = "test_trigger_resource_update",
                                             .description =
                                                 "Tells who watches test://watched-resource of an update.",
                                             .idempotent = true,
                                             .run = resource_update };

const tool_t *const changing_tools[] = { &tool_change_tool, &prompt_change_tool, &resource_update_tool,
                                         NULL };
