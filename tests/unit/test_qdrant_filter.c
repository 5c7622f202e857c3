/* Filters: what Qdrant takes passes, what it does not is refused by its place. */
#include <criterion/criterion.h>
#include <string.h>

#include "buf.h"
#include "filter.h"
#include "mem.h"

static err_t err;

static int check(const char *text)
{
    json_error_t where;
    json_auto_t *filter = json_loads(text, 0, &where);

    cr_assert_not_null(filter, "%s: %s", text, where.text);
    memset(&err, 0, sizeof(err));
    return filter_check(filter, &err);
}

Test(qdrant_filter, takes_what_qdrant_takes)
{
    static const char *const filters[] = {
        "{}",
        "{\"must\":[]}",
        "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":\"x\"}}]}",
        "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":true}},{\"key\":\"b\",\"match\":{\"value\":3}}]}",
        "{\"should\":[{\"key\":\"a\",\"match\":{\"any\":[\"x\",\"y\"]}},{\"key\":\"a\",\"match\":{\"except\":"
        "[1]}}]}",
        "{\"must\":[{\"key\":\"a\",\"match\":{\"text\":\"some words\"}}]}",
        "{\"must_not\":[{\"key\":\"a.b[].c\",\"range\":{\"gt\":1,\"lte\":2.5}}]}",
        "{\"must\":[{\"key\":\"t\",\"range\":{\"gte\":\"2026-11-20T10:00:00Z\"}}]}",
        "{\"must\":[{\"key\":\"t\",\"range\":{\"gte\":\"2026-11-20\",\"lt\":\"2026-11-20 10:00:00\"}}]}",
        "{\"must\":[{\"key\":\"a\",\"values_count\":{\"gte\":0}}]}",
        "{\"must\":[{\"key\":\"g\",\"geo_radius\":{\"center\":{\"lon\":-46.6,\"lat\":-23.5},\"radius\":0}}]}",
        "{\"must\":[{\"key\":\"g\",\"geo_bounding_box\":{\"top_left\":{\"lon\":0,\"lat\":90},\"bottom_"
        "right\":"
        "{\"lon\":180,\"lat\":-90}}}]}",
        "{\"must\":[{\"key\":\"g\",\"geo_polygon\":{\"exterior\":{\"points\":[{\"lon\":0,\"lat\":0},{\"lon\":"
        "1,"
        "\"lat\":0},{\"lon\":1,\"lat\":1},{\"lon\":0,\"lat\":0}]}}}]}",
        "{\"must\":[{\"key\":\"a\",\"is_null\":true},{\"key\":\"a\",\"is_empty\":false}]}",
        "{\"must\":[{\"is_empty\":{\"key\":\"a\"}},{\"is_null\":{\"key\":\"a\"}}]}",
        "{\"must\":[{\"has_id\":[1,\"7d9a1f0e-54a0-4c1e-9a53-0d3c2b1a0f4e\"]},{\"has_vector\":\"image\"}]}",
        "{\"must\":[{\"nested\":{\"key\":\"a\",\"filter\":{\"must\":[{\"key\":\"b\",\"match\":{\"value\":1}}]"
        "}}}]}",
        "{\"must\":[{\"should\":[{\"key\":\"a\",\"match\":{\"value\":1}}]}]}",
        "{\"min_should\":{\"conditions\":[{\"key\":\"a\",\"match\":{\"value\":1}}],\"min_count\":1}}",
    };

    for (size_t i = 0; i < COUNT_OF(filters); i++) {
        cr_assert_eq(check(filters[i]), 0, "%s: %s", filters[i], err.text);
    }
    cr_assert_eq(filter_check(NULL, &err), 0);
}

static const struct {
    const char *filter, *text;
} wrong[] = {
    { "{\"color\":\"red\"}", "filter has \"color\"" },
    { "{\"must\":[3]}", "filter.must[0] must be a condition" },
    { "{\"must\":[{}]}", "filter.must[0] must be a condition" },
    { "{\"must\":\"a\"}", "filter.must must be an array" },
    { "{\"must_not\":{\"key\":\"a\",\"match\":{\"value\":1}}}", "filter.must_not must be an array" },
    { "{\"must\":[{\"color\":\"red\"}]}", "filter.must[0] has no \"key\"" },
    { "{\"must\":[{\"key\":\"a\"}]}", "filter.must[0] needs a \"key\"" },
    { "{\"must\":[{\"key\":7,\"match\":{\"value\":1}}]}", "filter.must[0] needs a \"key\"" },
    { "{\"must\":[{\"key\":\"a\",\"equals\":1}]}", "filter.must[0] has \"equals\"" },
    { "{\"must\":[{\"key\":\"a\",\"match\":\"x\"}]}",
      "filter.must[0].match must be an object such as {\"value\": \"audio\"}" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"any\":[\"x\",1]}}]}", "all texts or all integers" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1},\"range\":{\"lt\":2}}]}",
      "filter.must[0] has several tests" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{\"lte\":\"40\"}}]}", "numbers without quotes" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{\"lte\":\"yesterday\"}}]}", "numbers without quotes" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{\"lte\":\"2026-11-2\"}}]}", "numbers without quotes" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{\"lte\":\"2026-11-200\"}}]}", "numbers without quotes" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":39.9}}]}", "got 39.9." },
    { "{\"must\":[{\"key\":\"a\",\"match\":{}}]}", "filter.must[0].match needs one of value" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"eq\":1}}]}", "filter.must[0].match has \"eq\"" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1,\"text\":\"a\"}}]}",
      "filter.must[0].match needs one of" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":1.5}}]}", "use range; got 1.5" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"value\":[\"x\"]}}]}", "several: any" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"any\":[]}}]}", "filter.must[0].match.any must be an array" },
    { "{\"must\":[{\"key\":\"a\",\"match\":{\"any\":[true]}}]}", "must be a text or an integer" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{}}]}", "filter.must[0].range needs lt" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{\"gt\":1,\"lt\":\"2026-01-01T00:00:00Z\"}}]}", "range needs lt" },
    { "{\"must\":[{\"key\":\"a\",\"range\":{\"gt\":true}}]}", "range needs lt" },
    { "{\"must\":[{\"key\":\"a\",\"values_count\":{\"gt\":1.5}}]}", "takes counts" },
    { "{\"must\":[{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lon\":0,\"lat\":91},\"radius\":1}}]}",
      "filter.must[0].geo_radius.center needs \"lon\" and \"lat\"" },
    { "{\"must\":[{\"key\":\"a\",\"geo_radius\":{\"center\":{\"lon\":0,\"lat\":0},\"radius\":-1}}]}",
      "metres" },
    { "{\"must\":[{\"key\":\"a\",\"geo_polygon\":{\"exterior\":{\"points\":[]}}}]}",
      "exterior needs \"points\"" },
    { "{\"must\":[{\"key\":\"a\",\"is_null\":\"yes\"}]}", "filter.must[0].is_null must be true or false" },
    { "{\"must\":[{\"is_empty\":\"a\"}]}", "filter.must[0].is_empty must be an object" },
    { "{\"must\":[{\"has_id\":[\"x\"]}]}", "filter.must[0].has_id[0] must be the id of a point" },
    { "{\"must\":[{\"has_id\":[]}]}", "filter.must[0].has_id must be an array" },
    { "{\"must\":[{\"has_id\":[1],\"is_null\":{\"key\":\"a\"}}]}", "nothing beside" },
    { "{\"must\":[{\"has_vector\":1}]}", "name of a vector" },
    { "{\"must\":[{\"nested\":{\"key\":\"a\"}}]}", "filter.must[0].nested needs" },
    { "{\"must\":[{\"nested\":{\"key\":\"a\",\"filter\":{}}}]}",
      "filter.must[0].nested.filter has no condition" },
    { "{\"must\":[{\"must\":[]}]}", "filter.must[0] has no condition" },
    { "{\"min_should\":{\"conditions\":[],\"min_count\":1}}", "filter.min_should needs" },
    { "{\"min_should\":{\"conditions\":[{\"has_id\":[1]}],\"min_count\":0}}", "filter.min_should needs" },
};

Test(qdrant_filter, names_the_place_that_is_wrong)
{
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_assert_eq(check(wrong[i].filter), -1, "%s", wrong[i].filter);
        cr_assert_eq(err.kind, ERR_CALLER);
        cr_assert(strstr(err.text, wrong[i].text), "%s: %s", wrong[i].filter, err.text);
    }
}

Test(qdrant_filter, shows_an_example_where_a_clause_or_a_condition_is_something_else)
{
    static const char *const others[] = { "{\"color\":\"red\"}", "{\"key\":\"a\",\"match\":{\"value\":1}}",
                                          "{\"must\":{\"key\":\"a\",\"match\":{\"value\":1}}}",
                                          "{\"must\":[{\"color\":\"red\"}]}",
                                          "{\"must\":[\"color = red\"]}" };

    for (size_t i = 0; i < COUNT_OF(others); i++) {
        cr_assert_eq(check(others[i]), -1, "%s", others[i]);
        cr_assert(strstr(err.text, ". A filter looks like {\"must\": [{\"key\""), "%s", err.text);
        cr_assert(strstr(err.text, "}]}."), "%s", err.text);
    }
}

Test(qdrant_filter, writes_ids_as_qdrant_takes_them)
{
    json_auto_t *filter = json_loads("{\"must_not\":[{\"has_id\":[\"17\",3]}]}", 0, NULL);

    cr_assert_eq(filter_check(filter, &err), 0, "%s", err.text);
    AUTO(mem_free) char *text = json_dumps(filter, JSON_COMPACT);
    cr_assert_str_eq(text, "{\"must_not\":[{\"has_id\":[17,3]}]}");
}

Test(qdrant_filter, refuses_filters_in_one_another_without_end)
{
    buf_t text = { 0 };

    for (int i = 0; i < 200; i++) {
        buf_add_text(&text, "{\"must\":[");
    }
    buf_add_text(&text, "{\"has_id\":[1]}");
    for (int i = 0; i < 200; i++) {
        buf_add_text(&text, "]}");
    }
    cr_assert_eq(check(buf_text(&text)), -1);
    cr_assert(strstr(err.text, "nested too deeply"), "%s", err.text);
    buf_free(&text);
}

Test(qdrant_filter, shows_a_long_value_cut_and_whole_in_utf8)
{
    cr_assert_eq(check("{\"must\":[{\"key\":\"a\",\"match\":[\""
                       "éééééééééééééééééééééééééééééééééééééééééééééééééééé"
                       "éééééééééééééééééééééééééééééééééééééééééé\"]}]}"),
                 -1);
    cr_assert(strstr(err.text, "é....") || strstr(err.text, "...."), "%s", err.text);
    cr_assert_lt(strlen(err.text), 260);
}

Test(qdrant_filter, knows_what_would_match_everything)
{
    static const char *const empty[] = { "{}", "{\"must\":[]}", "{\"must\":[],\"should\":{}}",
                                         "{\"must_not\":[]}" };

    for (size_t i = 0; i < COUNT_OF(empty); i++) {
        json_auto_t *filter = json_loads(empty[i], 0, NULL);
        cr_assert(filter_is_empty(filter), "%s", empty[i]);
    }
    json_auto_t *filter = json_loads("{\"must\":[],\"should\":[{\"has_id\":[1]}]}", 0, NULL);
    cr_assert_not(filter_is_empty(filter));
    cr_assert(filter_is_empty(NULL));
}
