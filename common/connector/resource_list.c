/* See resource_list.h. */
#include "resource_list.h"

#include <string.h>

#include "uri_variables.h"

static json_t *declaration_of(const char *uri_key, const entry_t *entry, const char *name, const char *title,
                              const char *description, const char *mime_type)
{
    return json_pack("{s:s, s:s, s:s*, s:s*, s:s*}", uri_key, entry->name, "name", name, "title", title,
                     "description", description, "mimeType", mime_type);
}

/* RFC 3986 "Scheme": what an MCP client needs to take it for a URI. */
static bool has_scheme(const char *uri)
{
    const char *end = uri ? strchr(uri, ':') : NULL;

    return end && end != uri && strcspn(uri, "/?#{ ") > (size_t)(end - uri);
}

static int check(const entry_list_t *list, const entry_t *entry, const char *name, bool reads, err_t *err)
{
    if (!has_scheme(entry->name)) {
        return err_set(err, ERR_INTERNAL, "The resource \"%s\" needs a whole URI, such as crm://leads.",
                       entry->name ? entry->name : "");
    }
    if (entry_list_find(list, span_of(entry->name))) {
        return err_set(err, ERR_INTERNAL, "Two resources have the URI %s.", entry->name);
    }
    if (!name || !reads) {
        return err_set(err, ERR_INTERNAL, "The resource %s needs a name and a read function.", entry->name);
    }
    return 0;
}

/* Each variable has its row, and each row its variable. */
static int check_variables(const entry_t *entry, err_t *err)
{
    const char *rest = entry->name;
    span_t variable;
    size_t variables = 0, rows = 0;

    while (uri_variables_next(&rest, &variable)) {
        variables++;
        if (!entry_row(entry, variable)) {
            return err_set(err, ERR_INTERNAL, "The resource %s has no row for {%.*s}.", entry->name,
                           SPAN_ARGS(variable));
        }
    }
    for (const field_t *row = entry->args; row->name; row++) {
        rows++;
    }
    if (rows != variables) {
        return err_set(err, ERR_INTERNAL, "The resource %s needs one row for each variable.", entry->name);
    }
    return 0;
}

static int add_listed(resource_list_t *list, const resource_t *r, const connector_t *connector,
                      metrics_t *metrics, err_t *err)
{
    const entry_t entry = entry_of_resource(r);

    if (check(&list->listed, &entry, r->name, r->read != NULL, err) != 0) {
        return -1;
    }
    json_auto_t *said = declaration_of("uri", &entry, r->name, r->title, r->description, r->mime_type);
    return entry_list_add(&list->listed, &entry, said, metrics, connector->name, err);
}

static int add_template(resource_list_t *list, const resource_template_t *t, const connector_t *connector,
                        metrics_t *metrics, err_t *err)
{
    const entry_t entry = entry_of_template(t);

    if (check(&list->templates, &entry, t->name, t->read != NULL, err) != 0 ||
        uri_variables_check(t->uri_template, err) != 0 || check_variables(&entry, err) != 0 ||
        entry_check_strings(&entry, err) != 0) {
        return -1;
    }
    json_auto_t *said =
        declaration_of("uriTemplate", &entry, t->name, t->title, t->description, t->mime_type);
    return entry_list_add(&list->templates, &entry, said, metrics, connector->name, err);
}

static int fill(resource_list_t *list, const connector_t *connector, metrics_t *metrics, err_t *err)
{
    const resource_t *const *r = connector->resources;
    const resource_template_t *const *t = connector->templates;

    for (size_t i = 0; r && r[i]; i++) {
        if (add_listed(list, r[i], connector, metrics, err) != 0) {
            return -1;
        }
    }
    for (size_t i = 0; t && t[i]; i++) {
        if (add_template(list, t[i], connector, metrics, err) != 0) {
            return -1;
        }
    }
    return 0;
}

static size_t count_of(const void *const *list)
{
    size_t count = 0;

    while (list && list[count]) {
        count++;
    }
    return count;
}

resource_list_t *resource_list_new(const connector_t *connector, metrics_t *metrics, err_t *err)
{
    resource_list_t *list = NEW(resource_list_t);

    entry_list_reserve(&list->listed, count_of((const void *const *)connector->resources));
    entry_list_reserve(&list->templates, count_of((const void *const *)connector->templates));
    if (fill(list, connector, metrics, err) != 0) {
        resource_list_free(list);
        return NULL;
    }
    entry_list_close(&list->listed);
    entry_list_close(&list->templates);
    return list;
}

void resource_list_free(resource_list_t *list)
{
    if (list) {
        entry_list_release(&list->listed);
        entry_list_release(&list->templates);
        mem_free(list);
    }
}

static void ignore(void *self, span_t name, span_t value)
{
    (void)self, (void)name, (void)value;
}

const entry_t *resource_list_find(const resource_list_t *list, span_t uri)
{
    const entry_t *listed = entry_list_find(&list->listed, uri);

    for (size_t i = 0; !listed && i < list->templates.count; i++) {
        if (uri_variables_match(list->templates.entries[i].name, uri, ignore, NULL)) {
            return &list->templates.entries[i];
        }
    }
    return listed;
}

static void set_variable(void *self, span_t name, span_t value)
{
    AUTO(mem_free) char *key = mem_strndup(name.at, name.length);

    json_object_set_new(self, key, json_stringn(value.at, value.length));
}

json_t *resource_variables(const resource_template_t *template, span_t uri)
{
    json_t *values = json_object();

    uri_variables_match(template->uri_template, uri, set_variable, values);
    return values;
}
