/* Header values that mirror the body, plain and encoded. */
#include <criterion/criterion.h>

#include "header_value.h"
#include "mem.h"

static void expect(const char *value, const char *wanted)
{
    AUTO_BUF out = { 0 };

    cr_expect_eq(header_value_decode(span_of(value), &out), wanted != NULL, "%s", value);
    if (wanted) {
        cr_expect_str_eq(buf_text(&out), wanted);
    }
}

/* MCP 2026-07-28 basic/transports/streamable-http "Value Encoding" */
Test(header_value, decodes_base64_between_its_marks)
{
    expect("=?base64?SGVsbG8=?=", "Hello");
    expect("=?base64?SGVsbG9h?=", "Helloa");
    expect("=?base64?YQ==?=", "a");
    expect("=?base64?w6fDo28=?=", "\xC3\xA7\xC3\xA3o");
    expect("=?base64?"
           "?=",
           "");
}

Test(header_value, leaves_plain_values_alone)
{
    expect("crm_get_leads", "crm_get_leads");
    expect("", "");
    expect("a b", "a b");
    expect("a\tb", "a\tb");
}

Test(header_value, takes_half_a_mark_literally)
{
    expect("=?base64?SGVsbG8=", "=?base64?SGVsbG8=");
    expect("SGVsbG8=?=", "SGVsbG8=?=");
    expect("=?BASE64?SGVsbG8=?=", "=?BASE64?SGVsbG8=?=");
    expect("=?base64?=", "=?base64?=");
}

Test(header_value, refuses_broken_base64)
{
    const char *const values[] = { "=?base64?SGVsbG8?=",   "=?base64?SGVs!G8=?=", "=?base64?SGVsbG8==?=",
                                   "=?base64?=?=",         "=?base64?====?=",     "=?base64?YQ=a?=",
                                   "=?base64?YR==?=",      "=?base64?SGVsbG9=?=", "=?base64?YQ==YQ==?=",
                                   "=?base64?SGVs bG8=?=", "=?base64?SGVsb-8=?=" };

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        expect(values[i], NULL);
    }
}

Test(header_value, refuses_bytes_a_plain_value_may_not_have)
{
    expect("a\x01 b", NULL);
    expect("\xC3\xA7", NULL);
    expect("a\x7F", NULL);
}
