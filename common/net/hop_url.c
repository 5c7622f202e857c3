/* Where a connector listens, as an operator writes it. Strict, because it ends up in a request line and a
 * Host header; the sentences do not repeat the URL, which may carry a secret in its query. */
#include "http_client.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "mem.h"

#define DEFAULT_PATH "/mcp"

static bool is_visible(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~') {
            return false;
        }
    }
    return true;
}

static int parse_unix(const char *rest, hop_url_t *ret, err_t *err)
{
    const char *path = strstr(rest, ":/");
    size_t length = path ? (size_t)(path - rest) : strlen(rest);

    if (rest[0] != '/') {
        return err_set(err, ERR_CALLER,
                       "A unix socket is named by its whole path: unix:/run/guiche/crm.sock.");
    }
    if (length >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
        return err_set(err, ERR_CALLER, "The path of the unix socket is too long: at most %zu bytes.",
                       sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    }
    ret->socket_path = mem_strndup(rest, length);
    ret->path = mem_strdup(path ? path + 1 : DEFAULT_PATH);
    ret->authority = mem_strdup("localhost");
    return 0;
}

static int parse_port(const char *text, uint16_t *ret, err_t *err)
{
    size_t digits = strspn(text, "0123456789");
    long port = digits > 0 && digits <= 5 && !text[digits] ? strtol(text, NULL, 10) : 0;

    if (port < 1 || port > 65535) {
        return err_set(err, ERR_CALLER, "The port of the URL is not a number from 1 to 65535.");
    }
    *ret = (uint16_t)port;
    return 0;
}

/* "host", "host:port", "[::1]:port"; keeps what the Host header needs as it was written. */
static int parse_authority(const char *authority, uint16_t usual_port, hop_url_t *ret, err_t *err)
{
    bool bracketed = authority[0] == '[';
    const char *host = bracketed ? authority + 1 : authority;
    size_t length =
        strspn(host, bracketed ? "0123456789abcdefABCDEF:."
                               : "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");
    const char *after = host + length + (bracketed ? 1 : 0);

    if (length == 0 || length > 255 || (bracketed && host[length] != ']') || (*after && *after != ':')) {
        return err_set(err, ERR_CALLER,
                       "The URL's host is not a host name or address (http://host:port/path).");
    }
    ret->port = usual_port;
    if (*after && parse_port(after + 1, &ret->port, err) < 0) {
        return -1;
    }
    ret->host = mem_strndup(host, length);
    return 0;
}

static int parse_http(const char *rest, uint16_t usual_port, hop_url_t *ret, err_t *err)
{
    const char *path = rest + strcspn(rest, "/?");

    ret->authority = mem_strndup(rest, (size_t)(path - rest));
    if (strchr(ret->authority, '@')) {
        return err_set(err, ERR_CALLER, "A URL with a user name in it is not accepted.");
    }
    ret->path =
        *path == '?' ? mem_printf("%s%s", DEFAULT_PATH, path) : mem_strdup(*path ? path : DEFAULT_PATH);
    return parse_authority(ret->authority, usual_port, ret, err);
}

static int parse(const char *url, hop_url_t *ret, err_t *err)
{
    if (!is_visible(url) || strchr(url, '#')) {
        return err_set(err, ERR_CALLER,
                       "The URL has a blank, a '#' or a character in it that must be escaped.");
    }
    if (strncmp(url, "unix:", 5) == 0) {
        return parse_unix(url + 5, ret, err);
    }
    if (strncmp(url, "http://", 7) == 0) {
        return parse_http(url + 7, 80, ret, err);
    }
    if (strncmp(url, "https://", 8) == 0) {
        ret->tls = true;
        return parse_http(url + 8, 443, ret, err);
    }
    return err_set(err, ERR_CALLER, "The URL begins with none of unix:/, http:// and https://.");
}

int hop_url_parse(const char *url, hop_url_t *ret, err_t *err)
{
    hop_url_t parsed = { 0 };

    if (parse(url, &parsed, err) < 0) {
        hop_url_release(&parsed);
        return -1;
    }
    *ret = parsed;
    return 0;
}

void hop_url_release(hop_url_t *url)
{
    free(url->socket_path);
    free(url->host);
    free(url->path);
    free(url->authority);
    free(url->ca_file);
    *url = (hop_url_t){ 0 };
}
