/* See collection_info.h. */
#include "collection_info.h"

#include <string.h>

#include "buf.h"
#include "mem.h"

/* Either the parameters of one vector, or an object of them by name. */
static const json_t *vectors_of(const json_t *info)
{
    return json_object_get(json_object_get(json_object_get(info, "config"), "params"), "vectors");
}

static bool is_unnamed(const json_t *vectors)
{
    return json_is_integer(json_object_get(vectors, "size"));
}

static json_t *vector_json(const char *name, const json_t *params)
{
    json_t *vector = json_pack("{s:s?}", "name", name);
    static const char *const kept[] = { "size", "distance", "on_disk", "datatype" };

    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        json_t *value = json_object_get(params, kept[i]);
        if (value && !json_is_null(value)) {
            json_object_set(vector, kept[i], value);
        }
    }
    return vector;
}

json_t *collection_vectors(const json_t *info)
{
    const json_t *vectors = vectors_of(info);
    json_t *list = json_array();
    const char *name;
    json_t *params;

    if (is_unnamed(vectors)) {
        json_array_append_new(list, vector_json(NULL, vectors));
        return list;
    }
    json_object_foreach((json_t *)vectors, name, params)
    {
        json_array_append_new(list, vector_json(name, params));
    }
    return list;
}

static int refuse_name(const json_t *vectors, const char *collection, const char *vector_name, err_t *err)
{
    AUTO_BUF names = { 0 };
    const char *name;
    json_t *params;

    if (is_unnamed(vectors)) {
        return err_set(err, ERR_CALLER, "The vectors of %s have no names: leave vector_name out.",
                       collection);
    }
    json_object_foreach((json_t *)vectors, name, params)
    {
        buf_addf(&names, "%s%s", names.length > 0 ? ", " : "", name);
    }
    if (names.length == 0) {
        return err_set(err, ERR_CALLER, "%s has no vectors that an embedding model could fill.", collection);
    }
    if (!vector_name) {
        return err_set(err, ERR_CALLER, "The vectors of %s have names: set vector_name to one of %s.",
                       collection, buf_text(&names));
    }
    return err_set(err, ERR_CALLER, "%s has no vector named %s, but %s.", collection, vector_name,
                   buf_text(&names));
}

int collection_vector_size(const json_t *info, const char *collection, const char *vector_name,
                           json_int_t *ret, err_t *err)
{
    const json_t *vectors = vectors_of(info);
    const json_t *params = vector_name ? json_object_get(vectors, vector_name) : vectors;
    const json_t *size = json_object_get(params, "size");

    if (!json_is_integer(size) || (vector_name && is_unnamed(vectors))) {
        return refuse_name(vectors, collection, vector_name, err);
    }
    *ret = json_integer_value(size);
    return 0;
}
