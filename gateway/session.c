/* See session.h. */
#include "session.h"

#include "mem.h"
#include "session_private.h"

session_t *session_new(const session_options_t *options)
{
    session_t *session = NEW(session_t);

    session->ends = options->ends;
    session->config = options->config ? config_ref(options->config) : NULL;
    session->connector = options->connector;
    session->revision = options->revision;
    session->id = mem_strndup(options->id.at, options->id.length);
    atomic_init(&session->holders, 1);
    if (session->ends) {
        session_ends_add(session->ends, session);
    }
    return session;
}

void session_free(session_t *session)
{
    config_unref(session->config);
    mem_free(session->id);
    mem_free(session);
}

session_t *session_ref(session_t *session)
{
    if (session) {
        atomic_fetch_add(&session->holders, 1);
    }
    return session;
}

void session_unref(session_t *session)
{
    if (!session || atomic_fetch_sub(&session->holders, 1) > 1) {
        return;
    }
    if (!session->ends || !session_ends_take(session->ends, session)) {
        session_free(session);
    }
}

const char *session_id(const session_t *session)
{
    return session ? session->id : NULL;
}

void session_give_up(session_t *session)
{
    if (session) {
        atomic_store(&session->given_up, true);
    }
}

bool session_is_alone(const session_t *session)
{
    return atomic_load(&session->holders) == 1;
}

bool session_serves(const session_t *session)
{
    return session && !atomic_load(&session->given_up);
}
