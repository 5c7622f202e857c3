/* What all that speaks through libcurl here shares: its multi interface on one of our loops (web_multi.c),
 * for requests to upstreams (web.c, web_setup.c) and for hops over TLS (hop_web.c). */
#pragma once

#include <curl/curl.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <stdbool.h>

#include "buf.h"
#include "web.h"

typedef struct web_multi web_multi_t; /* its connections and easy handles */

/* A transfer ended; `transfer` is its CURLOPT_PRIVATE. Runs outside of libcurl, so anything may be done
 * within, web_multi_free() too. */
typedef void (*web_done_f)(void *transfer, CURLcode code);

web_multi_t *web_multi_new(loop_t *loop, size_t max_connections, web_done_f done);
void web_multi_free(web_multi_t *multi); /* no transfer may run */
CURL *web_multi_take(web_multi_t *multi);
void web_multi_give_back(web_multi_t *multi, CURL *easy);
bool web_multi_start(web_multi_t *multi, CURL *easy);
void web_multi_stop(web_multi_t *multi, CURL *easy); /* in the middle: its connection is closed */
size_t web_multi_open(const web_multi_t *multi);     /* connections */

/* In web_setup.c: what holds for every transfer, such as whom it trusts and where it may go; and its header
 * lines, which may be secret. */
void web_set_usual(CURL *easy);
/* Only these are believed: the system's folder would still be asked. */
void web_set_authorities(CURL *easy, const char *ca_file);
void web_add_header(struct curl_slist **headers, const char *line);
void web_drop_headers(struct curl_slist *headers);

struct web_call {
    web_t *web;
    web_f cb;
    void *self;
    CURL *easy;
    struct curl_slist *headers;
    span_t sent;      /* a copy of the request's body */
    size_t sent_upto; /* of a body that libcurl asks for */
    buf_t body;
    size_t max_reply_bytes;
    bool too_large, ended;
    web_end_t how;
    bool was_sent;
    const char *refusal; /* told by the event below, without libcurl */
    struct event refuse;
    web_call_t *next, **link;
};

/* Fills call->easy from the request; call->refusal says why it must not be sent. */
void web_setup(web_call_t *call, const web_request_t *request);
