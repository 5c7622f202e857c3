/* See domain.h. */
#include "domain.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "check.h"
#include "utf8.h"

#define MAX_DEPTH 8 /* of domains within domains (any, not any) */
#define MAX_TERMS 500
#define SHOWN_MAX_BYTES 120

static int check(const json_t *domain, const char *where, int depth, err_t *err);

/* A term as an error shows it. */
static char *shown(const json_t *value)
{
    AUTO(mem_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    span_t whole = span_of(text ? text : "?");
    size_t length = utf8_cut(whole, SHOWN_MAX_BYTES);

    return mem_printf("%.*s%s", (int)length, whole.at, length < whole.length ? "..." : "");
}

static int refuse(const char *where, const json_t *term, const char *why, err_t *err)
{
    AUTO(mem_free) char *text = shown(term);

    return err_set(err, ERR_CALLER, "%s is %s: %s", where, text, why);
}

/* What a value must be */

typedef enum { VALUE_ANY, VALUE_SCALAR, VALUE_TEXT, VALUE_LIST, VALUE_RECORDS, VALUE_DOMAIN } value_kind_t;

static const struct {
    const char *name;
    value_kind_t kind;
} operators[] = {
    { "=", VALUE_SCALAR },         { "!=", VALUE_SCALAR },         { ">", VALUE_SCALAR },
    { ">=", VALUE_SCALAR },        { "<", VALUE_SCALAR },          { "<=", VALUE_SCALAR },
    { "=?", VALUE_SCALAR },        { "in", VALUE_LIST },           { "not in", VALUE_LIST },
    { "like", VALUE_TEXT },        { "not like", VALUE_TEXT },     { "ilike", VALUE_TEXT },
    { "not ilike", VALUE_TEXT },   { "=like", VALUE_TEXT },        { "=ilike", VALUE_TEXT },
    { "child_of", VALUE_RECORDS }, { "parent_of", VALUE_RECORDS }, { "any", VALUE_DOMAIN },
    { "not any", VALUE_DOMAIN },
};

static const char operators_text[] =
    "the operator must be one of =, !=, >, >=, <, <=, in, not in, like, ilike, not like, not ilike, =like, "
    "=ilike, =?, child_of, parent_of, any, not any.";

static int find_operator(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(operators); i++) {
        if (strcmp(operators[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static bool is_scalar(const json_t *value)
{
    return !json_is_array(value) && !json_is_object(value);
}

static bool is_list_of_scalars(const json_t *value)
{
    size_t i;
    json_t *item;

    json_array_foreach(value, i, item)
    {
        if (!is_scalar(item)) {
            return false;
        }
    }
    return json_is_array(value);
}

/* NULL when it fits. */
static const char *misfit(value_kind_t kind, const json_t *value)
{
    switch (kind) {
    case VALUE_SCALAR:
        return is_scalar(value) ? NULL
                                : "the value must be one string, number or boolean; for several use in.";
    case VALUE_TEXT:
        return json_is_string(value) ? NULL : "the value must be a string.";
    case VALUE_LIST:
        return is_list_of_scalars(value) ? NULL : "the value must be an array, such as [1, 2].";
    case VALUE_RECORDS:
        return json_is_integer(value) || json_is_string(value) || is_list_of_scalars(value)
                   ? NULL
                   : "the value must be an id, an array of ids, or a name.";
    default:
        return json_is_array(value)
                   ? NULL
                   : "the value must be a domain of its own, such as [[\"state\",\"=\",\"sale\"]].";
    }
}

/* Terms */

/* [1,"=",1] and [0,"=",1]: always and never. */
static bool is_constant(const json_t *term)
{
    const json_t *left = json_array_get(term, 0), *right = json_array_get(term, 2);
    const char *op = json_string_value(json_array_get(term, 1));

    return json_is_integer(left) && op && strcmp(op, "=") == 0 && json_is_integer(right) &&
           (json_integer_value(left) == 0 || json_integer_value(left) == 1) && json_integer_value(right) == 1;
}

static const char *misspelt(const char *op)
{
    static const struct {
        const char *wrong, *why;
    } usual[] = {
        { "==", "write = instead of ==." },
        { "<>", "write != instead of <>." },
        { "contains", "write ilike instead of contains." },
        { "is", "write = instead; false stands for an empty field." },
        { "is not", "write != instead; false stands for an empty field." },
    };

    for (size_t i = 0; i < COUNT_OF(usual); i++) {
        if (strcasecmp(op, usual[i].wrong) == 0) {
            return usual[i].why;
        }
    }
    return operators_text;
}

static int check_term(const json_t *term, const char *where, int depth, err_t *err)
{
    if (json_array_size(term) != 3) {
        return refuse(where, term, "a term has three items, [\"field\", \"operator\", value].", err);
    }
    if (is_constant(term)) {
        return 0;
    }
    const char *field = json_string_value(json_array_get(term, 0));
    const char *op = json_string_value(json_array_get(term, 1));
    const json_t *value = json_array_get(term, 2);
    if (!field || !check_is_field_path(field)) {
        return refuse(where, term,
                      "the first item must be the name of a field, such as name or partner_id.name.", err);
    }
    int found = op ? find_operator(op) : -1;
    if (found < 0) {
        return refuse(where, term, op ? misspelt(op) : operators_text, err);
    }
    const char *why = misfit(operators[found].kind, value);
    if (why) {
        return refuse(where, term, why, err);
    }
    if (operators[found].kind != VALUE_DOMAIN) {
        return 0;
    }
    AUTO(mem_free) char *inside = mem_printf("%s[2]", where);
    return check(value, inside, depth + 1, err);
}

/* How many terms it joins; 0: it is none. */
static size_t arity(const char *token)
{
    return strcmp(token, "&") == 0 || strcmp(token, "|") == 0 ? 2 : strcmp(token, "!") == 0 ? 1 : 0;
}

/* "|" for "or"; NULL: it is no such word. */
static const char *connective_of(const char *word)
{
    static const char *const words[][2] = {
        { "or", "|" }, { "||", "|" }, { "and", "&" }, { "&&", "&" }, { "not", "!" }
    };

    for (size_t i = 0; word && i < COUNT_OF(words); i++) {
        if (strcasecmp(word, words[i][0]) == 0) {
            return words[i][1];
        }
    }
    return NULL;
}

static int refuse_token(const char *where, const json_t *domain, size_t i, err_t *err)
{
    const json_t *token = json_array_get(domain, i);
    const char *connective = connective_of(json_string_value(token));

    if (i == 0 && json_array_size(domain) == 3 && json_is_string(token) &&
        json_is_string(json_array_get(domain, 1))) {
        AUTO(mem_free) char *text = shown(domain);
        return err_set(err, ERR_CALLER, "%s is a single term, and must be an array of terms: write [%s].",
                       where, text);
    }
    if (connective) {
        return err_set(err, ERR_CALLER, "%s[%zu] is \"%s\": write \"%s\", before the terms it is for.", where,
                       i, json_string_value(token), connective);
    }
    AUTO(mem_free) char *at = mem_printf("%s[%zu]", where, i);
    return refuse(at, token,
                  "an item must be a term, [\"field\", \"operator\", value], or one of \"&\", \"|\", \"!\".",
                  err);
}

static int check_items(const json_t *domain, const char *where, int depth, err_t *err)
{
    size_t i;
    json_t *item;

    json_array_foreach(domain, i, item)
    {
        AUTO(mem_free) char *at = mem_printf("%s[%zu]", where, i);
        const char *token = json_string_value(item);
        if (json_is_array(item)) {
            if (check_term(item, at, depth, err)) {
                return -1;
            }
        } else if (!token || arity(token) == 0) {
            return refuse_token(where, domain, i, err);
        }
    }
    return 0;
}

/* Read from behind, each connective takes what stands complete to its right. */
static int check_arity(const json_t *domain, const char *where, err_t *err)
{
    size_t complete = 0;

    for (size_t i = json_array_size(domain); i-- > 0;) {
        const char *token = json_string_value(json_array_get(domain, i));
        size_t wanted = token ? arity(token) : 0;
        if (wanted > complete) {
            return err_set(err, ERR_CALLER,
                           "%s[%zu] is \"%s\", which joins the %s after it, and there %s. Write %s.", where,
                           i, token, wanted == 2 ? "two terms" : "term",
                           complete == 0 ? "is none" : "is only one",
                           wanted == 2 ? "[\"|\", [...], [...]]" : "[\"!\", [...]]");
        }
        complete = complete - wanted + 1;
    }
    return 0;
}

static int check(const json_t *domain, const char *where, int depth, err_t *err)
{
    if (depth > MAX_DEPTH) {
        return err_set(err, ERR_CALLER, "domain has more than %d domains within each other.", MAX_DEPTH);
    }
    if (json_array_size(domain) > MAX_TERMS) {
        return err_set(err, ERR_CALLER, "%s has more than %d items.", where, MAX_TERMS);
    }
    if (check_items(domain, where, depth, err)) {
        return -1;
    }
    return check_arity(domain, where, err);
}

int domain_check(const json_t *domain, err_t *err)
{
    return domain ? check(domain, "domain", 0, err) : 0;
}
