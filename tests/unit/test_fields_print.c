/* The rows as text for people. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "fields.h"
#include "mem.h"

typedef struct {
    const char *url, *api_key, *mode;
    int64_t timeout, page;
} settings_t;

static const field_t settings[] = {
    FIELD(settings_t, url, .env = "ODOO_URL", .required = true, .group = "Odoo",
          .doc = "Address of the Odoo server, such as https://odoo.example.com."),
    FIELD(settings_t, api_key, .env = "ODOO_API_KEY", .secret = true, .group = "Odoo",
          .doc = "Key of the service account, made under Preferences, Account Security in Odoo itself."),
    FIELD(settings_t, timeout, .env = "ODOO_REQUEST_TIMEOUT_OF_EACH_CALL", .unit = "ms", .fallback = "25s",
          .min = 1000, .max = 120000, .group = "Limits", .doc = "How long a request may take."),
    FIELD(settings_t, page, .env = "ODOO_PAGE", .unit = "bytes", .fallback = "4MiB", .group = "Limits",
          .doc = "Largest answer."),
    FIELD(settings_t, mode, .env = "ODOO_MODE", .choices = "a|b", .group = "Limits",
          .doc = "With a | in it."),
    { 0 },
};

static char *printed(void (*print)(const field_t *rows, FILE *out), const field_t *rows)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    print(rows, out);
    fclose(out);
    return text;
}

Test(fields_print, prints_help)
{
    AUTO(mem_free) char *text = printed(settings_print_help, settings);

    cr_assert_str_eq(text,
                     "Odoo:\n"
                     "  ODOO_URL                Address of the Odoo server, such as\n"
                     "                          https://odoo.example.com. Required.\n"
                     "  ODOO_API_KEY            Key of the service account, made under Preferences,\n"
                     "                          Account Security in Odoo itself. Or ODOO_API_KEY_FILE\n"
                     "                          names a file that holds it.\n"
                     "\n"
                     "Limits:\n"
                     "  ODOO_REQUEST_TIMEOUT_OF_EACH_CALL\n"
                     "                          How long a request may take. A duration such as 250ms,\n"
                     "                          25s or 2m from 1s to 2m. Default: 25s.\n"
                     "  ODOO_PAGE               Largest answer. A size such as 65536, 64KiB or 4MiB.\n"
                     "                          Default: 4MiB.\n"
                     "  ODOO_MODE               With a | in it. One of a, b.\n");
}

Test(fields_print, prints_an_env_file)
{
    AUTO(mem_free) char *text = printed(settings_print_env_example, settings);

    cr_assert_str_eq(text, "## Odoo\n"
                           "\n"
                           "# Address of the Odoo server, such as https://odoo.example.com. Required.\n"
                           "ODOO_URL=\n"
                           "\n"
                           "# Key of the service account, made under Preferences, Account Security in Odoo\n"
                           "# itself. Or ODOO_API_KEY_FILE names a file that holds it.\n"
                           "#ODOO_API_KEY=\n"
                           "\n"
                           "## Limits\n"
                           "\n"
                           "# How long a request may take. A duration such as 250ms, 25s or 2m from 1s to\n"
                           "# 2m.\n"
                           "#ODOO_REQUEST_TIMEOUT_OF_EACH_CALL=25s\n"
                           "\n"
                           "# Largest answer. A size such as 65536, 64KiB or 4MiB.\n"
                           "#ODOO_PAGE=4MiB\n"
                           "\n"
                           "# With a | in it. One of a, b.\n"
                           "#ODOO_MODE=\n");
}

Test(fields_print, prints_a_table_of_settings_per_group)
{
    AUTO(mem_free) char *text = printed(settings_print_markdown, settings);

    cr_assert_str_eq(
        text, "**Odoo**\n\n"
              "| variable | default | meaning |\n|---|---|---|\n"
              "| `ODOO_URL` | required | Address of the Odoo server, such as https://odoo.example.com. |\n"
              "| `ODOO_API_KEY` |  | Key of the service account, made under Preferences, Account Security in "
              "Odoo itself. "
              "Or ODOO_API_KEY_FILE names a file that holds it. |\n"
              "\n**Limits**\n\n"
              "| variable | default | meaning |\n|---|---|---|\n"
              "| `ODOO_REQUEST_TIMEOUT_OF_EACH_CALL` | `25s` | How long a request may take. A duration such "
              "as 250ms, 25s "
              "or 2m from 1s to 2m. |\n"
              "| `ODOO_PAGE` | `4MiB` | Largest answer. A size such as 65536, 64KiB or 4MiB. |\n"
              "| `ODOO_MODE` |  | With a \\| in it. One of a, b. |\n");
}

typedef struct {
    const char *period;
    strings_t ids;
    int64_t limit;
} args_t;

Test(fields_print, prints_a_table_of_arguments)
{
    static const field_t args[] = {
        FIELD(args_t, period, .required = true, .choices = "today|week", .doc = "Which period."),
        FIELD(args_t, ids, .min_items = 2, .max_items = 5, .format = "uuid", .doc = "Agents."),
        FIELD(args_t, limit, .fallback = "20", .min = 1, .max = 100, .doc = "Rows."),
        { 0 },
    };
    AUTO(mem_free) char *text = printed(fields_print_markdown, args);

    cr_assert_str_eq(text, "| argument | takes | default | meaning |\n|---|---|---|---|\n"
                           "| `period` | one of today, week | required | Which period. |\n"
                           "| `ids` | an array of 2 to 5 UUIDs |  | Agents. |\n"
                           "| `limit` | an integer from 1 to 100 | `20` | Rows. |\n");
}

Test(fields_print, says_when_there_are_no_arguments)
{
    AUTO(mem_free) char *text = printed(fields_print_markdown, NULL);

    cr_assert_str_eq(text, "Takes no arguments.\n");
}
