/* See predict.h. */
#include "predict.h"

#include "answer.h"
#include "mem.h"

static json_t *feature_names(const json_t *rows)
{
    json_auto_t *seen = json_object();
    json_t *names = json_array();
    json_t *row, *value;
    const char *name;
    size_t i;

    json_array_foreach((json_t *)rows, i, row)
    {
        json_object_foreach(row, name, value)
        {
            if (!json_object_get(seen, name)) {
                json_object_set_new(seen, name, json_true());
                json_array_append_new(names, json_pack("{s:s}", "name", name));
            }
        }
    }
    return names;
}

/* Source: Qlik ML API, rows are arrays of strings. */
static json_t *as_text(const json_t *value)
{
    if (!value || json_is_string(value)) {
        return value ? json_incref((json_t *)value) : json_null();
    }
    AUTO(mem_free) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    return json_string(text);
}

static json_t *row_of(const json_t *names, const json_t *row)
{
    json_t *values = json_array();
    json_t *name;
    size_t i;

    json_array_foreach((json_t *)names, i, name)
    {
        json_array_append_new(values, as_text(json_object_get(row, answer_text(name, "name"))));
    }
    return values;
}

static int check_rows(const json_t *rows, err_t *err)
{
    json_t *row, *value;
    const char *name;
    size_t i;

    json_array_foreach((json_t *)rows, i, row)
    {
        if (!json_is_object(row) || json_object_size(row) == 0) {
            return err_set(err, ERR_CALLER, "rows[%zu] must be an object of features, such as {\"age\": 41}.",
                           i);
        }
        json_object_foreach(row, name, value)
        {
            if (json_is_array(value) || json_is_object(value)) {
                return err_set(err, ERR_CALLER, "rows[%zu].%.100s must be a text, a number or true/false.", i,
                               name);
            }
        }
    }
    return 0;
}

int predict_body(const json_t *rows, json_t **ret, err_t *err)
{
    json_t *row;
    size_t i;

    if (check_rows(rows, err)) {
        return -1;
    }
    json_t *names = feature_names(rows);
    json_t *table = json_array();
    json_array_foreach((json_t *)rows, i, row)
    {
        json_array_append_new(table, row_of(names, row));
    }
    *ret = json_pack("{s:o, s:o}", "schema", names, "rows", table);
    return 0;
}

json_t *predict_rows(const json_t *result)
{
    const json_t *schema = json_object_get(result, "schema");
    const json_t *rows = json_object_get(result, "rows");
    json_t *row;
    size_t i;

    if (!json_is_array(schema) || !json_is_array(rows)) {
        return NULL;
    }
    json_t *predictions = json_array();
    json_array_foreach((json_t *)rows, i, row)
    {
        json_t *prediction = json_object();
        for (size_t column = 0; column < json_array_size(schema); column++) {
            const char *name = answer_text(json_array_get(schema, column), "name");
            json_t *value = json_array_get(row, column);
            if (name && value) {
                json_object_set(prediction, name, value);
            }
        }
        json_array_append_new(predictions, prediction);
    }
    return predictions;
}
