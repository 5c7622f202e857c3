/* See odoo_recorded.h. */
#include "odoo_recorded.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec.h"
#include "mem.h"
#include "utf8.h"

#define SHOWN_CHARACTERS 160

static char *read_whole(const char *path)
{
    FILE *file = fopen(path, "rb");
    AUTO_BUF content = { 0 };
    char piece[65536];
    size_t length;

    if (!file) {
        return mem_strdup(""); /* a GET has no body */
    }
    while ((length = fread(piece, 1, sizeof(piece), file)) > 0) {
        buf_add(&content, piece, length);
    }
    fclose(file);
    return buf_steal(&content);
}

size_t recorded_each(const char *folder, void (*check)(const recorded_t *r))
{
    AUTO(mem_free) char *path = mem_printf("%s/%s/INDEX.tsv", TEST_DATA, folder);
    AUTO(mem_free) char *index = read_whole(path);
    size_t count = 0;
    char *save = NULL;

    strtok_r(index, "\n", &save); /* the heading */
    for (char *line = strtok_r(NULL, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        recorded_t r = { .folder = folder, .name = strsep(&line, "\t") };
        strsep(&line, "\t"); /* method and path */
        strsep(&line, "\t"); /* status */
        r.result = line;
        check(&r);
        count++;
    }
    return count;
}

char *recorded_read(const recorded_t *r, const char *kind)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s/%s.%s.xml", TEST_DATA, r->folder, r->name, kind);

    return read_whole(path);
}

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0) != 0x80;
    }
    return count;
}

/* A value is shown whole or its first 160 characters are; behind a fault stands how many lines it had. */
bool recorded_shows(const recorded_t *r, const char *text)
{
    size_t shown = strlen(r->result), own = strlen(text);

    if (characters(r->result) >= SHOWN_CHARACTERS && own > shown) {
        return strncmp(r->result, text, shown) == 0;
    }
    return strncmp(r->result, text, own) == 0 &&
           (r->result[own] == '\0' || strncmp(r->result + own, " lines=", 7) == 0);
}

static char *replace_all(const char *text, const char *what, const char *with)
{
    AUTO_BUF out = { 0 };

    for (const char *found; (found = strstr(text, what)); text = found + strlen(what)) {
        buf_add(&out, text, (size_t)(found - text));
        buf_add_text(&out, with);
    }
    buf_add_text(&out, text);
    return buf_steal(&out);
}

/* The codec reads replies alone, as the product has no use for more: the call is made one, its params the
 * items of an array. */
json_t *recorded_call(span_t xml, char **ret_method)
{
    AUTO(mem_free) char *whole = mem_strndup(xml.at, xml.length);
    char *name = strstr(whole, "<methodName>"), *name_end = strstr(whole, "</methodName>");
    char *params = strstr(whole, "<params>"), *end = strstr(whole, "</params>");
    codec_reply_t reply;
    err_t err;

    if (!name || !name_end || strstr(whole, "<!") || strstr(whole, "latin") || strstr(whole, "iso-")) {
        return NULL;
    }
    name += strlen("<methodName>");
    *ret_method = mem_strndup(name, (size_t)(name_end - name));
    AUTO(mem_free)
    char *list = params && end ? mem_strndup(params + 8, (size_t)(end - params) - 8) : mem_strdup("");
    AUTO(mem_free) char *opened = replace_all(list, "<param>", "");
    AUTO(mem_free) char *values = replace_all(opened, "</param>", "");
    AUTO(mem_free)
    char *response = mem_printf("<methodResponse><params><param><value><array><data>%s</data></array>"
                                "</value></param></params></methodResponse>",
                                values);
    return codec_decode(span_of(response), &reply, &err) == 0 ? reply.value : NULL;
}

static void add_python_text(buf_t *out, const char *text)
{
    char quote = strchr(text, '\'') && !strchr(text, '"') ? '"' : '\'';

    buf_add_char(out, quote);
    for (; *text != '\0'; text++) {
        if (*text == '\n' || *text == '\r' || *text == '\t') {
            buf_addf(out, "\\%c", *text == '\n' ? 'n' : *text == '\r' ? 'r' : 't');
        } else if (*text == '\\' || *text == quote) {
            buf_addf(out, "\\%c", *text);
        } else {
            buf_add_char(out, *text);
        }
    }
    buf_add_char(out, quote);
}

/* The fewest digits that bring the number back; with an exponent from 1e16 on and below 1e-4. */
static void add_python_real(buf_t *out, double number)
{
    char text[64];
    int digits = 1;

    do {
        snprintf(text, sizeof(text), "%.*e", digits - 1, number);
    } while (strtod(text, NULL) != number && digits++ < 17);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent < -4 || exponent >= 16) {
        buf_addf(out, "%.*g", digits, number);
        return;
    }
    int decimals = digits - 1 - exponent;
    buf_addf(out, "%.*f", decimals > 0 ? decimals : 1, number);
}

static void add_python(buf_t *out, const json_t *value)
{
    const char *key;
    json_t *item;
    size_t i;

    switch (json_typeof(value)) {
    case JSON_OBJECT:
        buf_add_char(out, '{');
        json_object_foreach((json_t *)value, key, item)
        {
            buf_add_text(out, buf_span(out).at[out->length - 1] == '{' ? "" : ", ");
            add_python_text(out, key);
            buf_add_text(out, ": ");
            add_python(out, item);
        }
        buf_add_char(out, '}');
        return;
    case JSON_ARRAY:
        buf_add_char(out, '[');
        json_array_foreach(value, i, item)
        {
            buf_add_text(out, i > 0 ? ", " : "");
            add_python(out, item);
        }
        buf_add_char(out, ']');
        return;
    case JSON_STRING:
        add_python_text(out, json_string_value(value));
        return;
    case JSON_INTEGER:
        buf_addf(out, "%lld", (long long)json_integer_value(value));
        return;
    case JSON_REAL:
        add_python_real(out, json_real_value(value));
        return;
    default:
        buf_add_text(out, json_is_null(value) ? "None" : json_is_true(value) ? "True" : "False");
    }
}

char *python_repr(const json_t *value)
{
    AUTO_BUF out = { 0 };

    add_python(&out, value);
    return buf_steal(&out);
}

char *python_fault(int code, const char *fault_text)
{
    AUTO_BUF out = { 0 };
    AUTO(mem_free) char *text = mem_strdup(fault_text);
    size_t length = strlen(text);

    while (length > 0 && text[length - 1] == '\n') {
        text[--length] = '\0';
    }
    const char *last = strrchr(text, '\n');
    buf_addf(&out, "FAULT code=%d last=", code);
    AUTO(mem_free)
    char *shown = replace_all(last ? last + 1 : text, "\"/var/run/postgresql/.s.PGSQL.5432\"", "\"...\"");
    add_python_text(&out, shown);
    return buf_steal(&out);
}
