/* What prompts/get, resources/read and completion/complete answer, and how lists of resources, templates and
 * prompts look, as each revision may see them. (Tools: test_shapes.c.) */
#include <criterion/criterion.h>

#include "mem.h"
#include "shapes.h"

static int shape(mcp_act_t act, const char *result, mcp_shape_t form, buf_t *out, err_t *err)
{
    json_scan_t found;

    cr_assert_eq(json_scan_members(span_of(result), &found, err), 0, "%s", err->text);
    return shape_answer(act, found.members, found.member_count, form, out, err);
}

static void expect(mcp_act_t act, const char *result, mcp_shape_t form, const char *wanted)
{
    AUTO_BUF out = { 0 };
    json_scan_t found;
    err_t err;

    cr_expect_eq(shape(act, result, form, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(buf_text(&out), wanted);
    cr_expect_eq(json_scan(buf_span(&out), NULL, &found, &err), 0, "%s", err.text);
}

static void expect_refused(mcp_act_t act, const char *result, const char *sentence)
{
    for (int form = 0; form < MCP_SHAPES; form++) {
        AUTO_BUF out = { 0 };
        err_t err;
        cr_expect_eq(shape(act, result, (mcp_shape_t)form, &out, &err), -1, "%s", result);
        cr_expect_eq(err.kind, ERR_UPSTREAM);
        cr_expect_str_eq(err.text, sentence);
    }
}

#define MESSAGE(content) "{\"role\":\"user\",\"content\":" content "}"
#define TEXT "{\"type\":\"text\",\"text\":\"t\"}"
#define AUDIO "{\"type\":\"audio\",\"data\":\"AA\",\"mimeType\":\"audio/wav\"}"
#define LINK "{\"type\":\"resource_link\",\"uri\":\"a://b\",\"name\":\"n\"}"

Test(results, a_prompt_is_byte_true_for_modern_clients)
{
    expect(MCP_GET_PROMPT, "{\"messages\":[ " MESSAGE(LINK) " ],\"description\":\"d\",\"_meta\":{\"a\":1}}",
           MCP_SHAPE_MODERN,
           "{\"messages\":[ " MESSAGE(
               LINK) " ],\"description\":\"d\",\"_meta\":{\"a\":1},\"resultType\":\"complete\"}");
}

Test(results, a_prompt_has_blocks_that_the_revision_knows)
{
    const char *prompt = "{\"messages\":[" MESSAGE(TEXT) "," MESSAGE(AUDIO) "," MESSAGE(
        LINK) "],"
              "\"resultType\":\"complete\",\"ttlMs\":5,\"cacheScope\":\"public\"}";

    expect(MCP_GET_PROMPT, prompt, MCP_SHAPE_2025_06,
           "{\"messages\":[" MESSAGE(TEXT) "," MESSAGE(AUDIO) "," MESSAGE(LINK) "]}");
    expect(MCP_GET_PROMPT, prompt, MCP_SHAPE_2025_03,
           "{\"messages\":[" MESSAGE(TEXT) "," MESSAGE(AUDIO) "," MESSAGE(
               "{\"type\":\"text\",\"text\":\"n: a://b\"}") "]}");
    expect(MCP_GET_PROMPT, prompt, MCP_SHAPE_2024_11,
           "{\"messages\":[" MESSAGE(TEXT) "," MESSAGE(
               "{\"type\":\"text\",\"text\":\"Audio (audio/wav) left out: the client's protocol revision "
               "cannot carry it.\"}") "," MESSAGE("{\"type\":\"text\",\"text\":\"n: a://b\"}") "]}");
    expect(MCP_GET_PROMPT, "{\"messages\":[" MESSAGE("{\"type\":\"video\"}") "]}", MCP_SHAPE_2025_06,
           "{\"messages\":[" MESSAGE("{\"type\":\"text\",\"text\":\"{\\\"type\\\":\\\"video\\\"}\"}") "]}");
}

Test(results, a_prompt_without_messages_is_an_error)
{
    const char *sentence = "The connector's prompt has no list of messages.";

    expect_refused(MCP_GET_PROMPT, "{}", sentence);
    expect_refused(MCP_GET_PROMPT, "{\"messages\":{}}", sentence);
}

Test(results, a_message_without_role_or_content_is_an_error_for_legacy_clients)
{
    static const char *const messages[] = {
        "7",
        "{}",
        "{\"role\":\"user\"}",
        "{\"role\":\"system\",\"content\":" TEXT "}",
        "{\"role\":\"user\",\"content\":\"t\"}",
    };

    for (size_t i = 0; i < COUNT_OF(messages); i++) {
        AUTO(mem_free) char *prompt = mem_printf("{\"messages\":[%s]}", messages[i]);
        AUTO_BUF out = { 0 };
        err_t err;
        cr_expect_eq(shape(MCP_GET_PROMPT, prompt, MCP_SHAPE_2025_06, &out, &err), -1, "%s", prompt);
        cr_expect_eq(err.kind, ERR_UPSTREAM);
    }
}

Test(results, a_link_without_a_title_is_called_by_its_name)
{
    expect(MCP_CALL_TOOL,
           "{\"content\":[{\"type\":\"resource_link\",\"uri\":\"a://b\",\"name\":\"n\",\"title\":null}]}",
           MCP_SHAPE_2025_03, "{\"content\":[{\"type\":\"text\",\"text\":\"n: a://b\"}]}");
}

Test(results, members_of_a_wrong_type_are_left_out)
{
    expect(MCP_GET_PROMPT, "{\"messages\":[],\"description\":null,\"_meta\":7}", MCP_SHAPE_2025_06,
           "{\"messages\":[]}");
    expect(MCP_READ_RESOURCE, "{\"contents\":[],\"_meta\":[]}", MCP_SHAPE_2025_06, "{\"contents\":[]}");
}

#define CONTENTS "[{\"uri\":\"a://b\", \"mimeType\":\"text/plain\",\"text\":\"x\"}]"

/* MCP 2026-07-28 server/utilities/caching: ttlMs and cacheScope on resources/read */
Test(results, a_resource_says_how_long_it_holds_to_modern_clients_only)
{
    expect(MCP_READ_RESOURCE, "{\"contents\":" CONTENTS "}", MCP_SHAPE_MODERN,
           "{\"contents\":" CONTENTS ",\"ttlMs\":0,\"cacheScope\":\"private\",\"resultType\":\"complete\"}");
    expect(MCP_READ_RESOURCE,
           "{\"resultType\":\"complete\",\"ttlMs\":500,\"cacheScope\":\"public\",\"contents\":" CONTENTS
           ",\"_meta\":{}}",
           MCP_SHAPE_MODERN,
           "{\"contents\":" CONTENTS
           ",\"resultType\":\"complete\",\"_meta\":{},\"ttlMs\":500,\"cacheScope\":\"public\"}");
    expect(MCP_READ_RESOURCE, "{\"contents\":[],\"ttlMs\":-1,\"cacheScope\":\"all\"}", MCP_SHAPE_MODERN,
           "{\"contents\":[],\"ttlMs\":0,\"cacheScope\":\"private\",\"resultType\":\"complete\"}");
    expect(MCP_READ_RESOURCE,
           "{\"contents\":" CONTENTS ",\"resultType\":\"complete\",\"ttlMs\":0,\"cacheScope\":\"public\"}",
           MCP_SHAPE_2025_06, "{\"contents\":" CONTENTS "}");
    expect_refused(MCP_READ_RESOURCE, "{\"contents\":\"x\"}",
                   "The connector read the resource and gave no list of contents.");
}

Test(results, a_completion_has_values)
{
    expect(MCP_COMPLETE, "{\"completion\":{\"values\":[],\"total\":0,\"hasMore\":false}}", MCP_SHAPE_MODERN,
           "{\"completion\":{\"values\":[],\"total\":0,\"hasMore\":false},\"resultType\":\"complete\"}");
    expect(MCP_COMPLETE, "{\"completion\":{\"values\":[\"a\"]},\"resultType\":\"complete\"}",
           MCP_SHAPE_2025_03, "{\"completion\":{\"values\":[\"a\"]}}");
    const char *sentence = "The connector's completion has no list of values.";
    expect_refused(MCP_COMPLETE, "{}", sentence);
    expect_refused(MCP_COMPLETE, "{\"completion\":[]}", sentence);
    expect_refused(MCP_COMPLETE, "{\"completion\":{\"values\":7}}", sentence);
}

Test(results, a_question_is_byte_true)
{
    const char *question = "{\"resultType\":\"input_required\",\"inputRequests\":{\"a\" : 1},"
                           "\"requestState\":\"\\u0041\",\"description\":7}";

    expect(MCP_CALL_TOOL, question, MCP_SHAPE_MODERN, question);
    expect(MCP_GET_PROMPT, question, MCP_SHAPE_MODERN, question);
    expect(MCP_READ_RESOURCE, question, MCP_SHAPE_MODERN, question);
}

/* Lists. */

static void expect_entry(mcp_kind_t kind, const char *entry, const char *name, mcp_shape_t form,
                         const char *wanted)
{
    AUTO_BUF out = { 0 };
    err_t err;

    cr_assert_eq(shape_entry(kind, span_of(entry), name, form, &out, &err), 0, "%s", err.text);
    cr_expect_str_eq(buf_text(&out), wanted);
}

#define MORE                                                                                                 \
    "\"title\":\"T\",\"description\":\"d\",\"mimeType\":\"m\",\"annotations\":{\"priority\":1},\"size\":3,"  \
    "\"icons\":[],\"_meta\":{}"
#define OLD "\"description\":\"d\",\"mimeType\":\"m\",\"annotations\":{\"priority\":1}"

Test(results, a_resource_is_listed_under_its_public_uri)
{
    const char *resource = "{\"name\":\"n\",\"uri\":\"own://x\"," MORE "}";

    expect_entry(MCP_RESOURCES, resource, "pub://x", MCP_SHAPE_MODERN,
                 "{\"uri\":\"pub://x\",\"name\":\"n\"," MORE "}");
    expect_entry(MCP_RESOURCES, resource, "pub://x", MCP_SHAPE_2025_06,
                 "{\"uri\":\"pub://x\",\"name\":\"n\"," MORE "}");
    for (mcp_shape_t form = MCP_SHAPE_2024_11; form <= MCP_SHAPE_2025_03; form++) {
        expect_entry(MCP_RESOURCES, resource, "pub://x", form,
                     "{\"uri\":\"pub://x\",\"name\":\"n\"," OLD ",\"size\":3}");
    }
}

Test(results, a_template_is_listed_under_its_public_template)
{
    const char *template = "{\"uriTemplate\":\"own://{x}\",\"name\":\"n\"," MORE "}";

    expect_entry(MCP_TEMPLATES, template, "pub://{x}", MCP_SHAPE_MODERN,
                 "{\"uriTemplate\":\"pub://{x}\",\"name\":\"n\"," MORE "}");
    expect_entry(MCP_TEMPLATES, template, "pub://{x}", MCP_SHAPE_2025_03,
                 "{\"uriTemplate\":\"pub://{x}\",\"name\":\"n\"," OLD "}");
}

Test(results, a_prompt_is_listed_under_its_public_name)
{
    const char *prompt =
        "{\"name\":\"own\",\"title\":\"T\",\"description\":null,\"arguments\":[],\"icons\":[]}";

    expect_entry(MCP_PROMPTS, prompt, "crm_own", MCP_SHAPE_MODERN,
                 "{\"name\":\"crm_own\",\"title\":\"T\",\"arguments\":[],\"icons\":[]}");
    expect_entry(MCP_PROMPTS, prompt, "crm_own", MCP_SHAPE_2024_11,
                 "{\"name\":\"crm_own\",\"arguments\":[]}");
}

Test(results, what_has_no_name_is_called_by_its_uri)
{
    expect_entry(MCP_RESOURCES, "{\"uri\":\"a\",\"name\":null}", "a\"b", MCP_SHAPE_2024_11,
                 "{\"uri\":\"a\\\"b\",\"name\":\"a\\\"b\"}");
    expect_entry(MCP_TEMPLATES, "{}", "a", MCP_SHAPE_MODERN, "{\"uriTemplate\":\"a\",\"name\":\"a\"}");
}

Test(results, what_is_no_object_is_no_entry)
{
    AUTO_BUF out = { 0 };
    err_t err;

    cr_expect_eq(shape_entry(MCP_PROMPTS, SPAN("7"), "x", MCP_SHAPE_MODERN, &out, &err), -1);
    cr_expect_eq(shape_entry(MCP_PROMPTS, SPAN("{"), "x", MCP_SHAPE_MODERN, &out, &err), -1);
}
