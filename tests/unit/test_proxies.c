/* Whose word about the client's address counts. */
#include "proxies.h"

#include <criterion/criterion.h>
#include <string.h>

#include "mem.h"

static char *networks[] = { "10.0.0.0/8", "192.168.1.7", "fd00::/8", "not an address", "10.0.0.0/99", NULL };

static void shows(const char *peer, const char *forwarded, const char *expected)
{
    proxies_t *proxies = proxies_new(networks);
    char address[CLIENT_ADDRESS_SIZE];

    cr_assert_str_eq(proxies_client(proxies, peer, span_of(forwarded), address), expected, "%s, %s", peer,
                     forwarded);
    proxies_free(proxies);
}

Test(proxies, believes_a_trusted_peer_and_nobody_else)
{
    shows("10.1.2.3", "203.0.113.9", "203.0.113.9");
    shows("203.0.113.5", "198.51.100.1", "203.0.113.5");
    shows("192.168.1.7", "203.0.113.9", "203.0.113.9");
    shows("192.168.1.8", "203.0.113.9", "192.168.1.8");
    shows("fd12::1", "2001:db8::9", "2001:db8::9");
    shows("10.1.2.3", NULL, "10.1.2.3");
    shows("", "203.0.113.9", "");
}

/* What stands further left was written by whoever sent the request. */
Test(proxies, reads_from_the_right_until_the_first_stranger)
{
    shows("10.0.0.1", "1.1.1.1, 203.0.113.9, 10.9.9.9", "203.0.113.9");
    shows("10.0.0.1", "10.0.0.5,10.0.0.6", "10.0.0.5");
    shows("10.0.0.1", "1.1.1.1, 10.0.0.6 ", "1.1.1.1");
}

Test(proxies, stops_at_what_is_no_address)
{
    shows("10.0.0.1", "unknown", "10.0.0.1");
    shows("10.0.0.1", "1.1.1.1, , 10.0.0.2", "10.0.0.2");
    shows("10.0.0.1", "\"><script>", "10.0.0.1");
    shows("10.0.0.1", "1.1.1.1:8080", "10.0.0.1");
    shows("10.0.0.1", ",,,", "10.0.0.1");
    shows("10.0.0.1", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
          "10.0.0.1");
}

Test(proxies, trusts_nobody_without_a_list)
{
    proxies_t *proxies = proxies_new(NULL);

    cr_assert_not(proxies_trusts(proxies, "127.0.0.1"));
    proxies_free(proxies);
}

Test(proxies, compares_networks_bit_by_bit)
{
    char *odd[] = { "172.16.0.0/12", "0.0.0.0/0", NULL }, *first_only[] = { "172.16.0.0/12", NULL };
    proxies_t *all = proxies_new(odd), *one = proxies_new(first_only);

    cr_assert(proxies_trusts(one, "172.31.255.255"));
    cr_assert_not(proxies_trusts(one, "172.32.0.0"));
    cr_assert(proxies_trusts(all, "8.8.8.8"));
    cr_assert_not(proxies_trusts(all, "2001:db8::1"), "0.0.0.0/0 is IPv4");
    proxies_free(all);
    proxies_free(one);
}
