/* Text for a model out of HTML, Markdown and plain text. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "buf.h"
#include "html_text.h"
#include "mem.h"
#include "utf8.h"

static void is_read_as(const char *html, const char *expected)
{
    AUTO(mem_free) char *text = html_text(span_of(html));

    cr_expect_str_eq(text, expected, "%s\ngave %s\nand not %s", html, text, expected);
}

Test(html_text, plain_text_stays_as_it_is)
{
    is_read_as("", "");
    is_read_as("Olá, tudo bem?", "Olá, tudo bem?");
    is_read_as("first\nsecond\n\n  indented\tx", "first\nsecond\n\n  indented\tx");
    is_read_as("**bold** [x](https://example.com/?a=b&c=d)", "**bold** [x](https://example.com/?a=b&c=d)");
    is_read_as("  around \n", "around");
    is_read_as("a\r\nb\n\n\n\n\nc", "a\nb\n\nc");
}

Test(html_text, what_only_looks_like_a_tag_is_text)
{
    is_read_as("a < b and c > d", "a < b and c > d");
    is_read_as("I <3 you", "I <3 you");
    is_read_as("write to <ana@example.com> or <name>", "write to <ana@example.com> or <name>");
    is_read_as("ends with <", "ends with <");
    is_read_as("ends with <b", "ends with <b");
    is_read_as("<a href=\"x", "<a href=\"x");
    is_read_as("</>< p>", "</>< p>");
    is_read_as("x <b y <b>z</b>", "x <b y z");
}

Test(html_text, tags_go_and_lines_stay)
{
    is_read_as("<p>Bom dia,<br>o pedido <b>S0042</b></p>", "Bom dia,\no pedido S0042");
    is_read_as("<P CLASS='a'>one</P>\n<P>two</P>", "one\n\ntwo");
    is_read_as("<div>one</div><div>two</div>", "one\ntwo");
    is_read_as("one<br/>two<BR />three", "one\ntwo\nthree");
    is_read_as("one<br>\ntwo\nthree", "one\ntwo\nthree");
    is_read_as("<div>a\n  b\t c</div>", "a b c");
    is_read_as("<ul><li>one</li><li><p>two</p></li></ul>after", "- one\n- two\n\nafter");
    is_read_as("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc");
    is_read_as("<a href=\"https://x/?a>b\">here</a>", "here");
    is_read_as("<p><o:p>&nbsp;</o:p></p><p>x</p>", "x");
}

Test(html_text, what_nobody_reads_is_left_out)
{
    is_read_as("a<script>alert('<p>')</script>b", "ab");
    is_read_as("<html><head><title>t</title><style>p{}</style></head><body>text</body></html>", "text");
    is_read_as("a<!-- hidden <p> -->b", "ab");
    is_read_as("a<script>never closed", "a");
    is_read_as("a<!-- never closed", "a");
    is_read_as("<!DOCTYPE html><p>a</p>", "a");
    is_read_as("<SCRIPT>x</ScRiPt >y", "y");
    is_read_as("</script>a", "a");
}

Test(html_text, entities_are_read)
{
    is_read_as("&lt;b&gt; &amp;amp; &quot;x&quot; &#39;y&#x27;", "<b> &amp; \"x\" 'y'");
    is_read_as("n&atilde;o &ccedil;&atilde;o &Eacute; &yuml;&iexcl;", "não ção É ÿ¡");
    is_read_as("a&nbsp;b&ndash;c&hellip; &euro;5", "a b–c… €5");
    is_read_as("&#128512;&#x1F600;", "😀😀");
    is_read_as("AT&T &unknown; & &; &#; &#x; &#xZZ; &amp", "AT&T &unknown; & &; &#; &#x; &#xZZ; &amp");
    is_read_as("&#0;&#xD800;&#x110000;&#9999999999;", "����");
    is_read_as("x&#7;y", "x y");
}

Test(html_text, never_makes_bytes_that_are_no_utf8)
{
    static const char alphabet[] = "<>/!-&;#x1p brli\"'\n\tscript\xC3\xA3";
    unsigned seed = 7;

    for (int round = 0; round < 20000; round++) {
        char bytes[64];
        size_t length = (size_t)(rand_r(&seed) % 63);
        for (size_t i = 0; i < length; i++) {
            bytes[i] = alphabet[(size_t)rand_r(&seed) % (sizeof(alphabet) - 3)];
        }
        AUTO(mem_free) char *text = html_text((span_t){ bytes, length });
        cr_assert(utf8_is_valid(span_of(text)));
        cr_assert_leq(strlen(text), length * 3);
    }
}

Test(html_text, hostile_text_takes_no_time, .timeout = 60)
{
    static const char *const pieces[] = {
        "<!--", "<script>", "<a \"", "<a '\"", "<", "&", "<p>", "<li>", "&#"
    };
    clock_t before = clock();

    for (size_t i = 0; i < COUNT_OF(pieces); i++) {
        AUTO_BUF hostile = { 0 };
        while (hostile.length < 150000) {
            buf_add_text(&hostile, pieces[i]);
        }
        AUTO(mem_free) char *text = html_text(buf_span(&hostile));
        cr_expect_leq(strlen(text), hostile.length);
    }
    cr_expect_lt(clock() - before, 5 * CLOCKS_PER_SEC);
}
