/* See search.h. */
#include "search.h"

#include <math.h>
#include <string.h>

#include "embeddings.h"
#include "filter.h"
#include "mem.h"
#include "page.h"
#include "point_id.h"
#include "points.h"
#include "qdrant_client.h"

typedef struct {
    call_t *call;
    const search_t *search;
} flow_t;

static void on_vectors(void *self, const json_t *vectors, const err_t *err);
static void ask(flow_t *f, json_t *query);
static void on_found(void *self, const json_t *result, const err_t *err);

bool search_is_dense(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!json_is_number(json_array_get(value, i))) {
            return false;
        }
    }
    return json_array_size(value) > 0;
}

static bool is_multivector(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        if (!search_is_dense(json_array_get(value, i))) {
            return false;
        }
    }
    return json_array_size(value) > 0;
}

static bool are_indices(const json_t *value)
{
    for (size_t i = 0; i < json_array_size(value); i++) {
        const json_t *index = json_array_get(value, i);
        if (!json_is_integer(index) || json_integer_value(index) < 0) {
            return false;
        }
    }
    return json_array_size(value) > 0;
}

static bool is_sparse(const json_t *value)
{
    const json_t *indices = json_object_get(value, "indices"), *values = json_object_get(value, "values");

    return json_object_size(value) == 2 && are_indices(indices) && search_is_dense(values) &&
           json_array_size(indices) == json_array_size(values);
}

int search_check_vector(const json_t *vector, const char *where, err_t *err)
{
    if (search_is_dense(vector) || is_multivector(vector) || is_sparse(vector)) {
        return 0;
    }
    return err_set(err, ERR_CALLER,
                   "%s must be an array of numbers such as [0.1, 0.7], or {\"indices\": [...], \"values\": "
                   "[...]} of a sparse vector.",
                   where);
}

json_t *search_body(const search_t *search, json_t *query)
{
    json_t *body = json_pack("{s:o, s:I, s:I, s:o}", "query", query, "limit", (json_int_t)search->limit + 1,
                             "offset", (json_int_t)search->offset, "with_payload",
                             points_payload(search->with_payload, &search->payload_fields));

    filter_add(body, search->filter);
    if (search->vector_name) {
        json_object_set_new(body, "using", json_string(search->vector_name));
    }
    if (!isnan(search->score_threshold)) {
        json_object_set_new(body, "score_threshold", json_real(search->score_threshold));
    }
    return body;
}

void search_run(call_t *call, const search_t *search)
{
    flow_t *f = CALL_NEW(call, flow_t);
    json_t *id = NULL;
    err_t err;

    *f = (flow_t){ call, search };
    if ((search->text != NULL) + (search->vector != NULL) + (search->point_id != NULL) != 1) {
        call_failf(call, ERR_CALLER, "Say what to search for by exactly one of vector, point_id and text.");
    } else if (filter_check(search->filter, &err) || (search->text && embeddings_are_there(call, &err)) ||
               (search->vector && search_check_vector(search->vector, "vector", &err)) ||
               (search->point_id && point_id_read(search->point_id, "point_id", &id, &err))) {
        call_fail(call, &err);
    } else if (search->text) {
        embeddings_ask(call, json_pack("[s]", search->text), on_vectors, f);
    } else {
        ask(f, search->vector ? json_incref(search->vector) : id);
    }
}

static void on_vectors(void *self, const json_t *vectors, const err_t *err)
{
    flow_t *f = self;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    ask(f, json_incref(json_array_get(vectors, 0)));
}

static void ask(flow_t *f, json_t *query)
{
    qdrant_ask(f->call,
               &(qdrant_request_t){ .method = "POST",
                                    .member = "points",
                                    .collection = f->search->collection,
                                    .suffix = "/points/query",
                                    .body = search_body(f->search, query),
                                    .read = true },
               on_found, f);
}

/* Qdrant's words alone would send the model looking for a mistake in its arguments. */
static void fail(const flow_t *f, const err_t *err)
{
    if (f->search->text && strstr(err->text, "imension error")) {
        call_failf(
            f->call, ERR_CALLER,
            "The vectors of %s were not made by the embedding model that is configured (%s), so it cannot "
            "be searched by text: %s",
            f->search->collection, qdrant_of(f->call)->settings->embeddings_model, err->text);
        return;
    }
    call_fail(f->call, err);
}

static void on_found(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    const search_t *search = f->search;
    const json_t *points = json_object_get(result, "points");
    page_t page = page_of(json_array_size(points), search->limit, search->offset);
    AUTO_BUF text = { 0 };

    if (err) {
        fail(f, err);
        return;
    }
    buf_add_count(&text, page.count, "point");
    buf_addf(&text, " of %s%s", search->collection, page.count > 0 ? ", the nearest first:" : ".");
    points_add_text(&text, points, page.count);
    json_t *answer =
        json_pack("{s:s, s:o}", "collection", search->collection, "points", points_json(points, page.count));
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
