/* Texts into vectors by an OpenAI-compatible service: POST EMBEDDINGS_URL/embeddings. */
#pragma once

#include "qdrant.h"

/* 0, or -1 with a sentence for the model: there is no such service (ERR_UPSTREAM), or its account does not
 * belong to the caller's tenant (ERR_DENIED). It is the operator's and paid for, so a user's own key of
 * Qdrant does not open it. */
int embeddings_are_there(call_t *call, err_t *err);

/* vectors: one array of numbers for each text, in their order; borrowed while the callback runs. */
typedef void (*embeddings_f)(void *self, const json_t *vectors, const err_t *err);
void embeddings_ask(call_t *call, json_t *texts, embeddings_f cb, void *self); /* texts: stolen */

/* The vectors out of {"data":[{"index":0,"embedding":[...]}]}, a new reference; NULL when it is something
 * else or a vector is missing. */
json_t *embeddings_read(const json_t *reply, size_t count);
