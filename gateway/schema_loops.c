/* See schema_legacy_parts.h. A maker of classes follows references, branches and items, and ends only at a
 * class that it has begun. Every loop goes through a reference, so it is enough to look from their targets.
 */
#include "schema_legacy_parts.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"

#define MAX_CHAIN 100 /* $refs that lead on and on */

typedef struct {
    legacy_t *legacy;
    const schema_refs_t *refs;
    const json_t **open; /* targets that are being looked into, */
    size_t *lists_at;    /* and in how many lists each was met */
    size_t depth, lists;
    json_t *done; /* a set: addresses as keys */
} loops_t;

static int look_into(loops_t *loops, json_t *schema, bool *ret_loops, err_t *err);

/* CrewAI knows a class again that it has begun, and so ends there. */
static bool is_class(const json_t *schema)
{
    const char *type = json_string_value(json_object_get(schema, "type"));

    return type && strcmp(type, "object") == 0 && json_object_size(json_object_get(schema, "properties")) > 0;
}

static int follow(loops_t *loops, json_t *target, bool *ret_loops, err_t *err)
{
    char key[32];

    for (size_t i = 0; i < loops->depth; i++) {
        if (loops->open[i] == target) {
            *ret_loops = true;
            return loops->lists > loops->lists_at[i]
                       ? 0
                       : err_set(err, ERR_UPSTREAM, "Its schema has a $ref that leads to itself.");
        }
    }
    snprintf(key, sizeof(key), "%p", (void *)target);
    if (json_object_get(loops->done, key)) {
        return 0;
    }
    if (loops->depth == MAX_CHAIN) {
        return err_set(err, ERR_UPSTREAM, "Its schema has a chain of $refs that is too long.");
    }
    json_object_set_new(loops->done, key, json_true());
    loops->open[loops->depth] = target;
    loops->lists_at[loops->depth++] = loops->lists;
    int rc = look_into(loops, target, ret_loops, err);
    loops->depth--;
    return rc;
}

static int look_into_list(loops_t *loops, json_t *list, bool *ret_loops, err_t *err)
{
    size_t i;
    json_t *one;

    json_array_foreach(list, i, one)
    {
        if (look_into(loops, one, ret_loops, err)) {
            return -1;
        }
    }
    return 0;
}

static int look_into_items(loops_t *loops, json_t *schema, err_t *err)
{
    bool in_loop = false;

    loops->lists++;
    int rc = look_into(loops, json_object_get(schema, "items"), &in_loop, err);
    loops->lists--;
    if (rc == 0 && in_loop) {
        legacy_hide_items(loops->legacy, schema);
    }
    return rc;
}

/* The places that a maker of classes goes to from here without making a class. */
static int look_into(loops_t *loops, json_t *schema, bool *ret_loops, err_t *err)
{
    static const char *const lists[] = { "allOf", "anyOf", "oneOf" };
    json_t *target = schema_refs_target(loops->refs, schema);

    if (!json_is_object(schema) || is_class(schema)) {
        return 0;
    }
    if (target && follow(loops, target, ret_loops, err)) {
        return -1;
    }
    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        if (look_into_list(loops, json_object_get(schema, lists[i]), ret_loops, err)) {
            return -1;
        }
    }
    return look_into_items(loops, schema, err);
}

int legacy_cut_loops(legacy_t *legacy, const schema_refs_t *refs, err_t *err)
{
    const json_t *open[MAX_CHAIN];
    size_t lists_at[MAX_CHAIN];
    json_auto_t *done = json_object();
    loops_t loops = { .legacy = legacy, .refs = refs, .open = open, .lists_at = lists_at, .done = done };

    for (size_t i = 0; i < refs->count; i++) {
        bool ignored = false;
        if (follow(&loops, refs->at[i].target, &ignored, err)) {
            return -1;
        }
    }
    return 0;
}
