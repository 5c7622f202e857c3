/* One session with a connector of a legacy revision, held by all who use it: discovery, the catalogs that
 * name it, calls that were sent in it. When the last of them lets go it is ended, session_ends.h: so never
 * under a call. A user's own is only let go. Any thread.
 * Source: 2025-11-25 basic/transports "Session Management".
 */
#pragma once

#include <stdbool.h>

#include "config.h"
#include "eras.h"
#include "session_ends.h"
#include "span.h"

typedef struct session session_t;

/* The id is copied. */
typedef struct {
    session_ends_t *ends;                /* NULL: it is let go without a word */
    config_t *config;                    /* a reference is kept */
    const connector_config_t *connector; /* of that */
    mcp_revision_t revision;
    span_t id;
} session_options_t;

session_t *session_new(const session_options_t *options);
session_t *session_ref(session_t *session); /* NULL: no session, here and below */
void session_unref(session_t *session);
const char *session_id(const session_t *session);

/* Nobody is to begin anything in it any more: its connector says that it does not know it. What was said may
 * have meant something else, so it is ended like any other. */
void session_give_up(session_t *session);
bool session_serves(const session_t *session);
bool session_is_alone(const session_t *session); /* the caller holds it, and nobody else */
