/* The tools of mcp-qdrant. A new one is a file of its own and a line here. */
#include "qdrant.h"

#define TOOLS(X)                                                                                             \
    X(list_collections)                                                                                      \
    X(describe_collection)                                                                                   \
    X(create_collection)                                                                                     \
    X(delete_collection)                                                                                     \
    X(upsert_points)                                                                                         \
    X(store_texts)                                                                                           \
    X(query_points)                                                                                          \
    X(search_text)                                                                                           \
    X(scroll_points)                                                                                         \
    X(get_points)                                                                                            \
    X(count_points)                                                                                          \
    X(set_payload)                                                                                           \
    X(delete_points)                                                                                         \
    X(create_payload_index)

#define DECLARE(name) extern const tool_t name##_tool;
TOOLS(DECLARE)

#define ENTRY(name) &name##_tool,
const tool_t *const qdrant_tools[] = { TOOLS(ENTRY) NULL };
