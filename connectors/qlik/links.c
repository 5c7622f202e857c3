/* See links.h. */
#include "links.h"

#include <ctype.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "percent.h"

/* "https://Tenant.example:443" without the port that goes without saying; absent: not an origin. */
static span_t origin_of(span_t url)
{
    bool is_https = url.length > 8 && strncasecmp(url.at, "https://", 8) == 0;
    bool is_http = url.length > 7 && strncasecmp(url.at, "http://", 7) == 0;
    size_t length = is_https ? 8 : 7;

    if (!is_https && !is_http) {
        return (span_t){ 0 };
    }
    while (length < url.length && !strchr("/?#\\", url.at[length])) {
        length++;
    }
    return (span_t){ url.at, length };
}

static span_t without_usual_port(span_t origin)
{
    bool is_https = tolower((unsigned char)origin.at[4]) == 's';
    span_t port = is_https ? SPAN(":443") : SPAN(":80");

    if (origin.length > port.length &&
        memcmp(origin.at + origin.length - port.length, port.at, port.length) == 0) {
        origin.length -= port.length;
    }
    return origin;
}

static bool same_origin(span_t a, span_t b)
{
    a = without_usual_port(a);
    b = without_usual_port(b);
    return a.length == b.length && strncasecmp(a.at, b.at, a.length) == 0;
}

int links_check_tenant(const char *url, bool is_production, err_t *err)
{
    span_t all = span_of(url);
    span_t origin = origin_of(all);

    if (!origin.at || memchr(origin.at, '@', origin.length) || strcspn(url, " \t") < all.length ||
        (all.length > origin.length && strcmp(url + origin.length, "/") != 0)) {
        return err_set(err, ERR_CALLER,
                       "QLIK_CLOUD_TENANT_URL must be https://TENANT.REGION.qlikcloud.com and nothing more.");
    }
    if (is_production && strncasecmp(url, "https://", 8) != 0) {
        return err_set(err, ERR_CALLER,
                       "QLIK_CLOUD_TENANT_URL must begin with https:// when ENVIRONMENT=production: a demo "
                       "stand-in, or a line that anyone can read, is none for users' tokens.");
    }
    return 0;
}

/* A path that a browser or libcurl would read as another host, or that breaks a header line. */
static bool is_plain_path(span_t path)
{
    if (path.length < 1 || path.at[0] != '/' || (path.length > 1 && strchr("/\\", path.at[1]))) {
        return false;
    }
    for (size_t i = 0; i < path.length; i++) {
        unsigned char c = (unsigned char)path.at[i];
        if (c <= ' ' || c >= 0x7f || c == '\\' || c == '#') {
            return false;
        }
    }
    return true;
}

span_t links_local(const char *tenant_url, span_t href)
{
    span_t origin = href.at ? origin_of(href) : (span_t){ 0 };
    span_t path = href;

    if (origin.at) {
        if (!same_origin(origin, origin_of(span_of(tenant_url)))) {
            return (span_t){ 0 };
        }
        path = (span_t){ href.at + origin.length, href.length - origin.length };
    }
    return is_plain_path(path) ? path : (span_t){ 0 };
}

/* NULL for what is empty or has control characters. A '%' that is no escape stands for itself. */
static char *decoded(span_t value)
{
    AUTO_BUF text = { 0 };

    for (size_t i = 0; i < value.length; i++) {
        char c = value.at[i] == '+' ? ' ' : value.at[i];
        int escaped = percent_at((span_t){ value.at + i, value.length - i });
        if (escaped >= 0) {
            c = (char)escaped;
            i += 2;
        }
        if ((unsigned char)c < ' ' || c == 0x7f) {
            return NULL;
        }
        buf_add_char(&text, c);
    }
    return text.length > 0 ? buf_steal(&text) : NULL;
}

char *links_query_value(span_t path, const char *name)
{
    if (!path.at) {
        return NULL;
    }
    const char *at = memchr(path.at, '?', path.length);
    const char *end = path.at + path.length;
    while (at && ++at < end) {
        const char *next = memchr(at, '&', (size_t)(end - at));
        span_t pair = { at, (size_t)((next ? next : end) - at) };
        const char *equals = memchr(pair.at, '=', pair.length);
        if (equals && span_is((span_t){ pair.at, (size_t)(equals - pair.at) }, name)) {
            return decoded((span_t){ equals + 1, (size_t)(pair.at + pair.length - equals - 1) });
        }
        at = next;
    }
    return NULL;
}
