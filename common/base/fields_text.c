/* Text into the member of a row: fallbacks of arguments, and settings from the environment. */
#include "fields_row.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "mem.h"

void *row_member(const field_t *row, void *ret)
{
    return (char *)ret + row->offset;
}

void row_clear(const field_t *row, void *ret)
{
    void *member = row_member(row, ret);

    switch (row->type) {
    case FIELD_STRING:
        *(const char **)member = NULL;
        break;
    case FIELD_INT:
        *(int64_t *)member = 0;
        break;
    case FIELD_NUMBER:
        *(double *)member = NAN;
        break;
    case FIELD_BOOL:
        *(bool *)member = false;
        break;
    case FIELD_STRINGS:
        *(strings_t *)member = (strings_t){ 0 };
        break;
    case FIELD_JSON:
        *(json_t **)member = NULL;
        break;
    }
}

void row_release(const field_t *row, void *ret)
{
    void *member = row_member(row, ret);

    if (row->type == FIELD_STRINGS) {
        mem_free(((strings_t *)member)->at);
    }
    if (row->type == FIELD_JSON) {
        json_decref(*(json_t **)member);
    }
    if (row->type == FIELD_STRINGS || row->type == FIELD_JSON) {
        row_clear(row, ret);
    }
}

static int refuse_text(const field_t *row, const char *text, err_t *err)
{
    AUTO_BUF got = { 0 };

    buf_add_json_string_cut(&got, span_of(text), 60);
    return row_refuse(row, buf_span(&got), err);
}

static int64_t parse_integer(const char *text)
{
    char *end;

    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    /* strtoll also takes leading white space and '+'. */
    bool plain = strspn(text, "-0123456789") == strlen(text) && end != text && *end == '\0';
    return plain && errno == 0 ? number : INT64_MIN;
}

static int64_t parse_bytes(const char *text)
{
    static const struct {
        const char *name;
        int64_t bytes;
    } units[] = { { "", 1 }, { "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }, { "GiB", 1 << 30 } };
    size_t digits = strspn(text, "0123456789");
    int64_t number, bytes;

    if (digits == 0 || digits > 18) {
        return INT64_MIN;
    }
    number = strtoll(text, NULL, 10);
    for (size_t i = 0; i < COUNT_OF(units); i++) {
        if (strcmp(text + digits, units[i].name) == 0) {
            return __builtin_mul_overflow(number, units[i].bytes, &bytes) ? INT64_MIN : bytes;
        }
    }
    return INT64_MIN;
}

static int64_t parse_in_unit(const field_t *row, const char *text)
{
    if (row->unit && strcmp(row->unit, "ms") == 0) {
        int64_t ms = clock_parse_ms(text);
        return ms < 0 ? INT64_MIN : ms;
    }
    if (row->unit && strcmp(row->unit, "bytes") == 0) {
        return parse_bytes(text);
    }
    return parse_integer(text);
}

static int int_from_text(const field_t *row, const char *text, int64_t *ret, err_t *err)
{
    int64_t number = parse_in_unit(row, text);

    if (number == INT64_MIN) {
        return refuse_text(row, text, err);
    }
    if (row_check_number(row, (double)number, span_of(text), err)) {
        return -1;
    }
    *ret = number;
    return 0;
}

static int number_from_text(const field_t *row, const char *text, double *ret, err_t *err)
{
    char *end;
    double number = strtod(text, &end);

    if (end == text || *end != '\0' || strspn(text, "+-.0123456789eE") != strlen(text) || !isfinite(number)) {
        return refuse_text(row, text, err);
    }
    if (row_check_number(row, number, span_of(text), err)) {
        return -1;
    }
    *ret = number;
    return 0;
}

static int bool_from_text(const field_t *row, const char *text, bool *ret, err_t *err)
{
    static const char *const words[][2] = {
        { "false", "true" }, { "0", "1" }, { "no", "yes" }, { "off", "on" }
    };

    for (size_t i = 0; i < COUNT_OF(words); i++) {
        for (int value = 0; value < 2; value++) {
            if (strcasecmp(text, words[i][value]) == 0) {
                *ret = value;
                return 0;
            }
        }
    }
    return refuse_text(row, text, err);
}

/* The pointers and the words they point to share one allocation, so that one free() releases both. */
static strings_t split(const char *text)
{
    size_t most = 1, length = strlen(text);

    for (const char *at = text; *at; at++) {
        most += *at == ',';
    }
    strings_t list = { .at = mem_alloc(most * sizeof(char *) + length + 1) };
    char *rest = memcpy(list.at + most, text, length + 1);
    char *word;
    while ((word = strsep(&rest, ","))) {
        word += strspn(word, " \t");
        size_t end = strlen(word);
        while (end > 0 && strchr(" \t", word[end - 1])) {
            end--;
        }
        word[end] = '\0';
        if (word[0]) {
            list.at[list.count++] = word;
        }
    }
    return list;
}

static int strings_from_text(const field_t *row, const char *text, strings_t *ret, err_t *err)
{
    strings_t list = split(text);
    int rc = row_check_count(row, list.count, err);

    for (size_t i = 0; rc == 0 && i < list.count; i++) {
        rc = row_check_text(row, span_of(list.at[i]), err);
    }
    if (rc) {
        mem_free(list.at);
        return rc;
    }
    *ret = list;
    return 0;
}

static int json_from_text(const field_t *row, const char *text, json_t **ret, err_t *err)
{
    json_auto_t *value = json_loads(text, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);

    if (!value) {
        return row_refuse_because(row, "is not valid JSON", err);
    }
    if (row_check_json(row, value, err)) {
        return -1;
    }
    *ret = TAKE(value);
    return 0;
}

int row_from_text(const field_t *row, const char *text, void *ret, err_t *err)
{
    void *member = row_member(row, ret);

    switch (row->type) {
    case FIELD_INT:
        return int_from_text(row, text, member, err);
    case FIELD_NUMBER:
        return number_from_text(row, text, member, err);
    case FIELD_BOOL:
        return bool_from_text(row, text, member, err);
    case FIELD_STRINGS:
        return strings_from_text(row, text, member, err);
    case FIELD_JSON:
        return json_from_text(row, text, member, err);
    default:
        if (row_check_text(row, span_of(text), err)) {
            return -1;
        }
        *(const char **)member = text;
        return 0;
    }
}
