/* A tool call that came by REST: what rest.c (answers in one piece) and rest_stream.c (events) share. */
#pragma once

#include "buf.h"
#include "catalog.h"
#include "principal.h"
#include "worker.h"

typedef struct {
    worker_t *worker;
    http_request_t *http;
    buf_t asked;     /* the name as the caller wrote it */
    buf_t name;      /* the public name */
    buf_t arguments; /* JSON object */
    size_t sent_bytes;
} rest_call_t;

rest_call_t *rest_call_new(worker_t *worker, http_request_t *http);
void rest_call_free(void *call);

/* Origin, token in the query, authentication. NULL: it was answered. */
principal_t *rest_enter(worker_t *worker, http_request_t *http);
/* Answers with the status of the error, and logs it. */
void rest_refuse(worker_t *worker, http_request_t *http, const principal_t *principal, const err_t *err);
/* By public name, or by own name when only one connector has it. -1 with ERR_UNKNOWN or ERR_CALLER. */
int rest_find(worker_t *worker, span_t asked, const catalog_entry_t **ret, err_t *err);
/* Opens the call and hands it to the connector; `call` is freed with it. False: it has been answered already.
 */
bool rest_forward(rest_call_t *call, const principal_t *principal, const char *method, bool progress,
                  const mcp_answers_t *answers);
