/* Settings from an environment, and secrets from files. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fields.h"
#include "mem.h"

typedef struct {
    const char *url, *key, *mode;
    int64_t timeout, max_body, port;
    double ratio;
    bool debug;
    strings_t tenants;
    json_t *extra;
} settings_t;

static const field_t settings[] = {
    FIELD(settings_t, url, .env = "ODOO_URL", .required = true, .doc = "Address of the Odoo server."),
    FIELD(settings_t, key, .env = "ODOO_KEY", .secret = true, .max_length = 64),
    FIELD(settings_t, mode, .env = "MODE", .choices = "fast|safe", .fallback = "safe"),
    FIELD(settings_t, timeout, .env = "TIMEOUT", .unit = "ms", .fallback = "25s", .min = 1000, .max = 120000),
    FIELD(settings_t, max_body, .env = "MAX_BODY", .unit = "bytes", .fallback = "4MiB"),
    FIELD(settings_t, port, .env = "PORT", .min = 1, .max = 65535),
    FIELD(settings_t, ratio, .env = "RATIO"),
    FIELD(settings_t, debug, .env = "DEBUG"),
    FIELD(settings_t, tenants, .env = "TENANTS"),
    FIELD(settings_t, extra, .env = "EXTRA", .schema = "{\"type\":\"object\"}"),
    { 0 },
};

/* The environment of a test: NAME, value, NAME, value, NULL. */
static const char *const *environment;

static const char *lookup(const char *name)
{
    for (const char *const *at = environment; *at; at += 2) {
        if (strcmp(at[0], name) == 0) {
            return at[1];
        }
    }
    return NULL;
}

#define ENVIRONMENT(...)                                                                                     \
    environment = (const char *const[])                                                                      \
    {                                                                                                        \
        __VA_ARGS__, NULL                                                                                    \
    }

static void take(settings_t *ret)
{
    err_t err = { 0 };

    memset(ret, 0xAA, sizeof(*ret));
    cr_assert_eq(settings_load(settings, lookup, ret, &err), 0, "%s", err.text);
}

static void refuse(const char *sentence)
{
    settings_t got;
    err_t err = { 0 };

    cr_assert_eq(settings_load(settings, lookup, &got, &err), -1, "taken; expected: %s", sentence);
    cr_assert_eq(err.kind, ERR_CALLER);
    cr_assert_str_eq(err.text, sentence);
}

/* A file that holds these bytes; the path is the caller's to unlink and free. */
static char *file_with(const void *bytes, size_t length)
{
    char *path = mem_strdup("/tmp/test_settings_XXXXXX");
    int fd = mkstemp(path);

    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
    return path;
}

Test(settings, reads_every_type)
{
    settings_t got;

    ENVIRONMENT("ODOO_URL", "https://odoo", "ODOO_KEY", "secret", "MODE", "fast", "TIMEOUT", "2m", "MAX_BODY",
                "64KiB", "PORT", "8080", "RATIO", "-0.5", "DEBUG", "Yes", "TENANTS", " a, b ,,c", "EXTRA",
                "{\"x\":1}");
    take(&got);
    cr_assert_str_eq(got.url, "https://odoo");
    cr_assert_str_eq(got.key, "secret");
    cr_assert_str_eq(got.mode, "fast");
    cr_assert_eq(got.timeout, 120000);
    cr_assert_eq(got.max_body, 65536);
    cr_assert_eq(got.port, 8080);
    cr_assert_float_eq(got.ratio, -0.5, 0);
    cr_assert(got.debug);
    cr_assert_eq(got.tenants.count, 3);
    cr_assert_str_eq(got.tenants.at[0], "a");
    cr_assert_str_eq(got.tenants.at[1], "b");
    cr_assert_str_eq(got.tenants.at[2], "c");
    cr_assert_eq(json_integer_value(json_object_get(got.extra, "x")), 1);
    settings_release(settings, &got);
    cr_assert_null(got.url);
}

Test(settings, takes_an_empty_variable_for_absent)
{
    settings_t got;

    ENVIRONMENT("ODOO_URL", "u", "MODE", "", "PORT", "", "TENANTS", "", "ODOO_KEY_FILE", "");
    take(&got);
    cr_assert_str_eq(got.mode, "safe");
    cr_assert_eq(got.timeout, 25000);
    cr_assert_eq(got.max_body, 4194304);
    cr_assert_eq(got.port, 0);
    cr_assert(isnan(got.ratio));
    cr_assert_not(got.debug);
    cr_assert_eq(got.tenants.count, 0);
    cr_assert_null(got.key);
    settings_release(settings, &got);
}

Test(settings, says_which_variable_is_missing_and_what_it_is_for)
{
    ENVIRONMENT("ODOO_URL", "");
    refuse("ODOO_URL is not set. Address of the Odoo server.");
}

Test(settings, says_what_a_variable_takes)
{
    ENVIRONMENT("ODOO_URL", "u", "MODE", "slow");
    refuse("MODE must be one of fast, safe; got \"slow\".");
    ENVIRONMENT("ODOO_URL", "u", "TIMEOUT", "soon");
    refuse("TIMEOUT must be a duration such as 250ms, 25s or 2m from 1s to 2m; got \"soon\".");
    ENVIRONMENT("ODOO_URL", "u", "TIMEOUT", "3m");
    refuse("TIMEOUT must be a duration such as 250ms, 25s or 2m from 1s to 2m; got 3m.");
    ENVIRONMENT("ODOO_URL", "u", "MAX_BODY", "4MB");
    refuse("MAX_BODY must be a size such as 65536, 64KiB or 4MiB; got \"4MB\".");
    ENVIRONMENT("ODOO_URL", "u", "PORT", "70000");
    refuse("PORT must be an integer from 1 to 65535; got 70000.");
    ENVIRONMENT("ODOO_URL", "u", "RATIO", "0x10");
    refuse("RATIO must be a number; got \"0x10\".");
    ENVIRONMENT("ODOO_URL", "u", "DEBUG", "maybe");
    refuse("DEBUG must be true or false; got \"maybe\".");
    ENVIRONMENT("ODOO_URL", "u", "EXTRA", "{");
    refuse("EXTRA is not valid JSON.");
    ENVIRONMENT("ODOO_URL", "u", "EXTRA", "[]");
    refuse("EXTRA must be an object; got an array.");
}

Test(settings, refuses_what_only_looks_like_a_number)
{
    static const char *const wrong[] = { " 80",  "+80", "80 ", "8O",
                                         "80.0", "1e3", "--1", "99999999999999999999" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        AUTO(mem_free)
        char *sentence = mem_printf("PORT must be an integer from 1 to 65535; got \"%s\".", wrong[i]);
        ENVIRONMENT("ODOO_URL", "u", "PORT", wrong[i]);
        refuse(sentence);
    }
    static const char *const sizes[] = { "1TiB", "-1", "999999999999999GiB", "KiB", "1 KiB", "" };
    for (size_t i = 0; i + 1 < COUNT_OF(sizes); i++) {
        AUTO(mem_free)
        char *sentence =
            mem_printf("MAX_BODY must be a size such as 65536, 64KiB or 4MiB; got \"%s\".", sizes[i]);
        ENVIRONMENT("ODOO_URL", "u", "MAX_BODY", sizes[i]);
        refuse(sentence);
    }
}

Test(settings, never_shows_a_secret)
{
    char key[66];

    memset(key, 'k', 65);
    key[65] = '\0';
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY", key);
    refuse("ODOO_KEY is too long: 65 bytes, at most 64 are taken.");
}

typedef struct {
    int64_t pin;
    const char *kind;
} secrets_t;

Test(settings, never_shows_a_secret_of_another_type)
{
    static const field_t rows[] = {
        FIELD(secrets_t, pin, .env = "PIN", .secret = true),
        FIELD(secrets_t, kind, .env = "KIND", .secret = true, .choices = "a|b"),
        { 0 },
    };
    secrets_t got;
    err_t err;

    ENVIRONMENT("PIN", "hunter2");
    cr_assert_eq(settings_load(rows, lookup, &got, &err), -1);
    cr_assert_str_eq(err.text, "PIN must be an integer.");
    ENVIRONMENT("KIND", "hunter2");
    cr_assert_eq(settings_load(rows, lookup, &got, &err), -1);
    cr_assert_str_eq(err.text, "KIND must be one of a, b.");
}

Test(settings, reads_a_secret_from_a_file_without_its_last_newline)
{
    static const char *const contents[] = { "s3cret", "s3cret\n", "s3cret\r\n" };
    settings_t got;

    for (size_t i = 0; i < COUNT_OF(contents); i++) {
        AUTO(mem_free) char *path = file_with(contents[i], strlen(contents[i]));
        ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", path);
        take(&got);
        cr_assert_str_eq(got.key, "s3cret");
        settings_release(settings, &got);
        unlink(path);
    }
}

Test(settings, drops_one_newline_only)
{
    settings_t got;
    AUTO(mem_free) char *path = file_with("s3cret\n\n", 8);

    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", path);
    take(&got);
    cr_assert_str_eq(got.key, "s3cret\n");
    settings_release(settings, &got);
    unlink(path);
}

Test(settings, refuses_a_secret_that_is_given_twice)
{
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY", "a", "ODOO_KEY_FILE", "/tmp/b");
    refuse("Both ODOO_KEY and ODOO_KEY_FILE are set; keep one of them.");
}

Test(settings, refuses_files_that_hold_no_secret)
{
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", "/nonexistent/key");
    refuse("ODOO_KEY_FILE: cannot read /nonexistent/key: No such file or directory.");
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", "/tmp");
    refuse("ODOO_KEY_FILE: cannot read /tmp: Is a directory.");
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", "/dev/null");
    refuse("ODOO_KEY_FILE: /dev/null is empty.");
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", "/dev/zero");
    refuse("ODOO_KEY_FILE: /dev/zero is larger than 64 KiB.");
    AUTO(mem_free) char *path = file_with("a\0b", 3);
    AUTO(mem_free) char *sentence = mem_printf("ODOO_KEY_FILE: %s contains a NUL byte.", path);
    ENVIRONMENT("ODOO_URL", "u", "ODOO_KEY_FILE", path);
    refuse(sentence);
    unlink(path);
}

Test(settings, takes_a_file_for_secrets_only)
{
    ENVIRONMENT("ODOO_URL_FILE", "/etc/hostname");
    refuse("ODOO_URL is not set. Address of the Odoo server.");
}
