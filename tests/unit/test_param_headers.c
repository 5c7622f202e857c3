/* Arguments mirrored in headers: which ones, the check of a caller's, and the lines for a connector. */
#include <criterion/criterion.h>
#include <string.h>

#include "errors.h"
#include "http_fake.h"
#include "mem.h"
#include "param_headers.h"

#define SCHEMA                                                                                               \
    "{\"type\":\"object\",\"properties\":{"                                                                  \
    "\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"                                          \
    "\"priority\":{\"type\":\"integer\",\"x-mcp-header\":\"Priority\"},"                                     \
    "\"verbose\":{\"type\":\"boolean\",\"x-mcp-header\":\"Verbose\"},"                                       \
    "\"query\":{\"type\":\"string\"},"                                                                       \
    "\"filter\":{\"type\":\"object\",\"properties\":{\"deep\":{\"type\":\"object\",\"properties\":{"         \
    "\"tenant\":{\"type\":\"string\",\"x-mcp-header\":\"Tenant\"}}}}}}}"

static param_headers_t *params;

static void set_up(void)
{
    params = param_headers_read(span_of(SCHEMA));
    cr_assert(params);
}

static void tear_down(void)
{
    param_headers_free(params);
}

TestSuite(param_headers, .init = set_up, .fini = tear_down);

static int check(const char *headers, const char *arguments, err_t *err)
{
    http_request_t *request = fake_request("POST", headers, SPAN(""));
    int rc = param_headers_check(params, request, span_of(arguments), err);

    request->over = true;
    fake_free(request);
    return rc;
}

static void takes(const char *headers, const char *arguments)
{
    err_t err;

    cr_expect_eq(check(headers, arguments, &err), 0, "%s %s: %s", headers, arguments, err.text);
}

static void refuses(const char *headers, const char *arguments)
{
    err_t err;

    cr_assert_eq(check(headers, arguments, &err), -1, "%s %s was taken", headers, arguments);
    cr_expect_eq(err.kind, ERR_PROTOCOL);
    cr_expect_eq(err.code, MCP_HEADER_MISMATCH);
}

Test(param_headers, cost_nothing_for_a_tool_without_them)
{
    AUTO_BUF lines = { 0 };
    err_t err;

    cr_expect_null(param_headers_read(SPAN("{\"type\":\"object\",\"properties\":{\"a\":{}}}")));
    cr_expect_null(param_headers_read((span_t){ 0 }));
    cr_expect_eq(param_headers_check(NULL, NULL, SPAN("{}"), &err), 0);
    cr_expect_eq(param_headers_write(NULL, SPAN("{}"), &lines, &err), 0);
    cr_expect_not(param_headers_know(NULL, SPAN("Mcp-Param-Region")));
    param_headers_free(NULL);
}

Test(param_headers, are_read_along_properties_and_nowhere_else)
{
    cr_expect_null(param_headers_read(
        SPAN("{\"properties\":{\"a\":{\"items\":{\"type\":\"string\",\"x-mcp-header\":\"A\"}}},"
             "\"$defs\":{\"b\":{\"x-mcp-header\":\"B\"}},\"anyOf\":[{\"properties\":{\"c\":{\"x-mcp-header\":"
             "\"C\"}}}]}")));
    cr_expect(param_headers_know(params, SPAN("mcp-PARAM-tenant")));
    cr_expect_not(param_headers_know(params, SPAN("Mcp-Param-Query")));
}

/* MCP 2026-07-28 basic/transports/streamable-http "Server Behavior for Custom Headers". */
Test(param_headers, agree_with_the_body)
{
    takes("", "{}");
    takes("", "{\"query\":\"x\",\"region\":null}");
    takes("Mcp-Param-Region: eu\nmcp-param-priority: 42\nMCP-PARAM-VERBOSE: false\n",
          "{\"region\":\"eu\",\"priority\":42,\"verbose\":false}");
    takes("Mcp-Param-Tenant: t1\n", "{\"filter\":{\"deep\":{\"tenant\":\"t1\"}}}");
    takes("Mcp-Param-Region: =?base64?w6fDo28=?=\n", "{\"region\":\"\xc3\xa7\xc3\xa3o\"}");
    takes("Mcp-Param-Region: =?base64?w6fDo28=?=\n", "{\"region\":\"\\u00e7\\u00e3o\"}");
    takes("Mcp-Param-Region: =?base64?IGV1?=\n", "{\"region\":\" eu\"}");
    takes("Mcp-Param-Region: =?base64?"
          "?=\n",
          "{\"region\":\"\"}");
    takes("Mcp-Param-Region: a\tb\n", "{\"region\":\"a\\tb\"}");
    takes("Mcp-Param-Region: =?base64?x\n", "{\"region\":\"=?base64?x\"}");
    takes("Mcp-Param-Unknown: whatever\nMcp-Param-Unknown: twice\n", "{}");
}

Test(param_headers, that_differ_from_the_body_are_refused)
{
    refuses("", "{\"region\":\"eu\"}");
    refuses("Mcp-Param-Region: us\n", "{\"region\":\"eu\"}");
    refuses("Mcp-Param-Region: EU\n", "{\"region\":\"eu\"}");
    refuses("Mcp-Param-Region: eu\n", "{}");
    refuses("Mcp-Param-Region: eu\n", "{\"region\":null}");
    refuses("Mcp-Param-Region: null\n", "{\"region\":null}");
    refuses("Mcp-Param-Region: eu\nMcp-Param-Region: eu\n", "{\"region\":\"eu\"}");
    refuses("Mcp-Param-Region: =?base64?SGVsbG8?=\n", "{\"region\":\"Hello\"}");
    refuses("Mcp-Param-Region: =?base64?SGVs!G8=?=\n", "{\"region\":\"Hello\"}");
    refuses("Mcp-Param-Region: \xc3\xa7\n", "{\"region\":\"\xc3\xa7\"}");
    refuses("Mcp-Param-Region: a\n", "{\"region\":\"a\\u0000\"}");
    refuses("Mcp-Param-Region: {}\n", "{\"region\":{}}");
    refuses("", "{\"region\":[\"eu\"]}");
    refuses("Mcp-Param-Tenant: t1\n", "{\"filter\":{\"tenant\":\"t1\"}}");
    refuses("Mcp-Param-Verbose: True\n", "{\"verbose\":true}");
    refuses("Mcp-Param-Verbose: true\n", "{\"verbose\":\"false\"}");
}

Test(param_headers, compare_integers_as_numbers)
{
    takes("Mcp-Param-Priority: 42.0\n", "{\"priority\":42}");
    takes("Mcp-Param-Priority: 42\n", "{\"priority\":4.2e1}");
    takes("Mcp-Param-Priority: -9007199254740991\n", "{\"priority\":-9007199254740991}");
    refuses("Mcp-Param-Priority: 9007199254740993\n", "{\"priority\":9007199254740993}");
    refuses("Mcp-Param-Priority: 9007199254740992\n", "{\"priority\":9007199254740993}");
    refuses("Mcp-Param-Priority: 43\n", "{\"priority\":42}");
    refuses("Mcp-Param-Priority: 042\n", "{\"priority\":42}");
    refuses("Mcp-Param-Priority: 0x2a\n", "{\"priority\":42}");
    refuses("Mcp-Param-Priority: 42 43\n", "{\"priority\":42}");
    refuses("Mcp-Param-Priority: \n", "{\"priority\":0}");
    refuses("Mcp-Param-Priority: 1e999\n", "{\"priority\":1e999}");
}

/* Which of two members a connector reads is its own affair: then the header would speak of the other. */
Test(param_headers, refuse_an_argument_that_occurs_twice)
{
    refuses("Mcp-Param-Region: eu\n", "{\"region\":\"eu\",\"region\":\"us\"}");
    refuses("Mcp-Param-Region: eu\n", "{\"region\":\"eu\",\"r\\u0065gion\":\"us\"}");
    refuses("Mcp-Param-Region: eu\n", "{\"region\":null,\"region\":\"eu\"}");
    refuses("Mcp-Param-Tenant: t\n", "{\"filter\":{\"deep\":{\"tenant\":\"t\"}},\"filter\":{}}");
    refuses("Mcp-Param-Tenant: t\n", "{\"filter\":{\"deep\":{\"tenant\":\"t\"},\"d\\u0065ep\":1}}");
    refuses("", "{\"r\\u0065gion\":\"us\"}");
    takes("", "{\"query\":\"a\",\"query\":\"b\"}");
}

static void writes(const char *arguments, const char *wanted)
{
    AUTO_BUF lines = { 0 };
    err_t err;

    cr_assert_eq(param_headers_write(params, span_of(arguments), &lines, &err), 0, "%s: %s", arguments,
                 err.text);
    cr_expect_str_eq(buf_text(&lines), wanted, "%s: %s", arguments, buf_text(&lines));
}

/* "Client Behavior" */
Test(param_headers, are_written_from_the_arguments)
{
    writes("{}", "");
    writes("{\"region\":null,\"query\":\"x\"}", "");
    writes("{\"region\":\"eu\"}", "Mcp-Param-Region: eu\r\n");
    writes("{\"region\":\"\"}", "Mcp-Param-Region: =?base64?"
                                "?=\r\n");
    writes("{\"region\":\"eu \"}", "Mcp-Param-Region: =?base64?ZXUg?=\r\n");
    writes("{\"region\":\"a\\r\\nX: y\"}", "Mcp-Param-Region: =?base64?YQ0KWDogeQ==?=\r\n");
    writes("{\"region\":\"=?base64?x?=\"}", "Mcp-Param-Region: =?base64?PT9iYXNlNjQ/eD89?=\r\n");
    writes("{\"priority\":4.2e1}", "Mcp-Param-Priority: 42\r\n");
    writes("{\"priority\":-0}", "Mcp-Param-Priority: 0\r\n");
    writes("{\"priority\":\"42\"}", "Mcp-Param-Priority: 42\r\n");
    writes("{\"verbose\":true}", "Mcp-Param-Verbose: true\r\n");
    writes("{\"filter\":{\"deep\":{\"tenant\":\"t1\"}}}", "Mcp-Param-Tenant: t1\r\n");
}

Test(param_headers, are_not_written_from_what_no_header_can_hold)
{
    AUTO(mem_free) char *big = mem_alloc(PARAM_HEADER_MAX_VALUE + 100);
    const char *const bad[] = {
        "{\"region\":{}}",
        "{\"region\":[1]}",
        "{\"region\":\"a\\u0000\"}",
        "{\"priority\":9007199254740993}",
        "{\"region\":\"a\",\"region\":\"b\"}",
        big,
    };

    memset(big, 'a', PARAM_HEADER_MAX_VALUE + 20);
    memcpy(big, "{\"region\":\"", 11);
    memcpy(big + PARAM_HEADER_MAX_VALUE + 15, "\"}", 3);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        AUTO_BUF lines = { 0 };
        err_t err;
        cr_assert_eq(param_headers_write(params, span_of(bad[i]), &lines, &err), -1, "%.40s", bad[i]);
        cr_expect_eq(err.kind, ERR_CALLER);
        cr_expect(strstr(err.text, "region") || strstr(err.text, "priority"));
    }
}

Test(param_headers, have_a_limit_in_number)
{
    AUTO_BUF schema = { 0 };

    buf_add_text(&schema, "{\"properties\":{");
    for (int i = 0; i < 100; i++) {
        buf_addf(&schema, "%s\"p%d\":{\"type\":\"string\",\"x-mcp-header\":\"P%d\"}", i ? "," : "", i, i);
    }
    buf_add_text(&schema, "}}");
    param_headers_t *many = param_headers_read(buf_span(&schema));
    cr_expect(param_headers_know(many, SPAN("Mcp-Param-P63")));
    cr_expect_not(param_headers_know(many, SPAN("Mcp-Param-P64")));
    param_headers_free(many);
}
