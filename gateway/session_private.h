/* What session.c (the life of one) and session_ends.c (how they end) share. */
#pragma once

#include <stdatomic.h>
#include <sys/queue.h>

#include "session.h"

struct session {
    LIST_ENTRY(session) link;  /* until it is ended */
    TAILQ_ENTRY(session) turn; /* while it waits to be ended */
    session_ends_t *ends;
    config_t *config;
    const connector_config_t *connector;
    mcp_revision_t revision;
    char *id;
    atomic_uint holders;
    atomic_bool given_up;
    bool ended; /* the connector is being told, or was: under the lock of ends */
};

void session_free(session_t *session);

/* session_ends.c */
void session_ends_add(session_ends_t *ends, session_t *session);
/* Nobody holds it: true when it is held once more, to be ended. */
bool session_ends_take(session_ends_t *ends, session_t *session);
