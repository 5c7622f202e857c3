/* See embeddings.h. */
#include "embeddings.h"

#include "search.h"

#define INSTEAD                                                                                              \
    "without it use query_points with a vector or a point_id, scroll_points with a filter, and "             \
    "upsert_points to write."

typedef struct {
    call_t *call;
    size_t count;
    embeddings_f cb;
    void *self;
} ask_t;

int embeddings_are_there(call_t *call, err_t *err)
{
    const qdrant_t *qdrant = qdrant_of(call);

    if (!qdrant->embeddings) {
        return err_set(
            err, ERR_UPSTREAM,
            "No embedding model is configured, so text cannot be turned into vectors. Whoever runs this "
            "connector can set EMBEDDINGS_URL, EMBEDDINGS_API_KEY and EMBEDDINGS_MODEL; " INSTEAD);
    }
    if (!tenants_include(&qdrant->tenants, call_tenant(call))) {
        return err_set(err, ERR_DENIED,
                       "The embeddings account of this connector does not belong to your tenant, so text "
                       "cannot be turned into vectors for you, even with a Qdrant key of your own; " INSTEAD);
    }
    return 0;
}

/* `index` says which text each is of; who leaves it out answers in order. */
json_t *embeddings_read(const json_t *reply, size_t count)
{
    const json_t *data = json_object_get(reply, "data");
    json_auto_t *vectors = json_array();

    if (json_array_size(data) != count) {
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        json_array_append_new(vectors, json_null());
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(data, i), *index = json_object_get(item, "index");
        size_t at = json_is_integer(index) ? (size_t)json_integer_value(index) : i;
        json_t *vector = json_object_get(item, "embedding");
        if (at >= count || !search_is_dense(vector) || !json_is_null(json_array_get(vectors, at))) {
            return NULL;
        }
        json_array_set(vectors, at, vector);
    }
    return TAKE(vectors);
}

static const char *own_words(const json_t *reply)
{
    const json_t *error = json_object_get(reply, "error");

    return json_string_value(json_is_string(error) ? error : json_object_get(error, "message"));
}

static void refuse(const ask_t *ask, const upstream_reply_t *reply, err_t *err)
{
    if (reply->status == 401 || reply->status == 403) {
        err_set(
            err, ERR_UPSTREAM,
            "The embeddings service refused its API key (HTTP %d). Whoever runs this connector should check "
            "EMBEDDINGS_API_KEY.",
            reply->status);
        return;
    }
    upstream_refused(qdrant_of(ask->call)->embeddings, reply, own_words(reply->json), err);
}

static void on_reply(void *self, const upstream_reply_t *reply, const err_t *err)
{
    ask_t *ask = self;
    err_t refused;

    if (err) {
        ask->cb(ask->self, NULL, err);
        return;
    }
    json_auto_t *vectors = reply->status == 200 ? embeddings_read(reply->json, ask->count) : NULL;
    if (!vectors) {
        refuse(ask, reply, &refused);
        ask->cb(ask->self, NULL, &refused);
        return;
    }
    ask->cb(ask->self, vectors, NULL);
}

void embeddings_ask(call_t *call, json_t *texts, embeddings_f cb, void *self)
{
    const qdrant_settings_t *settings = qdrant_of(call)->settings;
    size_t count = json_array_size(texts);
    json_auto_t *body = json_pack("{s:s, s:o}", "model", settings->embeddings_model, "input", texts);
    const char *key = call_printf(call, "Bearer %s", settings->embeddings_api_key);
    const char *const headers[] = { upstream_header(call, "Authorization", key), NULL };
    ask_t *ask = CALL_NEW(call, ask_t);

    *ask = (ask_t){ call, count, cb, self };
    upstream_ask(
        call, qdrant_of(call)->embeddings,
        &(upstream_request_t){
            .method = "POST", .path = "/embeddings", .headers = headers, .json = body, .repeatable = true },
        on_reply, ask);
}
