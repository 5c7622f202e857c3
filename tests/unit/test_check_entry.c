/* One resource, template or prompt at a time: mended, kept out with a reason, or passed on as it is. */
#include "check_entry.h"

#include <criterion/criterion.h>
#include <string.h>

#include "mem.h"

static void keep(mcp_kind_t kind, const char *declaration, const char *own_name)
{
    checked_entry_t entry;
    err_t err;

    cr_assert_eq(check_entry(kind, span_of(declaration), &entry, &err), 0, "%s: %s", declaration, err.text);
    cr_assert_str_eq(entry.declaration, declaration, "byte for byte");
    cr_assert_str_eq(entry.own_name, own_name);
    checked_entry_release(&entry);
}

static void mend(mcp_kind_t kind, const char *declaration, const char *mended)
{
    checked_entry_t entry;
    err_t err;

    cr_assert_eq(check_entry(kind, span_of(declaration), &entry, &err), 0, "%s: %s", declaration, err.text);
    cr_assert_str_eq(entry.declaration, mended);
    checked_entry_release(&entry);
}

static void refuse(mcp_kind_t kind, const char *declaration, const char *reason)
{
    checked_entry_t entry;
    err_t err;

    cr_assert_eq(check_entry(kind, span_of(declaration), &entry, &err), -1, "%s was taken", declaration);
    cr_assert(strstr(err.text, reason), "%s: \"%s\" says nothing of \"%s\"", declaration, err.text, reason);
    cr_assert_null(entry.own_name);
}

static void refuse_uri(const char *uri, const char *reason)
{
    AUTO(mem_free) char *text = mem_printf("{\"uri\":\"%s\",\"name\":\"n\"}", uri);

    refuse(MCP_RESOURCES, text, reason);
}

Test(check_entry, keeps_good_declarations_byte_for_byte)
{
    keep(MCP_RESOURCES, "{ \"uri\": \"odoo://models\", \"name\": \"m\", \"size\": 12, \"x\": 1.50 }",
         "odoo://models");
    keep(MCP_RESOURCES, "{\"uri\":\"https://example.com/r?id=1\",\"name\":\"m\"}",
         "https://example.com/r?id=1");
    keep(MCP_RESOURCES, "{\"uri\":\"file:///a\",\"name\":\"m\",\"annotations\":{\"priority\":0.5}}",
         "file:///a");
    keep(MCP_RESOURCES, "{\"uri\":\"urn:isbn:1\",\"name\":\"m\"}", "urn:isbn:1");
    keep(MCP_TEMPLATES, "{\"uriTemplate\":\"t://{id}\",\"name\":\"t\"}", "t://{id}");
    keep(MCP_PROMPTS,
         "{\"name\":\"p\",\"arguments\":[{\"name\":\"a\",\"required\":true,\"description\":\"d\"}]}", "p");
}

/* Clients in Python throw the whole list away for each of these. */
Test(check_entry, leaves_out_what_says_nothing)
{
    mend(MCP_PROMPTS, "{\"name\":\"p\",\"description\":null,\"arguments\":null,\"title\":7}",
         "{\"name\":\"p\"}");
    mend(MCP_PROMPTS,
         "{\"name\":\"p\",\"arguments\":[{\"name\":\"a\",\"required\":\"yes\",\"description\":null}]}",
         "{\"name\":\"p\",\"arguments\":[{\"name\":\"a\"}]}");
    mend(MCP_RESOURCES, "{\"uri\":\"a:b\",\"name\":\"n\",\"mimeType\":null,\"size\":\"big\",\"_meta\":[]}",
         "{\"uri\":\"a:b\",\"name\":\"n\"}");
    mend(MCP_RESOURCES,
         "{\"uri\":\"a:b\",\"name\":\"n\",\"annotations\":{\"priority\":7,\"audience\":\"all\",\"x\":1}}",
         "{\"uri\":\"a:b\",\"name\":\"n\",\"annotations\":{\"x\":1}}");
}

Test(check_entry, names_a_resource_by_its_uri_when_it_has_no_name)
{
    mend(MCP_RESOURCES, "{\"uri\":\"a:b\"}", "{\"uri\":\"a:b\",\"name\":\"a:b\"}");
    mend(MCP_TEMPLATES, "{\"uriTemplate\":\"a:{b}\",\"name\":null}",
         "{\"uriTemplate\":\"a:{b}\",\"name\":\"a:{b}\"}");
}

Test(check_entry, says_why_it_keeps_one_out)
{
    refuse(MCP_RESOURCES, "7", "not an object");
    refuse(MCP_RESOURCES, "{\"uri\":\"a:b\",\"uri\":\"a:c\"}", "twice");
    refuse(MCP_RESOURCES, "{\"name\":\"n\"}", "no uri");
    refuse(MCP_RESOURCES, "{\"uri\":7}", "no uri");
    refuse(MCP_TEMPLATES, "{\"uri\":\"a:b\"}", "no uriTemplate");
    refuse(MCP_TEMPLATES, "{\"uriTemplate\":\"a:{b\"}", "does not close");
    refuse(MCP_PROMPTS, "{\"name\":\"\"}", "no name");
    refuse(MCP_PROMPTS, "{\"name\":\"a\\nb\"}", "control character");
    refuse(MCP_PROMPTS, "{\"name\":\"p\",\"arguments\":[{\"title\":\"x\"}]}", "no name");
    refuse(MCP_PROMPTS, "{\"name\":\"p\",\"arguments\":[7]}", "no name");
}

Test(check_entry, wants_uris_that_clients_can_read)
{
    refuse_uri("models", "not a URI");
    refuse_uri("/models", "not a URI");
    refuse_uri("1a:b", "not a URI");
    refuse_uri("a:b c", "not a URI");
    refuse_uri("a:b\\u0007", "control character");
    refuse_uri("http:///path", "no host");
    refuse_uri("HTTPS://?x", "no host");
    refuse_uri("http:x", "no host");
}

Test(check_entry, limits_what_it_takes)
{
    AUTO(mem_free) char *uri = mem_alloc(CHECK_ENTRY_MAX_URI + 2);
    AUTO(mem_free) char *name = mem_alloc(CHECK_ENTRY_MAX_BYTES + 2);

    memset(uri, 'a', CHECK_ENTRY_MAX_URI + 1);
    uri[1] = ':';
    uri[CHECK_ENTRY_MAX_URI + 1] = '\0';
    refuse_uri(uri, "longer than");
    memset(name, 'a', CHECK_ENTRY_MAX_BYTES + 1);
    name[CHECK_ENTRY_MAX_BYTES + 1] = '\0';
    AUTO(mem_free) char *prompt = mem_printf("{\"name\":\"p\",\"description\":\"%s\"}", name);
    refuse(MCP_PROMPTS, prompt, "larger than");
    name[CHECK_ENTRY_MAX_NAME + 1] = '\0';
    AUTO(mem_free) char *long_name = mem_printf("{\"name\":\"%s\"}", name);
    refuse(MCP_PROMPTS, long_name, "longer than");
}

Test(check_entry, reports_what_it_refuses_by_what_it_has)
{
    AUTO(mem_free) char *uri = check_entry_name(MCP_RESOURCES, SPAN("{\"uri\":\"x y\"}"));
    AUTO(mem_free) char *none = check_entry_name(MCP_PROMPTS, SPAN("[]"));
    AUTO(mem_free)
    char *tool = check_entry_name(MCP_TOOLS, SPAN("{\"name\":\"a\",\"maximum\":99999999999999999999}"));

    cr_assert_str_eq(uri, "x y");
    cr_assert_str_eq(none, "?");
    cr_assert_str_eq(tool, "a", "a number beyond 64 bits does not hide it");
}
