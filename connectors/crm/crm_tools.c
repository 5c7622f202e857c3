/* The tools of mcp-crm. A new one is a file of its own and a line here. */
#include "crm.h"

#define TOOLS(X)                                                                                             \
    X(get_leads_count)                                                                                       \
    X(get_agent_conversion_stats)                                                                            \
    X(get_top_performing_agent)                                                                              \
    X(analyze_agent_messages)                                                                                \
    X(compare_agents)                                                                                        \
    X(qualify_lead)                                                                                          \
    X(update_pipeline_stage)                                                                                 \
    X(assign_to_agent)                                                                                       \
    X(list_agents)                                                                                           \
    X(find_contacts)                                                                                         \
    X(list_pipelines)

#define DECLARE(name) extern const tool_t name##_tool;
TOOLS(DECLARE)

#define ENTRY(name) &name##_tool,
const tool_t *const crm_tools[] = { TOOLS(ENTRY) NULL };
