/* RFC 3986 section 2: what is escaped, and what is an escape. */
#include <criterion/criterion.h>

#include "percent.h"

static void expect_encoded(span_t text, const char *encoded)
{
    AUTO_BUF out = { 0 };

    percent_encode(&out, text);
    cr_expect_str_eq(buf_text(&out), encoded);
}

Test(percent, escapes_all_but_unreserved_bytes)
{
    expect_encoded(SPAN(""), "");
    expect_encoded((span_t){ 0 }, "");
    expect_encoded(SPAN("azAZ09-._~"), "azAZ09-._~");
    expect_encoded(SPAN("a b/c?d#e%&=+"), "a%20b%2Fc%3Fd%23e%25%26%3D%2B");
    expect_encoded(SPAN("\xc3\xa9\x7f\xff\r\n\0x"), "%C3%A9%7F%FF%0D%0A%00x");
    expect_encoded(SPAN("@[`{^:"), "%40%5B%60%7B%5E%3A"); /* neighbours of what is plain in ASCII */
}

Test(percent, reads_one_escape_in_either_case)
{
    cr_expect_eq(percent_at(SPAN("%20rest")), ' ');
    cr_expect_eq(percent_at(SPAN("%2F")), '/');
    cr_expect_eq(percent_at(SPAN("%2f")), '/');
    cr_expect_eq(percent_at(SPAN("%Ff")), 0xff);
    cr_expect_eq(percent_at(SPAN("%00")), 0);
}

Test(percent, takes_nothing_else_for_an_escape)
{
    static const char *const others[] = { "",    "%",   "%2",  "x20",  "%g0",    "%0g",       "%/0",
                                          "%:0", "%@0", "%`0", "%G0",  "% 2",    "%+2",       "%-1",
                                          "%x2", "%%2", "+20", "20%2", "%u00e9", "%\xb1\x31", "%\x10\x30" };

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        cr_expect_eq(percent_at(span_of(others[i])), -1, "%s", others[i]);
    }
    cr_expect_eq(percent_at((span_t){ "%20", 2 }), -1, "what lies behind the end is not read");
    cr_expect_eq(percent_at((span_t){ 0 }), -1);
}

Test(percent, reads_back_what_it_has_written_of_every_byte)
{
    for (int c = 0; c < 256; c++) {
        AUTO_BUF out = { 0 };
        char byte = (char)c;
        percent_encode(&out, (span_t){ &byte, 1 });
        int found = percent_at(buf_span(&out));
        cr_expect(found == c || (out.length == 1 && out.data[0] == byte), "%d", c);
    }
}
