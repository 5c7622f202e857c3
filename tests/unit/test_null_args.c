/* Nulls that a schema forbids are cut out of arguments; everything else stays byte for byte. */
#include "null_args.h"

#include <criterion/criterion.h>

#include "mem.h"

#define SCHEMA                                                                                               \
    "{\"type\":\"object\",\"properties\":{"                                                                  \
    "\"s\":{\"type\":\"string\"},\"n\":{\"type\":[\"integer\",\"string\"]},"                                 \
    "\"maybe\":{\"type\":[\"string\",\"null\"]},\"null\":{\"type\":\"null\"},\"any\":{},\"yes\":true,"       \
    "\"either\":{\"type\":\"string\",\"anyOf\":[{\"type\":\"null\"}]},"                                      \
    "\"listed\":{\"type\":\"string\",\"enum\":[\"a\",null]},\"ref\":{\"$ref\":\"#/$defs/x\"},"               \
    "\"o\":{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\"}}},"                              \
    "\"l\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"s\":{\"type\":\"string\"}}}" \
    "},"                                                                                                     \
    "\"t\":{\"type\":\"array\",\"prefixItems\":[{}],\"items\":{\"properties\":{\"s\":{\"type\":\"string\"}}" \
    "}},"                                                                                                    \
    "\"\\u00e7\\\"\":{\"type\":\"string\"}}}"

static void becomes(const char *arguments, const char *wanted)
{
    AUTO_BUF out = { 0 };

    cr_assert(null_args_strip(span_of(arguments), SPAN(SCHEMA), &out), "%s was left", arguments);
    cr_expect_str_eq(buf_text(&out), wanted, "%s: %s", arguments, buf_text(&out));
}

static void stays(const char *arguments)
{
    AUTO_BUF out = { 0 };

    cr_expect_not(null_args_strip(span_of(arguments), SPAN(SCHEMA), &out), "%s: %s", arguments,
                  buf_text(&out));
    cr_expect_eq(out.length, 0);
}

Test(null_args, are_cut_with_their_comma)
{
    becomes("{\"s\":null}", "{}");
    becomes("{ \"s\" : null }", "{  }");
    becomes("{\"s\":null,\"any\":1}", "{\"any\":1}");
    becomes("{\"any\":1,\"s\":null}", "{\"any\":1}");
    becomes("{\"any\":1, \"s\":null , \"yes\":2}", "{\"any\":1 , \"yes\":2}");
    becomes("{\"s\":null,\"n\":null,\"any\":1.50}", "{\"any\":1.50}");
    becomes("{\"any\":1,\"s\":null,\"n\":null}", "{\"any\":1}");
    becomes("{\"s\":null,\"any\":1,\"n\":null,\"yes\":2}", "{\"any\":1,\"yes\":2}");
    becomes("{\"s\":null,\"n\":null}", "{}");
}

Test(null_args, are_found_in_objects_and_lists)
{
    becomes("{\"o\":{\"s\":null}}", "{\"o\":{}}");
    becomes("{\"l\":[{\"s\":null},{\"s\":\"x\"},{\"y\":null,\"s\":null}],\"s\":null}",
            "{\"l\":[{},{\"s\":\"x\"},{\"y\":null}]}");
    becomes("{\"s\":null,\"o\":{\"s\":null,\"x\":[]},\"n\":null}", "{\"o\":{\"x\":[]}}");
    becomes("{\"o\":{\"x\":1,\"s\":null},\"s\":null,\"any\":3}", "{\"o\":{\"x\":1},\"any\":3}");
}

Test(null_args, are_known_by_escaped_names)
{
    becomes("{\"\\u0073\":null}", "{}");
    becomes("{\"\xc3\xa7\\u0022\":null}", "{}");
}

Test(null_args, stay_where_null_may_mean_something)
{
    stays("{\"maybe\":null,\"null\":null,\"any\":null,\"yes\":null,\"either\":null,\"listed\":null,\"ref\":"
          "null}");
    stays("{\"unknown\":null}");
    stays("{\"any\":{\"s\":null}}");
    stays("{\"l\":[null]}");
    stays("{\"t\":[{\"s\":null}]}");
    stays("{\"s\":\"null\"}");
    stays("{\"s\":\"x\"}");
    stays("{}");
    stays("null");
    stays("[null]");
}

Test(null_args, are_left_alone_without_arguments_or_schema)
{
    AUTO_BUF out = { 0 };

    cr_expect_not(null_args_strip((span_t){ 0 }, SPAN(SCHEMA), &out));
    cr_expect_not(null_args_strip(SPAN("{\"s\":null}"), (span_t){ 0 }, &out));
    cr_expect_not(null_args_strip(SPAN("{\"s\":null}"), SPAN("true"), &out));
}

/* {"s":null,"x0":null,...,"n":null} */
static void add_nulls(buf_t *out, int others)
{
    buf_add_text(out, "{\"s\":null");
    for (int i = 0; i < others; i++) {
        buf_addf(out, ",\"x%d\":null", i);
    }
    buf_add_text(out, ",\"n\":null}");
}

Test(null_args, of_a_usual_schema_go_however_many_there_are)
{
    AUTO_BUF arguments = { 0 };
    AUTO_BUF out = { 0 };

    add_nulls(&arguments, 1000);
    cr_expect(null_args_strip(buf_span(&arguments), SPAN(SCHEMA), &out));
    cr_expect_null(strstr(buf_text(&out), "\"n\":null"));
    cr_expect_null(strstr(buf_text(&out), "\"s\":null"));
}

/* Each is looked for in the whole schema: in so many bytes of it and no more. */
Test(null_args, of_a_large_schema_stay_when_there_are_many)
{
    AUTO_BUF arguments = { 0 };
    AUTO_BUF schema = { 0 };
    AUTO_BUF out = { 0 };

    buf_add_text(&schema, "{\"properties\":{\"s\":{\"type\":\"string\",\"description\":\"");
    for (int i = 0; i < 200000; i++) {
        buf_add_char(&schema, 'x');
    }
    buf_add_text(&schema, "\"},\"n\":{\"type\":\"number\"}}}");
    add_nulls(&arguments, 1000);
    cr_expect(null_args_strip(buf_span(&arguments), buf_span(&schema), &out));
    cr_expect(strstr(buf_text(&out), "\"n\":null"));
    cr_expect_null(strstr(buf_text(&out), "\"s\":null"));
}
