/* Ids of points, how points are shown, which points a write is for, texts as points. */
#include <criterion/criterion.h>
#include <string.h>

#include "json_of.h"
#include "mem.h"
#include "point_id.h"
#include "points.h"
#include "selection.h"
#include "text_points.h"

#define UUID "7d9a1f0e-54a0-4c1e-9a53-0d3c2b1a0f4e"

static err_t err;

static char *dumped(const json_t *json)
{
    return json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
}

static void expect_json(json_t *json, const char *text)
{
    AUTO(mem_free) char *is = dumped(json);

    cr_assert_str_eq(is, text);
    json_decref(json);
}

Test(qdrant_points, reads_ids_as_numbers_texts_of_numbers_and_uuids)
{
    static const char *const pairs[][2] = { { "0", "0" },
                                            { "\"42\"", "42" },
                                            { "9223372036854775807", "9223372036854775807" },
                                            { "\"" UUID "\"", "\"" UUID "\"" },
                                            { "\"7D9A1F0E54a04c1e9a530d3c2b1a0f4e\"", "\"" UUID "\"" },
                                            { "\"7D9A1F0E-54A0-4C1E-9A53-0D3C2B1A0F4E\"", "\"" UUID "\"" },
                                            { "\"urn:uuid:" UUID "\"", "\"" UUID "\"" } };

    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        json_auto_t *given = json_of(pairs[i][0]);
        json_t *id;
        cr_assert_eq(point_id_read(given, "id", &id, &err), 0, "%s", err.text);
        expect_json(id, pairs[i][1]);
    }
}

Test(qdrant_points, refuses_ids_that_are_none)
{
    static const char *const wrong[] = { "-1",
                                         "1.0",
                                         "\"\"",
                                         "\"-1\"",
                                         "\" 1\"",
                                         "\"1 \"",
                                         "\"abc\"",
                                         "true",
                                         "null",
                                         "[1]",
                                         "\"1\\u0000\"",
                                         "\"9223372036854775808\"",
                                         "\"7d9a1f0e-54a0-4c1e-9a53\"",
                                         "\"urn:uuid:1\"" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        json_auto_t *given = json_loads(wrong[i], JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        json_t *id;
        cr_assert_eq(point_id_read(given, "ids[2]", &id, &err), -1, "%s", wrong[i]);
        cr_assert(strstr(err.text, "ids[2] must be the id of a point"), "%s", err.text);
    }
}

Test(qdrant_points, shows_points_one_line_each)
{
    json_auto_t *points =
        json_of("[{\"id\":17,\"score\":0.87345671653747559,\"version\":3,\"payload\":{\"name\":\"Desk "
                "Lamp\\nLED\",\"price\":39.9,\"tags\":[\"a\",1]}},{\"id\":\"" UUID
                "\",\"payload\":null,\"vector\":[1,2]}]");
    AUTO_BUF text = { 0 };

    points_add_text(&text, points, 2);
    cr_assert_str_eq(buf_text(&text), "\n1. id 17, score 0.8735: name: Desk Lamp LED; price: 39.9; tags: "
                                      "[\"a\",1]\n2. id " UUID ", vector [1, 2] of 2 numbers");
    expect_json(points_json(points, 2),
                "[{\"id\":17,\"payload\":{\"name\":\"Desk "
                "Lamp\\nLED\",\"price\":39.899999999999999,\"tags\":[\"a\",1]},"
                "\"score\":0.87345669999999997},{\"id\":\"" UUID "\",\"vector\":[1,2]}]");
}

Test(qdrant_points, cuts_long_payload_in_the_text_only_and_says_so)
{
    char filler[5001];
    AUTO_BUF text = { 0 };

    memset(filler, 'x', 5000);
    filler[5000] = '\0';
    json_auto_t *points = json_pack("[{s:i, s:{s:s, s:s, s:s, s:s, s:s}}]", "id", 1, "payload", "a", filler,
                                    "b", filler, "c", filler, "d", filler, "e", "last");
    points_add_text(&text, points, 1);
    cr_assert_lt(text.length, 2500);
    cr_assert(strstr(buf_text(&text), "xxx...; b: xxx"));
    cr_assert(strstr(buf_text(&text), "Long texts are cut"), "%s", buf_text(&text));
    json_auto_t *whole = points_json(points, 1);
    const json_t *payload = json_object_get(json_array_get(whole, 0), "payload");
    cr_assert_eq(json_string_length(json_object_get(payload, "d")), 5000);
}

Test(qdrant_points, shortens_the_lines_of_a_long_page_and_keeps_every_id)
{
    char filler[1001];
    AUTO_BUF text = { 0 };
    json_auto_t *points = json_array();

    memset(filler, 'x', 1000);
    filler[1000] = '\0';
    for (int i = 0; i < 1000; i++) {
        json_array_append_new(points,
                              json_pack("{s:i, s:{s:s, s:s}}", "id", i, "payload", filler, filler, "b", "c"));
    }
    points_add_text(&text, points, 100);
    cr_assert_lt(text.length, 45000);
    cr_assert(strstr(buf_text(&text), "\n100. id 99: xxx"));
    buf_clear(&text);
    points_add_text(&text, points, 1000);
    cr_assert_lt(text.length, 300000);
    cr_assert(strstr(buf_text(&text), "\n1000. id 999: xxx"));
}

Test(qdrant_points, shows_that_there_are_vectors_and_how_long_they_are)
{
    json_auto_t *points = json_of("[{\"id\":1,\"vector\":[0.5,1,2,3]},{\"id\":2,\"vector\":{\"a\":[1],\"s\":"
                                  "{\"indices\":[1,7],\"values\":[1,2]},\"m\":[[1,2],[3,4]]}}]");
    AUTO_BUF text = { 0 };

    points_add_text(&text, points, 2);
    cr_assert_str_eq(buf_text(&text),
                     "\n1. id 1, vector [0.5, 1, 2, ...] of 4 numbers\n2. id 2, vector a [1] of 1 "
                     "numbers, vector s sparse, 2 numbers, vector m 2 vectors");
}

Test(qdrant_points, keep_apart_scores_that_are_very_small)
{
    json_auto_t *points = json_of("[{\"id\":1,\"score\":3.2000001e-8},{\"id\":2,\"score\":12345.678711}]");
    json_auto_t *shown = points_json(points, 2);

    cr_assert_eq(json_number_value(json_object_get(json_array_get(shown, 0), "score")), 3.2e-8);
    cr_assert_eq(json_number_value(json_object_get(json_array_get(shown, 1), "score")), 12345.68);
}

static int select_with(const char *ids, const char *filter, json_t **ret)
{
    json_auto_t *body = json_object();
    json_auto_t *given_ids = ids ? json_of(ids) : NULL;
    json_auto_t *given_filter = filter ? json_of(filter) : NULL;

    if (selection_add(body, given_ids, given_filter, &err)) {
        return -1;
    }
    *ret = json_incref(body);
    return 0;
}

Test(qdrant_points, are_selected_by_ids_or_a_filter_that_has_conditions)
{
    json_t *body;

    cr_assert_eq(select_with("[1,\"2\"]", NULL, &body), 0);
    expect_json(body, "{\"points\":[1,2]}");
    cr_assert_eq(select_with(NULL, "{\"must\":[{\"has_id\":[1]}]}", &body), 0);
    expect_json(body, "{\"filter\":{\"must\":[{\"has_id\":[1]}]}}");
    cr_assert_eq(select_with(NULL, NULL, &body), -1);
    cr_assert_eq(select_with("[1]", "{\"must\":[{\"has_id\":[1]}]}", &body), -1);
    cr_assert_eq(select_with("[]", NULL, &body), -1);
    cr_assert_eq(select_with(NULL, "{}", &body), -1);
    cr_assert(strstr(err.text, "every point"), "%s", err.text);
    cr_assert_eq(select_with(NULL, "{\"must\":[],\"must_not\":[]}", &body), -1);
    cr_assert_eq(select_with(NULL, "{\"must\":[{\"must\":[]}]}", &body), -1);
    cr_assert_eq(select_with("[]", "{\"must\":[]}", &body), -1);
    cr_assert(strstr(err.text, "every point"), "%s", err.text);
    cr_assert_eq(select_with("[1]", "{\"color\":\"red\"}", &body), -1,
                 "a filter that is none may not be dropped");
}

Test(qdrant_points, are_selected_by_what_is_not_empty)
{
    json_t *body;

    cr_assert_eq(select_with("[1]", "{}", &body), 0);
    expect_json(body, "{\"points\":[1]}");
    cr_assert_eq(select_with("[1]", "{\"must\":[],\"should\":[]}", &body), 0);
    expect_json(body, "{\"points\":[1]}");
    cr_assert_eq(select_with("[]", "{\"must\":[{\"has_id\":[\"1\"]}]}", &body), 0);
    expect_json(body, "{\"filter\":{\"must\":[{\"has_id\":[1]}]}}");
}

Test(qdrant_points, gives_a_text_the_same_id_each_time_and_elsewhere_another)
{
    char a[TEXT_ID_SIZE], b[TEXT_ID_SIZE];

    cr_assert_str_eq(text_points_id("faq", "hello", a), text_points_id("faq", "hello", b));
    cr_assert_str_neq(a, text_points_id("faq2", "hello", b));
    cr_assert_str_neq(a, text_points_id("faq", "hellO", b));
    cr_assert_eq(a[14], '8', "RFC 9562, version 8: %s", a);
    cr_assert(strchr("89ab", a[19]), "%s", a);
    json_auto_t *id = json_string(a);
    json_t *read;
    cr_assert_eq(point_id_read(id, "id", &read, &err), 0, "%s", err.text);
    json_decref(read);
}

Test(qdrant_points, are_made_of_texts_with_their_payload)
{
    json_auto_t *given =
        json_of("[{\"text\":\"a\",\"id\":\"7\",\"payload\":{\"topic\":\"x\"}},{\"text\":\"b\",\"id\":8}]");
    json_auto_t *vectors = json_of("[[1,2]]");
    json_t *items;

    cr_assert_eq(text_points_read(given, "faq", "text", &items, &err), 0, "%s", err.text);
    expect_json(text_points_batch(items, 0, 1, vectors, NULL),
                "{\"points\":[{\"id\":7,\"payload\":{\"text\":\"a\",\"topic\":\"x\"},\"vector\":[1,2]}]}");
    expect_json(text_points_batch(items, 1, 2, vectors, "body"),
                "{\"points\":[{\"id\":8,\"payload\":{\"text\":\"b\"},\"vector\":{\"body\":[1,2]}}]}");
    json_decref(items);
}

Test(qdrant_points, refuses_a_text_that_is_too_long)
{
    char *text = mem_alloc(40001);
    json_t *items;

    memset(text, 'a', 40000);
    json_auto_t *given = json_pack("[s, s]", "fine", text);
    cr_assert_eq(text_points_read(given, "faq", "text", &items, &err), -1);
    cr_assert(strstr(err.text, "texts[1] is longer"), "%s", err.text);
    mem_free(text);
}
