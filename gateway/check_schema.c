/* See check_schema.h. Depth is bounded by the scanner that read the list (64), size by check_tool(). */
#include "check_schema.h"

#include <string.h>
#include <strings.h>

#include "param_headers.h"
#include "schema_refs.h"
#include "schema_words.h"

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

    if (json_array_size(seen) == PARAM_HEADER_MAX) {
        return err_set(err, ERR_UPSTREAM, "Its schema has more than %d x-mcp-header.", PARAM_HEADER_MAX);
    }
    if (!reachable || !name || !param_header_name_is_valid(name) || !may_be_header(schema) ||
        is_taken(seen, name)) {
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
        bool data = !names && schema_word_holds_data(key);
        bool inside = reachable && (names || strcmp(key, "properties") == 0);
        if (!data && walk_headers(value, !names && schema_word_holds_names(key), inside, seen, err)) {
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
        check_properties(json_object_get(schema, "properties"), err) || schema_refs_check(schema, err)) {
        return -1;
    }
    return walk_headers(schema, false, true, seen, err);
}
