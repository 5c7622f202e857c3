/* See answers.h. The results look like those of our connectors, an object and the same as text, so that who
 * scans them finds as many quotes and escapes as in real ones. */
#include "answers.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define BLANK_ID "                    "
#define RESULT_OPEN "{\"jsonrpc\":\"2.0\",\"id\":" BLANK_ID ",\"result\":{"
#define RESULT_CLOSE ",\"resultType\":\"complete\"}}"

_Static_assert(sizeof(BLANK_ID) - 1 == ANSWER_ID_BYTES, "room for the id");

typedef struct {
    char *at;
    size_t length, room;
} text_t;

__attribute__((format(printf, 2, 3))) static void add(text_t *text, const char *format, ...)
{
    va_list list;

    if (text->room - text->length < 4096) {
        text->room = text->room * 2 + 8192;
        text->at = checked(realloc(text->at, text->room));
    }
    va_start(list, format);
    text->length += (size_t)vsnprintf(text->at + text->length, text->room - text->length, format, list);
    va_end(list);
}

static answer_t message(text_t *body)
{
    text_t all = { 0 };

    add(&all, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
        body->length);
    size_t id_at = all.length + strlen("{\"jsonrpc\":\"2.0\",\"id\":");
    all.at = checked(realloc(all.at, all.length + body->length));
    memcpy(all.at + all.length, body->at, body->length);
    free(body->at);
    return (answer_t){ all.at, all.length + body->length, id_at };
}

static answer_t discover(int ttl_ms)
{
    text_t body = { 0 };

    add(&body,
        RESULT_OPEN "\"supportedVersions\":[\"2026-07-28\"],\"capabilities\":{\"tools\":{}},\"ttlMs\":%d,"
                    "\"cacheScope\":\"public\",\"_meta\":{\"io.modelcontextprotocol/serverInfo\":"
                    "{\"name\":\"responder\",\"version\":\"1\"}}" RESULT_CLOSE,
        ttl_ms);
    return message(&body);
}

static void add_tool(text_t *body, const char *name, int number)
{
    add(body,
        "%s{\"name\":\"%s\",\"description\":\"Find the records of kind %d that match all of the given "
        "conditions; "
        "returns at most limit rows, newest first, with the fields asked "
        "for.\",\"inputSchema\":{\"type\":\"object\","
        "\"properties\":{\"query\":{\"type\":\"string\",\"description\":\"Words that must "
        "occur.\"},\"period\":{"
        "\"type\":\"string\",\"enum\":[\"day\",\"week\",\"month\",\"year\"],\"default\":\"month\"},\"limit\":"
        "{"
        "\"type\":\"integer\",\"minimum\":1,\"maximum\":500,\"default\":50},\"fields\":{\"type\":\"array\","
        "\"items\":{"
        "\"type\":\"string\"}}},\"required\":[\"query\"]},\"annotations\":{\"readOnlyHint\":true}}",
        number == 0 ? "" : ",", name, number);
}

static answer_t list(int tools, int ttl_ms)
{
    static const char *const named[] = { "r400", "r4k", "r64k", "sse", "burst" };
    text_t body = { 0 };
    char name[20];

    add(&body, RESULT_OPEN "\"tools\":[");
    for (int i = 0; i < tools; i++) {
        snprintf(name, sizeof(name), "find_%d", i);
        add_tool(&body, i < 5 ? named[i] : name, i);
    }
    add(&body, "],\"ttlMs\":%d,\"cacheScope\":\"public\"" RESULT_CLOSE, ttl_ms);
    return message(&body);
}

/* A result whose body has `bytes` bytes: rows as object, then rows as text, then x until it fits. */
static answer_t result(size_t bytes)
{
    text_t body = { 0 };
    size_t end = strlen("\"}]" RESULT_CLOSE);

    add(&body, RESULT_OPEN "\"structuredContent\":{\"rows\":[");
    for (int i = 0; body.length < bytes / 2 - 60; i++) {
        add(&body, "%s{\"id\":%d,\"name\":\"Client %d\",\"total\":%d.5}", i == 0 ? "" : ",", 1000 + i, i,
            i * 17);
    }
    add(&body, "]},\"content\":[{\"type\":\"text\",\"text\":\"{\\\"rows\\\":[");
    for (int i = 0; body.length + end + 80 < bytes; i++) {
        add(&body, "%s{\\\"id\\\":%d,\\\"name\\\":\\\"Client %d\\\",\\\"total\\\":%d.5}", i == 0 ? "" : ",",
            1000 + i, i, i * 17);
    }
    while (body.length + end < bytes) {
        add(&body, "x");
    }
    add(&body, "\"}]" RESULT_CLOSE);
    return message(&body);
}

void answers_build(answers_t *ret, int tools, int ttl_ms)
{
    static char accepted[] = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";

    *ret = (answers_t){
        .discover = discover(ttl_ms),
        .tools = list(tools, ttl_ms),
        .accepted = { accepted, sizeof(accepted) - 1, 0 },
        .small = result(400),
        .medium = result(4096),
        .large = result(65536),
    };
}

static size_t event_data(char *ret, size_t size, const char *id, int number, int count)
{
    if (number == count) {
        return (size_t)snprintf(
            ret, size,
            "event: message\ndata: {\"jsonrpc\":\"2.0\",\"id\":%s,\"result\":{\"content\":[{\"type\":"
            "\"text\",\"text\":\"done\"}]" RESULT_CLOSE "\n\n",
            id);
    }
    return (size_t)snprintf(
        ret, size,
        "event: message\ndata: {\"jsonrpc\":\"2.0\",\"method\":\"notifications/progress\",\"params\":"
        "{\"progressToken\":%s,\"progress\":%d,\"total\":%d,\"message\":\"row %d\"}}\n\n",
        id, number, count, number);
}

size_t answer_event(char *ret, size_t size, const char *id, int number, int count)
{
    char data[512];
    size_t length = event_data(data, sizeof(data), id, number, count);

    return (size_t)snprintf(ret, size, "%zx\r\n%s\r\n%s", length, data, number == count ? "0\r\n\r\n" : "");
}
