/* What libcurl is told of one exchange of the hop before it starts. HTTP/1.1 only: a connection is then one
 * exchange's as long as it lasts, so a reader that lets one wait (hop_pause) holds up no other, and giving
 * one up closes what the connector sees as its caller. */
#include "hop_web_private.h"

#include <string.h>

#include "mem.h"

#define KEEP_CERTIFICATES_SECONDS 600 /* those of the system take libcurl 20 ms to read */

/* libcurl leaves out a line without a value unless it ends in a semicolon. */
static void add_line(hop_web_t *web, span_t line)
{
    const char *colon = memchr(line.at, ':', line.length);
    bool empty =
        colon && span_trim((span_t){ colon + 1, line.length - (size_t)(colon + 1 - line.at) }).length == 0;
    AUTO(mem_free)
    char *text =
        empty ? mem_printf("%.*s;", (int)(colon - line.at), line.at) : mem_strndup(line.at, line.length);

    web_add_header(&web->headers, text);
    mem_wipe(text, strlen(text));
}

/* Lines of libcurl's own that are not given here are switched off by empty ones. */
static void set_headers(hop_web_t *web, span_t lines)
{
    while (lines.length > 0) {
        const char *end = memmem(lines.at, lines.length, "\r\n", 2);
        size_t length = end ? (size_t)(end - lines.at) : lines.length;
        size_t whole = length + (end ? 2 : 0);

        add_line(web, (span_t){ lines.at, length });
        lines = (span_t){ lines.at + whole, lines.length - whole };
    }
    web_add_header(&web->headers, "Expect:");
    web_add_header(&web->headers, "Accept:");
    web_add_header(&web->headers, "Content-Type:");
    curl_easy_setopt(web->easy, CURLOPT_HTTPHEADER, web->headers);
}

/* There is no way back to its beginning, so libcurl cannot send it a second time by itself. */
static size_t on_body_wanted(char *out, size_t size, size_t count, void *self)
{
    hop_t *hop = self;
    size_t left = hop->message.length - hop->web->taken;
    size_t length = size * count < left ? size * count : left;

    if (length > 0) {
        memcpy(out, hop->message.data + hop->web->taken, length);
        hop->web->taken += length;
    }
    return length;
}

static void set_method(hop_t *hop, const hop_request_t *request)
{
    CURL *easy = hop->web->easy;

    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
        return;
    }
    if (hop->message.length > 0 || strcmp(request->method, "POST") == 0) {
        curl_easy_setopt(easy, CURLOPT_POST, 1L);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)hop->message.length);
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_body_wanted);
        curl_easy_setopt(easy, CURLOPT_READDATA, hop);
    }
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method);
    /* What has no body can only be kept from a second sending by a connection of its own. */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, !request->idempotent && hop->message.length == 0 ? 1L : 0L);
}

/* A folder of certificates beside the file would keep libcurl from remembering what it has read. */
static void set_certificates(CURL *easy, const char *ca_file)
{
    curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
    if (ca_file) {
        web_set_authorities(easy, ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, (long)KEEP_CERTIFICATES_SECONDS);
}

void hop_web_setup(hop_t *hop, const hop_request_t *request)
{
    CURL *easy = hop->web->easy;
    const http_pool_limits_t *limits = &hop->pool->limits;

    web_set_usual(easy);
    set_certificates(easy, hop->pool->web->ca_file);
    set_method(hop, request);
    set_headers(hop->web, request->headers);
    curl_easy_setopt(easy, CURLOPT_URL, hop->pool->web->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)(limits->connect_timeout_ms > 0 ? limits->connect_timeout_ms : 1));
    curl_easy_setopt(easy, CURLOPT_MAXAGE_CONN, (long)(limits->idle_ms >= 1000 ? limits->idle_ms / 1000 : 1));
}
