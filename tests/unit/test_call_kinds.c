/* Calls of every kind: what tools, resources, templates, prompts and completions are called with, and what
 * they end in. The MCP server is a fake. */
#include "content.h"
#include "test_call_kit.h"

typedef struct {
    const char *text;
} args_t;

static const field_t rows[] = { FIELD(args_t, text, .max_length = 8, .doc = "Some text."), { 0 } };

static call_t *seen;
static int runs;
static char seen_text[32];

static void keep(call_t *call, const void *decoded)
{
    runs++;
    seen = call;
    if (decoded) {
        const args_t *a = decoded;
        snprintf(seen_text, sizeof(seen_text), "%s", a->text ? a->text : "");
    }
}

static const tool_t keep_tool = { .name = "keep", .description = "Keeps.", .run = keep };

static void keep_read(call_t *call)
{
    keep(call, NULL);
}

static const char *seen_argument, *seen_value;
static char seen_known[32];
static size_t seen_known_count;

static void keep_typed(call_t *call, const completion_t *asked)
{
    keep(call, NULL);
    seen_argument = asked->argument;
    seen_value = asked->value;
    seen_known_count = json_object_size(asked->known);
    const char *known = json_string_value(json_object_get(asked->known, "other"));
    snprintf(seen_known, sizeof(seen_known), "%s", known ? known : "");
}

static const resource_t resource = {
    .uri = "a:b", .name = "b", .mime_type = "text/plain", .ttl_ms = 5000, .is_public = true, .read = keep_read
};
static const resource_template_t template = { .uri_template = "a:{text}/x",
                                              .name = "x",
                                              .mime_type = "text/plain",
                                              .vars = rows,
                                              .vars_size = sizeof(args_t),
                                              .read = keep,
                                              .complete = keep_typed };
static const prompt_t prompt = { .name = "p", .args = rows, .args_size = sizeof(args_t), .get = keep };

TestSuite(call_kinds, .init = set_up, .fini = tear_down);

Test(call_kinds, a_resource_says_what_it_is_and_how_long_it_may_be_kept)
{
    mcp_request_t *r = request(MCP_MODERN, NULL);

    r->act = MCP_READ_RESOURCE;
    r->name = SPAN("a:b");
    start(entry_of_resource(&resource));
    cr_assert_str_eq(call_uri(seen), "a:b");
    call_finish_resource(seen, NULL, "hello");
    cr_assert_str_eq(fake_member(mcp, "contents"),
                     "[{\"uri\":\"a:b\",\"mimeType\":\"text/plain\",\"text\":\"hello\"}]");
    cr_assert_str_eq(fake_member(mcp, "ttlMs"), "5000");
    cr_assert_str_eq(fake_member(mcp, "cacheScope"), "\"public\"");
}

Test(call_kinds, a_text_that_is_not_utf8_is_mended_and_none_at_all_is_a_mistake)
{
    mcp_request_t *r = request(MCP_MODERN, NULL);

    r->act = MCP_READ_RESOURCE;
    r->name = SPAN("a:b");
    start(entry_of_resource(&resource));
    call_finish_resource(seen, NULL, "ol\xe1");
    cr_assert(strstr(fake_member(mcp, "contents"), "ol\xef\xbf\xbd"), "%s", fake_member(mcp, "contents"));
    r = request(MCP_MODERN, NULL);
    r->act = MCP_READ_RESOURCE;
    r->name = SPAN("a:b");
    start(entry_of_resource(&resource));
    call_finish_resource(seen, NULL, NULL);
    cr_assert_eq(fake_error(mcp)->kind, ERR_INTERNAL);
}

Test(call_kinds, a_template_gets_its_variables_and_promises_no_one_a_copy)
{
    mcp_request_t *r = request(MCP_MODERN, NULL);

    r->act = MCP_READ_RESOURCE;
    r->name = SPAN("a:%61b/x");
    start(entry_of_template(&template));
    cr_assert_str_eq(seen_text, "ab");
    call_finish_blob(seen, "image/png", "\x89PNG", 4);
    cr_assert_str_eq(fake_member(mcp, "contents"),
                     "[{\"uri\":\"a:%61b/x\",\"mimeType\":\"image/png\",\"blob\":\"iVBORw==\"}]");
    cr_assert_str_eq(fake_member(mcp, "ttlMs"), "0");
    cr_assert_str_eq(fake_member(mcp, "cacheScope"), "\"private\"");
}

Test(call_kinds, a_variable_is_checked_by_its_row)
{
    mcp_request_t *r = request(MCP_MODERN, NULL);

    r->act = MCP_READ_RESOURCE;
    r->name = SPAN("a:123456789/x");
    start(entry_of_template(&template));
    cr_assert_eq(runs, 0);
    cr_assert(strstr(fake_error(mcp)->text, "text"), "%s", fake_error(mcp)->text);
}

Test(call_kinds, a_prompt_ends_in_messages)
{
    request(MCP_MODERN, "{\"text\":\"ana\"}")->act = MCP_GET_PROMPT;
    start(entry_of_prompt(&prompt));
    cr_assert_str_eq(seen_text, "ana");
    call_finish_prompt(seen, "A greeting", json_pack("[o]", content_message("user", content_text("Oi"))));
    cr_assert_str_eq(fake_member(mcp, "messages"),
                     "[{\"role\":\"user\",\"content\":{\"type\":\"text\",\"text\":\"Oi\"}}]");
    cr_assert_str_eq(fake_member(mcp, "description"), "\"A greeting\"");
}

Test(call_kinds, a_prompt_takes_strings_only)
{
    request(MCP_MODERN, "{\"text\":7}")->act = MCP_GET_PROMPT;
    start(entry_of_prompt(&prompt));
    cr_assert_eq(fake_error(mcp)->kind, ERR_CALLER);
    cr_assert_eq(runs, 0);
}

static mcp_request_t *request_completion(const char *argument, const char *context)
{
    mcp_request_t *r = request(MCP_MODERN, NULL);

    r->act = MCP_COMPLETE;
    r->argument = span_of(argument);
    r->context = span_of(context);
    return r;
}

Test(call_kinds, a_completion_knows_what_is_typed_and_what_is_settled)
{
    request_completion("{\"name\":\"text\",\"value\":\"re\"}", "{\"arguments\":{\"other\":\"x\"}}");
    start(entry_of_template(&template));
    cr_assert_str_eq(seen_argument, "text");
    cr_assert_str_eq(seen_value, "re");
    cr_assert_str_eq(seen_known, "x");
    call_finish_completion(seen, (const char *const[]){ "red", "rest" }, 2, 7, true);
    cr_assert_str_eq(fake_member(mcp, "completion"),
                     "{\"values\":[\"red\",\"rest\"],\"hasMore\":true,\"total\":7}");
}

Test(call_kinds, a_completion_without_a_function_suggests_nothing)
{
    request_completion("{\"name\":\"text\",\"value\":\"\"}", NULL);
    start(entry_of_prompt(&prompt));
    cr_assert_str_eq(fake_member(mcp, "completion"), "{\"values\":[],\"hasMore\":false,\"total\":0}");
}

/* Upstreams are not asked for what no argument could be. */
Test(call_kinds, a_completion_of_more_than_the_row_takes_suggests_nothing)
{
    request_completion("{\"name\":\"text\",\"value\":\"123456789\"}", NULL);
    start(entry_of_template(&template));
    cr_assert_eq(runs, 0);
    cr_assert_str_eq(fake_member(mcp, "completion"), "{\"values\":[],\"hasMore\":false,\"total\":0}");
}

Test(call_kinds, a_completion_sends_a_hundred_values_at_most)
{
    const char *values[150];
    size_t i;

    for (i = 0; i < 150; i++) {
        values[i] = "v";
    }
    request_completion("{\"name\":\"text\",\"value\":\"\"}", NULL);
    start(entry_of_template(&template));
    call_finish_completion(seen, values, 150, -1, false);
    json_auto_t *said = json_loads(fake_member(mcp, "completion"), 0, NULL);
    cr_assert_eq(json_array_size(json_object_get(said, "values")), 100);
    cr_assert(json_is_true(json_object_get(said, "hasMore")));
    cr_assert_null(json_object_get(said, "total"));
}

Test(call_kinds, a_completion_of_what_is_no_argument_is_refused)
{
    static const char *const wrong[] = { "{\"name\":\"none\",\"value\":\"\"}", "{\"name\":\"text\"}", "7",
                                         "{\"name\":\"text\",\"value\":7}" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        request_completion(wrong[i], NULL);
        start(entry_of_template(&template));
        cr_expect_eq(fake_error(mcp)->kind, ERR_CALLER, "%s", wrong[i]);
    }
    cr_assert_eq(runs, 0);
}

/* server/utilities/completion: context.arguments is name to string, and functions rely on it. */
Test(call_kinds, what_a_completion_is_told_is_text)
{
    static const char *const wrong[] = { "{\"arguments\":{\"other\":7}}", "{\"arguments\":[]}",
                                         "{\"arguments\":{\"other\":\"a\\u0000b\"}}" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        request_completion("{\"name\":\"text\",\"value\":\"\"}", wrong[i]);
        start(entry_of_template(&template));
        cr_expect_eq(fake_error(mcp)->kind, ERR_CALLER, "%s", wrong[i]);
    }
    request_completion("{\"name\":\"text\",\"value\":\"a\\u0000b\"}", NULL);
    start(entry_of_template(&template));
    cr_expect_eq(fake_error(mcp)->kind, ERR_CALLER);
    cr_expect_eq(runs, 0);
}

Test(call_kinds, a_null_in_what_a_completion_is_told_is_absent)
{
    request_completion("{\"name\":\"text\",\"value\":\"\"}",
                       "{\"arguments\":{\"third\":null,\"other\":\"x\"}}");
    start(entry_of_template(&template));
    cr_assert_str_eq(seen_known, "x");
    cr_assert_eq(seen_known_count, 1);
    call_finish_completion(seen, NULL, 0, 0, false);
    request_completion("{\"name\":\"text\",\"value\":\"\"}", "{\"arguments\":null}");
    start(entry_of_template(&template));
    cr_assert_eq(seen_known_count, 0);
    call_finish_completion(seen, NULL, 0, 0, false);
}

Test(call_kinds, an_end_of_another_kind_is_our_own_mistake)
{
    request(MCP_MODERN, NULL);
    start(entry_of_tool(&keep_tool));
    call_finish_resource(seen, NULL, "hello");
    cr_assert_eq(fake_error(mcp)->kind, ERR_INTERNAL);
    request(MCP_MODERN, NULL)->act = MCP_GET_PROMPT;
    start(entry_of_prompt(&prompt));
    call_finish(seen, NULL, "hello");
    cr_assert_eq(fake_error(mcp)->kind, ERR_INTERNAL);
}

Test(call_kinds, a_tool_answers_with_blocks_also_when_it_fails)
{
    request(MCP_MODERN, NULL);
    start(entry_of_tool(&keep_tool));
    call_finish_content(seen, json_pack("[o]", content_link("a:b", "b", NULL)), NULL);
    cr_assert_str_eq(fake_member(mcp, "content"),
                     "[{\"type\":\"resource_link\",\"uri\":\"a:b\",\"name\":\"b\"}]");
    cr_assert_null(fake_member(mcp, "structuredContent"));
    request(MCP_MODERN, NULL);
    start(entry_of_tool(&keep_tool));
    call_finish_error_content(seen, json_pack("[o]", content_text("no")));
    cr_assert_str_eq(fake_member(mcp, "isError"), "true");
}

Test(call_kinds, a_log_message_has_its_level_logger_and_data)
{
    request(MCP_MODERN, NULL);
    start(entry_of_tool(&keep_tool));
    call_log(seen, "info", NULL, json_string("one"));
    call_log(seen, "warning", "db", json_pack("{s:i}", "rows", 2));
    cr_assert_str_eq(fake_log(mcp),
                     "info {\"level\":\"info\",\"data\":\"one\"}\n"
                     "warning {\"level\":\"warning\",\"logger\":\"db\",\"data\":{\"rows\":2}}\n");
    call_finish(seen, NULL, "ok");
}

Test(call_kinds, a_tool_with_a_schema_of_its_own_gets_the_arguments_as_they_came)
{
    tool_t own = keep_tool;

    own.input_schema = "{\"type\":\"object\"}";
    request(MCP_MODERN, "{\"a\":[1,null]}");
    start(entry_of_tool(&own));
    json_auto_t *expected = json_pack("{s:[i, n]}", "a", 1);
    cr_assert(json_equal((json_t *)call_arguments(seen), expected));
    call_finish(seen, NULL, "ok");
}
