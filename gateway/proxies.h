/* The client's address as far as it can be believed: the peer's, or, when the peer is a proxy of ours, what
 * that proxy and those before it wrote into X-Forwarded-For, read from the right until an address that is not
 * one of ours.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "span.h"

typedef struct proxies proxies_t;

#define CLIENT_ADDRESS_SIZE 48

bool proxies_is_network(const char *text);     /* "10.0.0.0/8", "192.0.2.1", "2001:db8::/32" */
proxies_t *proxies_new(char *const *networks); /* CIDR or single addresses, NULL-ended; NULL: none */
void proxies_free(proxies_t *proxies);
bool proxies_trusts(const proxies_t *proxies, const char *address);
/* forwarded: all values of X-Forwarded-For in order, joined by commas; absent: none. */
const char *proxies_client(const proxies_t *proxies, const char *peer, span_t forwarded,
                           char ret[CLIENT_ADDRESS_SIZE]);
