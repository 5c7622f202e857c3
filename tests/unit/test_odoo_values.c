/* Plain functions around records: names, ids, allowed methods, what is shown of values. */
#include <criterion/criterion.h>
#include <string.h>

#include "allowed.h"
#include "answer.h"
#include "json_of.h"
#include "mem.h"
#include "model_fields.h"
#include "check.h"
#include "odoo_client.h"
#include "records.h"

static err_t err;

static void expect_shaped(const char *type, const char *value, const char *expected)
{
    json_auto_t *given = json_of(value), *wanted = json_of(expected);
    bool cut = false;
    json_auto_t *shaped = records_value(given, type, &(records_rule_t){ .text_limit = 10 }, &cut);
    AUTO(mem_free) char *text = json_dumps(shaped, JSON_ENCODE_ANY);

    cr_expect(json_equal(shaped, wanted), "%s %s is %s", type ? type : "?", value, text);
}

Test(odoo_values, false_is_empty_but_for_booleans)
{
    expect_shaped("char", "false", "null");
    expect_shaped("many2one", "false", "null");
    expect_shaped("date", "false", "null");
    expect_shaped("monetary", "false", "null");
    expect_shaped(NULL, "false", "null");
    expect_shaped("boolean", "false", "false");
    expect_shaped("boolean", "true", "true");
    expect_shaped("float", "0.0", "0.0");
    expect_shaped("integer", "0", "0");
}

Test(odoo_values, a_many2one_has_names_for_its_halves)
{
    expect_shaped("many2one", "[233, \"United States\"]", "{\"id\":233,\"name\":\"United States\"}");
    expect_shaped("many2one", "7", "7");
    expect_shaped("one2many", "[39, 40]", "[39, 40]");
    expect_shaped("many2many", "[]", "[]");
}

Test(odoo_values, binary_is_a_note_of_its_size)
{
    expect_shaped("binary", "\"7.62 Kb\"", "\"(binary, 7.62 Kb)\"");
    expect_shaped("binary", "\"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ\"", "\"(binary, 33 bytes)\"");
    expect_shaped("binary", "false", "null");
}

Test(odoo_values, binary_is_whole_where_it_was_asked_for)
{
    json_auto_t *given = json_string("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ");
    bool cut = false;
    json_auto_t *shaped =
        records_value(given, "binary", &(records_rule_t){ .text_limit = 10, .with_binary = true }, &cut);

    cr_expect(json_equal(given, shaped));
}

Test(odoo_values, long_text_is_cut_between_characters_and_says_so)
{
    json_auto_t *given = json_string("12345678\xF0\x9F\x98\x80"
                                     "9");
    bool cut = false;
    json_auto_t *shaped = records_value(given, "text", &(records_rule_t){ .text_limit = 10 }, &cut);

    cr_expect(cut);
    cr_expect_str_eq(json_string_value(shaped), "12345678... (cut; 13 bytes in all)");
}

Test(odoo_values, a_line_of_a_record_is_one_line)
{
    json_auto_t *records =
        json_of("[{\"id\":14,\"display_name\":\"Azure\\nInterior\",\"email\":null,\"active\":false,"
                "\"country_id\":{\"id\":233,\"name\":\"United States\"},\"child_ids\":[1,2]}]");
    AUTO_BUF text = { 0 };

    records_add_lines(&text, records, 100);
    cr_expect_str_eq(buf_text(&text),
                     "\n- id 14: Azure Interior; active: false; country_id: United States (233); "
                     "child_ids: [1, 2]");
}

Test(odoo_values, a_line_does_not_list_a_thousand_ids)
{
    json_auto_t *ids = json_array();
    AUTO_BUF text = { 0 };

    for (int i = 1; i <= 1000; i++) {
        json_array_append_new(ids, json_integer(i));
    }
    records_add_value(&text, ids, 100);
    cr_expect(strstr(buf_text(&text), "20, ... 1000 in all]"), "%s", buf_text(&text));
}

Test(odoo_values, missing_ids_are_those_without_a_row)
{
    json_auto_t *ids = json_of("[3, 1, 9]"), *rows = json_of("[{\"id\":1}]"), *plain = json_of("[9, 3]");
    json_auto_t *of_rows = records_missing(ids, rows), *of_ids = records_missing(ids, plain);
    json_auto_t *three_nine = json_of("[3, 9]"), *one = json_of("[1]");

    cr_expect(json_equal(of_rows, three_nine));
    cr_expect(json_equal(of_ids, one));
}

Test(odoo_values, usual_fields_are_few_and_there)
{
    json_auto_t *types = json_of("{\"display_name\":{},\"email\":{},\"zip\":{},\"state\":{}}");
    json_auto_t *usual = model_fields_usual(types),
                *expected = json_of("[\"display_name\",\"email\",\"state\"]");
    json_auto_t *bare = json_object();
    json_auto_t *only_id = model_fields_usual(bare);

    cr_expect(json_equal(usual, expected));
    cr_expect_str_eq(json_string_value(json_array_get(only_id, 0)), "id");
}

Test(odoo_values, models_and_orders_are_names)
{
    cr_expect_eq(check_model("sale.order.line", &err), 0);
    cr_expect_eq(check_model("x_custom_model", &err), 0);
    cr_expect_eq(check_model("_unknown", &err), 0);
    cr_expect_eq(check_model("", &err), -1);
    cr_expect_eq(check_model("Sale Order", &err), -1);
    cr_expect_eq(check_model("sale..order", &err), -1);
    cr_expect_eq(check_model("sale.", &err), -1);
    cr_expect(strstr(err.text, "list_models"), "%s", err.text);
    cr_expect_eq(check_order(NULL, &err), 0);
    cr_expect_eq(check_order("create_date desc, id", &err), 0);
    cr_expect_eq(check_order("", &err), 0);
    cr_expect_eq(check_order("date_order:month DESC", &err), 0);
    cr_expect_eq(check_order("name; drop table", &err), -1);
    cr_expect_eq(check_order("name descending", &err), -1);
    cr_expect_eq(check_order("name,", &err), -1);
}

Test(odoo_values, ids_are_whole_numbers_above_zero_each_once)
{
    static const char *const bad[] = {
        "[]", "[0]", "[-1]", "[1.5]", "[\"1\"]", "[true]", "[null]", "[1,2,1]"
    };
    json_auto_t *good = json_of("[1, 5000000000]");

    cr_expect_eq(check_ids(good, 2, &err), 0);
    cr_expect_eq(check_ids(good, 1, &err), -1);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        json_auto_t *ids = json_of(bad[i]);
        cr_expect_eq(check_ids(ids, 200, &err), -1, "%s", bad[i]);
        cr_expect_eq(err.kind, ERR_CALLER);
    }
}

Test(odoo_values, values_name_fields)
{
    json_auto_t *empty = json_object(), *good = json_of("{\"name\":\"x\"}"),
                *bad = json_of("{\"na me\":\"x\"}");

    cr_expect_eq(check_values(empty, &err), -1);
    cr_expect_eq(check_values(NULL, &err), -1);
    cr_expect_eq(check_values(good, &err), 0);
    cr_expect_eq(check_values(bad, &err), -1);
}

Test(odoo_values, allowed_methods_are_those_listed)
{
    allowed_t *allowed = NULL;

    cr_assert_eq(allowed_parse(" sale.order:action_confirm , sale.order : action_cancel,", &allowed, &err), 0,
                 "%s", err.text);
    cr_expect(allowed_has(allowed, "sale.order", "action_confirm"));
    cr_expect(allowed_has(allowed, "sale.order", "action_cancel"));
    cr_expect_not(allowed_has(allowed, "sale.order", "unlink"));
    cr_expect_not(allowed_has(allowed, "purchase.order", "action_confirm"));
    cr_expect_eq(allowed_check(allowed, "sale.order", "unlink", &err), -1);
    cr_expect_eq(err.kind, ERR_DENIED);
    cr_expect(strstr(err.text, "action_confirm of sale.order, action_cancel of sale.order"), "%s", err.text);
    allowed_free(allowed);
}

Test(odoo_values, allowed_methods_that_are_none_are_refused_at_start)
{
    static const char *const bad[] = { "sale.order", "sale.order:", ":action", "sale.order:_private",
                                       "a b:c",      "a:b:c",       "," };
    allowed_t *allowed = NULL;

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        cr_expect_eq(allowed_parse(bad[i], &allowed, &err), -1, "%s", bad[i]);
        cr_expect(strstr(err.text, "ODOO_ALLOWED_METHODS"));
    }
    cr_assert_eq(allowed_parse(NULL, &allowed, &err), 0);
    cr_expect_not(allowed_has(allowed, "sale.order", "action_confirm"));
    allowed_free(allowed);
}

Test(odoo_values, pages_say_whether_there_are_more)
{
    json_auto_t *answer = json_object();
    AUTO_BUF text = { 0 };
    page_t page = page_of(21, 20, 40);

    page_add(answer, &text, &page);
    cr_expect_eq(json_integer_value(json_object_get(answer, "count")), 20);
    cr_expect(json_is_true(json_object_get(answer, "has_more")));
    cr_expect_eq(json_integer_value(json_object_get(answer, "next_offset")), 60);
    cr_expect(strstr(buf_text(&text), "offset 60"));
    page = page_of(20, 20, 0);
    cr_expect_not(page.has_more);
}

Test(odoo_values, no_required_argument_has_an_empty_natural_value)
{
    for (size_t i = 0; odoo_tools[i]; i++) {
        for (const field_t *row = odoo_tools[i]->args; row->name; row++) {
            bool may_be_empty = strcmp(row->name, "domain") == 0 || strcmp(row->name, "clear_fields") == 0;
            cr_expect_not(row->required && may_be_empty, "%s of %s", row->name, odoo_tools[i]->name);
        }
    }
}

Test(odoo_values, offers_what_the_settings_allow)
{
    size_t reading = 0;

    for (size_t i = 0; odoo_tools[i]; i++) {
        const tool_t *tool = odoo_tools[i];
        bool is_call = strcmp(tool->name, "call_method") == 0;
        cr_expect_eq(odoo_offers(&(odoo_settings_t){ .read_only = true, .allowed_methods = "a:b" }, tool),
                     tool->read_only);
        cr_expect_eq(odoo_offers(&(odoo_settings_t){ 0 }, tool), !is_call);
        cr_expect(odoo_offers(&(odoo_settings_t){ .allowed_methods = "a:b" }, tool));
        reading += tool->read_only;
    }
    cr_expect_eq(reading, 6);
}
