/* See schema_legacy_parts.h. A keyword that a client would choke on but needs not see is hidden in a double
 * negation, {"not": {"not": {"pattern": P}}}: it accepts what P accepts, and the makers of classes look into
 * no "not".
 */
#include "schema_legacy_parts.h"

#include "mem.h"

json_t *legacy_take(json_t *schema, const char *key)
{
    json_t *value = json_incref(json_object_get(schema, key));

    json_object_del(schema, key);
    return value;
}

/* `hidden`: a schema of its own, stolen. */
void legacy_add_hidden(json_t *schema, json_t *hidden)
{
    json_t *negation = json_pack("{s:o}", "not", hidden);
    json_t *old = legacy_take(schema, "not");

    /* not (A or not B) is: not A, and B */
    json_object_set_new(schema, "not", old ? json_pack("{s:[o, o]}", "anyOf", old, negation) : negation);
}

void legacy_hide(legacy_t *legacy, json_t *schema, const char *key)
{
    json_t *hidden = json_object();

    json_object_set_new(hidden, key, legacy_take(schema, key));
    legacy_add_hidden(schema, hidden);
    legacy->changed = true;
}

void legacy_hide_items(legacy_t *legacy, json_t *schema)
{
    static const char *const together[] = { "items", "prefixItems", "additionalItems" };
    json_t *hidden = json_object();

    for (size_t i = 0; i < COUNT_OF(together); i++) {
        if (json_object_get(schema, together[i])) {
            json_object_set_new(hidden, together[i], legacy_take(schema, together[i]));
        }
    }
    legacy_add_hidden(schema, hidden);
    legacy->changed = true;
}
