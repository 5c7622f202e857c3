/* Asks an OpenAI-compatible model to judge messages: POST LLM_URL/chat/completions. What it answers is
 * checked like any other input from outside; it names messages by number and we quote them ourselves, so it
 * cannot invent a quotation. */
#pragma once

#include <jansson.h>

#include "analysis.h"
#include "crm.h"

/* err: no answer, or one that is not what was asked for (text for people, without the model's own words).
 * analysis lives while cb runs, its findings as long as the call. */
typedef void (*model_f)(void *self, const analysis_t *analysis, const err_t *err);
void model_judge(call_t *call, const message_t *messages, size_t count, model_f cb, void *self);

/* The two halves, for tests. */
json_t *model_request(const char *model, const message_t *messages, size_t count);
int model_read(call_t *call, span_t body, size_t count, analysis_t *ret, err_t *err);
