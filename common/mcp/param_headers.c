/* See param_headers.h. The declared properties are kept as a tree of names, so that arguments are walked once
 * however many there are. What is surprising: keys are compared with their escapes resolved and must be
 * unique on the way to a declared property, because connectors differ in which of two members they take, and
 * then the header would speak of the other one.
 */
#include "param_headers.h"

#include <math.h>
#include <stdlib.h>

#include "errors.h"
#include "header_value.h"
#include "json_scan.h"
#include "mem.h"

#define ANNOTATION "x-mcp-header"
#define MAX_SAFE_INTEGER 9007199254740991.0 /* 2^53 - 1 */
#define NUMBER_SIZE 64

typedef struct step {
    char *name;          /* of the property */
    int header;          /* which one it feeds; -1: none itself */
    struct step *inside; /* below it */
    struct step *next;   /* beside it */
} step_t;

struct param_headers {
    step_t *steps;
    size_t count;
    struct {
        char *name; /* Mcp-Param-Region */
        char *path; /* filter.region, for people */
    } headers[PARAM_HEADER_MAX];
};

/* What the arguments hold for each header; absent: at == NULL. */
typedef struct {
    span_t values[PARAM_HEADER_MAX];
    const step_t *twice; /* a property that occurs twice */
} found_t;

bool param_header_name_is_valid(const char *name)
{
    static const char token[] =
        "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

    return *name && name[strspn(name, token)] == '\0';
}

/* Reading the schema */

static void free_steps(step_t *steps)
{
    while (steps) {
        step_t *next = steps->next;
        free_steps(steps->inside);
        mem_free(steps->name);
        mem_free(steps);
        steps = next;
    }
}

void param_headers_free(param_headers_t *params)
{
    if (!params) {
        return;
    }
    free_steps(params->steps);
    for (size_t i = 0; i < params->count; i++) {
        mem_free(params->headers[i].name);
        mem_free(params->headers[i].path);
    }
    mem_free(params);
}

bool param_headers_know(const param_headers_t *params, span_t header)
{
    for (size_t i = 0; params && i < params->count; i++) {
        if (span_is_nocase(header, params->headers[i].name)) {
            return true;
        }
    }
    return false;
}

/* The index of the header that this property asks for; -1: it asks for none. */
static int add_header(param_headers_t *params, span_t property, const char *path)
{
    AUTO_BUF word = { 0 };

    if (params->count == PARAM_HEADER_MAX || !scan_string(scan_member(property, ANNOTATION), &word) ||
        !param_header_name_is_valid(buf_text(&word))) {
        return -1;
    }
    AUTO(mem_free) char *name = mem_printf(PARAM_HEADER_PREFIX "%s", buf_text(&word));
    if (param_headers_know(params, span_of(name))) {
        return -1;
    }
    params->headers[params->count].name = TAKE(name);
    params->headers[params->count].path = mem_strdup(path);
    return (int)params->count++;
}

static step_t *read_steps(param_headers_t *params, span_t schema, const char *path);

/* NULL when neither the property nor what is below it is mirrored. */
static step_t *read_step(param_headers_t *params, const json_member_t *property, const char *path)
{
    AUTO_BUF name = { 0 };

    if (!scan_string((span_t){ property->key.at - 1, property->key.length + 2 }, &name)) {
        return NULL;
    }
    AUTO(mem_free) char *below = mem_printf("%s%s%s", path, *path ? "." : "", buf_text(&name));
    int header = add_header(params, property->value, below);
    step_t *inside = read_steps(params, property->value, below);
    if (header < 0 && !inside) {
        return NULL;
    }
    step_t *step = NEW(step_t);
    *step = (step_t){ buf_steal(&name), header, inside, NULL };
    return step;
}

static step_t *read_steps(param_headers_t *params, span_t schema, const char *path)
{
    span_t properties = scan_member(schema, "properties");
    step_t *steps = NULL;
    json_member_t property;

    if (scan_kind(properties) != SCAN_OBJECT) {
        return NULL;
    }
    for (span_t rest = properties; scan_next_member(&rest, &property);) {
        step_t *step = read_step(params, &property, path);
        if (step) {
            step->next = steps;
            steps = step;
        }
    }
    return steps;
}

param_headers_t *param_headers_read(span_t input_schema)
{
    if (!input_schema.at || !memmem(input_schema.at, input_schema.length, ANNOTATION, strlen(ANNOTATION))) {
        return NULL;
    }
    param_headers_t *params = NEW(param_headers_t);
    params->steps = read_steps(params, input_schema, "");
    if (params->count == 0) {
        param_headers_free(params);
        return NULL;
    }
    return params;
}

/* Finding the arguments */

static const step_t *step_of(const step_t *steps, span_t key, uint64_t *ret_bit)
{
    span_t quoted = { key.at - 1, key.length + 2 };

    *ret_bit = 1; /* never more steps side by side than headers: 64 */
    for (; steps; steps = steps->next, *ret_bit <<= 1) {
        if (scan_string_is(quoted, steps->name)) {
            return steps;
        }
    }
    return NULL;
}

static int find(const step_t *steps, span_t object, found_t *found)
{
    uint64_t seen = 0, bit;
    json_member_t member;

    if (!steps || scan_kind(object) != SCAN_OBJECT) {
        return 0;
    }
    for (span_t rest = object; scan_next_member(&rest, &member);) {
        const step_t *step = step_of(steps, member.key, &bit);
        if (!step) {
            continue;
        }
        if (seen & bit) {
            found->twice = step;
            return -1;
        }
        seen |= bit;
        if (step->header >= 0 && scan_kind(member.value) != SCAN_NULL) {
            found->values[step->header] = member.value;
        }
        if (find(step->inside, member.value, found)) {
            return -1;
        }
    }
    return 0;
}

/* Values */

typedef enum { NOT_A_NUMBER, INTEGER, FRACTION, UNSAFE } number_t;

/* 42, 42.0 and 4.2e1 are one integer. */
static number_t read_number(span_t text, double *ret)
{
    char copy[NUMBER_SIZE];
    json_scan_t ignored;

    if (text.length == 0 || text.length >= sizeof(copy)) {
        return text.length == 0 ? NOT_A_NUMBER : UNSAFE;
    }
    bool bare = text.at[0] == '-' || (text.at[0] >= '0' && text.at[0] <= '9');
    if (!bare || text.at[text.length - 1] < '0' || json_scan(text, NULL, &ignored, NULL)) {
        return NOT_A_NUMBER;
    }
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    *ret = strtod(copy, NULL);
    if (fabs(*ret) > MAX_SAFE_INTEGER) {
        return UNSAFE;
    }
    return *ret == trunc(*ret) ? INTEGER : FRACTION;
}

static bool is_same_number(span_t header, span_t value)
{
    double said, meant;
    number_t kind = read_number(value, &meant);

    if (kind == INTEGER) {
        return read_number(header, &said) == INTEGER && said == meant;
    }
    return kind == FRACTION && span_equal(header, value);
}

static bool is_same_text(span_t header, span_t value)
{
    AUTO_BUF text = { 0 };

    return scan_string(value, &text) && span_equal(buf_span(&text), header);
}

static bool mirrors(span_t header, span_t value)
{
    AUTO_BUF decoded = { 0 };

    if (!header_value_decode(header, &decoded)) {
        return false;
    }
    switch (scan_kind(value)) {
    case SCAN_STRING:
        return is_same_text(buf_span(&decoded), value);
    case SCAN_NUMBER:
        return is_same_number(buf_span(&decoded), value);
    case SCAN_BOOL:
        return span_equal(buf_span(&decoded), value);
    default:
        return false;
    }
}

static int mismatch(err_t *err, const char *name, const char *path)
{
    return err_set_code(err, ERR_PROTOCOL, MCP_HEADER_MISMATCH,
                        "The header %s must occur once and equal the argument %.100s of the body.", name,
                        path);
}

static int check_one(const char *name, const char *path, const http_request_t *request, span_t value,
                     err_t *err)
{
    size_t count = 0;
    span_t header = http_header(request, name, &count);

    if (!value.at) {
        return count == 0 ? 0
                          : err_set_code(err, ERR_PROTOCOL, MCP_HEADER_MISMATCH,
                                         "The header %s came without the argument %.100s.", name, path);
    }
    return count == 1 && mirrors(header, value) ? 0 : mismatch(err, name, path);
}

int param_headers_check(const param_headers_t *params, const http_request_t *request, span_t arguments,
                        err_t *err)
{
    found_t found = { 0 };

    if (!params) {
        return 0;
    }
    if (find(params->steps, arguments, &found)) {
        return err_set_code(err, ERR_PROTOCOL, MCP_HEADER_MISMATCH,
                            "The argument %.100s occurs twice: no header can equal both.", found.twice->name);
    }
    for (size_t i = 0; i < params->count; i++) {
        if (check_one(params->headers[i].name, params->headers[i].path, request, found.values[i], err)) {
            return -1;
        }
    }
    return 0;
}

/* Writing */

static int add_number(span_t value, const char *path, buf_t *out, err_t *err)
{
    double number;

    switch (read_number(value, &number)) {
    case INTEGER:
        buf_addf(out, "%.0f", number == 0 ? 0.0 : number); /* no -0 */
        return 0;
    case FRACTION:
        buf_add_span(out, value);
        return 0;
    default:
        return err_set(err, ERR_CALLER, "The argument %.100s must be an integer within 2^53 - 1.", path);
    }
}

static int add_string(span_t value, const char *path, buf_t *out, err_t *err)
{
    AUTO_BUF text = { 0 };

    if (!scan_string(value, &text)) {
        return err_set(err, ERR_CALLER, "The argument %.100s contains NUL.", path);
    }
    header_value_encode(buf_span(&text), out);
    return 0;
}

static int add_value(span_t value, const char *path, buf_t *out, err_t *err)
{
    switch (scan_kind(value)) {
    case SCAN_STRING:
        return add_string(value, path, out, err);
    case SCAN_NUMBER:
        return add_number(value, path, out, err);
    case SCAN_BOOL:
        buf_add_span(out, value);
        return 0;
    default:
        return err_set(err, ERR_CALLER, "The argument %.100s must be a string, an integer or a boolean.",
                       path);
    }
}

static int write_one(const char *name, const char *path, span_t value, buf_t *lines, err_t *err)
{
    buf_add_text(lines, name);
    buf_add_text(lines, ": ");
    size_t before = lines->length;
    if (add_value(value, path, lines, err)) {
        return -1;
    }
    if (lines->length - before > PARAM_HEADER_MAX_VALUE) {
        return err_set(err, ERR_CALLER,
                       "The argument %.100s is too long: it travels in a header, which holds %d bytes.", path,
                       PARAM_HEADER_MAX_VALUE);
    }
    buf_add_text(lines, "\r\n");
    return 0;
}

int param_headers_write(const param_headers_t *params, span_t arguments, buf_t *lines, err_t *err)
{
    found_t found = { 0 };

    if (!params) {
        return 0;
    }
    if (find(params->steps, arguments, &found)) {
        return err_set(err, ERR_CALLER, "The argument %.100s occurs twice. Send it once.", found.twice->name);
    }
    for (size_t i = 0; i < params->count; i++) {
        if (found.values[i].at &&
            write_one(params->headers[i].name, params->headers[i].path, found.values[i], lines, err)) {
            return -1;
        }
    }
    return 0;
}
