/* What upstream.c (asking) and upstream_text.c (its sentences) share. */
#pragma once

#include "upstream.h"
#include "web.h"

struct upstream {
    loop_t *loop;
    web_t *web;
    char *name, *base, *url_variable; /* base: without a slash at its end */
    size_t max_reply_bytes;
    bool production;
    struct ask *probe; /* the one that is out */
};

/* Whether the text holds the value of one of the headers. */
bool upstream_repeats_secret(span_t text, const char *const *headers);
int upstream_refuse_demo(const upstream_t *upstream, err_t *err);
/* The sentence for a request that was not answered. */
int upstream_failed(const upstream_t *upstream, web_end_t how, bool repeatable, bool was_sent, err_t *err);
