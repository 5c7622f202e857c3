/* What the command line makes of words, and of text that a server sends to a terminal. */
#include "cli.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"

static char *printed(const char *text)
{
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);

    cli_print(out, text);
    fclose(out);
    return bytes;
}

Test(cli, prints_no_control_character_of_a_server)
{
    AUTO(mem_free) char *escape = printed("\033]0;x\007 caf\xc3\xa9\n\t\x7f");
    AUTO(mem_free)
    char *c1 = printed("\xc2\x9b"
                       "31m \xc2\xa9 \xc2");

    cr_assert_str_eq(escape, "?]0;x? caf\xc3\xa9\n\t?");
    cr_assert_str_eq(c1, "?31m \xc2\xa9 \xc2");
}

Test(cli, takes_a_value_in_either_writing)
{
    char *words[] = { "--sub", "anna", "--sub=otto", "--subject", "sub" };
    int i = 0;

    cr_assert_str_eq(cli_option("--sub", COUNT_OF(words), words, &i), "anna");
    cr_assert_eq(i, 1);
    i = 2;
    cr_assert_str_eq(cli_option("--sub", COUNT_OF(words), words, &i), "otto");
    cr_assert_eq(i, 2);
    for (i = 3; i < 5; i++) {
        cr_assert_null(cli_option("--sub", COUNT_OF(words), words, &i));
    }
}

Test(cli, takes_no_option_for_a_value)
{
    char *words[] = { "--sub", "--tenant", "demo", "--sub=", "--sub" };

    for (int at = 0; at < 5; at += at ? 1 : 3) {
        int i = at;
        cr_assert_str_eq(cli_option("--sub", COUNT_OF(words), words, &i), "");
        cr_assert_eq(i, at);
    }
}
