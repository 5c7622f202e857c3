/* See errors.h. What clients do with failures decides here: CrewAI repeats a call after any JSON-RPC error
 * and never after isError; the older SDKs lose their transport at any status but 200; modern clients read the
 * statuses of the specification (MCP 2026-07-28 basic "Error Codes", basic/transports/streamable-http). */
#include "errors.h"

#include <string.h>

#include "envelope.h"
#include "json_scan.h"

#define RESOURCE_NOT_FOUND (-32002) /* legacy; must not be sent to modern clients */
#define INSUFFICIENT_SCOPE 403

static bool is_modern_code(int code)
{
    return code <= -32020 && code >= -32099;
}

/* CrewAI does not repeat a call whose error says "not found". */
static void add_text(buf_t *out, const err_t *err)
{
    AUTO_BUF text = { 0 };

    if (err->kind == ERR_UNKNOWN && !strcasestr(err->text, "not found")) {
        buf_add_text(&text, "Not found: ");
    }
    buf_add_text(&text, err->text);
    buf_add_json_string(out, buf_span(&text));
}

/* MCP 2026-07-28 server/tools "Error Handling": input errors are tool results. */
static int is_error_result(const err_t *err, mcp_era_t era, span_t id, buf_t *out)
{
    envelope_result_begin(out, id);
    buf_add_text(out, "{\"content\":[{\"type\":\"text\",\"text\":");
    add_text(out, err);
    buf_addf(out, "}],\"isError\":true,\"_meta\":{\"guiche/kind\":\"%s\"}", err_name(err->kind));
    buf_add_text(out, era == MCP_MODERN ? ",\"resultType\":\"complete\"}" : "}");
    envelope_end(out);
    return 200;
}

static int modern_status(const err_t *err)
{
    int code = err_rpc_code(err);

    if (code == RPC_METHOD_NOT_FOUND) {
        return 404;
    }
    return is_modern_code(code) ? 400 : err_modern_status(err);
}

static int rpc_error(const err_t *err, mcp_era_t era, span_t id, span_t data, buf_t *out)
{
    int code = err_rpc_code(err);

    if (era == MCP_LEGACY && is_modern_code(code)) {
        code = RPC_INVALID_REQUEST;
    }
    envelope_error(out, id, code, err->text, data);
    if (era == MCP_LEGACY) {
        return err->kind == ERR_PROTOCOL ? 400 : 200;
    }
    return modern_status(err);
}

static bool is_scope_error(const err_t *err)
{
    return err->kind == ERR_DENIED && err->code == INSUFFICIENT_SCOPE;
}

int error_for_call(const err_t *err, mcp_era_t era, span_t id, span_t data, buf_t *out)
{
    if (err->kind == ERR_PROTOCOL) {
        int status = rpc_error(err, era, id, data, out);
        return era == MCP_LEGACY ? 200 : status;
    }
    if (era == MCP_MODERN && is_scope_error(err)) {
        rpc_error(err, era, id, data, out);
        return 403;
    }
    if (era == MCP_MODERN && (err->kind == ERR_UNKNOWN || err->kind == ERR_INTERNAL)) {
        rpc_error(err, era, id, data, out);
        return 200;
    }
    return is_error_result(err, era, id, out);
}

int error_for_message(const err_t *err, mcp_era_t era, span_t id, span_t data, buf_t *out)
{
    return rpc_error(err, era, id, data, out);
}

void error_at_gate(const err_t *err, buf_t *out)
{
    envelope_error(out, (span_t){ 0 }, err_rpc_code(err), err->text, (span_t){ 0 });
}

err_kind_t error_relayed_kind(int code)
{
    return code == RPC_INVALID_PARAMS ? ERR_CALLER : ERR_UPSTREAM;
}

/* MCP 2026-07-28 basic "Error Codes": what may be sent on to a modern client. */
static int relayed_code(int code)
{
    if (code == RESOURCE_NOT_FOUND) {
        return RPC_INVALID_PARAMS;
    }
    return is_modern_code(code) && code != MCP_MISSING_CAPABILITY ? RPC_INTERNAL_ERROR : code;
}

int error_relayed(int code, span_t message, span_t data, mcp_era_t era, span_t id, buf_t *out)
{
    static const char unsaid[] = "The connector answered with an error and did not say which.";
    AUTO_BUF text = { 0 };
    bool said = scan_string(message, &text);
    err_t err;

    if (era == MCP_LEGACY) {
        err_set(&err, error_relayed_kind(code), "%s", said && text.length > 0 ? buf_text(&text) : unsaid);
        return is_error_result(&err, era, id, out);
    }
    envelope_error(out, id, relayed_code(code), said ? buf_text(&text) : unsaid, data);
    return code == MCP_MISSING_CAPABILITY ? 400 : 200;
}
