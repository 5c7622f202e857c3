/* The tools of mcp-chatwoot. A new one is a file of its own and a line here. */
#include "chatwoot.h"

#define TOOLS(X)                                                                                             \
    X(list_conversations)                                                                                    \
    X(get_conversation)                                                                                      \
    X(list_messages)                                                                                         \
    X(send_message)                                                                                          \
    X(create_conversation)                                                                                   \
    X(set_conversation_status)                                                                               \
    X(set_conversation_priority)                                                                             \
    X(assign_conversation)                                                                                   \
    X(set_labels)                                                                                            \
    X(search_contacts)                                                                                       \
    X(get_contact)                                                                                           \
    X(create_contact)                                                                                        \
    X(update_contact)                                                                                        \
    X(list_inboxes)                                                                                          \
    X(list_agents)                                                                                           \
    X(list_teams)                                                                                            \
    X(list_canned_responses)                                                                                 \
    X(get_report)

#define DECLARE(name) extern const tool_t name##_tool;
TOOLS(DECLARE)

#define ENTRY(name) &name##_tool,
const tool_t *const chatwoot_tools[] = { TOOLS(ENTRY) NULL };
