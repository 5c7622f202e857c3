/* Rows that describe a struct: the arguments of a tool, or the settings of a process. One row is read four
 * ways: JSON Schema, check, decode into the struct, and documentation.
 *
 *     typedef struct { const char *email; int64_t limit; json_t *filter; strings_t labels; } args_t;
 *     static const field_t args[] = {
 *         FIELD(args_t, email, .required = true, .format = "email", .doc = "E-mail of the customer."),
 *         FIELD(args_t, limit, .fallback = "20", .min = 1, .max = 100, .doc = "Rows per page."),
 *         FIELD(args_t, labels, .max_items = 10, .doc = "Only conversations with all of these labels."),
 *         FIELD(args_t, filter, .schema = "{\"type\":\"object\"}", .doc = "Qdrant filter."),
 *         { 0 },
 *     };
 *
 * The type comes from the member, so a row cannot disagree with its struct. Decoded strings and JSON values
 * are borrowed from what was decoded. This header needs no jansson: common/mcp must not see it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "err.h"
#include "buf.h"

struct json_t;

typedef struct {
    const char **at; /* NULL when absent */
    size_t count;
} strings_t;

typedef enum { FIELD_STRING, FIELD_INT, FIELD_NUMBER, FIELD_BOOL, FIELD_STRINGS, FIELD_JSON } field_type_t;

typedef struct {
    const char *name;
    field_type_t type;
    size_t offset;
    const char *doc; /* one or two sentences for a person and a model */
    bool required;
    const char *choices;  /* "today|week|month": the only values of a string, or of each item of strings */
    const char *format;   /* JSON Schema format that is also checked: date (YYYY-MM-DD), uuid, email */
    const char *fallback; /* value when absent, as text (strings: a,b); without: NULL, 0, NAN, false, empty */
    double min, max;      /* of a number; both 0: any; max below min: no upper bound */
    size_t max_length;    /* of a string or of each item, in bytes; 0: 4096 */
    size_t min_items, max_items; /* of strings; max 0: 100 */
    const char *schema;          /* FIELD_JSON: the schema fragment of the value; also its check of `type` */
    const char *header;          /* "Region": a string, integer or bool that callers mirror in the header
                                    Mcp-Param-Region (x-mcp-header), for who routes by it. Never a secret. */
    /* settings only */
    const char *env;   /* environment variable; with .secret also NAME_FILE */
    bool secret;       /* never printed, logged or put into an error */
    const char *unit;  /* "ms", "bytes": a FIELD_INT is then written as 25s (clock_parse_ms) or 4MiB */
    const char *group; /* heading in --help and .env.example */
} field_t;

#define FIELD_TYPE(member)                                                                                   \
    _Generic((member), const char *: FIELD_STRING, int64_t: FIELD_INT, double: FIELD_NUMBER, bool: FIELD_BOOL,       \
             strings_t: FIELD_STRINGS, struct json_t *: FIELD_JSON)
#define FIELD(struct_type, member, ...)                                                                      \
    {                                                                                                        \
        .name = #member, .type = FIELD_TYPE(((struct_type *)0)->member),                                     \
        .offset = offsetof(struct_type, member), __VA_ARGS__                                                 \
    }

/* {"type":"object","properties":{...},"required":[...],"additionalProperties":false}; a new reference.
 * `required` and `additionalProperties` as the rows say; an object without rows has empty properties. */
struct json_t *fields_schema(const field_t *rows);

/* Decodes `values` (an object, or NULL for none) into `ret`; every member that has a row is set. null counts
 * as absent (CrewAI sends and drops nulls as it likes): null members at any depth are taken out of `values`
 * itself, null items of strings are dropped, null items of other arrays stay, as their place may mean
 * something. [] for strings that are not required is absent too. Unknown names, wrong types, NUL bytes and
 * values out of range are refused with a sentence that names the argument and what it takes. Arrays of
 * strings are allocated and JSON values referenced: fields_release(). -1 with ERR_CALLER and nothing to
 * release. */
int fields_decode(const field_t *rows, struct json_t *values, void *ret, err_t *err);
void fields_release(const field_t *rows, void *ret);

size_t field_max_length(const field_t *row); /* that counts: its own or the usual one */

/* Fills `ret` from the environment through lookup (getenv in main, a fake in tests). Empty counts as absent.
 * For a secret NAME_FILE may name a file that holds the value (one trailing newline is dropped); both set is
 * an error. Strings are owned by ret: settings_release(). -1 with a sentence that names the variable, never a
 * secret's value. */
typedef const char *(*settings_lookup_f)(const char *name);
int settings_load(const field_t *rows, settings_lookup_f lookup, void *ret, err_t *err);
void settings_release(const field_t *rows, void *ret);

void settings_print_help(const field_t *rows, FILE *out);        /* for --help */
void settings_print_env_example(const field_t *rows, FILE *out); /* a block of .env.example */
void settings_print_markdown(const field_t *rows, FILE *out);    /* a table for docs/ */
void fields_print_markdown(const field_t *rows, FILE *out);      /* arguments of a tool, for docs/ */
