/* What the tools of mcp-qdrant share: the process's state, and the rows of arguments that many of them take.
 */
#pragma once

#include <jansson.h>

#include "account.h"
#include "connector.h"
#include "upstream.h"

typedef struct {
    const char *url, *api_key, *tenants;
    const char *embeddings_url, *embeddings_api_key, *embeddings_model; /* all or none */
} qdrant_settings_t;

typedef struct {
    const qdrant_settings_t *settings;
    runtime_t *runtime;
    upstream_t *server;
    upstream_t *embeddings; /* NULL: none configured */
    tenants_t tenants;
    int64_t closed_until_ms; /* clock_ms(): till then the server is known to ask for keys (qdrant_client.c) */
} qdrant_t;

static inline qdrant_t *qdrant_of(const call_t *call)
{
    return call_state(call);
}

/* Models fill what they have no value for with "", [] and {}; where that says nothing it is no value. */
static inline const char *given_text(const char *text)
{
    return text && *text != '\0' ? text : NULL;
}
static inline json_t *given_json(json_t *value)
{
    bool is_empty = json_is_string(value)  ? json_string_length(value) == 0
                    : json_is_array(value) ? json_array_size(value) == 0
                                           : json_is_object(value) && json_object_size(value) == 0;

    return is_empty ? NULL : value;
}

extern const tool_t *const qdrant_tools[]; /* NULL-ended; qdrant_tools.c */

#define MAX_PAGE 100
#define ID_SCHEMA "{\"anyOf\":[{\"type\":\"integer\"},{\"type\":\"string\"}]}"
#define IDS_SCHEMA "{\"type\":\"array\",\"minItems\":1,\"maxItems\":1000,\"items\":" ID_SCHEMA "}"

#define FIELD_COLLECTION(struct_type)                                                                        \
    FIELD(struct_type, collection, .required = true, .max_length = 255,                                      \
          .doc = "Name of the collection (see list_collections).")
#define FIELD_FILTER(struct_type, text)                                                                      \
    FIELD(struct_type, filter, .schema = "{\"type\":\"object\"}",                                            \
          .doc = text " {\"must\": [...], \"should\": [...], \"must_not\": [...]} of conditions such as "    \
                      "{\"key\": \"category\", \"match\": {\"value\": \"audio\"}}, "                         \
                      "{\"key\": \"price\", \"range\": {\"lte\": 200}} or {\"has_id\": [17]}.")
#define FIELD_WAIT(struct_type)                                                                              \
    FIELD(struct_type, wait, .fallback = "true",                                                             \
          .doc = "Answer when the change can be seen by searches. false: as soon as it was accepted.")
#define FIELDS_PAYLOAD(struct_type)                                                                          \
    FIELD(struct_type, with_payload, .fallback = "true", .doc = "Return the payload of each point."),        \
        FIELD(struct_type, payload_fields, .max_items = 50, .max_length = 200,                               \
              .doc = "Only these fields of the payload. Without it: all.")
