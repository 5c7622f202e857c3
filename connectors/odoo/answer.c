/* See answer.h. */
#include "answer.h"

#include "mem.h"
#include "utf8.h"

json_t *answer_array(json_t *value)
{
    return value ? json_incref(value) : json_array();
}

json_t *answer_strings(const strings_t *list)
{
    json_t *array = json_array();

    for (size_t i = 0; i < list->count; i++) {
        json_array_append_new(array, json_string(list->at[i]));
    }
    return array;
}

void answer_ask_page(json_t *kwargs, int64_t limit, int64_t offset, const char *order_key, const char *order)
{
    json_object_set_new(kwargs, "limit", json_integer((json_int_t)limit + 1));
    if (offset > 0) {
        json_object_set_new(kwargs, "offset", json_integer((json_int_t)offset));
    }
    if (order && *order != '\0') {
        json_object_set_new(kwargs, order_key, json_string(order));
    }
}

void answer_add_count(buf_t *text, size_t count, const char *what, const char *model)
{
    buf_add_count(text, count, what);
    buf_addf(text, " of %s", model);
}

/* The first member that is an array of objects, or NULL. */
static const char *uncommanded(const json_t *values)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)values, name, value)
    {
        if (json_is_object(json_array_get(value, 0))) {
            return name;
        }
    }
    return NULL;
}

void answer_write_failed(call_t *call, const json_t *values, const err_t *err)
{
    const char *name = err->kind == ERR_CALLER ? uncommanded(values) : NULL;

    if (!name) {
        call_fail(call, err);
        return;
    }
    call_failf(call, err->kind,
               "%s A one2many or many2many such as \"%s\" takes commands: [[0,0,{values}]] adds a line.",
               err->text, name);
}

void answer_add_json(buf_t *text, const json_t *value, size_t max_bytes)
{
    AUTO(mem_free) char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    span_t whole = span_of(json ? json : "?");
    size_t shown = utf8_cut(whole, max_bytes);

    buf_add(text, whole.at, shown);
    if (shown < whole.length) {
        buf_addf(text, "... (cut; %zu characters of JSON)", whole.length);
    }
}
