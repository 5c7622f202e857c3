/* mcp-conformance: the tools, resources and prompts that the official conformance suite
 * (@modelcontextprotocol/conformance) looks for by name, as an author of a connector would write them. The
 * suite wants the first tool listed to take no arguments. */
#include "conformance.h"

#define TOOLS_MAX 40

static const tool_t *tools[TOOLS_MAX + 1]; /* of all files, in the order of `groups` */

static const tool_t *const *const groups[] = { content_tools, reporting_tools, asking_tools,
                                               rounds_tools,  schema_tools,    changing_tools };

static void *conformance_open(runtime_t *runtime, const void *settings, err_t *err)
{
    conformance_t *state = NEW(conformance_t);

    (void)settings, (void)err;
    state->runtime = runtime;
    return state;
}

static void conformance_close(void *state)
{
    mem_free(state);
}

static const connector_t conformance = {
    .name = "conformance",
    .title = "Conformance",
    .tools = tools,
    .resources = resources,
    .templates = templates,
    .prompts = prompts,
    .logs = true,
    .open = conformance_open,
    .close = conformance_close,
};

int main(int argc, char **argv)
{
    size_t count = 0;

    for (size_t g = 0; g < COUNT_OF(groups); g++) {
        for (size_t i = 0; groups[g][i] && count < TOOLS_MAX; i++) {
            tools[count++] = groups[g][i];
        }
    }
    return connector_main(&conformance, argc, argv);
}
