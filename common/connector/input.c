/* See input.h. */
#include "input.h"

#include <string.h>

json_t *input_elicitation(const char *message, json_t *schema)
{
    return json_pack("{s:s, s:{s:s, s:o}}", "method", "elicitation/create", "params", "message", message,
                     "requestedSchema", schema);
}

json_t *input_sampling(json_t *messages, int max_tokens)
{
    return json_pack("{s:s, s:{s:o, s:i}}", "method", "sampling/createMessage", "params", "messages",
                     messages, "maxTokens", max_tokens);
}

json_t *input_roots(void)
{
    return json_pack("{s:s}", "method", "roots/list");
}

const json_t *input_filled_in(const json_t *answer)
{
    const char *action = json_string_value(json_object_get(answer, "action"));
    const json_t *content = json_object_get(answer, "content");

    return action && strcmp(action, "accept") == 0 && json_is_object(content) ? content : NULL;
}

/* The content is one block, or since 2025-11-25 an array of them. */
const char *input_sampled_text(const json_t *answer)
{
    const json_t *content = json_object_get(answer, "content");

    return json_string_value(
        json_object_get(json_is_array(content) ? json_array_get(content, 0) : content, "text"));
}

const json_t *input_root_list(const json_t *answer)
{
    const json_t *roots = json_object_get(answer, "roots");

    return json_is_array(roots) ? roots : NULL;
}
