/* Resources, templates and prompts as they are declared: what their lists say, which one a URI belongs to,
 * and what is refused at start. */
#include <string.h>

#include "json_of.h"
#include "prompt_list.h"
#include "resource_list.h"

typedef struct {
    const char *model;
} vars_t;

static const field_t vars[] = { FIELD(vars_t, model, .required = true, .doc = "Which."), { 0 } };

typedef struct {
    const char *city;
    int64_t days;
} wrong_t;

static const field_t not_strings[] = { FIELD(wrong_t, days, .doc = "How many."), { 0 } };
static const field_t city[] = { FIELD(wrong_t, city, .doc = "Where."), { 0 } };

static void read_it(call_t *call)
{
    (void)call;
}

static void read_one(call_t *call, const void *decoded)
{
    (void)call, (void)decoded;
}

static const resource_t models = { .uri = "odoo://models",
                                   .name = "models",
                                   .title = "Models",
                                   .description = "All models.",
                                   .mime_type = "application/json",
                                   .read = read_it };
static const resource_t plain = { .uri = "odoo://plain", .name = "plain", .read = read_it };
static const resource_template_t fields = { .uri_template = "odoo://model/{model}/fields",
                                            .name = "fields",
                                            .vars = vars,
                                            .vars_size = sizeof(vars_t),
                                            .read = read_one };
static const prompt_t greet = { .name = "greet",
                                .title = "Greet",
                                .description = "A greeting.",
                                .args = vars,
                                .args_size = sizeof(vars_t),
                                .get = read_one };

static metrics_t *metrics;
static err_t err;

static void set_up(void)
{
    metrics = metrics_new();
}

static void tear_down(void)
{
    metrics_free(metrics);
}

TestSuite(resource_list, .init = set_up, .fini = tear_down);

static resource_list_t *list_of(const resource_t *const *resources,
                                const resource_template_t *const *templates)
{
    const connector_t connector = { .name = "odoo", .resources = resources, .templates = templates };

    return resource_list_new(&connector, metrics, &err);
}

static resource_list_t *usual(void)
{
    static const resource_t *const resources[] = { &models, &plain, NULL };
    static const resource_template_t *const templates[] = { &fields, NULL };
    resource_list_t *list = list_of(resources, templates);

    cr_assert_not_null(list, "%s", err.text);
    return list;
}

static void assert_json(const entry_list_t *list, mcp_shape_t shape, const char *expected)
{
    span_t text = buf_span(&list->json[shape]);
    json_auto_t *said = json_loadb(text.at, text.length, JSON_REJECT_DUPLICATES, NULL);
    json_auto_t *wanted = json_of(expected);

    cr_assert(json_equal(said, wanted), "%.*s", SPAN_ARGS(text));
}

Test(resource_list, says_what_a_client_reads)
{
    resource_list_t *list = usual();

    assert_json(&list->listed, MCP_SHAPE_MODERN,
                "[{\"uri\":\"odoo://models\",\"name\":\"models\",\"title\":\"Models\","
                "\"description\":\"All models.\",\"mimeType\":\"application/json\"},"
                "{\"uri\":\"odoo://plain\",\"name\":\"plain\"}]");
    assert_json(&list->templates, MCP_SHAPE_MODERN,
                "[{\"uriTemplate\":\"odoo://model/{model}/fields\",\"name\":\"fields\"}]");
    resource_list_free(list);
}

Test(resource_list, has_no_title_for_revisions_that_know_none)
{
    resource_list_t *list = usual();

    assert_json(&list->listed, MCP_SHAPE_2025_03,
                "[{\"uri\":\"odoo://models\",\"name\":\"models\",\"description\":\"All models.\","
                "\"mimeType\":\"application/json\"},{\"uri\":\"odoo://plain\",\"name\":\"plain\"}]");
    resource_list_free(list);
}

Test(resource_list, is_empty_arrays_without_resources)
{
    resource_list_t *list = list_of(NULL, NULL);

    assert_json(&list->listed, MCP_SHAPE_MODERN, "[]");
    assert_json(&list->templates, MCP_SHAPE_2025_06, "[]");
    resource_list_free(list);
}

Test(resource_list, knows_whose_a_uri_is)
{
    resource_list_t *list = usual();
    json_auto_t *values = resource_variables(&fields, SPAN("odoo://model/res%2Epartner/fields"));

    cr_assert_eq(resource_list_find(list, SPAN("odoo://models"))->resource, &models);
    cr_assert_eq(resource_list_find(list, SPAN("odoo://model/a/fields"))->template, &fields);
    cr_assert_null(resource_list_find(list, SPAN("odoo://model/{model}/fields/x")));
    cr_assert_null(resource_list_find(list, SPAN("odoo://modelsx")));
    cr_assert_str_eq(json_string_value(json_object_get(values, "model")), "res.partner");
    resource_list_free(list);
}

static void assert_refused(const resource_t *resource, const resource_template_t *template, const char *word)
{
    const resource_t *const resources[] = { resource ? &plain : NULL, resource, NULL };
    const resource_template_t *const templates[] = { template, NULL };

    cr_assert_null(list_of(resources, templates));
    cr_assert(strstr(err.text, word), "%s", err.text);
}

Test(resource_list, refuses_declarations_that_cannot_work)
{
    const resource_t twice = plain, no_scheme = { .uri = "models", .name = "m", .read = read_it };
    const resource_t nameless = { .uri = "a:b", .read = read_it }, unread = { .uri = "a:b", .name = "b" };
    resource_template_t no_row = fields, wrong_row = fields, no_variable = fields, number = fields;

    no_row.vars = NULL;
    no_row.vars_size = 0;
    wrong_row.vars = city;
    no_variable.uri_template = "odoo://model";
    number.uri_template = "odoo://{days}";
    number.vars = not_strings;
    assert_refused(&twice, NULL, "Two resources");
    assert_refused(&no_scheme, NULL, "whole URI");
    assert_refused(&nameless, NULL, "name");
    assert_refused(&unread, NULL, "read function");
    assert_refused(NULL, &no_row, "{model}");
    assert_refused(NULL, &wrong_row, "{model}");
    assert_refused(NULL, &no_variable, "variable");
    assert_refused(NULL, &number, "string");
}

static int fill(entry_list_t *list, const prompt_t *first, const prompt_t *second)
{
    const prompt_t *const prompts[] = { first, second, NULL };

    return prompt_list_fill(list, &(connector_t){ .name = "odoo", .prompts = prompts }, metrics, &err);
}

Test(resource_list, lists_prompts_with_their_arguments)
{
    const prompt_t bare = { .name = "bare", .get = read_one };
    entry_list_t list = { 0 };

    cr_assert_eq(fill(&list, &greet, &bare), 0, "%s", err.text);
    assert_json(&list, MCP_SHAPE_MODERN,
                "[{\"name\":\"greet\",\"title\":\"Greet\",\"description\":\"A greeting.\",\"arguments\":["
                "{\"name\":\"model\",\"description\":\"Which.\",\"required\":true}]},{\"name\":\"bare\"}]");
    entry_list_release(&list);
}

Test(resource_list, refuses_prompts_that_cannot_work)
{
    prompt_t number = greet, nameless = greet, idle = greet;
    const prompt_t *const wrong[] = { &number, &nameless, &idle, &greet };
    static const char *const words[] = { "string", "cannot be called", "get function", "Two prompts" };

    number.name = "number";
    number.args = not_strings;
    nameless.name = "No Name";
    idle.name = "idle";
    idle.get = NULL;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        entry_list_t list = { 0 };
        cr_expect_eq(fill(&list, &greet, wrong[i]), -1);
        cr_expect(strstr(err.text, words[i]), "%s", err.text);
        entry_list_release(&list);
    }
}
