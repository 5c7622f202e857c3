/* One value, one spelling: what a lenient reader would take is refused. */
#include <criterion/criterion.h>

#include "base64.h"

typedef int (*decode_f)(buf_t *out, span_t text);

static void expect(decode_f decode, const char *text, const char *bytes)
{
    AUTO_BUF out = { 0 };

    cr_expect_eq(decode(&out, span_of(text)), bytes ? 0 : -1, "%s", text);
    if (bytes) {
        cr_expect_str_eq(buf_text(&out), bytes);
    }
}

/* RFC 4648 section 10 */
Test(base64, reads_the_examples_of_the_standard)
{
    static const char *const rows[][3] = {
        { "", "", "" },
        { "Zg==", "Zg", "f" },
        { "Zm8=", "Zm8", "fo" },
        { "Zm9v", "Zm9v", "foo" },
        { "Zm9vYmE=", "Zm9vYmE", "fooba" },
        { "+/+/", "-_-_", "\xfb\xff\xbf" },
    };

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        AUTO_BUF encoded = { 0 };
        expect(base64_decode, rows[i][0], rows[i][2]);
        expect(base64url_decode, rows[i][1], rows[i][2]);
        base64url_encode(&encoded, rows[i][2], strlen(rows[i][2]));
        cr_expect_str_eq(buf_text(&encoded), rows[i][1]);
    }
}

Test(base64, refuses_every_other_spelling)
{
    static const char *const standard[] = {
        "Zg",   "Zg=",  "Z===", "=",     "====",     "Zm8",      "Zm9v=",
        "Zh==", "Zm9=", "-_-_", "Zm 9v", "Zm8=Zm8=", "Zg==Zm9v", "Zm9v\n"
    };
    static const char *const url[] = { "Zg==", "Z", "Zh", "Zm9", "+/+/", "Zm9v=", "Zm 9", "Zm9v\n" };

    for (size_t i = 0; i < sizeof(standard) / sizeof(standard[0]); i++) {
        expect(base64_decode, standard[i], NULL);
    }
    for (size_t i = 0; i < sizeof(url) / sizeof(url[0]); i++) {
        expect(base64url_decode, url[i], NULL);
    }
}
