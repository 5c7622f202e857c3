/* The session of a legacy connector that a call goes out in: whose it is, what opens it, and what happens
 * when the connector has forgotten it. A connector that does not know the session has done nothing, so the
 * call is sent again in a new one, once. */
#include <openssl/sha.h>
#include <string.h>

#include "errors.h"
#include "forward_private.h"
#include "hop_headers.h"
#include "mem.h"

static void on_session(void *self, session_t *session, const err_t *err);

span_t forward_header(const void *request, const char *name, size_t *ret_count)
{
    return http_header(request, name, ret_count);
}

void forward_suspect(forward_t *forward, bool anew)
{
    gateway_suspect(forward->worker->gateway, forward->connector->config->name, anew);
}

/* A session in which a user's own headers were sent is that user's alone. */
static int find_whose(forward_t *forward, err_t *err)
{
    const mcp_request_t *request = mcp_call_request(forward->call);
    const principal_t *principal = request->principal;
    AUTO_BUF text = { 0 };

    forward->whose = (session_key_t){ 0 };
    if (!connector_is_per_user(forward->connector->config)) {
        return 0;
    }
    /* With lengths: no name can be made to read as another one and a header. */
    buf_addf(&text, "%zu %s %zu %s\n", strlen(principal->tenant_id), principal->tenant_id,
             strlen(principal->subject), principal->subject);
    int failed = hop_forwarded(&text, forward->connector->config, request->http, forward_header, err);
    SHA256((const unsigned char *)text.data, text.length, forward->whose.bytes);
    mem_wipe(text.data, text.length);
    return failed;
}

/* Of discovery's session everybody's calls may make use, unless it is lost; a call that has just lost one
 * opens its own, as a connector that has restarted knows none of them. */
static session_t *known_session(const forward_t *forward)
{
    session_t *own = sessions_find(forward_lane(forward)->sessions, &forward->whose);
    session_t *first = forward->connector->session;

    if (own || forward->reopened || connector_is_per_user(forward->connector->config) ||
        !session_serves(first)) {
        return own;
    }
    return first;
}

/* Whether the connector keeps sessions is known from discovery. */
static bool keeps_sessions(const forward_t *forward)
{
    return !forward_is_modern(forward) && forward->connector->session;
}

static void open_session(forward_t *forward, span_t user_lines)
{
    const principal_t *principal = mcp_call_request(forward->call)->principal;
    bool is_users = connector_is_per_user(forward->connector->config);
    handshake_request_t request = {
        .pool = forward_lane(forward)->pool,
        .connector = forward->connector,
        .config = forward->view->catalog->config,
        /* To end a user's own would take the user's token, which is held no longer than a call. */
        .ends = is_users ? NULL : forward->worker->gateway->session_ends,
        .principal = worker_hop_token(forward->worker, forward->connector, principal),
        .forwarded = user_lines,
        .id = ++forward->worker->last_id,
        .deadline_ms = forward->deadline_ms,
        .max_event_bytes = forward->view->catalog->config->max_reply_bytes,
    };

    forward->opening =
        sessions_open(forward_lane(forward)->sessions, &forward->whose, &request, on_session, forward);
}

static void set_session(forward_t *forward, session_t *session)
{
    session_unref(forward->session);
    forward->session = session_ref(session);
}

int forward_enter_session(forward_t *forward, err_t *err)
{
    set_session(forward, NULL);
    if (!keeps_sessions(forward)) {
        return 0;
    }
    if (find_whose(forward, err)) {
        return -1;
    }
    session_t *session = known_session(forward);
    if (session) {
        set_session(forward, session);
        return 0;
    }
    AUTO_BUF lines = { 0 };
    hop_forwarded(&lines, forward->connector->config, mcp_call_request(forward->call)->http, forward_header,
                  err);
    open_session(forward, buf_span(&lines));
    mem_wipe(lines.data, lines.length);
    return 0;
}

static void fail_opening(forward_t *forward, const err_t *cause)
{
    forward_end_t end = { .cause = cause, .asked_progress = forward->wants_progress };
    err_t err;

    forward_suspect(forward, !connector_is_per_user(forward->connector->config));
    forward_failure(forward->entry, forward->connector->config, &end, &err);
    forward_fail(forward, &err);
}

static void on_session(void *self, session_t *session, const err_t *cause)
{
    forward_t *forward = self;
    err_t err;

    forward->opening = NULL;
    if (cause) {
        fail_opening(forward, cause);
        return;
    }
    set_session(forward, session);
    if (forward_send_now(forward, &err)) {
        forward_fail(forward, &err);
    }
}

/* 2025-11-25 basic/transports "Session Management": 404. Some servers say 400, with a code of the range that
 * was theirs, or with a text (`code` 0). */
static bool says_lost(int status, int code)
{
    return status == 404 || (status == 400 && (code == 0 || (code <= -32000 && code > MCP_HEADER_MISMATCH)));
}

static void fail_lost(forward_t *forward)
{
    err_t err;

    err_set(&err, ERR_UPSTREAM,
            "Connector %s does not know the session that it opened a moment ago. Nothing was done; try again "
            "in a moment.",
            forward->connector->config->name);
    forward_fail(forward, &err);
}

/* What is lost for one user may be so because of its age; what is lost for all smells of a restart. */
bool forward_take_lost_session(forward_t *forward, int status, int code)
{
    if (!forward->session || !says_lost(status, code)) {
        return false;
    }
    session_give_up(forward->session);
    sessions_lose(forward_lane(forward)->sessions, &forward->whose, forward->session);
    forward_suspect(forward, !connector_is_per_user(forward->connector->config));
    if (forward->call && !forward->reopened) {
        forward->reopened = true;
        forward_send(forward);
        return true;
    }
    if (status == 404) {
        fail_lost(forward);
        return true;
    }
    return false; /* the new session was no help: it was about something else */
}
