/* Who asks a connector: hop tokens, and everything that is none. Tokens are minted by the gateway's own
 * function. */
#include <string.h>
#include <criterion/criterion.h>

#include "hop.h"
#include "hop_gate.h"
#include "mem.h"
#include "mint.h"

#define NOW 1790000000

static char key[HOP_KEY_HEX_SIZE], other_key[HOP_KEY_HEX_SIZE];
static hop_gate_t *gate;
static principal_t *anna, *got;
static err_t err;

static void set_up(void)
{
    static const char *const permissions[] = { "crm.read" };

    hop_key_derive(SPAN("a secret of the gateway, long enough"), "crm", key);
    hop_key_derive(SPAN("a secret of the gateway, long enough"), "odoo", other_key);
    gate = hop_gate_new("crm", key, &err);
    anna = principal_new("anna", "demo", permissions, 1);
}

static void tear_down(void)
{
    if (got) {
        principal_unref(got);
    }
    principal_unref(anna);
    hop_gate_free(gate);
}

TestSuite(hop_gate, .init = set_up, .fini = tear_down);

static int enter(const char *token, int64_t now_unix)
{
    return hop_gate_enter(gate, span_of(token), 1, now_unix, &got, &err);
}

static void assert_refused(const char *token, const char *because)
{
    cr_assert_eq(enter(token, NOW), -1, "%s", because);
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
    cr_assert_null(got);
}

Test(hop_gate, lets_in_who_the_gateway_speaks_for)
{
    AUTO(mem_free) char *token = hop_mint(key, "crm", anna, NOW);

    cr_assert_eq(enter(token, NOW + 5), 0, "%s", err.text);
    cr_assert_str_eq(got->subject, "anna");
    cr_assert_str_eq(got->tenant_id, "demo");
    cr_assert(principal_has(got, "crm.read"));
}

Test(hop_gate, remembers_a_token_and_gives_the_same_principal)
{
    AUTO(mem_free) char *token = hop_mint(key, "crm", anna, NOW);

    cr_assert_eq(enter(token, NOW), 0);
    principal_t *first = TAKE(got);
    cr_assert_eq(enter(token, NOW + 1), 0);
    cr_assert_eq(got, first);
    principal_unref(first);
}

Test(hop_gate, forgets_a_token_when_it_expires)
{
    AUTO(mem_free) char *token = hop_mint(key, "crm", anna, NOW);

    cr_assert_eq(enter(token, NOW), 0);
    principal_unref(TAKE(got));
    cr_assert_eq(enter(token, NOW + HOP_TTL_SECONDS + 3600), -1);
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
}

Test(hop_gate, does_not_take_a_changed_token_for_a_remembered_one)
{
    AUTO(mem_free) char *token = hop_mint(key, "crm", anna, NOW);

    cr_assert_eq(enter(token, NOW), 0);
    principal_unref(TAKE(got));
    token[strlen(token) - 5] ^= 1;
    assert_refused(token, "the signature is another");
}

Test(hop_gate, says_that_it_answers_its_gateway_only)
{
    cr_assert_eq(hop_gate_enter(gate, (span_t){ 0 }, 0, NOW, &got, &err), -1);
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
    cr_assert(strstr(err.text, "Guiche-Principal") && strstr(err.text, "--no-auth"), "%s", err.text);
}

Test(hop_gate, refuses_what_is_no_hop_token_for_this_connector)
{
    AUTO(mem_free) char *of_other_key = hop_mint(other_key, "crm", anna, NOW);
    AUTO(mem_free) char *for_other = hop_mint(key, "odoo", anna, NOW);
    AUTO(mem_free) char *of_client = mint_client_token(span_of(key), anna, NULL, "crm", NOW, 3600);

    assert_refused(of_other_key, "signed with the key of another connector");
    assert_refused(for_other, "made for another connector");
    assert_refused(of_client, "a client's token");
    assert_refused("", "empty");
    assert_refused("Bearer x", "no token at all");
}

Test(hop_gate, refuses_two_headers_even_when_one_is_good)
{
    AUTO(mem_free) char *token = hop_mint(key, "crm", anna, NOW);

    cr_assert_eq(hop_gate_enter(gate, span_of(token), 2, NOW, &got, &err), -1);
    cr_assert_eq(err.kind, ERR_UNAUTHORIZED);
}

Test(hop_gate, refuses_a_token_of_any_size)
{
    char *large = mem_alloc(100001);

    memset(large, 'a', 100000);
    assert_refused(large, "100 kB");
    mem_free(large);
}

Test(hop_gate, lets_everyone_in_as_one_tenant_when_it_is_open)
{
    hop_gate_free(gate);
    gate = hop_gate_new_open("demo");
    cr_assert_eq(enter("whatever", NOW), 0);
    cr_assert_str_eq(got->tenant_id, "demo");
    cr_assert(principal_has(got, "anything.at.all"));
}
