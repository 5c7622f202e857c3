/* Which era a message speaks and whether it is whole, as both eras can be told apart on one endpoint: by the
 * version in the body's _meta first, by the header second. (Mcp-Method tells nothing: mcp-remote sends it
 * with initialize.) The order of the checks is the order of MCP 2026-07-28 basic/transports/streamable-http
 * "Server Validation".
 */
#include "message.h"

#include <string.h>

#include "errors.h"
#include "header_value.h"
#include "json_bytes.h"
#include "json_scan.h"
#include "log_level.h"
#include "meta_keys.h"

enum {
    JSONRPC = 1,
    ID,
    METHOD,
    PARAMS,
    RESULT,
    ERROR,
    NAME,
    URI,
    ARGUMENTS,
    CURSOR,
    INPUT_RESPONSES,
    REQUEST_STATE,
    LEVEL,
    INIT_VERSION,
    INIT_CLIENT_INFO,
    INIT_CAPABILITIES,
    REF,
    REF_TYPE,
    REF_NAME,
    REF_URI,
    ARGUMENT,
    CONTEXT,
    NOTIFICATIONS,
    META,
    PROGRESS_TOKEN,
    TRACEPARENT,
    VERSION,
    CLIENT_INFO,
    CAPABILITIES,
    LOG_LEVEL,
};

static const json_want_t meta_wants[] = {
    { "progressToken", PROGRESS_TOKEN, NULL, false },
    { "traceparent", TRACEPARENT, NULL, false },
    { META_VERSION, VERSION, NULL, false },
    { META_CLIENT, CLIENT_INFO, NULL, false },
    { META_CAPABILITIES, CAPABILITIES, NULL, false },
    { META_LOG_LEVEL, LOG_LEVEL, NULL, false },
    { 0 },
};
static const json_want_t ref_wants[] = {
    { "type", REF_TYPE, NULL, false },
    { "name", REF_NAME, NULL, false },
    { "uri", REF_URI, NULL, false },
    { 0 },
};
static const json_want_t params_wants[] = {
    { "name", NAME, NULL, false },
    { "arguments", ARGUMENTS, NULL, false },
    { "_meta", META, meta_wants, false },
    { "uri", URI, NULL, false },
    { "cursor", CURSOR, NULL, false },
    { "inputResponses", INPUT_RESPONSES, NULL, false },
    { "requestState", REQUEST_STATE, NULL, false },
    { "level", LEVEL, NULL, false },
    { "ref", REF, ref_wants, false },
    { "argument", ARGUMENT, NULL, false },
    { "context", CONTEXT, NULL, false },
    { "notifications", NOTIFICATIONS, NULL, false },
    { "protocolVersion", INIT_VERSION, NULL, false },
    { "clientInfo", INIT_CLIENT_INFO, NULL, false },
    { "capabilities", INIT_CAPABILITIES, NULL, false },
    { 0 },
};
static const json_want_t message_wants[] = {
    { "jsonrpc", JSONRPC, NULL, false },
    { "id", ID, NULL, false },
    { "method", METHOD, NULL, false },
    { "params", PARAMS, params_wants, false },
    { "result", RESULT, NULL, false },
    { "error", ERROR, NULL, false },
    { 0 },
};

typedef struct {
    span_t value;
    size_t count;
} header_t;

static header_t header(const message_t *message, const char *name)
{
    header_t ret;

    ret.value = http_header(message->request.http, name, &ret.count);
    return ret;
}

static span_t unless_null(span_t value)
{
    return scan_kind(value) == SCAN_NULL ? (span_t){ 0 } : value;
}

static int malformed(err_t *err, const char *sentence)
{
    return err_set_code(err, ERR_PROTOCOL, RPC_INVALID_REQUEST, "%s", sentence);
}

static int bad_params(err_t *err, const char *sentence)
{
    return err_set_code(err, ERR_CALLER, RPC_INVALID_PARAMS, "Invalid params: %s", sentence);
}

static int check_outermost(span_t body, const json_scan_t *found, err_t *err)
{
    const char *first = json_skip_space(body.at, body.at + body.length); /* something is there: it was JSON */

    if (*first != '{' || !scan_string_is(found->slots[JSONRPC], "2.0")) {
        return malformed(err, "This is not a JSON-RPC 2.0 message: \"jsonrpc\" must be \"2.0\".");
    }
    return 0;
}

/* MCP basic "Requests": the id is a string or an integer, never null. */
static int read_id(message_t *message, span_t id, err_t *err)
{
    if (id.at && scan_kind(id) != SCAN_STRING && !scan_is_integer(id)) {
        return malformed(err, "The id of a request must be a string or an integer.");
    }
    message->request.id = id;
    message->kind = id.at ? MESSAGE_REQUEST : MESSAGE_NOTIFICATION;
    return 0;
}

static int read_frame(message_t *message, span_t body, const json_scan_t *found, err_t *err)
{
    span_t method = found->slots[METHOD];
    bool answer = found->slots[RESULT].at || found->slots[ERROR].at;

    if (check_outermost(body, found, err)) {
        return -1;
    }
    if (answer && !method.at) {
        message->kind = MESSAGE_RESPONSE;
        return 0;
    }
    if (answer || scan_kind(method) != SCAN_STRING) {
        return malformed(err,
                         "The message is neither a request nor a response: \"method\" must be a string.");
    }
    message->request.method = (span_t){ method.at + 1, method.length - 2 };
    return read_id(message, found->slots[ID], err);
}

static bool names_modern(header_t version)
{
    int revision = mcp_revision_find(version.value);

    return version.count > 0 && revision >= 0 && mcp_revision_era((mcp_revision_t)revision) == MCP_MODERN;
}

static int unsupported_version(message_t *message, span_t requested, err_t *err)
{
    buf_addf(&message->data, "{\"supported\":[\"%s\"],\"requested\":", mcp_revision_name(MCP_2026_07_28));
    buf_add_span(&message->data, requested);
    buf_add_char(&message->data, '}');
    return err_set_code(err, ERR_PROTOCOL, MCP_UNSUPPORTED_VERSION,
                        "This protocol version is not served: use 2026-07-28, or open with initialize.");
}

static int check_served(message_t *message, span_t version, err_t *err)
{
    return scan_string_is(version, mcp_revision_name(MCP_2026_07_28))
               ? 0
               : unsupported_version(message, version, err);
}

/* MCP 2026-07-28 basic "Per-request metadata": 400 and -32602 when a required member is missing. */
static int check_required_meta(const json_scan_t *found, err_t *err)
{
    const char *missing = NULL;

    if (scan_kind(found->slots[VERSION]) != SCAN_STRING) {
        missing = META_VERSION " (a string)";
    } else if (scan_kind(found->slots[CAPABILITIES]) != SCAN_OBJECT) {
        missing = META_CAPABILITIES " (an object)";
    }
    if (!missing) {
        return 0;
    }
    return err_set_code(err, ERR_PROTOCOL, RPC_INVALID_PARAMS, "Invalid params: params._meta lacks %s.",
                        missing);
}

/* A header that is there once and says, as it stands, what the JSON string of the body says. */
static bool repeats(header_t mirror, span_t body_string)
{
    AUTO_BUF value = { 0 };

    if (mirror.count != 1 ||
        (mirror.value.length > 0 && memchr(mirror.value.at, '\0', mirror.value.length))) {
        return false;
    }
    buf_add_span(&value, mirror.value);
    return scan_string_is(body_string, buf_text(&value));
}

/* The same for a header whose value may be encoded: Mcp-Name, of the standard ones. */
static bool mirrors(header_t mirror, span_t body_string)
{
    AUTO_BUF decoded = { 0 };

    return mirror.count == 1 && header_value_decode(mirror.value, &decoded) &&
           scan_string_is(body_string, buf_text(&decoded)) &&
           !memchr(buf_text(&decoded), '\0', decoded.length);
}

static int header_mismatch(err_t *err, const char *name, const char *what)
{
    return err_set_code(err, ERR_PROTOCOL, MCP_HEADER_MISMATCH,
                        "The header %s must occur once and equal %s of the body.", name, what);
}

/* MCP 2026-07-28 basic/transports/streamable-http "Standard Headers". */
static int check_name_header(const message_t *message, const json_scan_t *found, err_t *err)
{
    static const struct {
        const char *method, *what;
        int slot;
    } named[] = {
        { "tools/call", "params.name", NAME },
        { "prompts/get", "params.name", NAME },
        { "resources/read", "params.uri", URI },
    };

    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
        if (!scan_string_is(found->slots[METHOD], named[i].method)) {
            continue;
        }
        if (scan_kind(found->slots[named[i].slot]) != SCAN_STRING) {
            return err_set_code(err, ERR_CALLER, RPC_INVALID_PARAMS, "Invalid params: %s must be a string.",
                                named[i].what);
        }
        return mirrors(header(message, "Mcp-Name"), found->slots[named[i].slot])
                   ? 0
                   : header_mismatch(err, "Mcp-Name", named[i].what);
    }
    return 0;
}

static int check_modern_request(message_t *message, const json_scan_t *found, err_t *err)
{
    if (check_required_meta(found, err)) {
        return -1;
    }
    if (!repeats(header(message, "MCP-Protocol-Version"), found->slots[VERSION])) {
        return header_mismatch(err, "MCP-Protocol-Version", META_VERSION);
    }
    if (!repeats(header(message, "Mcp-Method"), found->slots[METHOD])) {
        return header_mismatch(err, "Mcp-Method", "method");
    }
    if (check_served(message, found->slots[VERSION], err)) {
        return -1;
    }
    return check_name_header(message, found, err);
}

static int check_modern(message_t *message, const json_scan_t *found, err_t *err)
{
    span_t version = found->slots[VERSION];

    message->request.era = MCP_MODERN;
    message->request.revision = MCP_2026_07_28;
    switch (message->kind) {
    case MESSAGE_RESPONSE:
        return malformed(err,
                         "Responses are not taken: this revision has no requests from server to client.");
    case MESSAGE_NOTIFICATION:
        return scan_kind(version) == SCAN_STRING ? check_served(message, version, err) : 0;
    default:
        return check_modern_request(message, found, err);
    }
}

/* 2025-11-25 basic/lifecycle "Version Negotiation": what was asked for, else the latest there is. */
static int negotiate(message_t *message, const json_scan_t *found, err_t *err)
{
    AUTO_BUF wanted = { 0 };

    if (message->batch) {
        return malformed(err, "initialize cannot be part of a batch.");
    }
    message->request.revision = MCP_LEGACY_LATEST;
    message->request.client_info = found->slots[INIT_CLIENT_INFO];
    message->request.client_capabilities = found->slots[INIT_CAPABILITIES];
    if (!scan_string(found->slots[INIT_VERSION], &wanted)) {
        return bad_params(err, "initialize needs protocolVersion, a string such as 2025-11-25.");
    }
    int revision = mcp_revision_find(buf_span(&wanted));
    if (revision >= 0 && mcp_revision_era((mcp_revision_t)revision) == MCP_LEGACY) {
        message->request.revision = (mcp_revision_t)revision;
    }
    return 0;
}

/* 2025-11-25 basic/transports "Protocol Version Header": absent means 2025-03-26, anything unknown is 400. */
static int read_legacy_header(message_t *message, header_t version, err_t *err)
{
    int revision = version.count == 0 ? MCP_2025_03_26 : mcp_revision_find(version.value);

    message->request.revision = MCP_2025_03_26;
    if (version.count > 1 || revision < 0) {
        return malformed(
            err, "The header MCP-Protocol-Version must occur once and name a revision that is served: "
                 "2025-11-25, 2025-06-18, 2025-03-26, or 2026-07-28 with its _meta.");
    }
    message->request.revision = (mcp_revision_t)revision;
    return 0;
}

static int check_era(message_t *message, const json_scan_t *found, err_t *err)
{
    header_t version = header(message, "MCP-Protocol-Version");

    if (found->slots[VERSION].at || names_modern(version)) {
        return check_modern(message, found, err);
    }
    if (message->kind == MESSAGE_REQUEST && scan_string_is(found->slots[METHOD], "initialize")) {
        return negotiate(message, found, err);
    }
    return read_legacy_header(message, version, err);
}

static int read_name(message_t *message, span_t name, err_t *err)
{
    message->request.name = scan_plain_string(name);
    if (message->request.name.at) {
        return 0;
    }
    if (!scan_string(name, &message->name)) {
        return bad_params(err, "what is named must be a string without NUL.");
    }
    message->request.name = (span_t){ buf_text(&message->name), message->name.length };
    return 0;
}

static bool is_null_or(scan_kind_t kind, span_t value)
{
    return scan_kind(value) == kind || scan_kind(value) == SCAN_NULL || !value.at;
}

/* completion/complete names a prompt or a resource template (server/utilities/completion). */
static int read_ref(message_t *message, const json_scan_t *found, err_t *err)
{
    bool prompt = scan_string_is(found->slots[REF_TYPE], "ref/prompt");
    span_t name = found->slots[prompt ? REF_NAME : REF_URI];

    if (!prompt && !scan_string_is(found->slots[REF_TYPE], "ref/resource")) {
        return bad_params(err, "ref.type must be ref/prompt or ref/resource.");
    }
    if (scan_kind(name) != SCAN_STRING) {
        return bad_params(err, "completion/complete needs the name or uri of its ref.");
    }
    if (scan_kind(scan_member(found->slots[ARGUMENT], "name")) != SCAN_STRING ||
        scan_kind(scan_member(found->slots[ARGUMENT], "value")) != SCAN_STRING) {
        return bad_params(err, "completion/complete needs argument with name and value, both strings.");
    }
    if (!is_null_or(SCAN_OBJECT, found->slots[CONTEXT])) {
        return bad_params(err, "context must be an object.");
    }
    message->request.kind = prompt ? MCP_PROMPTS : MCP_TEMPLATES;
    message->request.argument = found->slots[ARGUMENT];
    message->request.context = unless_null(found->slots[CONTEXT]);
    return read_name(message, name, err);
}

/* Which entry of which list the request is about. */
static int read_act(message_t *message, const json_scan_t *found, err_t *err)
{
    static const struct {
        mcp_act_t act;
        mcp_kind_t kind;
        int slot;
        const char *missing;
    } acts[] = {
        { MCP_CALL_TOOL, MCP_TOOLS, NAME, "tools/call needs the tool's name, a string." },
        { MCP_READ_RESOURCE, MCP_RESOURCES, URI, "resources/read needs the resource's uri, a string." },
        { MCP_GET_PROMPT, MCP_PROMPTS, NAME, "prompts/get needs the prompt's name, a string." },
    };

    if (scan_string_is(found->slots[METHOD], mcp_act_method(MCP_COMPLETE))) {
        message->request.act = MCP_COMPLETE;
        return read_ref(message, found, err);
    }
    for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
        if (!scan_string_is(found->slots[METHOD], mcp_act_method(acts[i].act))) {
            continue;
        }
        message->request.act = acts[i].act;
        message->request.kind = acts[i].kind;
        if (scan_kind(found->slots[acts[i].slot]) != SCAN_STRING) {
            return bad_params(err, acts[i].missing);
        }
        return read_name(message, found->slots[acts[i].slot], err);
    }
    return 0;
}

static int check_params(const json_scan_t *found, err_t *err)
{
    span_t token = found->slots[PROGRESS_TOKEN];

    if (!is_null_or(SCAN_OBJECT, found->slots[PARAMS])) {
        return bad_params(err, "params must be an object.");
    }
    if (!is_null_or(SCAN_OBJECT, found->slots[META])) {
        return bad_params(err, "_meta must be an object.");
    }
    if (!is_null_or(SCAN_STRING, token) && !scan_is_integer(token)) {
        return bad_params(err, "progressToken must be a string or an integer.");
    }
    if (unless_null(found->slots[LOG_LEVEL]).at &&
        log_level_rank(scan_plain_string(found->slots[LOG_LEVEL])) < 0) {
        return bad_params(err, LOG_LEVELS_SENTENCE);
    }
    if (!is_null_or(SCAN_STRING, found->slots[CURSOR])) {
        return bad_params(err, "cursor must be a string.");
    }
    if (!is_null_or(SCAN_OBJECT, found->slots[ARGUMENTS])) {
        return bad_params(err, "arguments must be an object.");
    }
    return 0;
}

/* Whoever is between the client and us may have set the HTTP header; the client's own word in _meta counts
 * more. */
static span_t traceparent_of(const message_t *message, const json_scan_t *found)
{
    span_t own = scan_plain_string(found->slots[TRACEPARENT]);
    header_t outer = header(message, "traceparent");

    return own.at ? own : outer.count == 1 ? outer.value : (span_t){ 0 };
}

static int read_params(message_t *message, const json_scan_t *found, err_t *err)
{
    mcp_request_t *request = &message->request;

    if (check_params(found, err)) {
        return -1;
    }
    request->arguments = unless_null(found->slots[ARGUMENTS]);
    request->meta = unless_null(found->slots[META]);
    request->cursor = unless_null(found->slots[CURSOR]);
    request->input_responses = unless_null(found->slots[INPUT_RESPONSES]);
    request->request_state = unless_null(found->slots[REQUEST_STATE]);
    request->progress_token = unless_null(found->slots[PROGRESS_TOKEN]);
    request->filter = unless_null(found->slots[NOTIFICATIONS]);
    request->traceparent = traceparent_of(message, found);
    message->level = found->slots[LEVEL];
    message->uri = found->slots[URI];
    if (request->era == MCP_MODERN) {
        request->log_level = unless_null(found->slots[LOG_LEVEL]);
        request->client_capabilities = found->slots[CAPABILITIES];
        request->client_info = found->slots[CLIENT_INFO];
    }
    return read_act(message, found, err);
}

static bool is_array(span_t body)
{
    return *json_skip_space(body.at, body.at + body.length) == '[';
}

int message_read(message_t *message, err_t *err)
{
    json_scan_t found;

    if (!message->body.at) {
        message->body = http_body(message->request.http);
    }
    if (json_scan(message->body, message_wants, &found, err)) {
        return -1;
    }
    if (is_array(message->body)) {
        message->kind = MESSAGE_BATCH;
        return message->batch ? malformed(err, "A batch cannot be part of a batch.") : 0;
    }
    if (read_frame(message, message->body, &found, err) || check_era(message, &found, err)) {
        return -1;
    }
    return message->kind == MESSAGE_REQUEST ? read_params(message, &found, err) : 0;
}

void message_release(message_t *message)
{
    buf_free(&message->name);
    buf_free(&message->data);
}
