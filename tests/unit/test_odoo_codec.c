/* XML-RPC both ways: every recorded exchange, and what no recording shows: the edges of text and numbers. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "codec.h"
#include "file.h"
#include "mem.h"
#include "odoo_recorded.h"
#include "xml_guard.h"

static void init(void)
{
    codec_init(8 * 1024 * 1024);
}

TestSuite(odoo_codec, .init = init);

/* The reply to which a value given as XML makes a whole. */
static int decode(const char *value, codec_reply_t *ret, err_t *err)
{
    AUTO(mem_free)
    char *xml = mem_printf(
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value>%s</value>\n</param>\n</params>\n"
        "</methodResponse>\n",
        value);

    return codec_decode(span_of(xml), ret, err);
}

static void expect(const char *xml, const char *python)
{
    codec_reply_t reply = { 0 };
    err_t err;

    cr_assert_eq(decode(xml, &reply, &err), 0, "%s: %s", xml, err.text);
    AUTO(mem_free) char *read = python_repr(reply.value);
    cr_expect_str_eq(read, python, "%s reads %s, not %s", xml, read, python);
    codec_reply_release(&reply);
}

static void expect_refused(const char *xml)
{
    codec_reply_t reply = { 0 };
    err_t err;

    cr_expect_eq(codec_decode(span_of(xml), &reply, &err), -1, "%s", xml);
    cr_expect_eq(err.kind, ERR_UPSTREAM);
    cr_expect(strstr(err.text, "cannot be read as XML-RPC"), "%s", err.text);
    cr_expect_null(reply.value);
}

static json_t *encode_and_decode(const char *method, const json_t *params)
{
    AUTO_BUF xml = { 0 };
    err_t err;

    cr_assert_eq(codec_encode(method, params, &xml, &err), 0, "%s", err.text);
    AUTO(mem_free) char *read_method = NULL;
    json_t *read = recorded_call(buf_span(&xml), &read_method);
    cr_assert_not_null(read, "%s", buf_text(&xml));
    cr_assert_str_eq(read_method, method);
    return read;
}

/* What INDEX.tsv says of each reply: its value in Python's notation, cut at 160 characters, or a fault by
 * code and last line. */
static void check_recorded_reply(const recorded_t *r)
{
    AUTO(mem_free) char *body = recorded_read(r, "response");
    codec_reply_t reply = { 0 };
    err_t err;
    bool readable = codec_decode(span_of(body), &reply, &err) == 0;

    if (strncmp(r->result, "NOT XML-RPC", 11) == 0 || strncmp(r->result, "FAULT code=\"", 12) == 0 ||
        strncmp(r->result, "FAULT code='", 12) == 0) { /* a web page; version 1, with text in faultCode */
        cr_expect_not(readable, "%s/%s", r->folder, r->name);
        codec_reply_release(&reply);
        return;
    }
    cr_assert(readable, "%s/%s: %s", r->folder, r->name, err.text);
    AUTO(mem_free)
    char *shown =
        reply.fault_text ? python_fault(reply.fault_code, reply.fault_text) : python_repr(reply.value);
    cr_expect(recorded_shows(r, shown), "%s/%s:\n%.300s\nis not\n%s", r->folder, r->name, shown, r->result);
    codec_reply_release(&reply);
}

Test(odoo_codec, reads_every_reply_recorded_from_odoo_17)
{
    cr_expect_eq(recorded_each("odoo-17", check_recorded_reply), 94);
}

Test(odoo_codec, reads_every_reply_recorded_from_odoo_18)
{
    cr_expect_eq(recorded_each("odoo-18", check_recorded_reply), 72);
}

static size_t written;

static void check_recorded_request(const recorded_t *r)
{
    AUTO(mem_free) char *body = recorded_read(r, "request");
    AUTO(mem_free) char *method = NULL;
    json_auto_t *params = recorded_call(span_of(body), &method);

    if (!params) {
        return; /* recorded on purpose: malformed, empty, another encoding, a DOCTYPE */
    }
    json_auto_t *again = encode_and_decode(method, params);
    cr_expect(json_equal(params, again), "%s/%s", r->folder, r->name);
    written++;
}

Test(odoo_codec, writes_what_was_recorded)
{
    written = 0;
    recorded_each("odoo-17", check_recorded_request);
    cr_expect_eq(written, 89, "%zu", written);
    written = 0;
    recorded_each("odoo-18", check_recorded_request);
    cr_expect_eq(written, 67, "%zu", written);
}

Test(odoo_codec, reads_types)
{
    expect("<int>-7</int>", "-7");
    expect("<i4>7</i4>", "7");
    expect("<i8>5000000000</i8>", "5000000000");
    expect("<boolean>0</boolean>", "False");
    expect("<nil/>", "None");
    expect("untyped", "'untyped'");
    expect("", "''");
    expect("<string></string>", "''");
    expect("<array><data></data></array>", "[]");
    expect("<struct></struct>", "{}");
    expect("<base64>aGk=</base64>", "'(binary, 2 bytes)'");
    expect("<dateTime.iso8601>20260101T10:00:00</dateTime.iso8601>", "'20260101T10:00:00'");
}

Test(odoo_codec, reads_numbers_to_the_last_digit)
{
    expect("<double>0.1</double>", "0.1");
    expect("<double>-0.30000000000000004</double>", "-0.30000000000000004");
    expect("<double>1e-05</double>", "1e-05");
    expect("<double>1.7976931348623157e+308</double>", "1.7976931348623157e+308");
    expect("<double>5e-324</double>", "5e-324");
    expect("<double> 2.5\n</double>", "2.5");
    expect("<double>nan</double>", "None");
    expect("<double>inf</double>", "None");
    expect("<array><data><value><double>1</double></value><value>1</value></data></array>", "[1.0, '1']");
}

Test(odoo_codec, reads_text_that_the_library_would_refuse_or_lose)
{
    expect("<string>a\xF0\x9F\x98\x80z</string>", "'a\xF0\x9F\x98\x80z'");
    expect("<string>&#128512;&#x1F600;</string>", "'\xF0\x9F\x98\x80\xF0\x9F\x98\x80'");
    expect("<string>\xF4\x8F\xBF\xBD</string>", "'\xF4\x8F\xBF\xBD'"); /* U+10FFFD */
    expect("<string>\xEE\x80\x80\xEE\x90\x80\xEE\x90\x80</string>", "'\xEE\x80\x80\xEE\x90\x80\xEE\x90\x80'");
    expect("<string>\xEE\x80\x80\xEE\x80\x8F"
           "1.5</string>",
           "'\xEE\x80\x80\xEE\x80\x8F"
           "1.5'");
    expect("<string>&#xE000;</string>", "'\xEE\x80\x80'");
    expect("<string>a&#13;\nb</string>", "'a\\r\\nb'");
    expect("<string>a\r\nb\rc</string>", "'a\\nb\\nc'"); /* XML 1.0 section 2.11 */
    expect("<string>a\x01\x0B&#8;b\xEF\xBF\xBF</string>", "'ab'");
    expect("<string>&#60;&amp;&gt;&#38;lt;&quot;</string>", "'<&>&lt;\"'");
    expect("<struct><member><name>\xF0\x9F\x98\x80</name><value>x</value></member></struct>",
           "{'\xF0\x9F\x98\x80': 'x'}");
}

Test(odoo_codec, refuses_markup_that_has_no_place_in_a_reply)
{
    static const char value[] =
        "<methodResponse><params><param><value>1</value></param></params></methodResponse>";
    AUTO(mem_free)
    char *doctype =
        mem_printf("<?xml version='1.0'?><!DOCTYPE m [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>%s", value);
    AUTO(mem_free) char *latin1 = mem_printf("<?xml version='1.0' encoding='iso-8859-1'?>%s", value);

    expect_refused(doctype);
    expect_refused(latin1);
    expect_refused("<!DOCTYPE html><html></html>");
    expect_refused("<methodResponse><!-- x --></methodResponse>");
    expect_refused(
        "<methodResponse><params><param><value><![CDATA[x]]></value></param></params></methodResponse>");
    expect_refused("<methodResponse a=\"/>\"></methodResponse>");
    expect_refused("<methodResponse><?php x ?></methodResponse>");
    expect_refused("<methodResponse>&undefined;</methodResponse>");
    expect_refused("<methodResponse>&#xD800;</methodResponse>");
    expect_refused("<methodResponse>&#99999999;</methodResponse>");
    expect_refused("<methodResponse>& </methodResponse>");
    expect_refused("<methodResponse>\xFF</methodResponse>");
    expect_refused("</a>");
    expect_refused("");
    expect_refused("no XML at all");
}

/* libxmlrpc-c 1.33.14 dies of these. */
Test(odoo_codec, refuses_a_large_integer_that_is_none)
{
    static const char *const bad[] = { "5N", "-", "", "1.5", "99999999999999999999", "%s%n", "0x10", "5 5" };

    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        AUTO(mem_free) char *i8 = mem_printf("<i8>%s</i8>", bad[i]);
        AUTO(mem_free) char *ex = mem_printf("<ex:i8>%s</ex:i8>", bad[i]);
        codec_reply_t reply = { 0 };
        err_t err;
        cr_expect_eq(decode(i8, &reply, &err), -1, "%s", i8);
        cr_expect_eq(decode(ex, &reply, &err), -1, "%s", ex);
    }
    expect("<i8>-9223372036854775808</i8>", "-9223372036854775808");
    expect("<ex:i8> 7 </ex:i8>", "7");
}

Test(odoo_codec, accepts_a_declared_utf_8)
{
    codec_reply_t reply = { 0 };
    err_t err;
    span_t xml = SPAN("<?xml version=\"1.0\" encoding=\"utf-8\"?><methodResponse><params><param><value>"
                      "\xC3\xA9</value></param></params></methodResponse>");

    cr_assert_eq(codec_decode(xml, &reply, &err), 0, "%s", err.text);
    cr_expect_str_eq(json_string_value(reply.value), "\xC3\xA9");
    codec_reply_release(&reply);
}

Test(odoo_codec, refuses_half_a_reply_at_every_byte)
{
    span_t xml =
        SPAN("<?xml version='1.0'?><methodResponse><params><param><value><struct><member><name>a</name>"
             "<value><double>1.5</double></value></member></struct></value></param></params>"
             "</methodResponse>");

    for (size_t length = 0; length < xml.length; length++) {
        codec_reply_t reply = { 0 };
        err_t err;
        cr_expect_eq(codec_decode((span_t){ xml.at, length }, &reply, &err), -1, "%zu bytes", length);
        codec_reply_release(&reply);
    }
}

Test(odoo_codec, refuses_depth_instead_of_following_it)
{
    AUTO_BUF xml = { 0 };
    codec_reply_t reply = { 0 };
    err_t err;

    for (int i = 0; i < 1000000; i++) {
        buf_add_text(&xml, "<a>");
    }
    cr_expect_eq(codec_decode(buf_span(&xml), &reply, &err), -1);
    cr_expect(strstr(err.text, "too deep"), "%s", err.text);
}

Test(odoo_codec, reads_a_reply_beyond_the_librarys_own_limit)
{
    AUTO_BUF xml = { 0 };
    codec_reply_t reply = { 0 };
    err_t err;
    const size_t emoji_count = 1000 * 1000;

    buf_add_text(&xml, "<methodResponse><params><param><value>");
    for (size_t i = 0; i < emoji_count; i++) {
        buf_add_text(&xml, "\xF0\x9F\x98\x80");
    }
    buf_add_text(&xml, "</value></param></params></methodResponse>");
    cr_assert_eq(codec_decode(buf_span(&xml), &reply, &err), 0, "%s", err.text);
    cr_expect_eq(json_string_length(reply.value), emoji_count * 4);
    codec_reply_release(&reply);
}

static void expect_round_trip(json_t *value)
{
    json_auto_t *params = json_pack("[o]", value);
    json_auto_t *read = encode_and_decode("m", params);

    AUTO(mem_free) char *sent = python_repr(params);
    AUTO(mem_free) char *back = python_repr(read);
    cr_expect_str_eq(sent, back);
}

Test(odoo_codec, writes_every_text_and_number_so_that_it_comes_back)
{
    expect_round_trip(json_string("a\xF0\x9F\x98\x80z \xF4\x8F\xBF\xBD"));
    expect_round_trip(json_string("\xEE\x80\x80 \xEE\x80\x80\xEE\x80\x80\xEE\x90\x80 \xEF\xA3\xBF"));
    expect_round_trip(json_string("\xEE\x80\x80\xEE\x80\x8F"
                                  "1.5"));
    expect_round_trip(json_string("<a>&amp;</a> ]]> \"'"));
    expect_round_trip(json_string("l1\r\nl2\rl3\n\tl4"));
    expect_round_trip(json_string(""));
    expect_round_trip(json_string(" both ends "));
    expect_round_trip(json_integer(2147483647));
    expect_round_trip(json_integer(-2147483648LL));
    expect_round_trip(json_integer(2147483648LL));
    expect_round_trip(json_integer(-9007199254740993LL));
    expect_round_trip(json_real(0.1));
    expect_round_trip(json_real(39.9));
    expect_round_trip(json_real(0.30000000000000004));
    expect_round_trip(json_real(1.7976931348623157e308));
    expect_round_trip(json_real(-5e-324));
    expect_round_trip(
        json_pack("{s:n, s:b, s:[], s:{s:[i,n]}}", "a", "b", 0, "c", "\xF0\x9F\x98\x80", "d", 1));
}

Test(odoo_codec, writes_numbers_as_numbers_and_large_ones_as_i8)
{
    AUTO_BUF xml = { 0 };
    err_t err;
    json_auto_t *params = json_pack("[f, I, i, s]", 39.9, (json_int_t)5000000000, 7, "a\r\n\xF0\x9F\x98\x80");

    cr_assert_eq(codec_encode("m", params, &xml, &err), 0);
    cr_expect(strstr(buf_text(&xml), "<double>39.9</double>"), "%s", buf_text(&xml));
    cr_expect(strstr(buf_text(&xml), "<i8>5000000000</i8>"), "%s", buf_text(&xml));
    cr_expect(strstr(buf_text(&xml), "<i4>7</i4>"), "%s", buf_text(&xml));
    cr_expect(strstr(buf_text(&xml), "<string>a&#13;\n\xF0\x9F\x98\x80</string>"), "%s", buf_text(&xml));
}

Test(odoo_codec, refuses_characters_that_xml_cannot_carry_and_says_where)
{
    AUTO_BUF xml = { 0 };
    err_t err;
    json_auto_t *named = json_pack("[{s:{s:[s]}}]", "values", "comment", "a\x0B");
    json_auto_t *unnamed = json_pack("[s]", "\xEF\xBF\xBE");
    json_auto_t *key = json_pack("[{s:i}]", "\x01", 1);

    cr_assert_eq(codec_encode("m", named, &xml, &err), -1);
    cr_expect_eq(err.kind, ERR_CALLER);
    cr_expect_str_eq(err.text,
                     "The value of \"comment\" holds the character U+000B, which Odoo cannot be sent. "
                     "Leave it out.");
    cr_assert_eq(codec_encode("m", unnamed, &xml, &err), -1);
    cr_expect(strstr(err.text, "U+FFFE"), "%s", err.text);
    cr_expect_eq(codec_encode("m", key, &xml, &err), -1);
}

/* The library keeps members of a struct in a list. */
Test(odoo_codec, reads_a_wide_struct_in_bearable_time)
{
    AUTO_BUF xml = { 0 };
    codec_reply_t reply = { 0 };
    err_t err;

    buf_add_text(&xml, "<methodResponse><params><param><value><struct>");
    for (int i = 0; i < 10000; i++) {
        buf_addf(&xml, "<member><name>f%d</name><value><int>%d</int></value></member>", i, i);
    }
    buf_add_text(&xml, "</struct></value></param></params></methodResponse>");
    clock_t before = clock();
    cr_assert_eq(codec_decode(buf_span(&xml), &reply, &err), 0, "%s", err.text);
    cr_expect_lt(clock() - before, 5 * CLOCKS_PER_SEC);
    cr_expect_eq(json_object_size(reply.value), 10000);
    codec_reply_release(&reply);
}
