/* An exchange over TLS, as hop_web*.c see it: hop_web.c its course, hop_web_setup.c what libcurl is told,
 * hop_web_failure.c what went wrong. */
#pragma once

#include "http_client_private.h"
#include "web_private.h"

struct hop_web_pool {
    http_pool_t *pool;
    char *url, *ca_file;
    web_multi_t *multi;  /* NULL: nothing has been open for a while */
    struct event reaper; /* idle_ms after the last end of an exchange */
};

struct hop_web {
    CURL *easy;
    struct curl_slist *headers;
    size_t taken;      /* of the request's body, by libcurl */
    struct event news; /* active: something came that is to be told */
    size_t head_bytes;
    unsigned head_lines;
    const char *wrong; /* with the answer's head */
    bool running, repeated;
    bool head_whole, head_told, grown;
};

/* Fills hop->web->easy but for the callbacks that bring the answer. */
void hop_web_setup(hop_t *hop, const hop_request_t *request);
bool hop_web_died(CURLcode code); /* a connection that was closed may have been the reason */
void hop_web_failure(const hop_t *hop, CURLcode code, err_t *ret);
