/* What libcurl is told of one request before it starts: where it goes, what it carries, how long it may take
 * and whom it trusts. See web.h. */
#include "web_private.h"

#include <string.h>
#include <strings.h>
#include <stdlib.h>

#include "mem.h"

#define CONNECT_TIMEOUT_MS 5000
#define KEEP_NAMES_SECONDS 30

static size_t on_bytes(char *bytes, size_t size, size_t count, void *self)
{
    web_call_t *call = self;
    size_t length = size * count;

    if (length > call->max_reply_bytes - call->body.length) {
        call->too_large = true;
        return CURL_WRITEFUNC_ERROR;
    }
    buf_add(&call->body, bytes, length);
    return length;
}

static bool names_header(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0 && line[length] == ':';
}

/* Header values come from tokens and arguments; a line break in one would be a header, or a request, of its
 * own. */
static bool is_one_line(const char *line)
{
    return !strpbrk(line, "\r\n");
}

void web_add_header(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    if (!longer) {
        abort();
    }
    *headers = longer;
}

void web_drop_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line; line = line->next) {
        mem_wipe(line->data, strlen(line->data));
    }
    curl_slist_free_all(headers);
}

/* Without these two libcurl would wait a second for "100 Continue" and call every body a form. */
static void set_headers(web_call_t *call, const char *const *lines)
{
    bool typed = false;

    for (; lines && *lines; lines++) {
        if (!is_one_line(*lines)) {
            call->refusal = "A header of the request to the upstream has a line break in it.";
            return;
        }
        typed = typed || names_header(*lines, "Content-Type");
        web_add_header(&call->headers, *lines);
    }
    web_add_header(&call->headers, "Expect:");
    if (!typed) {
        web_add_header(&call->headers, "Content-Type:");
    }
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

/* There is no way back to its beginning, so libcurl cannot send the body a second time (it fails with
 * CURLE_SEND_FAIL_REWIND). */
static size_t on_body_wanted(char *out, size_t size, size_t count, void *self)
{
    web_call_t *call = self;
    size_t left = call->sent.length - call->sent_upto;
    size_t length = size * count < left ? size * count : left;

    if (length > 0) {
        memcpy(out, call->sent.at + call->sent_upto, length);
        call->sent_upto += length;
    }
    return length;
}

static void set_body(web_call_t *call, const web_request_t *request)
{
    CURL *easy = call->easy;
    char *copy = mem_alloc(request->body.length + 1);

    if (request->body.length > 0) {
        memcpy(copy, request->body.at, request->body.length);
    }
    call->sent = (span_t){ copy, request->body.length };
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.length);
    if (request->once && request->body.length > 0) {
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body_wanted);
        curl_easy_setopt(easy, CURLOPT_READDATA, call);
    } else {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, copy);
    }
}

static void set_method(web_call_t *call, const web_request_t *request)
{
    CURL *easy = call->easy;
    bool has_body = request->body.length > 0 || strcmp(request->method, "POST") == 0 ||
                    strcmp(request->method, "PUT") == 0 || strcmp(request->method, "PATCH") == 0;

    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (has_body) {
        set_body(call, request);
    }
    /* What has no body can only be kept from a second sending by a connection of its own. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, request->once && request->body.length == 0 ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
}

static void set_limits(web_call_t *call, const web_request_t *request)
{
    CURL *easy = call->easy;
    int64_t connect_ms = request->timeout_ms < CONNECT_TIMEOUT_MS ? request->timeout_ms : CONNECT_TIMEOUT_MS;

    /* 0 would mean no limit to libcurl. */
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)(request->timeout_ms > 0 ? request->timeout_ms : 1));
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)(connect_ms > 0 ? connect_ms : 1));
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)call->max_reply_bytes);
}

void web_set_authorities(CURL *easy, const char *ca_file)
{
    curl_easy_setopt(easy, CURLOPT_CAINFO, ca_file);
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

void web_set_usual(CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, (long)KEEP_NAMES_SECONDS);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L); /* "/a/../b" is nobody's to shorten */
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* also: not the one in the environment */
    curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
}

void web_setup(web_call_t *call, const web_request_t *request)
{
    CURL *easy = call->easy;

    curl_easy_setopt(easy, CURLOPT_URL, request->url);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "guiche/" GUICHE_VERSION);
    set_method(call, request);
    set_limits(call, request);
    web_set_usual(easy);
    if (request->ca_file) {
        web_set_authorities(easy, request->ca_file);
    }
    set_headers(call, request->headers);
}
