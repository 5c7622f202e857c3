/* The tools of mcp-odoo. A new one is a file of its own and a line here. */
#include "odoo.h"

#define TOOLS(X)                                                                                             \
    X(search_records)                                                                                        \
    X(count_records)                                                                                         \
    X(read_records)                                                                                          \
    X(group_records)                                                                                         \
    X(describe_model)                                                                                        \
    X(list_models)                                                                                           \
    X(create_record)                                                                                         \
    X(update_records)                                                                                        \
    X(delete_records)                                                                                        \
    X(post_message)                                                                                          \
    X(call_method)

#define DECLARE(name) extern const tool_t name##_tool;
TOOLS(DECLARE)

#define ENTRY(name) &name##_tool,
const tool_t *const odoo_tools[] = { TOOLS(ENTRY) NULL };

/* What could only be refused is not offered. */
bool odoo_offers(const void *settings, const tool_t *tool)
{
    const odoo_settings_t *s = settings;

    if (s->read_only && !tool->read_only) {
        return false;
    }
    return tool != &call_method_tool || s->allowed_methods;
}
