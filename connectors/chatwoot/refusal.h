/* What Chatwoot's answers mean when they are not what was asked for, as a sentence.
 *
 * Chatwoot 4.10 says 401 for a wrong token, for a foreign account and for a missing right alike, and its
 * errors have other shapes than its OpenAPI file shows: {"error":".."}, {"message":"..","attributes":[..]},
 * {"errors":[".."]}. A limit is 429 in plain text and without Retry-After.
 */
#pragma once

#include "upstream.h"

typedef struct {
    const upstream_t *upstream;
    const upstream_reply_t *reply;
    const char *subject; /* "conversation 12", or NULL */
    bool is_user;        /* a user's own token, not the service account's */
    int64_t account_id;  /* 0: not known yet */
} refusal_t;

/* 0 for a success, else -1 with the sentence. A success with an error inside is none. */
int refusal_check(const refusal_t *refusal, err_t *err);
/* What Chatwoot itself says of an error, in any of its shapes; NULL: nothing. Caller frees. */
char *refusal_detail(const json_t *json);
/* Chatwoot saw no token at all: a proxy dropped the header. */
bool refusal_is_of_lost_token(const upstream_reply_t *reply);
/* An agent bot's token is a good one, but may not do this (not even read its own profile). */
bool refusal_is_of_bot(const upstream_reply_t *reply);
