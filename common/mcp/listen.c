/* See listen.h. Source: MCP 2026-07-28 basic/patterns/subscriptions.
 *
 * A reader that stalls must not make us keep more and more for it, nor may it miss a change. So a message is
 * not sent again while the one before it still waits here: whoever reads that one later asks for the list
 * later. What waits is told by counting: bytes written so far, less those that wait.
 */
#include "listen.h"

#include "mem.h"
#include "meta_keys.h"
#include "server_private.h"

#define MAX_URIS 1000
#define MAX_URI_BYTES 8192
#define MAX_URIS_BYTES 262144
#define HEARTBEAT_BYTES 16 /* of a comment with its framing, which may wait beside ours: at most */

typedef struct {
    size_t at, length; /* in uri_text */
    int64_t sent_to;
} uri_t;

struct mcp_listen {
    LIST_ENTRY(mcp_listen) link;
    mcp_server_t *server;
    mcp_request_t request;
    bool wants[MCP_KINDS];
    int64_t sent_to[MCP_KINDS]; /* where in what was written the last message of the kind ends */
    buf_t uri_text;
    uri_t *uris;
    size_t uri_count;
    int64_t written;
    size_t streamed_bytes;
    loop_f on_gone;
    void *gone_self;
    bool gone; /* the handler is being told */
};

/* Life. */

static void listen_free(mcp_listen_t *listen)
{
    LIST_REMOVE(listen, link);
    principal_unref((principal_t *)listen->request.principal);
    buf_free(&listen->uri_text);
    mem_free(listen->uris);
    mem_free(listen);
}

static mcp_listen_t *listen_new(mcp_server_t *server, const message_t *message)
{
    mcp_listen_t *listen = NEW(mcp_listen_t);

    listen->server = server;
    listen->request = message->request;
    principal_ref((principal_t *)listen->request.principal);
    LIST_INSERT_HEAD(&server->listens, listen, link);
    return listen;
}

static void tell_gone(mcp_listen_t *listen)
{
    listen->gone = true;
    if (listen->on_gone) {
        listen->on_gone(listen->gone_self);
    }
}

static void tell_ended(mcp_listen_t *listen, int status)
{
    mcp_ended_t ended = { .request = &listen->request,
                          .http_status = status,
                          .reply_bytes = listen->streamed_bytes };

    mcp_server_tell_ended(listen->server, &ended, listen->request.http);
}

static void on_hang_up(void *self)
{
    mcp_listen_t *listen = self;

    tell_gone(listen);
    tell_ended(listen, 0);
    listen_free(listen);
}

/* The filter. */

static int bad_filter(err_t *err, const char *why)
{
    return err_set(err, ERR_CALLER, "Invalid params: %s", why);
}

static int read_kind(mcp_listen_t *listen, mcp_kind_t kind, const char *key, bool offered, err_t *err)
{
    span_t value = scan_member(listen->request.filter, key);

    if (value.at && scan_kind(value) != SCAN_BOOL) {
        return bad_filter(err,
                          "toolsListChanged, promptsListChanged and resourcesListChanged are true or false.");
    }
    listen->wants[kind] = offered && scan_is_true(value);
    return 0;
}

static int read_uri(mcp_listen_t *listen, span_t item, err_t *err)
{
    uri_t *uri = &listen->uris[listen->uri_count];

    uri->at = listen->uri_text.length;
    if (!scan_string(item, &listen->uri_text)) {
        return bad_filter(err, "resourceSubscriptions is a list of URIs.");
    }
    uri->length = listen->uri_text.length - uri->at;
    if (uri->length > MAX_URI_BYTES || listen->uri_text.length > MAX_URIS_BYTES) {
        return bad_filter(err, "resourceSubscriptions is too long: 8 KiB for one URI, 256 KiB for all.");
    }
    listen->uri_count++;
    return 0;
}

static size_t count_items(span_t array)
{
    size_t count = 0;

    for (span_t rest = array, item; scan_next_item(&rest, &item);) {
        count++;
    }
    return count;
}

static int read_uris(mcp_listen_t *listen, err_t *err)
{
    span_t array = scan_member(listen->request.filter, "resourceSubscriptions");

    if (!array.at) {
        return 0;
    }
    if (scan_kind(array) != SCAN_ARRAY) {
        return bad_filter(err, "resourceSubscriptions is a list of URIs.");
    }
    size_t count = count_items(array);
    if (count > MAX_URIS) {
        return bad_filter(err, "resourceSubscriptions names more than 1000 resources.");
    }
    listen->uris = NEW_ARRAY(uri_t, count + 1);
    for (span_t rest = array, item; scan_next_item(&rest, &item);) {
        if (read_uri(listen, item, err)) {
            return -1;
        }
    }
    return 0;
}

/* What of the filter is honoured: what is offered, and so can change. */
static int read_filter(mcp_listen_t *listen, const mcp_capabilities_t *offers, err_t *err)
{
    if (scan_kind(listen->request.filter) != SCAN_OBJECT) {
        return bad_filter(err, "subscriptions/listen needs notifications, an object.");
    }
    if (read_kind(listen, MCP_TOOLS, "toolsListChanged", offers->tools, err) ||
        read_kind(listen, MCP_PROMPTS, "promptsListChanged", offers->prompts, err) ||
        read_kind(listen, MCP_RESOURCES, "resourcesListChanged", offers->resources, err) ||
        read_uris(listen, err)) {
        return -1;
    }
    if (!offers->resources) {
        listen->uri_count = 0;
    }
    return 0;
}

/* Messages. */

static void add_meta(buf_t *out, const mcp_listen_t *listen)
{
    buf_add_text(out, "\"_meta\":{\"" META_SUBSCRIPTION "\":");
    buf_add_span(out, listen->request.id);
    buf_add_char(out, '}');
}

static void begin_notification(buf_t *out, const mcp_listen_t *listen, const char *method)
{
    buf_addf(out, "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/%s\",\"params\":{", method);
    add_meta(out, listen);
}

/* Returns where the message ends in what was written. */
static int64_t send_message(mcp_listen_t *listen, buf_t *json)
{
    http_request_t *http = listen->request.http;
    int64_t before = (int64_t)mcp_stream_waiting(http);

    listen->streamed_bytes += json->length;
    listen->written += (int64_t)mcp_stream_send(http, json) - before;
    return listen->written;
}

/* sent_to 0: there was none before. */
static bool has_left(const mcp_listen_t *listen, int64_t sent_to)
{
    return sent_to == 0 ||
           sent_to + (int64_t)mcp_stream_waiting(listen->request.http) <= listen->written + HEARTBEAT_BYTES;
}

static void add_flag(buf_t *out, const char *key, bool wanted)
{
    if (wanted) {
        buf_addf(out, "%s\"%s\":true", out->data[out->length - 1] == '{' ? "" : ",", key);
    }
}

static void add_uris(buf_t *out, const mcp_listen_t *listen)
{
    if (listen->uri_count == 0) {
        return;
    }
    buf_add_text(out, out->data[out->length - 1] == '{' ? "" : ",");
    buf_add_text(out, "\"resourceSubscriptions\":");
    for (size_t i = 0; i < listen->uri_count; i++) {
        buf_add_char(out, i == 0 ? '[' : ',');
        buf_add_json_string(out, mcp_listen_uri(listen, i));
    }
    buf_add_char(out, ']');
}

static void acknowledge(mcp_listen_t *listen)
{
    AUTO_BUF json = { 0 };

    begin_notification(&json, listen, "subscriptions/acknowledged");
    buf_add_text(&json, ",\"notifications\":{");
    add_flag(&json, "toolsListChanged", listen->wants[MCP_TOOLS]);
    add_flag(&json, "promptsListChanged", listen->wants[MCP_PROMPTS]);
    add_flag(&json, "resourcesListChanged", listen->wants[MCP_RESOURCES]);
    add_uris(&json, listen);
    buf_add_text(&json, "}}}");
    send_message(listen, &json);
}

static int open_listen(mcp_listen_t *listen, const message_t *message, int *ret_status, err_t *err)
{
    *ret_status = 0;
    if (read_filter(listen, &message->offers, err)) {
        return -1;
    }
    if (!mcp_stream_is_accepted(listen->request.http)) {
        *ret_status = 406;
        return err_set(err, ERR_PROTOCOL,
                       "subscriptions/listen is answered by a stream: Accept must name "
                       "text/event-stream.");
    }
    const mcp_handlers_t *handlers = listen->server->handlers;
    return handlers->admit ? handlers->admit(listen->server->self, listen, err) : 0;
}

void mcp_listen_begin(mcp_server_t *server, message_t *message)
{
    mcp_listen_t *listen = listen_new(server, message);
    int status;
    err_t err;

    if (open_listen(listen, message, &status, &err)) {
        listen_free(listen);
        mcp_server_refuse(server, message, status, &err);
        return;
    }
    http_on_gone(listen->request.http, on_hang_up, listen);
    mcp_stream_start(server, listen->request.http);
    acknowledge(listen);
    if (server->ending) {
        mcp_listen_end(listen);
    } else {
        server->handlers->listen(server->self, listen);
    }
}

/* MCP 2026-07-28 basic/patterns/subscriptions: the empty result, then the stream closes. */
static void finish(mcp_listen_t *listen)
{
    http_request_t *http = listen->request.http;
    AUTO_BUF json = { 0 };

    buf_add_text(&json, "{\"jsonrpc\":\"2.0\",\"id\":");
    buf_add_span(&json, listen->request.id);
    buf_add_text(&json, ",\"result\":{\"resultType\":\"complete\",");
    add_meta(&json, listen);
    buf_add_text(&json, "}}");
    listen->streamed_bytes += json.length;
    tell_ended(listen, 200);
    listen_free(listen);
    http_on_gone(http, NULL, NULL);
    mcp_stream_send(http, &json);
    http_stream_end(http);
}

void mcp_listen_end(mcp_listen_t *listen)
{
    if (!listen->gone) {
        finish(listen);
    }
}

void mcp_server_end_listens(mcp_server_t *server)
{
    mcp_listen_t *listen;

    server->ending = true;
    while ((listen = LIST_FIRST(&server->listens))) {
        tell_gone(listen);
        finish(listen);
    }
}

/* What the handler has. */

const mcp_request_t *mcp_listen_request(const mcp_listen_t *listen)
{
    return &listen->request;
}

void mcp_listen_drop_uri(mcp_listen_t *listen, size_t index)
{
    listen->uri_count--;
    memmove(&listen->uris[index], &listen->uris[index + 1], (listen->uri_count - index) * sizeof(uri_t));
}

static mcp_kind_t listed_as(mcp_kind_t kind)
{
    return kind == MCP_TEMPLATES ? MCP_RESOURCES : kind;
}

bool mcp_listen_wants(const mcp_listen_t *listen, mcp_kind_t kind)
{
    return listen->wants[listed_as(kind)];
}

size_t mcp_listen_uri_count(const mcp_listen_t *listen)
{
    return listen->uri_count;
}

span_t mcp_listen_uri(const mcp_listen_t *listen, size_t index)
{
    return (span_t){ listen->uri_text.data + listen->uris[index].at, listen->uris[index].length };
}

void mcp_listen_changed(mcp_listen_t *listen, mcp_kind_t kind)
{
    static const char *const methods[MCP_KINDS] = { [MCP_TOOLS] = "tools/list_changed",
                                                    [MCP_RESOURCES] = "resources/list_changed",
                                                    [MCP_PROMPTS] = "prompts/list_changed" };
    mcp_kind_t listed = listed_as(kind);
    AUTO_BUF json = { 0 };

    if (listen->gone || !listen->wants[listed] || !has_left(listen, listen->sent_to[listed])) {
        return;
    }
    begin_notification(&json, listen, methods[listed]);
    buf_add_text(&json, "}}");
    listen->sent_to[listed] = send_message(listen, &json);
}

static uri_t *find_uri(const mcp_listen_t *listen, span_t uri)
{
    for (size_t i = 0; i < listen->uri_count; i++) {
        if (span_equal(mcp_listen_uri(listen, i), uri)) {
            return &listen->uris[i];
        }
    }
    return NULL;
}

void mcp_listen_updated(mcp_listen_t *listen, span_t uri)
{
    uri_t *found = find_uri(listen, uri);
    AUTO_BUF json = { 0 };

    if (listen->gone || !found || !has_left(listen, found->sent_to)) {
        return;
    }
    begin_notification(&json, listen, "resources/updated");
    buf_add_text(&json, ",\"uri\":");
    buf_add_json_string(&json, uri);
    buf_add_text(&json, "}}");
    found->sent_to = send_message(listen, &json);
}

void mcp_listen_on_gone(mcp_listen_t *listen, loop_f on_gone, void *self)
{
    listen->on_gone = on_gone;
    listen->gone_self = self;
}
