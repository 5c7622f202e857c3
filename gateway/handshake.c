/* See handshake.h. The answer to initialize is kept until the notification has gone out: only then may the
 * session be used. */
#include "handshake.h"

#include "envelope.h"
#include "hop_headers.h"
#include "mem.h"
#include "relay.h"

#define CAPABILITIES "{\"sampling\":{},\"elicitation\":{},\"roots\":{}}"
#define INITIALIZED "notifications/initialized"

struct handshake {
    handshake_request_t request;
    catalog_connector_t connector; /* the caller's may go before the end */
    handshake_f done;
    void *self;
    relay_t *relay;
    buf_t principal, forwarded; /* copies */
    mcp_revision_t revision;
    session_t *session;
    buf_t capabilities;
};

static void on_initialize(void *self, const relay_answer_t *answer);
static void on_error(void *self, const err_t *err, bool sent);
static void on_initialized(void *self, const relay_answer_t *answer);
static void on_initialized_error(void *self, const err_t *err, bool sent);

static const relay_events_t initialize_events = { .on_answer = on_initialize, .on_error = on_error };
static const relay_events_t initialized_events = { .on_answer = on_initialized,
                                                   .on_error = on_initialized_error };

static span_t present(const buf_t *text)
{
    return text->length > 0 ? buf_span(text) : (span_t){ 0 };
}

static void post(handshake_t *handshake, const char *method, buf_t *body, const relay_events_t *events)
{
    const connector_config_t *config = handshake->connector.config;
    AUTO_BUF lines = { 0 };
    hop_headers_t headers = {
        .connector = &handshake->connector,
        .opening = events == &initialize_events,
        .revision = handshake->revision,
        .session_id = span_of(session_id(handshake->session)),
        .method = method,
        .principal = present(&handshake->principal),
        .forwarded = present(&handshake->forwarded),
    };

    hop_headers(&lines, &headers);
    relay_request_t request = {
        .pool = handshake->request.pool,
        .headers = buf_span(&lines),
        .key_holder = config->trusted ? config->name : NULL,
        .deadline_ms = handshake->request.deadline_ms,
        .idempotent = true,
        .id = handshake->request.id,
        .max_event_bytes = handshake->request.max_event_bytes,
    };
    handshake->relay = relay_start(&request, body, events, handshake);
    mem_wipe(lines.data, lines.length);
}

handshake_t *handshake_start(const handshake_request_t *request, handshake_f done, void *self)
{
    handshake_t *handshake = NEW(handshake_t);
    AUTO_BUF body = { 0 };
    envelope_request_t message = {
        .revision = MCP_LEGACY_LATEST,
        .id = request->id,
        .method = "initialize",
        .client_capabilities = SPAN(CAPABILITIES),
    };

    handshake->request = *request;
    handshake->connector.config = request->connector->config;
    if (request->config) {
        config_ref(request->config);
    }
    handshake->done = done;
    handshake->self = self;
    handshake->revision = MCP_LEGACY_LATEST;
    buf_add_span(&handshake->principal, request->principal);
    buf_add_span(&handshake->forwarded, request->forwarded);
    envelope_request(&body, &message);
    post(handshake, message.method, &body, &initialize_events);
    return handshake;
}

static void handshake_free(handshake_t *handshake)
{
    mem_wipe(handshake->forwarded.data, handshake->forwarded.length);
    mem_wipe(handshake->principal.data, handshake->principal.length);
    buf_free(&handshake->principal);
    buf_free(&handshake->forwarded);
    buf_free(&handshake->capabilities);
    session_unref(handshake->session);
    config_unref(handshake->request.config);
    mem_free(handshake);
}

void handshake_cancel(handshake_t *handshake)
{
    if (handshake->relay) {
        relay_cancel(handshake->relay);
    }
    handshake_free(handshake);
}

static void fail(handshake_t *handshake, const err_t *err)
{
    handshake->done(handshake->self, NULL, err);
    handshake_free(handshake);
}

static void on_error(void *self, const err_t *err, bool sent)
{
    handshake_t *handshake = self;
    err_t copy = *err;

    (void)sent;
    handshake->relay = NULL;
    fail(handshake, &copy);
}

static session_t *open_session(const handshake_t *handshake, span_t id)
{
    session_options_t options = {
        .ends = handshake->request.ends,
        .config = handshake->request.config,
        .connector = handshake->connector.config,
        .revision = handshake->revision,
        .id = id,
    };

    return id.at ? session_new(&options) : NULL;
}

/* NULL, or what is wrong. */
static const char *read_result(handshake_t *handshake, const relay_answer_t *answer)
{
    span_t version =
        answer->members ? scan_plain_string(relay_member(answer, "protocolVersion")) : (span_t){ 0 };
    int revision = version.at ? mcp_revision_find(version) : -1;

    if (!answer->members) {
        return "It refuses to initialize.";
    }
    if (revision < 0 || mcp_revision_era((mcp_revision_t)revision) == MCP_MODERN) {
        return "It speaks no revision of the protocol that is spoken here.";
    }
    handshake->revision = (mcp_revision_t)revision;
    handshake->session = open_session(handshake, answer->session_id);
    buf_add_span(&handshake->capabilities, relay_member(answer, "capabilities"));
    return NULL;
}

static void on_initialize(void *self, const relay_answer_t *answer)
{
    handshake_t *handshake = self;
    const char *wrong = read_result(handshake, answer);
    AUTO_BUF body = { 0 };
    err_t err;

    handshake->relay = NULL;
    if (wrong) {
        err_set(&err, ERR_UPSTREAM, "%s", wrong);
        fail(handshake, &err);
        return;
    }
    envelope_notification(&body, INITIALIZED);
    post(handshake, INITIALIZED, &body, &initialized_events);
}

/* The proper answer is 202 without a body, which for a request would be none: whatever is wrong shows in what
 * follows. */
static void on_initialized_error(void *self, const err_t *err, bool sent)
{
    (void)err, (void)sent;
    on_initialized(self, NULL);
}

static void on_initialized(void *self, const relay_answer_t *answer)
{
    handshake_t *handshake = self;
    handshake_result_t result = {
        .revision = handshake->revision,
        .session = handshake->session,
        .capabilities = present(&handshake->capabilities),
    };

    (void)answer;
    handshake->relay = NULL;
    handshake->done(handshake->self, &result, NULL);
    handshake_free(handshake);
}
