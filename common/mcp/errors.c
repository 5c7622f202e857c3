/* See errors.h. What clients do with failures decides here: CrewAI repeats a call after any JSON-RPC error
 * and never after isError; the older SDKs lose their transport at any status but 200; modern clients read the
 * statuses of the specification (MCP 2026-07-28 basic "Error Codes", basic/transports/streamable-http). */
#include "errors.h"

#include <string.h>

#include "envelope.h"
#include "json_scan.h"

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

/* Once a call is open its failures are told at 200, but for those of headers and of scope. */
static int call_status(const err_t *err, mcp_era_t era, int status)
{
    if (era == MCP_LEGACY) {
        return 200;
    }
    return is_scope_error(err) ? 403 : err->kind == ERR_PROTOCOL ? status : 200;
}

static bool is_rpc_error(const err_t *err, mcp_act_t act, mcp_era_t era)
{
    if (act != MCP_CALL_TOOL || err->kind == ERR_PROTOCOL) {
        return true;
    }
    return era == MCP_MODERN &&
           (is_scope_error(err) || err->kind == ERR_UNKNOWN || err->kind == ERR_INTERNAL);
}

int error_for_call(const err_t *err, mcp_act_t act, mcp_era_t era, span_t id, span_t data, buf_t *out)
{
    err_t told = *err;

    if (!is_rpc_error(err, act, era)) {
        return is_error_result(err, era, id, out);
    }
    if (act == MCP_READ_RESOURCE && era == MCP_LEGACY && err->kind == ERR_UNKNOWN) {
        told.code = MCP_RESOURCE_NOT_FOUND;
    }
    return call_status(err, era, rpc_error(&told, era, id, data, out));
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

/* MCP 2026-07-28 basic "Error Codes": what may be sent on to a modern client. A legacy one hears none of
 * these codes, and of a resource that is not there by a code of its own (2025-11-25 server/resources "Error
 * Handling"), which a modern connector tells by naming the URI. */
static int relayed_code(const relayed_error_t *error, mcp_act_t act, mcp_era_t era)
{
    int code = error->code;

    if (era == MCP_MODERN) {
        if (code == MCP_RESOURCE_NOT_FOUND) {
            return RPC_INVALID_PARAMS;
        }
        return is_modern_code(code) && code != MCP_MISSING_CAPABILITY ? RPC_INTERNAL_ERROR : code;
    }
    if (act == MCP_READ_RESOURCE && code == RPC_INVALID_PARAMS && scan_kind(error->data) == SCAN_OBJECT &&
        scan_member(error->data, "uri").at) {
        return MCP_RESOURCE_NOT_FOUND;
    }
    return is_modern_code(code) ? RPC_INTERNAL_ERROR : code;
}

int error_relayed(const relayed_error_t *error, mcp_act_t act, mcp_era_t era, span_t id, buf_t *out)
{
    static const char unsaid[] = "The connector answered with an error and did not say which.";
    AUTO_BUF text = { 0 };
    bool said = scan_string(error->message, &text);
    err_t err;

    if (era == MCP_LEGACY && act == MCP_CALL_TOOL) {
        err_set(&err, error_relayed_kind(error->code), "%s",
                said && text.length > 0 ? buf_text(&text) : unsaid);
        return is_error_result(&err, era, id, out);
    }
    envelope_error(out, id, relayed_code(error, act, era), said ? buf_text(&text) : unsaid, error->data);
    return era == MCP_MODERN && error->code == MCP_MISSING_CAPABILITY ? 400 : 200;
}
