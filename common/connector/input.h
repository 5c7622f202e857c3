/* What can be asked of a client in mid-call, and how its answers read (call_ask_input() in connector.h).
 * Source: MCP 2026-07-28 client/elicitation, client/sampling, client/roots. */
#pragma once

#include <jansson.h>

/* A form for the person. schema: a flat object schema of strings, numbers, booleans and choices, stolen. */
json_t *input_elicitation(const char *message, json_t *schema);
/* The client's model. messages: an array of content_message(), stolen. */
json_t *input_sampling(json_t *messages, int max_tokens);
json_t *input_roots(void); /* which folders the client works in */

/* Answers: of an elicitation, what was filled in, an object; NULL when it was declined or cancelled. */
const json_t *input_filled_in(const json_t *answer);
/* Of a sampling, the text the model wrote; NULL when it wrote none. */
const char *input_sampled_text(const json_t *answer);
/* The array of roots, each {"uri", "name"?}; NULL when the answer has none. */
const json_t *input_root_list(const json_t *answer);
