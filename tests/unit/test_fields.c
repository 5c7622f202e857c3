/* Arguments by their rows: what is taken, and the sentence for what is not. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

#include "fields.h"
#include "mem.h"
#include "utf8.h"

typedef struct {
    const char *period, *day, *id, *email, *note;
    int64_t limit, any;
    double score;
    bool deep;
    strings_t labels, ids;
    json_t *filter;
} args_t;

static const field_t args[] = {
    FIELD(args_t, period, .choices = "today|week|month|year|all", .doc = "Period."),
    FIELD(args_t, day, .format = "date"),
    FIELD(args_t, id, .format = "uuid"),
    FIELD(args_t, email, .format = "email"),
    FIELD(args_t, note, .max_length = 10),
    FIELD(args_t, limit, .fallback = "20", .min = 1, .max = 100, .doc = "Rows per page."),
    FIELD(args_t, any),
    FIELD(args_t, score, .min = 0, .max = 10),
    FIELD(args_t, deep, .fallback = "true"),
    FIELD(args_t, labels, .choices = "red|green", .max_items = 3),
    FIELD(args_t, ids, .min_items = 2, .max_items = 5),
    FIELD(args_t, filter, .schema = "{\"type\":\"object\"}"),
    { 0 },
};

typedef struct {
    const char *period;
    strings_t ids;
} needed_t;

static const field_t needed[] = {
    FIELD(needed_t, period, .required = true, .choices = "today|week"),
    FIELD(needed_t, ids, .required = true, .min_items = 2, .max_items = 5),
    { 0 },
};

static json_t *parse(const char *text)
{
    json_t *value = json_loads(text, JSON_ALLOW_NUL, NULL);

    cr_assert(value, "the test's own JSON: %s", text);
    return value;
}

/* Decodes text that must be taken. ret borrows from *ret_values; the caller releases both. */
static void take(const char *text, args_t *ret, json_t **ret_values)
{
    err_t err = { 0 };

    *ret_values = parse(text);
    memset(ret, 0xAA, sizeof(*ret)); /* nothing may be left as it was */
    cr_assert_eq(fields_decode(args, *ret_values, ret, &err), 0, "%s: %s", text, err.text);
}

static void refuse_by(const field_t *rows, const char *text, const char *sentence)
{
    char ret[sizeof(args_t)];
    err_t err = { 0 };
    json_auto_t *values = parse(text);

    cr_assert_eq(fields_decode(rows, values, ret, &err), -1, "taken: %s", text);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert_str_eq(err.text, sentence);
}

static void refuse(const char *text, const char *sentence)
{
    refuse_by(args, text, sentence);
}

Test(fields, decodes_each_type)
{
    args_t got;
    json_auto_t *values = NULL;
    take("{\"period\":\"week\",\"day\":\"2024-02-29\",\"id\":\"123e4567-e89b-12d3-a456-426614174000\","
         "\"email\":\"a@b.c\",\"note\":\"\",\"limit\":5.0,\"any\":-9007199254740993,\"score\":2.5,"
         "\"deep\":false,"
         "\"labels\":[\"red\",\"green\"],\"ids\":[\"x\",\"y\"],\"filter\":{\"a\":1}}",
         &got, &values);

    cr_assert_str_eq(got.period, "week");
    cr_assert_str_eq(got.note, "");
    cr_assert_eq(got.limit, 5);
    cr_assert_eq(got.any, -9007199254740993);
    cr_assert_float_eq(got.score, 2.5, 0);
    cr_assert_not(got.deep);
    cr_assert_eq(got.labels.count, 2);
    cr_assert_str_eq(got.labels.at[1], "green");
    cr_assert_eq(got.ids.count, 2);
    cr_assert_eq(json_integer_value(json_object_get(got.filter, "a")), 1);
    fields_release(args, &got);
    cr_assert_null(got.labels.at);
    fields_release(args, &got); /* twice does no harm */
}

static void check_absent(const char *text)
{
    args_t got;
    json_auto_t *values = NULL;
    take(text, &got, &values);

    cr_assert_null(got.period);
    cr_assert_eq(got.limit, 20);
    cr_assert_eq(got.any, 0);
    cr_assert(isnan(got.score));
    cr_assert(got.deep);
    cr_assert_null(got.ids.at);
    cr_assert_eq(got.ids.count, 0);
    cr_assert_null(got.filter);
    fields_release(args, &got);
}

Test(fields, fills_in_what_is_absent)
{
    check_absent("{}");
}

Test(fields, takes_null_for_absent)
{
    check_absent("{\"period\":null,\"limit\":null,\"any\":null,\"score\":null,\"deep\":null,\"ids\":null,"
                 "\"filter\":null,\"unheard_of\":null}");
}

Test(fields, takes_an_empty_list_for_an_absent_one_unless_it_is_required)
{
    check_absent("{\"ids\":[]}");
    refuse_by(needed, "{\"period\":\"today\",\"ids\":[]}", "Argument \"ids\" needs at least 2 items; got 0.");
}

Test(fields, takes_no_arguments_for_an_empty_object)
{
    args_t got;
    err_t err;
    json_auto_t *null = json_null();

    cr_assert_eq(fields_decode(args, NULL, &got, &err), 0);
    cr_assert_eq(got.limit, 20);
    cr_assert_eq(fields_decode(args, null, &got, &err), 0);
    cr_assert_eq(fields_decode(NULL, NULL, &got, &err), 0);
    fields_release(NULL, &got);
}

Test(fields, refuses_arguments_that_are_no_object)
{
    static const char *const wrong[] = { "[]", "[1]" };
    args_t got;

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        err_t err = { 0 };
        json_auto_t *values = parse(wrong[i]);
        cr_assert_eq(fields_decode(args, values, &got, &err), -1);
        cr_assert_str_eq(err.text, "Arguments must be a JSON object that maps names to values.");
    }
}

Test(fields, names_the_argument_and_what_it_takes_and_what_came)
{
    refuse("{\"period\":\"yesterday\"}",
           "Argument \"period\" must be one of today, week, month, year, all; got \"yesterday\".");
    refuse("{\"period\":\"\"}",
           "Argument \"period\" must be one of today, week, month, year, all; got \"\".");
    refuse("{\"period\":\"today|week\"}",
           "Argument \"period\" must be one of today, week, month, year, all; got \"today|week\".");
    refuse("{\"period\":[\"today\"]}",
           "Argument \"period\" must be one of today, week, month, year, all; got an array.");
    refuse("{\"note\":{\"a\":1}}", "Argument \"note\" must be a string; got an object.");
    refuse("{\"filter\":\"a\"}", "Argument \"filter\" must be an object; got a string.");
    refuse("{\"filter\":[]}", "Argument \"filter\" must be an object; got an array.");
}

Test(fields, says_what_is_missing)
{
    refuse_by(needed, "{}", "Argument \"period\" is missing; it must be one of today, week.");
    refuse_by(needed, "{\"period\":null,\"ids\":[\"a\",\"b\"]}",
              "Argument \"period\" is missing; it must be one of today, week.");
    refuse_by(needed, "{\"period\":\"week\"}",
              "Argument \"ids\" is missing; it must be an array of 2 to 5 strings.");
}

Test(fields, lists_what_it_knows_when_a_name_is_unknown)
{
    refuse_by(needed, "{\"period\":\"week\",\"perod\":1}",
              "Unknown argument \"perod\"; this takes period, ids.");
    refuse_by(NULL, "{\"x\":1}", "Unknown argument \"x\"; this takes no arguments.");
}

Test(fields, takes_whole_numbers_only_for_an_integer)
{
    const char *takes = "must be an integer from 1 to 100; got";
    static const struct {
        const char *value, *got;
    } wrong[] = { { "5.5", "5.5" }, { "\"5\"", "\"5\"" }, { "true", "true" },
                  { "0", "0" },     { "101", "101" },     { "0.0", "0.0" },
                  { "-1", "-1" },   { "1e300", "1e300" }, { "[5]", "an array" } };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        AUTO(mem_free) char *text = mem_printf("{\"limit\":%s}", wrong[i].value);
        AUTO(mem_free) char *sentence = mem_printf("Argument \"limit\" %s %s.", takes, wrong[i].got);
        refuse(text, sentence);
    }
}

Test(fields, refuses_reals_that_are_no_exact_integers)
{
    refuse("{\"any\":1e18}", "Argument \"any\" must be an integer; got 1e18.");
    refuse("{\"any\":9.3e18}", "Argument \"any\" must be an integer; got 9.3e18.");
}

Test(fields, never_coerces)
{
    refuse("{\"note\":5}", "Argument \"note\" must be a string; got 5.");
    refuse("{\"note\":true}", "Argument \"note\" must be a string; got true.");
    refuse("{\"score\":\"5\"}", "Argument \"score\" must be a number from 0 to 10; got \"5\".");
    refuse("{\"score\":10.5}", "Argument \"score\" must be a number from 0 to 10; got 10.5.");
    refuse("{\"deep\":\"true\"}", "Argument \"deep\" must be true or false; got \"true\".");
    refuse("{\"deep\":1}", "Argument \"deep\" must be true or false; got 1.");
    refuse("{\"labels\":\"red\"}",
           "Argument \"labels\" must be an array of at most 3 strings, each one of red, green; got \"red\".");
}

Test(fields, checks_items_and_their_number)
{
    refuse("{\"ids\":[\"a\"]}", "Argument \"ids\" needs at least 2 items; got 1.");
    refuse("{\"ids\":[\"a\",null]}", "Argument \"ids\" needs at least 2 items; got 1.");
    refuse("{\"ids\":[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\"]}",
           "Argument \"ids\" takes at most 5 items; got 6.");
    refuse("{\"ids\":[\"a\",7]}", "Argument \"ids\" must be an array of 2 to 5 strings; got 7.");
    refuse(
        "{\"labels\":[\"blue\"]}",
        "Argument \"labels\" must be an array of at most 3 strings, each one of red, green; got \"blue\".");
}

Test(fields, really_checks_dates)
{
    static const char *const wrong[] = { "2026-02-30",
                                         "2025-02-29",
                                         "1900-02-29",
                                         "2026-13-01",
                                         "2026-00-10",
                                         "2026-01-00",
                                         "2026-04-31",
                                         "26-01-01",
                                         "2026-1-1",
                                         "2026/01/01",
                                         "2026-01-01T00:00:00Z",
                                         "0000-01-01",
                                         "2026-01-+1",
                                         "" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        AUTO(mem_free) char *text = mem_printf("{\"day\":\"%s\"}", wrong[i]);
        AUTO(mem_free)
        char *sentence = mem_printf("Argument \"day\" must be a date as YYYY-MM-DD; got \"%s\".", wrong[i]);
        refuse(text, sentence);
    }
    args_t got;
    json_auto_t *values = NULL;
    take("{\"day\":\"2000-02-29\"}", &got, &values);
    fields_release(args, &got);
}

Test(fields, checks_uuids_and_addresses)
{
    refuse("{\"id\":\"123e4567-e89b-12d3-a456-42661417400g\"}",
           "Argument \"id\" must be a UUID; got \"123e4567-e89b-12d3-a456-42661417400g\".");
    refuse("{\"id\":\"123e4567e89b12d3a456426614174000\"}",
           "Argument \"id\" must be a UUID; got \"123e4567e89b12d3a456426614174000\".");
    static const char *const wrong[] = { "anna", "@b.c", "a@", "a@b@c", "a b@c.d", "a@b.c,d@e.f" };
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        AUTO(mem_free) char *text = mem_printf("{\"email\":\"%s\"}", wrong[i]);
        AUTO(mem_free)
        char *sentence = mem_printf("Argument \"email\" must be an e-mail address; got \"%s\".", wrong[i]);
        refuse(text, sentence);
    }
}

Test(fields, limits_lengths)
{
    args_t got;
    json_auto_t *fits = NULL;
    take("{\"note\":\"1234567890\"}", &got, &fits);

    refuse("{\"note\":\"12345678901\"}", "Argument \"note\" is too long: 11 bytes, at most 10 are taken.");
    AUTO(mem_free) char *many = mem_alloc(5001);
    memset(many, 'x', 5000);
    AUTO(mem_free) char *text = mem_printf("{\"ids\":[\"a\",\"%s\"]}", many);
    refuse(text, "Argument \"ids\" is too long: 5000 bytes, at most 4096 are taken.");
    fields_release(args, &got);
}

Test(fields, refuses_nul_at_any_depth)
{
    refuse("{\"note\":\"a\\u0000b\"}", "Argument \"note\" must not contain a NUL character.");
    refuse("{\"period\":\"today\\u0000\"}", "Argument \"period\" must not contain a NUL character.");
    refuse("{\"ids\":[\"a\",\"b\\u0000\"]}", "Argument \"ids\" must not contain a NUL character.");
    refuse("{\"filter\":{\"a\":[{\"b\":\"\\u0000\"}]}}",
           "Argument \"filter\" must not contain a NUL character.");
}

Test(fields, drops_null_members_at_any_depth_and_keeps_the_places_of_arrays)
{
    args_t got;
    json_auto_t *values = NULL;
    take(
        "{\"filter\":{\"a\":null,\"b\":{\"c\":null,\"d\":[{\"e\":null},null,1]}},\"ids\":[\"x\",null,\"y\"]}",
        &got, &values);
    json_auto_t *expected = parse("{\"b\":{\"d\":[{},null,1]}}");

    cr_assert(json_equal(got.filter, expected));
    cr_assert_eq(got.ids.count, 2);
    cr_assert_str_eq(got.ids.at[1], "y");
    fields_release(args, &got);
}

Test(fields, cuts_what_it_quotes_between_characters)
{
    char ret[sizeof(args_t)];
    char euros[901] = "";

    for (int pad = 0; pad < 4; pad++) {
        err_t err = { 0 };
        euros[0] = '\0';
        for (int i = 0; i < pad; i++) {
            strcat(euros, "x");
        }
        for (int i = 0; i < 200; i++) {
            strcat(euros, "\xE2\x82\xAC");
        }
        json_auto_t *values = json_pack("{s:s}", "period", euros);
        cr_assert_eq(fields_decode(args, values, ret, &err), -1);
        cr_assert(utf8_is_valid(span_of(err.text)));
        cr_assert_leq(strlen(err.text), 140);
        cr_assert(strstr(err.text, "\xE2\x82\xAC...\""), "%s", err.text);
    }
}

Test(fields, shows_no_raw_control_characters)
{
    refuse("{\"period\":\"a\\n\\u001b[31m\"}",
           "Argument \"period\" must be one of today, week, month, year, all; got \"a\\n\\u001b[31m\".");
    refuse("{\"a\\nb\":1,\"c\":2}",
           "Unknown argument \"a\\nb\"; this takes period, day, id, email, note, limit, any, "
           "score, deep, labels, ids, filter.");
}

Test(fields, makes_a_schema)
{
    json_auto_t *schema = fields_schema(args);
    json_auto_t *expected = parse(
        "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
        "\"period\":{\"type\":\"string\",\"enum\":[\"today\",\"week\",\"month\",\"year\",\"all\"],"
        "\"description\":\"Period.\"},"
        "\"day\":{\"type\":\"string\",\"format\":\"date\"},\"id\":{\"type\":\"string\",\"format\":\"uuid\"},"
        "\"email\":{\"type\":\"string\",\"format\":\"email\"},\"note\":{\"type\":\"string\",\"maxLength\":10}"
        ","
        "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":100,\"default\":20,"
        "\"description\":\"Rows per page.\"},"
        "\"any\":{\"type\":\"integer\"},\"score\":{\"type\":\"number\",\"minimum\":0,\"maximum\":10},"
        "\"deep\":{\"type\":\"boolean\",\"default\":true},"
        "\"labels\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"enum\":[\"red\",\"green\"]},"
        "\"maxItems\":3},"
        "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"},\"minItems\":2,\"maxItems\":5},"
        "\"filter\":{\"type\":\"object\"}}}");

    cr_assert(json_equal(schema, expected), "%s", json_dumps(schema, JSON_INDENT(1)));
}

Test(fields, lists_what_is_required_in_the_schema)
{
    json_auto_t *schema = fields_schema(needed);
    json_auto_t *expected = json_pack("[s, s]", "period", "ids");

    cr_assert(json_equal(json_object_get(schema, "required"), expected));
}

Test(fields, makes_a_schema_without_rows)
{
    json_auto_t *schema = fields_schema(NULL);
    json_auto_t *expected = parse("{\"type\":\"object\",\"properties\":{},\"additionalProperties\":false}");

    cr_assert(json_equal(schema, expected));
}

typedef struct {
    strings_t stages;
    json_t *options;
    double ratio;
    const char *unit;
} fallbacks_t;

static const field_t fallbacks[] = {
    FIELD(fallbacks_t, stages, .fallback = "new, won", .choices = "new|won|lost"),
    FIELD(fallbacks_t, options, .fallback = "{\"a\":[1]}", .schema = "{\"type\":\"object\"}"),
    FIELD(fallbacks_t, ratio, .fallback = "0.25"),
    FIELD(fallbacks_t, unit, .fallback = "day"),
    { 0 },
};

Test(fields, takes_fallbacks_of_every_type)
{
    fallbacks_t got;
    err_t err;

    cr_assert_eq(fields_decode(fallbacks, NULL, &got, &err), 0);
    cr_assert_eq(got.stages.count, 2);
    cr_assert_str_eq(got.stages.at[1], "won");
    cr_assert_eq(json_array_size(json_object_get(got.options, "a")), 1);
    cr_assert_float_eq(got.ratio, 0.25, 0);
    cr_assert_str_eq(got.unit, "day");
    fields_release(fallbacks, &got);
}

Test(fields, shows_fallbacks_of_every_type_as_default)
{
    json_auto_t *schema = fields_schema(fallbacks);
    json_t *properties = json_object_get(schema, "properties");
    json_auto_t *stages = parse("[\"new\",\"won\"]"), *options = parse("{\"a\":[1]}");

    cr_assert(json_equal(json_object_get(json_object_get(properties, "stages"), "default"), stages));
    cr_assert(json_equal(json_object_get(json_object_get(properties, "options"), "default"), options));
    cr_assert_float_eq(json_real_value(json_object_get(json_object_get(properties, "ratio"), "default")),
                       0.25, 0);
}

typedef struct {
    int64_t from, below;
} bounds_t;

Test(fields, says_bounds_of_one_side)
{
    static const field_t rows[] = { FIELD(bounds_t, from, .min = 3),
                                    FIELD(bounds_t, below, .min = -5),
                                    { 0 } };

    refuse_by(rows, "{\"from\":2}", "Argument \"from\" must be an integer of at least 3; got 2.");
    refuse_by(rows, "{\"below\":1}", "Argument \"below\" must be an integer from -5 to 0; got 1.");
}
