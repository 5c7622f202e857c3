/* Arguments from a query string. What is taken is one JSON object of the schema's names and types, in which a
 * name stands only if the query has it, and a text is one that a plain reader finds there too. */
#include "query_args.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "mem.h"
#include "utf8.h"

#define SCHEMA                                                                                               \
    "{\"type\":\"object\",\"required\":[\"must\"],\"properties\":{"                                          \
    "\"must\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},\"count\":{\"type\":\"integer\"},"        \
    "\"ratio\":{\"type\":\"number\"},\"flag\":{\"type\":\"boolean\"},\"kind\":{\"enum\":[\"a\",\"b\"]},"     \
    "\"maybe\":{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]},"                                     \
    "\"ids\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}},"                                          \
    "\"numbers\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}},\"deep\":{\"type\":\"object\"}}}"

static const struct {
    const char *name;
    json_type type, items;
} arguments[] = {
    { "must", JSON_STRING, 0 },  { "text", JSON_STRING, 0 },         { "count", JSON_INTEGER, 0 },
    { "ratio", JSON_REAL, 0 },   { "flag", JSON_TRUE, 0 },           { "kind", JSON_STRING, 0 },
    { "maybe", JSON_STRING, 0 }, { "ids", JSON_ARRAY, JSON_STRING }, { "numbers", JSON_ARRAY, JSON_INTEGER },
};

static bool is_of(const json_t *value, json_type type)
{
    json_type own = json_typeof(value);

    return own == type || (type == JSON_REAL && own == JSON_INTEGER) ||
           (type == JSON_TRUE && own == JSON_FALSE);
}

static void check_value(const json_t *value, json_type type, json_type items)
{
    MUST(is_of(value, type));
    for (size_t i = 0; i < json_array_size(value); i++) {
        MUST(is_of(json_array_get(value, i), items));
    }
}

/* The plain reader: cuts at & and =, and decodes as forms are. Whether the query gives this name, and with
 * this text (NULL: any). */
static bool gives(const char *query, const char *name, const char *text)
{
    AUTO(mem_free) char *copy = mem_strdup(query);
    char *rest = copy;
    bool found = false;

    for (char *value; !found && (value = strsep(&rest, "&"));) {
        AUTO_BUF key = { 0 };
        AUTO_BUF decoded = { 0 };
        char *word = strsep(&value, "=");
        MUST(query_decode(span_of(word), &key) && query_decode(span_of(value ? value : ""), &decoded));
        found = strcmp(buf_text(&key), name) == 0 && (!text || strcmp(buf_text(&decoded), text) == 0);
    }
    return found;
}

static void check_member(const char *query, const char *name, const json_t *value)
{
    MUST(gives(query, name, json_string_value(value)));
    for (size_t i = 0; i < COUNT_OF(arguments); i++) {
        if (strcmp(arguments[i].name, name) == 0) {
            check_value(value, arguments[i].type, arguments[i].items);
            return;
        }
    }
    MUST(!"a name that is not in the schema, or whose type a query cannot say");
}

static void check_taken(const char *query, buf_t *object)
{
    json_auto_t *json = json_loadb(object->data, object->length, JSON_REJECT_DUPLICATES, NULL);
    const char *name;
    json_t *value;

    MUST(json_is_object(json));
    json_object_foreach(json, name, value)
    {
        check_member(query, name, value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO(mem_free) char *query = mem_strndup((const char *)data, size);
    AUTO_BUF object = { 0 };
    err_t err = { 0 };

    if (strlen(query) != size) {
        return 0; /* a request line holds no NUL */
    }
    query_has_token(span_of(query));
    if (query_args(SCHEMA, (span_t){ (const char *)data, size }, &object, &err) == 0) {
        check_taken(query, &object);
    } else {
        MUST(err.kind == ERR_CALLER && object.length == 0 && utf8_is_valid(span_of(err.text)));
    }
    return 0;
}
