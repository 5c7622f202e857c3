/* Hop tokens at a connector's door. The cache maps SHA-256 of the whole token to its principal,
 * in slots that the digest itself chooses: bounded, without a list to keep. Only tokens that verified get in,
 * so who cannot sign cannot push others out.
 */
#include "hop_gate.h"

#include <string.h>
#include <openssl/evp.h>

#include "keys.h"
#include "mem.h"
#include "token.h"

#define CACHE_SLOTS 1024
#define CACHE_SECONDS 60
#define DIGEST_BYTES 32

typedef struct {
    unsigned char digest[DIGEST_BYTES];
    principal_t *principal; /* NULL: empty */
    int64_t until_unix;
} slot_t;

struct hop_gate {
    char *connector;
    keys_t *keys;          /* NULL: open */
    principal_t *everyone; /* when open */
    EVP_MD *sha256;        /* fetched once: EVP_sha256() looks the algorithm up each time */
    slot_t slots[CACHE_SLOTS];
};

hop_gate_t *hop_gate_new(const char *connector, const char *key_hex, err_t *err)
{
    keys_t *keys = keys_new();

    if (keys_add_secret(keys, span_of(key_hex), err) != 0) {
        keys_free(keys);
        return NULL;
    }
    hop_gate_t *gate = NEW(hop_gate_t);
    gate->connector = mem_strdup(connector);
    gate->keys = keys;
    gate->sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    return gate;
}

hop_gate_t *hop_gate_new_open(const char *tenant)
{
    static const char *const all[] = { "*" };
    hop_gate_t *gate = NEW(hop_gate_t);

    gate->everyone = principal_new("local", tenant, all, COUNT_OF(all));
    return gate;
}

static void forget(slot_t *slot)
{
    if (slot->principal) {
        principal_unref(TAKE(slot->principal));
    }
}

void hop_gate_free(hop_gate_t *gate)
{
    if (!gate) {
        return;
    }
    for (size_t i = 0; i < CACHE_SLOTS; i++) {
        forget(&gate->slots[i]);
    }
    if (gate->everyone) {
        principal_unref(gate->everyone);
    }
    keys_free(gate->keys);
    EVP_MD_free(gate->sha256);
    mem_free(gate->connector);
    mem_free(gate);
}

static slot_t *slot_of(hop_gate_t *gate, const unsigned char *digest)
{
    return &gate->slots[(digest[0] | (size_t)digest[1] << 8) % CACHE_SLOTS];
}

static int verify(hop_gate_t *gate, span_t token, slot_t *slot, int64_t now_unix, err_t *err)
{
    token_rules_t rules = {
        .use = TOKEN_HOP, .keys = gate->keys, .audience = gate->connector, .now_unix = now_unix
    };
    principal_t *principal;
    int64_t expires_unix;

    if (token_verify(&rules, token, &principal, &expires_unix, err) != 0) {
        return -1;
    }
    forget(slot);
    slot->principal = principal;
    slot->until_unix = expires_unix < now_unix + CACHE_SECONDS ? expires_unix : now_unix + CACHE_SECONDS;
    return 0;
}

static int enter_by_token(hop_gate_t *gate, span_t token, int64_t now_unix, principal_t **ret, err_t *err)
{
    unsigned char digest[DIGEST_BYTES];

    if (token.length > TOKEN_HOP_MAX_BYTES) {
        return err_set(err, ERR_UNAUTHORIZED, "The token in " HOP_HEADER " is longer than %d bytes.",
                       TOKEN_HOP_MAX_BYTES);
    }
    if (EVP_Digest(token.at, token.length, digest, NULL, gate->sha256, NULL) != 1) {
        return err_set(err, ERR_INTERNAL, "SHA-256 is not available.");
    }
    slot_t *slot = slot_of(gate, digest);
    bool known =
        slot->principal && memcmp(slot->digest, digest, DIGEST_BYTES) == 0 && now_unix < slot->until_unix;
    if (!known && verify(gate, token, slot, now_unix, err) != 0) {
        return -1;
    }
    memcpy(slot->digest, digest, DIGEST_BYTES);
    *ret = principal_ref(slot->principal);
    return 0;
}

int hop_gate_enter(hop_gate_t *gate, span_t token, size_t lines, int64_t now_unix, principal_t **ret,
                   err_t *err)
{
    if (gate->everyone) {
        *ret = principal_ref(gate->everyone);
        return 0;
    }
    if (!token.at || token.length == 0) {
        return err_set(
            err, ERR_UNAUTHORIZED,
            "This connector answers its gateway only, which sends a " HOP_HEADER
            " header; there is none. Ask the gateway, or start the connector with --no-auth TENANT.");
    }
    if (lines > 1) {
        return err_set(err, ERR_UNAUTHORIZED, "There is more than one " HOP_HEADER " header.");
    }
    return enter_by_token(gate, token, now_unix, ret, err);
}
