/* URLs of connectors: what is taken names one place, and nothing in it can end a line or a word of the
 * request that is built from it. */
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "fuzz.h"
#include "http_client.h"
#include "mem.h"

static bool is_word(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text > '~' || *text == '#') {
            return false;
        }
    }
    return true;
}

static void check(const hop_url_t *url)
{
    MUST(!url->socket_path != !url->host);
    MUST(url->path && url->path[0] == '/' && is_word(url->path));
    MUST(url->authority && url->authority[0] && is_word(url->authority));
    MUST(!strpbrk(url->authority, "/?@"));
    if (url->socket_path) {
        MUST(url->socket_path[0] == '/');
        MUST(strlen(url->socket_path) < sizeof(((struct sockaddr_un *)0)->sun_path));
    } else {
        MUST(url->host[0] && url->port > 0 && strstr(url->authority, url->host));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_strndup((const char *)data, size);
    hop_url_t url;
    err_t err;

    if (hop_url_parse(text, &url, &err) == 0) {
        check(&url);
        hop_url_release(&url);
    }
    mem_free(text);
    return 0;
}
