/* An MCP server with handlers a test can set, on http_fake. Each answer is checked as it comes: valid JSON,
 * never "id":null, and `ended` told exactly once per request. */
#pragma once

#include "http_fake.h"
#include "server.h"

#define MODERN_META                                                                                          \
    "\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"2026-07-28\","                                 \
    "\"io.modelcontextprotocol/clientCapabilities\":{},\"io.modelcontextprotocol/"                           \
    "clientInfo\":{\"name\":\"t\"}}"
#define MODERN_HEADERS(method) "MCP-Protocol-Version: 2026-07-28\nMcp-Method: " method "\n"

typedef struct {
    mcp_server_t *server;
    mcp_options_t options;
    loop_t *loop;
    const char *subject;       /* who asks; "ana" */
    mcp_capabilities_t offers; /* tools */
    err_t refuse;              /* authenticate fails with it when refuse.text is set */
    err_t list_error;          /* the same for list */
    mcp_list_t list;
    mcp_shape_t listed_as;
    void (*call)(mcp_call_t *call); /* NULL: the call stays open in open_call */
    mcp_call_t *open_call;
    int (*admit)(mcp_listen_t *listen, err_t *err); /* NULL: all are taken */
    mcp_listen_t *open_listen;                      /* what was handed over last */

    int answered; /* how often the answer to a question of another loop was handed over */
    char answered_text[200], answered_by[100];

    int ended;        /* how often it was told */
    mcp_ended_t last; /* of the last one; its pointers are dead but for text */
    char ended_text[600], ended_method[100], ended_name[100], ended_subject[100];
    bool ended_had_call;
    mcp_revision_t ended_revision;
} fixture_t;

extern fixture_t fixture;
void fixture_open(void);           /* as .init of a test */
void fixture_open_listening(void); /* the same, with a handler for subscriptions/listen */
void fixture_close(void);          /* as .fini */

/* POST with Host: localhost and the headers given; the answer is checked. Free with fake_free(). */
http_request_t *post_bytes(const char *headers, span_t body);
http_request_t *post(const char *headers, const char *body);
http_request_t *post_modern(const char *method, const char *more_headers,
                            const char *params); /* id 1, _meta added */
http_request_t *send_method(const char *method, const char *headers);
void check_answer(http_request_t *request);

/* Posts, compares, frees. `answer` is the whole body, or a part of it when it begins with "~"; "" is no body.
 */
void expect_answer(const char *headers, const char *body, int status, const char *answer);
void expect_sent(http_request_t *request, int status, const char *answer);
