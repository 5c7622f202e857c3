/* A connector that plays every part, for tests of what discovery makes of it. Waits are those of the product:
 * a test that needs a second asking asks for it. */
#pragma once

#include "discover.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <stdatomic.h>

#include "clock.h"
#include "mem.h"
#include "raw_server.h"

#define PATIENCE_MS 20000 /* of run(), where it is to end earlier */
#define TOOL(name) "{\"name\":\"" name "\",\"inputSchema\":{\"type\":\"object\"}}"

static loop_t *loop;
static pool_t *helpers;
static resolver_t *resolver;
static discover_t *discover;
static found_t found;
static int changes;
static bool (*enough)(void);
static raw_server_t server;

/* The part to be played. */
static bool legacy, refuses;
static const char *discover_status = "400 Bad Request";
static const char *version = "2025-06-18";
static const char *forgets; /* what it says to any session but the second */
static const char *capabilities = "{}";
static const char *unsupported; /* data.supported of -32022, which the first server/discover gets */
static const char *(*list)(int nth, const char *request);
static const char *discover_body = "\"error\":{\"code\":-32601,\"message\":\"no\"}";
static atomic_int lists, discovers, initializes, session_ids;

static void answer(int fd, const char *id, const char *status, const char *more, const char *member)
{
    AUTO(mem_free) char *body = mem_printf("{\"jsonrpc\":\"2.0\",\"id\":%s,%s}", id, member);
    AUTO(mem_free)
    char *text =
        mem_printf("HTTP/1.1 %s\r\nContent-Type: application/json\r\n%sContent-Length: %zu\r\n\r\n%s", status,
                   more, strlen(body), body);

    raw_send(fd, text);
}

static void answer_discover(int fd, const char *id)
{
    AUTO(mem_free)
    char *result =
        mem_printf("\"result\":{\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":%s}", capabilities);
    AUTO(mem_free)
    char *error = mem_printf("\"error\":{\"code\":-32022,\"message\":\"no\",\"data\":{\"supported\":%s}}",
                             unsupported ? unsupported : "[]");

    if (discovers++ == 0 && unsupported) {
        answer(fd, id, "400 Bad Request", "", error);
    } else if (legacy) {
        answer(fd, id, discover_status, "", discover_body);
    } else {
        answer(fd, id, "200 OK", "", result);
    }
}

static void answer_one(int fd, const char *request)
{
    const char *at = strstr(request, "\"id\":");
    char id[24] = "null";

    if (at) {
        snprintf(id, sizeof(id), "%.*s", (int)strspn(at + 5, "0123456789"), at + 5);
    }
    if (refuses) {
        answer(fd, id, "503 Busy", "", "\"error\":{\"code\":1,\"message\":\"\"}");
    } else if (strstr(request, "server/discover")) {
        answer_discover(fd, id);
    } else if (strstr(request, "\"initialize\"")) {
        AUTO(mem_free)
        char *result =
            mem_printf("\"result\":{\"protocolVersion\":\"%s\",\"capabilities\":%s}", version, capabilities);
        AUTO(mem_free) char *session = mem_printf("Mcp-Session-Id: s%d\r\n", ++initializes);
        answer(fd, id, "200 OK", session, result);
    } else if (strstr(request, "notifications/initialized")) {
        raw_send(fd, "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
    } else if (forgets && !strstr(request, "Mcp-Session-Id: s2\r\n")) {
        answer(fd, id, forgets, "", "\"error\":{\"code\":-32001,\"message\":\"no\"}");
    } else {
        session_ids += strstr(request, "Mcp-Session-Id: s1\r\n") != NULL;
        answer(fd, id, "200 OK", "", list(lists++, request));
    }
}

/* One request at a time comes from one connection, so raw_request is ours to read. */
static void play(int fd, int nth)
{
    (void)nth;
    while (raw_read_request(fd, NULL)) {
        answer_one(fd, raw_request);
    }
}

static void on_changed(void *self)
{
    (void)self;
    changes++;
    discover_found(discover, &found);
    if (enough()) {
        loop_stop(loop);
    }
}

static void on_late(evutil_socket_t fd, short what, void *self)
{
    (void)fd, (void)what, (void)self;
    loop_stop(loop);
}

static void run(int ms)
{
    struct timeval wait = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

    event_base_once(loop_base(loop), -1, EV_TIMEOUT, on_late, NULL, &wait);
    loop_run(loop);
}

static connector_config_t connectors[1] = { { .name = "one", .prefix = "one_", .refresh_ms = 60000 } };
static config_t config = {
    .connectors = connectors, .connector_count = 1, .max_reply_bytes = 1048576, .references = 1000000
};

static void open_all(void)
{
    err_t err;

    raw_start(&server, play);
    connectors[0].url = mem_printf("http://127.0.0.1:%u/mcp", server.port);
    cr_assert_eq(hop_url_parse(connectors[0].url, &connectors[0].hop, &err), 0);
    loop = loop_new();
    helpers = pool_new(1, 8);
    resolver = resolver_new(loop, helpers);
    discover = discover_new(loop, resolver, NULL, on_changed, NULL);
    discover_configure(discover, &config);
}

static void close_all(void)
{
    discover_free(discover);
    resolver_free(resolver);
    pool_free(helpers);
    loop_free(loop);
    raw_stop(&server);
    hop_url_release(&connectors[0].hop);
    mem_free(connectors[0].url);
}

static bool was_asked(void)
{
    return found.asked;
}

static const char *two_tools(int nth, const char *request)
{
    (void)nth, (void)request;
    return "\"result\":{\"tools\":[" TOOL("a") ", " TOOL("b") "],\"ttlMs\":7000,\"cacheScope\":\"public\"}";
}

static bool never(void)
{
    return false;
}
