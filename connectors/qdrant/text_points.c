/* See text_points.h. */
#include "text_points.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "point_id.h"
#include "span.h"

#define MAX_TEXTS 500
#define TEXT_MAX_BYTES 32768

const char *text_points_id(const char *collection, const char *text, char out[TEXT_ID_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    char *at = out;

    EVP_DigestInit_ex(context, EVP_sha256(), NULL);
    EVP_DigestUpdate(context, collection, strlen(collection) + 1);
    EVP_DigestUpdate(context, text, strlen(text));
    EVP_DigestFinal_ex(context, hash, NULL);
    EVP_MD_CTX_free(context);
    hash[6] = (unsigned char)((hash[6] & 0x0f) | 0x80);
    hash[8] = (unsigned char)((hash[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < 16; i++) {
        at += snprintf(at, 4, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", hash[i]);
    }
    return out;
}

static int check_text(const char *text, const char *where, err_t *err)
{
    if (!text || *text == '\0') {
        return err_set(err, ERR_CALLER,
                       "%s must be a text, or an object with text, and perhaps id and payload.", where);
    }
    if (strlen(text) > TEXT_MAX_BYTES) {
        return err_set(err, ERR_CALLER, "%s is longer than %d bytes: store it in parts.", where,
                       TEXT_MAX_BYTES);
    }
    return 0;
}

static int check_members(const json_t *item, const char *text_field, const char *where, err_t *err)
{
    const json_t *payload = json_object_get(item, "payload");
    size_t known = 1 + (payload != NULL) + (json_object_get(item, "id") != NULL);

    if (json_object_size(item) != known || (payload && !json_is_object(payload))) {
        return err_set(err, ERR_CALLER,
                       "%s may have text, id, and payload (an object of fields), and nothing else.", where);
    }
    if (json_object_get(payload, text_field)) {
        return err_set(err, ERR_CALLER,
                       "The payload of %s has a field %s, which is where the text is kept: rename it, or set "
                       "text_field.",
                       where, text_field);
    }
    return 0;
}

static int read_id(const json_t *given, const char *collection, const char *text, const char *where,
                   json_t **ret, err_t *err)
{
    AUTO(mem_free) char *place = mem_printf("%s.id", where);
    char id[TEXT_ID_SIZE];

    if (given) {
        return point_id_read(given, place, ret, err);
    }
    *ret = json_string(text_points_id(collection, text, id));
    return 0;
}

static int read_item(const json_t *given, const char *collection, const char *text_field, size_t i,
                     json_t **ret, err_t *err)
{
    AUTO(mem_free) char *where = mem_printf("texts[%zu]", i);
    const char *text = json_string_value(json_is_object(given) ? json_object_get(given, "text") : given);
    json_t *id = NULL;

    if (check_text(text, where, err) ||
        (json_is_object(given) && check_members(given, text_field, where, err)) ||
        read_id(json_object_get(given, "id"), collection, text, where, &id, err)) {
        return -1;
    }
    json_t *payload = json_object();
    json_object_set_new(payload, text_field, json_string(text));
    json_object_update(payload, json_object_get(given, "payload"));
    *ret = json_pack("{s:s, s:o, s:o}", "text", text, "id", id, "payload", payload);
    return 0;
}

int text_points_read(const json_t *given, const char *collection, const char *text_field, json_t **ret,
                     err_t *err)
{
    json_auto_t *items = json_array();
    size_t count = json_array_size(given);
    json_t *item = NULL;

    if (count == 0 || count > MAX_TEXTS) {
        return err_set(err, ERR_CALLER, "texts must be an array of 1 to %d texts.", MAX_TEXTS);
    }
    for (size_t i = 0; i < count; i++) {
        if (read_item(json_array_get(given, i), collection, text_field, i, &item, err)) {
            return -1;
        }
        json_array_append_new(items, item);
    }
    *ret = TAKE(items);
    return 0;
}

json_t *text_points_batch(const json_t *items, size_t from, size_t to, const json_t *vectors,
                          const char *vector_name)
{
    json_t *points = json_array();

    for (size_t i = from; i < to; i++) {
        const json_t *item = json_array_get(items, i);
        json_t *vector = json_incref(json_array_get(vectors, i - from));
        json_array_append_new(points,
                              json_pack("{s:O, s:O, s:o}", "id", json_object_get(item, "id"), "payload",
                                        json_object_get(item, "payload"), "vector",
                                        vector_name ? json_pack("{s:o}", vector_name, vector) : vector));
    }
    return json_pack("{s:o}", "points", points);
}
