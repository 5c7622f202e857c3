/* See hop_headers.h. Authorization and Cookie of the caller are never read here: the configuration cannot
 * name them. */
#include "hop_headers.h"

#include <openssl/evp.h>

#include "mem.h"

static void line(buf_t *out, const char *name, span_t value)
{
    if (value.at) {
        buf_add_text(out, name);
        buf_add_text(out, ": ");
        buf_add_span(out, value);
        buf_add_text(out, "\r\n");
    }
}

static bool is_plain(span_t value)
{
    bool edges = value.length > 0 && (value.at[0] == ' ' || value.at[value.length - 1] == ' ');

    if (edges || (value.length > 2 && value.at[0] == '=' && value.at[1] == '?')) {
        return false;
    }
    for (size_t i = 0; i < value.length; i++) {
        if (value.at[i] < 0x20 || value.at[i] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* MCP 2026-07-28 basic/transports/streamable-http "Value Encoding": what a header cannot hold goes as base64.
 */
static void mirrored(buf_t *out, const char *name, span_t value)
{
    if (is_plain(value)) {
        line(out, name, value);
        return;
    }
    AUTO(mem_free) unsigned char *text = mem_alloc(value.length / 3 * 4 + 5);
    EVP_EncodeBlock(text, (const unsigned char *)value.at, (int)value.length);
    buf_addf(out, "%s: =?base64?%s?=\r\n", name, (const char *)text);
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

void hop_headers(buf_t *out, const hop_headers_t *headers)
{
    bool is_modern = mcp_revision_era(headers->revision) == MCP_MODERN;

    buf_add_text(out, "Content-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"
                      "User-Agent: guiche/" GUICHE_VERSION "\r\n");
    if (is_modern || !headers->opening) {
        line(out, "MCP-Protocol-Version", span_of(mcp_revision_name(headers->revision)));
    }
    if (is_modern) {
        modern(out, headers);
    } else if (!headers->opening) {
        line(out, "Mcp-Session-Id", span_of(headers->connector->session_id));
    }
    if (headers->connector->config->trusted) {
        trusted(out, headers);
    }
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

static int forward_one(buf_t *out, const char *name, const void *request, hop_header_f header, err_t *err)
{
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
        line(out, name, value);
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
    for (char **name = connector->forward_headers; name && *name; name++) {
        if (forward_one(out, *name, request, header, err)) {
            return -1;
        }
    }
    return 0;
}
