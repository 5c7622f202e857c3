/* What a search sends, which vectors it takes, what is read of embeddings and of a collection. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "collection_info.h"
#include "embeddings.h"
#include "json_of.h"
#include "mem.h"
#include "search.h"

static err_t err;

static void expect_json(json_t *json, const char *text)
{
    AUTO(mem_free) char *is = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    cr_assert_str_eq(is, text);
    json_decref(json);
}

Test(qdrant_search, asks_for_one_point_more_than_the_page)
{
    search_t search = { .limit = 10, .score_threshold = NAN, .with_payload = true };

    expect_json(search_body(&search, json_integer(7)),
                "{\"limit\":11,\"offset\":0,\"query\":7,\"with_payload\":true}");
}

Test(qdrant_search, sends_what_was_asked_and_no_empty_filter)
{
    const char *fields[] = { "name", "price" };
    json_auto_t *filter = json_of("{\"must\":[{\"has_id\":[1]}]}");
    json_auto_t *empty = json_of("{\"must\":[]}");
    search_t search = { .limit = 1,
                        .offset = 20,
                        .score_threshold = 0.5,
                        .with_payload = true,
                        .payload_fields = { fields, 2 },
                        .vector_name = "image",
                        .filter = filter };

    expect_json(search_body(&search, json_of("[0.5,1]")),
                "{\"filter\":{\"must\":[{\"has_id\":[1]}]},\"limit\":2,\"offset\":20,\"query\":[0.5,1],"
                "\"score_threshold\":0.5,\"using\":\"image\",\"with_payload\":[\"name\",\"price\"]}");
    search.filter = empty;
    search.with_payload = false;
    search.vector_name = NULL;
    search.score_threshold = NAN;
    expect_json(search_body(&search, json_integer(1)),
                "{\"limit\":2,\"offset\":20,\"query\":1,\"with_payload\":false}");
}

Test(qdrant_search, takes_dense_sparse_and_multivectors_only)
{
    static const char *const right[] = { "[1,2.5]", "[[1,2],[3,4]]",
                                         "{\"indices\":[1,7],\"values\":[0.5,1]}" };
    static const char *const wrong[] = {
        "[]",
        "[\"a\"]",
        "[1,null]",
        "[[1],[]]",
        "[[1],2]",
        "{}",
        "{\"indices\":[1],\"values\":[1,2]}",
        "{\"indices\":[1],\"values\":[1],\"more\":1}",
        "{\"indices\":[1.5],\"values\":[1]}",
        "{\"indices\":[-1],\"values\":[1]}",
        "\"[1,2]\"",
        "7",
    };

    for (size_t i = 0; i < COUNT_OF(right); i++) {
        json_auto_t *vector = json_of(right[i]);
        cr_assert_eq(search_check_vector(vector, "vector", &err), 0, "%s", right[i]);
    }
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        json_auto_t *vector = json_of(wrong[i]);
        cr_assert_eq(search_check_vector(vector, "points[3].vector", &err), -1, "%s", wrong[i]);
        cr_assert(strstr(err.text, "points[3].vector must be"), "%s", err.text);
    }
}

Test(qdrant_search, puts_embeddings_into_the_order_of_their_texts)
{
    json_auto_t *reply =
        json_of("{\"data\":[{\"index\":1,\"embedding\":[2]},{\"index\":0,\"embedding\":[1]}]}");
    json_auto_t *plain = json_of("{\"data\":[{\"embedding\":[1]},{\"embedding\":[2]}]}");

    expect_json(embeddings_read(reply, 2), "[[1],[2]]");
    expect_json(embeddings_read(plain, 2), "[[1],[2]]");
}

Test(qdrant_search, does_not_believe_embeddings_that_do_not_fit_their_texts)
{
    static const char *const wrong[] = {
        "{}",
        "{\"data\":[]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":2,\"embedding\":[2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":-1,\"embedding\":[2]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":[]}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":\"AACAPw==\"}]}",
        "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":1,\"embedding\":[\"x\"]}]}",
        "[1,2]",
    };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        json_auto_t *reply = json_of(wrong[i]);
        cr_assert_null(embeddings_read(reply, 2), "%s", wrong[i]);
    }
    cr_assert_null(embeddings_read(NULL, 2));
}

static json_t *info(const char *vectors)
{
    return json_pack("{s:{s:{s:o}}}", "config", "params", "vectors", json_of(vectors));
}

Test(qdrant_search, knows_the_size_of_a_collections_vectors)
{
    json_auto_t *unnamed = info("{\"size\":4,\"distance\":\"Dot\",\"on_disk\":null}");
    json_auto_t *named =
        info("{\"a\":{\"size\":4,\"distance\":\"Dot\"},\"b\":{\"size\":8,\"distance\":\"Cosine\"}}");
    json_auto_t *sparse_only = info("{}");
    json_int_t size = 0;

    cr_assert_eq(collection_vector_size(unnamed, "c", NULL, &size, &err), 0);
    cr_assert_eq(size, 4);
    cr_assert_eq(collection_vector_size(named, "c", "b", &size, &err), 0);
    cr_assert_eq(size, 8);
    cr_assert_eq(collection_vector_size(named, "c", NULL, &size, &err), -1);
    cr_assert(strstr(err.text, "a, b"), "%s", err.text);
    cr_assert_eq(collection_vector_size(named, "c", "size", &size, &err), -1);
    cr_assert_eq(collection_vector_size(unnamed, "c", "a", &size, &err), -1);
    cr_assert(strstr(err.text, "leave vector_name out"), "%s", err.text);
    cr_assert_eq(collection_vector_size(sparse_only, "c", NULL, &size, &err), -1);
    cr_assert_eq(collection_vector_size(NULL, "c", NULL, &size, &err), -1);
    expect_json(collection_vectors(unnamed), "[{\"distance\":\"Dot\",\"name\":null,\"size\":4}]");
    expect_json(collection_vectors(sparse_only), "[]");
}
