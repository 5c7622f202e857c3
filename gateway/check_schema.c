/* See check_schema.h. Two walks over a schema: one that checks, one that rewrites for older clients. Depth is
 * bounded by the scanner that read the list (64), size by check_tool(). */
#include "check_schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "mem.h"

/* Members whose values are data, not schemas: a "$ref" in there is nobody's reference. */
static bool is_data(const char *keyword)
{
    static const char *const data[] = { "const", "enum", "default", "examples", "example", "required" };

    for (size_t i = 0; i < COUNT_OF(data); i++) {
        if (strcmp(keyword, data[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* Members whose own members are names, not keywords: there "default" is an argument called default. */
static bool is_map(const char *keyword)
{
    static const char *const maps[] = { "properties", "patternProperties", "$defs", "definitions",
                                        "dependentSchemas" };

    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        if (strcmp(keyword, maps[i]) == 0) {
            return true;
        }
    }
    return false;
}

/* One step of a JSON pointer, "~1" and "~0" resolved; returns what follows it. */
static const char *pointer_step(const char *at, char *ret, size_t size)
{
    size_t length = 0;

    while (*at && *at != '/') {
        char c = *at++;
        if (c == '~' && (*at == '0' || *at == '1')) {
            c = *at++ == '1' ? '/' : '~';
        }
        if (length + 1 < size) {
            ret[length++] = c;
        }
    }
    ret[length] = '\0';
    return at;
}

static bool pointer_resolves(json_t *root, const char *pointer)
{
    char step[256];

    while (root && *pointer == '/') {
        pointer = pointer_step(pointer + 1, step, sizeof(step));
        root =
            json_is_array(root) ? json_array_get(root, strtoul(step, NULL, 10)) : json_object_get(root, step);
    }
    return root && !*pointer;
}

static int check_ref(json_t *root, const char *ref, err_t *err)
{
    if (ref[0] != '#') {
        return err_set(err, ERR_UPSTREAM, "Its schema refers to another document ($ref).");
    }
    /* "#name" is an anchor: no client of ours resolves one. */
    if (!pointer_resolves(root, ref + 1)) {
        return err_set(err, ERR_UPSTREAM, "Its schema has a $ref that leads nowhere.");
    }
    return 0;
}

static int walk_refs(json_t *root, json_t *at, bool names, err_t *err)
{
    const char *key;
    json_t *value;
    size_t i;

    json_array_foreach(at, i, value)
    {
        if (walk_refs(root, value, false, err)) {
            return -1;
        }
    }
    json_object_foreach(at, key, value)
    {
        if (!names && is_data(key)) {
            continue;
        }
        if (!names && json_is_string(value) &&
            (strcmp(key, "$ref") == 0 || strcmp(key, "$dynamicRef") == 0) &&
            check_ref(root, json_string_value(value), err)) {
            return -1;
        }
        if (walk_refs(root, value, !names && is_map(key), err)) {
            return -1;
        }
    }
    return 0;
}

int check_schema_refs(json_t *schema, err_t *err)
{
    return walk_refs(schema, schema, false, err);
}

/* RFC 9110 token: what may stand in a header name. */
static bool is_token(const char *text)
{
    if (!*text) {
        return false;
    }
    return text[strspn(text,
                       "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")] ==
           '\0';
}

static bool may_be_header(json_t *property)
{
    const char *type = json_string_value(json_object_get(property, "type"));

    return type &&
           (strcmp(type, "string") == 0 || strcmp(type, "integer") == 0 || strcmp(type, "boolean") == 0);
}

static bool is_taken(json_t *seen, const char *header)
{
    size_t i;
    json_t *one;

    json_array_foreach(seen, i, one)
    {
        if (strcasecmp(json_string_value(one), header) == 0) {
            return true;
        }
    }
    return false;
}

/* MCP 2026-07-28 basic/transports/streamable-http "Schema Extension": on string, integer and boolean
 * properties reachable through `properties` alone, a token, unique without case. `reachable` says whether we
 * still are. */
static int check_header(json_t *schema, json_t *header, bool reachable, json_t *seen, err_t *err)
{
    const char *name = json_string_value(header);

    if (!reachable || !name || !is_token(name) || !may_be_header(schema) || is_taken(seen, name)) {
        return err_set(err, ERR_UPSTREAM, "Its schema has an x-mcp-header that is not valid.");
    }
    json_array_append(seen, header);
    return 0;
}

static int walk_headers(json_t *at, bool names, bool reachable, json_t *seen, err_t *err)
{
    json_t *header = names ? NULL : json_object_get(at, "x-mcp-header");
    const char *key;
    json_t *value;
    size_t i;

    if (header && check_header(at, header, reachable, seen, err)) {
        return -1;
    }
    json_array_foreach(at, i, value)
    {
        if (walk_headers(value, false, false, seen, err)) {
            return -1;
        }
    }
    json_object_foreach(at, key, value)
    {
        bool data = !names && is_data(key);
        bool inside = reachable && (names || strcmp(key, "properties") == 0);
        if (!data && walk_headers(value, !names && is_map(key), inside, seen, err)) {
            return -1;
        }
    }
    return 0;
}

static int check_required(json_t *required, err_t *err)
{
    size_t i;
    json_t *name;

    if (required && !json_is_array(required)) {
        return err_set(err, ERR_UPSTREAM, "`required` of its inputSchema is not a list.");
    }
    json_array_foreach(required, i, name)
    {
        if (!json_is_string(name)) {
            return err_set(err, ERR_UPSTREAM,
                           "`required` of its inputSchema holds something other than names.");
        }
    }
    return 0;
}

static int check_properties(json_t *properties, err_t *err)
{
    const char *name;
    json_t *value;

    if (properties && !json_is_object(properties)) {
        return err_set(err, ERR_UPSTREAM, "`properties` of its inputSchema is not an object.");
    }
    json_object_foreach(properties, name, value)
    {
        if (!json_is_object(value) && !json_is_boolean(value)) {
            return err_set(err, ERR_UPSTREAM, "Its argument %.64s has no schema.", name);
        }
    }
    return 0;
}

int check_schema_input(json_t *schema, err_t *err)
{
    json_auto_t *seen = json_array();

    if (check_required(json_object_get(schema, "required"), err) ||
        check_properties(json_object_get(schema, "properties"), err) || check_schema_refs(schema, err)) {
        return -1;
    }
    return walk_headers(schema, false, true, seen, err);
}

int check_schema_legacy(json_t *schema, err_t *err)
{
    const char *name;
    json_t *value;

    /* CrewAI makes a pydantic field of each argument and throws the whole list away at a leading underscore.
     */
    json_object_foreach(json_object_get(schema, "properties"), name, value)
    {
        if (name[0] == '_') {
            return err_set(err, ERR_UPSTREAM, "Its argument %.64s begins with an underscore.", name);
        }
    }
    return 0;
}

static void mend_types(json_t *schema, json_t *types)
{
    json_t *any = json_array();
    json_t *type;
    size_t i;

    json_array_foreach(types, i, type)
    {
        json_array_append_new(any, json_pack("{s:O}", "type", type));
    }
    json_object_set_new(schema, "anyOf", any);
    json_object_del(schema, "type");
}

/* `names`: the members of `at` are names of properties, each with a schema. */
static bool mend(json_t *at, bool names)
{
    bool changed = false;
    const char *key;
    json_t *value;
    void *next;
    size_t i;

    json_t *types = names ? NULL : json_object_get(at, "type");
    if (json_is_array(types) && !json_object_get(at, "anyOf")) {
        mend_types(at, types);
        changed = true;
    }
    json_t *items = names ? NULL : json_object_get(at, "items");
    if (json_is_array(items)) {
        json_object_set(at, "prefixItems", items);
        json_object_del(at, "items");
        changed = true;
    }
    json_array_foreach(at, i, value)
    {
        changed |= mend(value, false);
    }
    json_object_foreach_safe(at, next, key, value)
    {
        if (names && json_is_true(value)) {
            json_object_set_new(at, key, json_object());
            changed = true;
        } else if (names || !is_data(key)) {
            changed |= mend(value, !names && is_map(key));
        }
    }
    return changed;
}

bool schema_mend_legacy(json_t *schema)
{
    return mend(schema, false);
}
