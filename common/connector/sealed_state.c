/* See sealed_state.h. Layout before base64url: expiry (8 bytes, big endian, seconds), nonce (12), ciphertext,
 * tag (16). A random nonce is good for 2^32 seals under one key, more than a process lives to make; replicas
 * share the key, so that it is one count for all of them.
 */
#include "sealed_state.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base64.h"
#include "mem.h"

#define KEY_BYTES 32
#define EXPIRY_BYTES 8
#define NONCE_BYTES 12
#define TAG_BYTES 16
#define HEAD_BYTES (EXPIRY_BYTES + NONCE_BYTES)

struct sealer {
    unsigned char key[KEY_BYTES];
};

/* OpenSSL fails here only without memory or without the algorithm. */
static void must(int ok)
{
    if (ok != 1) {
        abort();
    }
}

sealer_t *sealer_new(const char *hop_key)
{
    static const unsigned char use[] =
        "guiche request state 1"; /* keys of one secret are told apart by use */
    sealer_t *sealer = NEW(sealer_t);

    if (hop_key) {
        must(HMAC(EVP_sha256(), hop_key, (int)strlen(hop_key), use, sizeof(use) - 1, sealer->key, NULL) !=
             NULL);
    } else {
        must(RAND_bytes(sealer->key, KEY_BYTES));
    }
    return sealer;
}

void sealer_free(sealer_t *sealer)
{
    if (sealer) {
        mem_wipe(sealer->key, KEY_BYTES);
        mem_free(sealer);
    }
}

static void write_seconds(unsigned char *at, int64_t seconds)
{
    for (int i = EXPIRY_BYTES - 1; i >= 0; i--, seconds >>= 8) {
        at[i] = (unsigned char)(seconds & 255);
    }
}

static int64_t read_seconds(const unsigned char *at)
{
    uint64_t seconds = 0;

    for (int i = 0; i < EXPIRY_BYTES; i++) {
        seconds = seconds << 8 | at[i];
    }
    return (int64_t)seconds;
}

static void seal(const sealer_t *sealer, EVP_CIPHER_CTX *cipher, span_t bound, span_t plain,
                 unsigned char *head)
{
    unsigned char *body = head + HEAD_BYTES;
    int length;

    must(EVP_EncryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, sealer->key, head + EXPIRY_BYTES));
    must(EVP_EncryptUpdate(cipher, NULL, &length, head, EXPIRY_BYTES));
    must(EVP_EncryptUpdate(cipher, NULL, &length, (const unsigned char *)bound.at, (int)bound.length));
    must(EVP_EncryptUpdate(cipher, body, &length, (const unsigned char *)plain.at, (int)plain.length));
    must(EVP_EncryptFinal_ex(cipher, body + length, &length));
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_BYTES, body + plain.length));
}

void sealer_seal(const sealer_t *sealer, span_t bound, span_t plain, int64_t now_unix, buf_t *out)
{
    size_t size = HEAD_BYTES + plain.length + TAG_BYTES;
    AUTO(mem_free) unsigned char *sealed = mem_alloc(size);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();

    must(cipher != NULL);
    write_seconds(sealed, now_unix + STATE_HOLDS_S);
    must(RAND_bytes(sealed + EXPIRY_BYTES, NONCE_BYTES));
    seal(sealer, cipher, bound, plain, sealed);
    EVP_CIPHER_CTX_free(cipher);
    base64url_encode(out, sealed, size);
}

/* plain has room for length bytes. */
static bool opens(const sealer_t *sealer, EVP_CIPHER_CTX *cipher, span_t bound, unsigned char *head,
                  size_t length, unsigned char *plain)
{
    unsigned char *body = head + HEAD_BYTES;
    int done;

    must(EVP_DecryptInit_ex(cipher, EVP_aes_256_gcm(), NULL, sealer->key, head + EXPIRY_BYTES));
    must(EVP_DecryptUpdate(cipher, NULL, &done, head, EXPIRY_BYTES));
    must(EVP_DecryptUpdate(cipher, NULL, &done, (const unsigned char *)bound.at, (int)bound.length));
    must(EVP_DecryptUpdate(cipher, plain, &done, body, (int)length));
    must(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, TAG_BYTES, body + length));
    return EVP_DecryptFinal_ex(cipher, plain + length, &done) == 1;
}

int sealer_open(const sealer_t *sealer, span_t bound, span_t sealed, int64_t now_unix, buf_t *out, err_t *err)
{
    AUTO_BUF bytes = { 0 };

    if (base64url_decode(&bytes, sealed) != 0 || bytes.length < HEAD_BYTES + TAG_BYTES) {
        return err_set(err, ERR_CALLER, "requestState is not one that was given out here.");
    }
    size_t length = bytes.length - HEAD_BYTES - TAG_BYTES;
    AUTO(mem_free) unsigned char *plain = mem_alloc(length + 1);
    unsigned char *head = (unsigned char *)bytes.data;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    must(cipher != NULL);
    bool sound = opens(sealer, cipher, bound, head, length, plain);
    EVP_CIPHER_CTX_free(cipher);
    if (!sound) {
        return err_set(err, ERR_CALLER,
                       "requestState was changed, or was given out for another request. Send it back as it "
                       "came, with the same arguments.");
    }
    if (read_seconds(head) <= now_unix) {
        return err_set(err, ERR_CALLER, "requestState is older than 10 minutes. Begin the request anew.");
    }
    buf_add(out, plain, length);
    return 0;
}
