/* See selection.h. */
#include "selection.h"

#include "filter.h"
#include "point_id.h"

int selection_add(json_t *body, const json_t *ids, json_t *filter, err_t *err)
{
    bool has_ids = json_array_size(ids) > 0;
    json_t *read = NULL;

    if (filter_check(filter, err)) {
        return -1;
    }
    /* Clients send [] and {} for what they leave out: an empty one beside a full one says nothing. */
    bool has_filter = filter && (!has_ids || !filter_is_empty(filter));
    if (has_ids == has_filter) {
        return err_set(err, ERR_CALLER, "Give either ids or a filter, to say which points are meant.");
    }
    if (has_ids) {
        if (point_ids_read(ids, "ids", &read, err)) {
            return -1;
        }
        json_object_set_new(body, "points", read);
        return 0;
    }
    if (filter_is_empty(filter)) {
        return err_set(
            err, ERR_CALLER,
            "The filter is empty, which would mean every point of the collection. Give conditions, "
            "or ids.");
    }
    json_object_set(body, "filter", filter);
    return 0;
}
