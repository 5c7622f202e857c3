/* See check.h. */
#include "check.h"

#include <ctype.h>
#include <string.h>

#include "mem.h"
#include "span.h"
#include "utf8.h"

#define SHOWN_MAX_BYTES 60

static bool is_name(const char *name, const char *also)
{
    if (!isalpha((unsigned char)*name) && *name != '_') {
        return false;
    }
    for (const char *at = name; *at != '\0'; at++) {
        if (!isalnum((unsigned char)*at) && *at != '_' && !strchr(also, *at)) {
            return false;
        }
        if (*at == '.' && (at[1] == '.' || at[1] == '\0')) {
            return false;
        }
    }
    return true;
}

bool check_is_field(const char *name)
{
    return is_name(name, "");
}

bool check_is_field_path(const char *name)
{
    return is_name(name, ".");
}

bool check_is_model(const char *name)
{
    return is_name(name, ".");
}

static int cut(const char *text)
{
    return (int)utf8_cut(span_of(text), SHOWN_MAX_BYTES);
}

int check_model(const char *model, err_t *err)
{
    if (check_is_model(model)) {
        return 0;
    }
    return err_set(err, ERR_CALLER,
                   "model is \"%.*s\", which is no technical name of a model; those are like res.partner or "
                   "sale.order. list_models finds them.",
                   cut(model), model);
}

int check_field_names(const char *argument, const strings_t *names, err_t *err)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!check_is_field(names->at[i])) {
            return err_set(err, ERR_CALLER,
                           "%s has \"%.*s\", which is no technical name of a field; those are like name or "
                           "partner_id, without a dot. describe_model shows them.",
                           argument, cut(names->at[i]), names->at[i]);
        }
    }
    return 0;
}

static bool is_direction(span_t word)
{
    return word.length == 0 || span_is_nocase(word, "asc") || span_is_nocase(word, "desc");
}

/* "name", "name desc" */
static bool is_order_part(span_t part)
{
    size_t length = 0;

    while (length < part.length && part.at[length] != ' ') {
        length++;
    }
    AUTO(mem_free) char *field = mem_strndup(part.at, length);
    return is_name(field, ".:") &&
           is_direction(span_trim((span_t){ part.at + length, part.length - length }));
}

int check_order(const char *order, err_t *err)
{
    for (const char *at = order && *order != '\0' ? order : NULL; at;
         at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (!is_order_part(span_trim((span_t){ at, strcspn(at, ",") }))) {
            return err_set(
                err, ERR_CALLER,
                "order is \"%.*s\", and must be fields with asc or desc, such as \"create_date desc, "
                "id\".",
                cut(order), order);
        }
    }
    return 0;
}

static bool is_repeated(const json_t *ids, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (json_equal(json_array_get(ids, i), json_array_get(ids, j))) {
            return true;
        }
    }
    return false;
}

int check_ids(const json_t *ids, size_t max, err_t *err)
{
    size_t i;
    json_t *id;

    if (json_array_size(ids) == 0) {
        return err_set(err, ERR_CALLER, "ids is empty. It takes the ids of the records, such as [7, 12].");
    }
    if (json_array_size(ids) > max) {
        return err_set(err, ERR_CALLER, "ids has %zu ids; at most %zu go in one call.", json_array_size(ids),
                       max);
    }
    json_array_foreach(ids, i, id)
    {
        if (!json_is_integer(id) || json_integer_value(id) <= 0) {
            return err_set(err, ERR_CALLER, "ids[%zu] is no id: ids are whole numbers above 0.", i);
        }
        if (is_repeated(ids, i)) {
            return err_set(err, ERR_CALLER, "ids has %lld twice.", (long long)json_integer_value(id));
        }
    }
    return 0;
}

int check_values(const json_t *values, err_t *err)
{
    const char *name;
    json_t *value;

    if (json_object_size(values) == 0) {
        return err_set(err, ERR_CALLER,
                       "values is empty. It takes at least one field, such as {\"name\": \"Ana\"}; a field "
                       "whose value is null is left out.");
    }
    json_object_foreach((json_t *)values, name, value)
    {
        if (!check_is_field(name)) {
            return err_set(err, ERR_CALLER,
                           "values has \"%.*s\", which is no technical name of a field. describe_model shows "
                           "them.",
                           cut(name), name);
        }
    }
    return 0;
}
