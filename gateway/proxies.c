/* See proxies.h. IPv4 is kept as IPv4-mapped IPv6, so that one comparison serves both. */
#include "proxies.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

typedef struct {
    struct in6_addr address;
    unsigned bits;
} network_t;

struct proxies {
    network_t *networks;
    size_t count;
};

static bool parse_address(const char *text, struct in6_addr *ret)
{
    struct in_addr v4;

    if (inet_pton(AF_INET, text, &v4) == 1) {
        memset(ret, 0, sizeof(*ret));
        ret->s6_addr[10] = ret->s6_addr[11] = 0xff;
        memcpy(&ret->s6_addr[12], &v4, sizeof(v4));
        return true;
    }
    return inet_pton(AF_INET6, text, ret) == 1;
}

static bool parse_network(const char *text, network_t *ret)
{
    char address[CLIENT_ADDRESS_SIZE];
    size_t length = strcspn(text, "/");
    unsigned offset = memchr(text, ':', length) ? 0 : 96;

    if (length >= sizeof(address)) {
        return false;
    }
    memcpy(address, text, length);
    address[length] = '\0';
    ret->bits = 128;
    if (text[length] == '/') {
        const char *digits = text + length + 1;
        size_t count = strspn(digits, "0123456789");
        ret->bits = count > 0 && count <= 3 && !digits[count] ? offset + (unsigned)atoi(digits) : UINT_MAX;
    }
    if (ret->bits > 128) {
        return false;
    }
    return parse_address(address, &ret->address);
}

bool proxies_is_network(const char *text)
{
    network_t ignored;

    return parse_network(text, &ignored);
}

proxies_t *proxies_new(char *const *networks)
{
    proxies_t *proxies = NEW(proxies_t);

    for (; networks && *networks; networks++) {
        network_t network;
        if (parse_network(*networks, &network)) {
            proxies->networks = mem_resize(proxies->networks, (proxies->count + 1) * sizeof(network_t));
            proxies->networks[proxies->count++] = network;
        }
    }
    return proxies;
}

void proxies_free(proxies_t *proxies)
{
    if (proxies) {
        mem_free(proxies->networks);
        mem_free(proxies);
    }
}

static bool contains(const network_t *network, const struct in6_addr *address)
{
    unsigned bytes = network->bits / 8, rest = network->bits % 8;
    unsigned char mask = (unsigned char)(0xff00 >> rest);

    if (memcmp(&network->address, address, bytes) != 0) {
        return false;
    }
    return rest == 0 || ((network->address.s6_addr[bytes] ^ address->s6_addr[bytes]) & mask) == 0;
}

bool proxies_trusts(const proxies_t *proxies, const char *address)
{
    struct in6_addr parsed;

    if (proxies->count == 0 || !parse_address(address, &parsed)) {
        return false;
    }
    for (size_t i = 0; i < proxies->count; i++) {
        if (contains(&proxies->networks[i], &parsed)) {
            return true;
        }
    }
    return false;
}

/* Cuts the last element off; false when there is none or it is no address. */
static bool take_last(span_t *list, char ret[CLIENT_ADDRESS_SIZE])
{
    size_t end = list->length, start;
    struct in6_addr ignored;

    while (end > 0 && (list->at[end - 1] == ' ' || list->at[end - 1] == '\t')) {
        end--;
    }
    for (start = end; start > 0 && list->at[start - 1] != ','; start--) {
    }
    size_t first = start;
    while (first < end && (list->at[first] == ' ' || list->at[first] == '\t')) {
        first++;
    }
    if (end == first || end - first >= CLIENT_ADDRESS_SIZE) {
        return false;
    }
    memcpy(ret, list->at + first, end - first);
    ret[end - first] = '\0';
    list->length = start > 0 ? start - 1 : 0;
    return parse_address(ret, &ignored);
}

const char *proxies_client(const proxies_t *proxies, const char *peer, span_t forwarded,
                           char ret[CLIENT_ADDRESS_SIZE])
{
    char next[CLIENT_ADDRESS_SIZE];

    snprintf(ret, CLIENT_ADDRESS_SIZE, "%s", peer);
    while (forwarded.at && proxies_trusts(proxies, ret) && take_last(&forwarded, next)) {
        memcpy(ret, next, sizeof(next));
    }
    return ret;
}
