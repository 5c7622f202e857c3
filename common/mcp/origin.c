/* See origin.h. A browser page on another site can reach a server on this machine, by its address or by a
 * name of its own that resolves to it; what it cannot do is lie about Origin and Host. */
#include "origin.h"

#include <arpa/inet.h>

#include "mem.h"

/* "127.0.0.1:8080" -> "127.0.0.1", "[::1]:8080" -> "[::1]". */
static span_t host_of(span_t authority)
{
    if (authority.length == 0) {
        return authority;
    }
    const char *close = authority.at[0] == '[' ? memchr(authority.at, ']', authority.length) : NULL;
    const char *colon = close ? NULL : memchr(authority.at, ':', authority.length);
    if (close) {
        authority.length = (size_t)(close - authority.at) + 1;
    } else if (colon) {
        authority.length = (size_t)(colon - authority.at);
    }
    return authority;
}

/* "https://example.com:8443/mcp" -> "https://example.com:8443" */
static span_t origin_of(const char *url)
{
    const char *authority = url ? strstr(url, "://") : NULL;

    return authority ? (span_t){ url, (size_t)(authority + 3 - url) + strcspn(authority + 3, "/?#") }
                     : (span_t){ 0 };
}

static span_t authority_of(span_t origin)
{
    const char *slashes = origin.at ? memmem(origin.at, origin.length, "://", 3) : NULL;

    return slashes ? (span_t){ slashes + 3, origin.length - (size_t)(slashes + 3 - origin.at) }
                   : (span_t){ 0 };
}

static bool equal_nocase(span_t a, span_t b)
{
    return a.at && b.at && a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
}

/* Any address of 127.0.0.0/8 written out, never a name that merely begins like one. */
static bool is_loopback_name(span_t host)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr address;

    if (span_is_nocase(host, "localhost") || span_is(host, "[::1]")) {
        return true;
    }
    if (host.length == 0 || host.length >= sizeof(text)) {
        return false;
    }
    memcpy(text, host.at, host.length);
    text[host.length] = '\0';
    return inet_pton(AF_INET, text, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

/* No browser reaches a unix socket. */
static bool is_browser_reachable_loopback(const http_request_t *request)
{
    return http_is_local_listener(request) && http_peer(request)[0] != '\0';
}

static int check_host(const origin_rules_t *rules, const http_request_t *request, err_t *err)
{
    size_t count;
    span_t host = host_of(http_header(request, "Host", &count));

    if (count == 1 &&
        (is_loopback_name(host) || equal_nocase(host, host_of(authority_of(origin_of(rules->public_url)))))) {
        return 0;
    }
    return err_set(
        err, ERR_DENIED,
        "Host is not a name of this server: use localhost or a loopback address, or set public_url.");
}

/* A page that came from this very server: its own origin is public_url's, and on a loopback listener, where
 * check_host() has proved the Host, that of the Host. */
static bool is_own(const origin_rules_t *rules, const http_request_t *request, span_t origin)
{
    if (equal_nocase(origin, origin_of(rules->public_url))) {
        return true;
    }
    span_t authority = authority_of(origin);
    bool http =
        origin.length > 8 && (memcmp(origin.at, "http://", 7) == 0 || memcmp(origin.at, "https://", 8) == 0);
    return http && is_browser_reachable_loopback(request) && is_loopback_name(host_of(authority)) &&
           equal_nocase(authority, http_header(request, "Host", NULL));
}

static bool is_allowed(const origin_rules_t *rules, const http_request_t *request, span_t origin)
{
    for (size_t i = 0; i < rules->count; i++) {
        if (span_is(origin, rules->origins[i])) {
            return true;
        }
    }
    return is_own(rules, request, origin);
}

int origin_check(const origin_rules_t *rules, const http_request_t *request, err_t *err)
{
    size_t count;
    span_t origin = http_header(request, "Origin", &count);

    if (is_browser_reachable_loopback(request) && check_host(rules, request, err)) {
        return -1;
    }
    if (count == 0 || (count == 1 && is_allowed(rules, request, origin))) {
        return 0;
    }
    return err_set(err, ERR_DENIED,
                   "This Origin may not use this server: add it to cors.origins if it should.");
}

span_t origin_allowed(const origin_rules_t *rules, const http_request_t *request)
{
    size_t count;
    span_t origin = http_header(request, "Origin", &count);

    return count == 1 && is_allowed(rules, request, origin) ? origin : (span_t){ 0 };
}
