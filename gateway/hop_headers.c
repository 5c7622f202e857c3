/* See hop_headers.h. Authorization and Cookie of the caller are never read here: the configuration cannot
 * name them. An Authorization that is written is the gateway's own for that server, or a header of another
 * name in which the user brought a token for it. */
#include "hop_headers.h"

#include "clock.h"
#include "header_value.h"
#include "principal.h"

static void line(buf_t *out, const char *name, span_t value)
{
    if (value.at) {
        buf_add_text(out, name);
        buf_add_text(out, ": ");
        buf_add_span(out, value);
        buf_add_text(out, "\r\n");
    }
}

static void mirrored(buf_t *out, const char *name, span_t value)
{
    buf_add_text(out, name);
    buf_add_text(out, ": ");
    header_value_encode(value, out);
    buf_add_text(out, "\r\n");
}

static void modern(buf_t *out, const hop_headers_t *headers)
{
    line(out, "Mcp-Method", span_of(headers->method));
    if (headers->name.at) {
        mirrored(out, "Mcp-Name", headers->name);
    }
}

static void trusted(buf_t *out, const hop_headers_t *headers)
{
    line(out, "Guiche-Principal", headers->principal);
    line(out, "Guiche-Request-Id", headers->request_id);
    line(out, "traceparent", headers->traceparent);
    if (headers->timeout_ms > 0) {
        buf_add_text(out, "Guiche-Timeout-Ms: ");
        buf_add_u64(out, (uint64_t)headers->timeout_ms);
        buf_add_text(out, "\r\n");
    }
}

/* Whether one of these ready lines is of that header; no value holds a line break. */
static bool has_line(span_t lines, const char *name)
{
    size_t length = strlen(name);

    for (span_t rest = lines; rest.length > length + 1;) {
        if (memcmp(rest.at, name, length) == 0 && rest.at[length] == ':') {
            return true;
        }
        const char *end = memchr(rest.at, '\n', rest.length);
        size_t used = end ? (size_t)(end - rest.at) + 1 : rest.length;
        rest = (span_t){ rest.at + used, rest.length - used };
    }
    return false;
}

/* The gateway's own give way to the user's: sent twice, a server might take either. */
static void fixed(buf_t *out, const connector_config_t *connector, span_t forwarded)
{
    for (size_t i = 0; i < connector->fixed_count; i++) {
        const fixed_header_t *header = &connector->fixed_headers[i];
        if (!has_line(forwarded, header->name)) {
            line(out, header->name, span_of(header->value));
        }
    }
}

void hop_headers(buf_t *out, const hop_headers_t *headers)
{
    bool is_modern = mcp_revision_era(headers->revision) == MCP_MODERN;

    if (!headers->bodiless) {
        buf_add_text(out, "Content-Type: application/json\r\n");
    }
    buf_add_text(out, "Accept: application/json, text/event-stream\r\n"
                      "User-Agent: guiche/" GUICHE_VERSION "\r\n");
    if (is_modern || !headers->opening) {
        line(out, "MCP-Protocol-Version", span_of(mcp_revision_name(headers->revision)));
    }
    if (is_modern) {
        modern(out, headers);
    } else if (headers->opening) {
        line(out, "Mcp-Method", span_of(headers->method)); /* what it opens may be a modern server too */
    } else if (!headers->opening) {
        line(out, "Mcp-Session-Id", headers->session_id);
    }
    if (headers->connector->config->trusted) {
        trusted(out, headers);
    }
    fixed(out, headers->connector->config, headers->forwarded);
    buf_add_span(out, headers->forwarded);
}

char *hop_own_token(const catalog_connector_t *connector)
{
    if (!*connector->hop_key) {
        return NULL;
    }
    principal_t *gateway = principal_new("guiche", "guiche", NULL, 0);
    char *token = hop_mint(connector->hop_key, connector->config->name, gateway, clock_unix());
    principal_unref(gateway);
    return token;
}

static bool fits_header(span_t value)
{
    for (size_t i = 0; i < value.length; i++) {
        if (((unsigned char)value.at[i] < 0x20 && value.at[i] != '\t') || value.at[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

static void write_forwarded(buf_t *out, const forward_header_t *forward, span_t value)
{
    buf_addf(out, "%s: %s%s", forward->to, forward->scheme ? forward->scheme : "",
             forward->scheme ? " " : "");
    buf_add_span(out, value);
    buf_add_text(out, "\r\n");
}

static int forward_one(buf_t *out, const forward_header_t *forward, const void *request, hop_header_f header,
                       err_t *err)
{
    const char *name = forward->from;
    size_t count = 0;
    span_t value = header(request, name, &count);

    if (count > 1) {
        return err_set(err, ERR_CALLER, "The header %s was sent %zu times; send it once.", name, count);
    }
    if (value.length > HOP_HEADER_MAX_VALUE) {
        return err_set(err, ERR_CALLER, "The header %s is longer than %d bytes.", name, HOP_HEADER_MAX_VALUE);
    }
    if (!fits_header(value)) {
        return err_set(err, ERR_CALLER, "The header %s contains a control character.", name);
    }
    if (value.length > 0) {
        write_forwarded(out, forward, value);
    }
    return 0;
}

static int check_required(const connector_config_t *connector, const void *request, hop_header_f header,
                          err_t *err)
{
    for (size_t i = 0; i < connector->required_count; i++) {
        size_t count = 0;
        if (header(request, connector->required_headers[i].name, &count).length == 0) {
            return err_set(err, ERR_CALLER, "%s", connector->required_headers[i].text);
        }
    }
    return 0;
}

int hop_forwarded(buf_t *out, const connector_config_t *connector, const void *request, hop_header_f header,
                  err_t *err)
{
    if (check_required(connector, request, header, err)) {
        return -1;
    }
    for (size_t i = 0; i < connector->forward_count; i++) {
        if (forward_one(out, &connector->forward_headers[i], request, header, err)) {
            return -1;
        }
    }
    return 0;
}

typedef struct {
    buf_t *out;
    const param_headers_t *params;
    size_t count, bytes;
} copy_t;

static bool copy_param(void *self, span_t name, span_t value)
{
    static const size_t prefix = sizeof(PARAM_HEADER_PREFIX) - 1;
    copy_t *copy = self;

    if (name.length <= prefix || strncasecmp(name.at, PARAM_HEADER_PREFIX, prefix) != 0 ||
        param_headers_know(copy->params, name) || !fits_header(value)) {
        return true;
    }
    copy->count++;
    copy->bytes += name.length + value.length;
    if (copy->count > HOP_PARAMS_MAX || copy->bytes > HOP_PARAMS_MAX_BYTES) {
        return false;
    }
    buf_add_span(copy->out, name);
    buf_add_text(copy->out, ": ");
    buf_add_span(copy->out, value);
    buf_add_text(copy->out, "\r\n");
    return true;
}

/* MCP 2026-07-28 basic/transports/streamable-http: who does not recognise an Mcp-Param header forwards it.
 * Callers of the earlier revisions and of REST have none to forward. */
static int copy_params(buf_t *out, const param_headers_t *params, const mcp_request_t *request, err_t *err)
{
    copy_t copy = { .out = out, .params = params };

    if (request->era != MCP_MODERN || !request->id.at) {
        return 0;
    }
    http_each_header(request->http, copy_param, &copy);
    if (copy.count > HOP_PARAMS_MAX || copy.bytes > HOP_PARAMS_MAX_BYTES) {
        return err_set(err, ERR_CALLER,
                       "There are more Mcp-Param headers than are passed on: at most %d, in %d bytes.",
                       HOP_PARAMS_MAX, HOP_PARAMS_MAX_BYTES);
    }
    return 0;
}

int hop_params(buf_t *out, const param_headers_t *params, const mcp_request_t *request, err_t *err)
{
    if (param_headers_write(params, request->arguments, out, err)) {
        return -1;
    }
    return copy_params(out, params, request, err);
}

int hop_params_check(const param_headers_t *params, const mcp_request_t *request, err_t *err)
{
    bool mirrored_args = request->era == MCP_MODERN && request->id.at; /* not REST, which has no such rule */

    return mirrored_args ? param_headers_check(params, request->http, request->arguments, err) : 0;
}
