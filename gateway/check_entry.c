/* See check_entry.h. This runs when a connector is listed, never on a call, so it may use a JSON tree. */
#include "check_entry.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "mem.h"
#include "uri_template.h"
#include "utf8.h"

typedef struct {
    const char *name;
    json_type type;
} member_t;

/* By kind, as the eras have it: what an entry is known by. */
static const char *const known_by[MCP_KINDS] = {
    [MCP_TOOLS] = "name",
    [MCP_RESOURCES] = "uri",
    [MCP_TEMPLATES] = "uriTemplate",
    [MCP_PROMPTS] = "name",
};

static const member_t optional[] = {
    { "title", JSON_STRING }, { "description", JSON_STRING }, { "mimeType", JSON_STRING },
    { "size", JSON_INTEGER }, { "annotations", JSON_OBJECT }, { "arguments", JSON_ARRAY },
    { "icons", JSON_ARRAY },  { "_meta", JSON_OBJECT },
};
static const member_t of_annotations[] = { { "audience", JSON_ARRAY }, { "lastModified", JSON_STRING } };
static const member_t of_argument[] = { { "title", JSON_STRING }, { "description", JSON_STRING } };

static int check_text(const char *what, const char *text, size_t max_bytes, err_t *err)
{
    if (!text || !*text) {
        return err_set(err, ERR_UPSTREAM, "It has no %s.", what);
    }
    if (strlen(text) > max_bytes) {
        return err_set(err, ERR_UPSTREAM, "Its %s is longer than %zu bytes.", what, max_bytes);
    }
    for (const char *c = text; *c; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return err_set(err, ERR_UPSTREAM, "Its %s contains a control character.", what);
        }
    }
    return 0;
}

/* "scheme:", and for the schemes of the web a host: readers of URLs in clients raise at one without. */
static int check_uri(const char *uri, err_t *err)
{
    static const char *const web[] = { "http", "https", "ws", "wss", "ftp" };
    size_t length = strspn(uri, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+.-");

    if (!isalpha((unsigned char)uri[0]) || uri[length] != ':' || strchr(uri, ' ')) {
        return err_set(err, ERR_UPSTREAM, "Its uri is not a URI.");
    }
    for (size_t i = 0; i < COUNT_OF(web); i++) {
        bool is_it = strlen(web[i]) == length && strncasecmp(uri, web[i], length) == 0;
        const char *host = uri + length + 1 + strspn(uri + length + 1, "/");
        if (is_it && (host - uri - length != 3 || strchr("/?#:@", *host))) {
            return err_set(err, ERR_UPSTREAM, "Its uri names no host.");
        }
    }
    return 0;
}

static int check_known_by(mcp_kind_t kind, const char *text, err_t *err)
{
    size_t max_bytes = kind == MCP_PROMPTS ? CHECK_ENTRY_MAX_NAME : CHECK_ENTRY_MAX_URI;

    if (check_text(known_by[kind], text, max_bytes, err)) {
        return -1;
    }
    if (kind == MCP_RESOURCES) {
        return check_uri(text, err);
    }
    return kind == MCP_TEMPLATES ? uri_template_check(span_of(text), err) : 0;
}

/* An optional member of the wrong type says nothing that could be lost. */
static bool mend(json_t *object, const member_t *members, size_t count)
{
    bool mended = false;

    for (size_t i = 0; i < count; i++) {
        json_t *member = json_object_get(object, members[i].name);
        if (member && json_typeof(member) != members[i].type) {
            json_object_del(object, members[i].name);
            mended = true;
        }
    }
    return mended;
}

/* MCP 2026-07-28 schema Annotations: from 0 to 1. */
static bool mend_annotations(json_t *entry)
{
    json_t *annotations = json_object_get(entry, "annotations");
    json_t *priority = json_object_get(annotations, "priority");
    bool mended = mend(annotations, of_annotations, COUNT_OF(of_annotations));

    if (priority &&
        (!json_is_number(priority) || json_number_value(priority) < 0 || json_number_value(priority) > 1)) {
        json_object_del(annotations, "priority");
        mended = true;
    }
    return mended;
}

/* Resources and templates have a name too, which nothing is found by. */
static bool mend_name(mcp_kind_t kind, json_t *entry, const char *own_name)
{
    if (kind == MCP_PROMPTS || json_is_string(json_object_get(entry, "name"))) {
        return false;
    }
    json_object_set_new(entry, "name", json_string(own_name));
    return true;
}

static int check_arguments(json_t *prompt, bool *mended, err_t *err)
{
    size_t i;
    json_t *argument;

    json_array_foreach(json_object_get(prompt, "arguments"), i, argument)
    {
        json_t *required = json_object_get(argument, "required");
        if (!json_is_string(json_object_get(argument, "name"))) {
            return err_set(err, ERR_UPSTREAM, "One of its arguments has no name.");
        }
        *mended = mend(argument, of_argument, COUNT_OF(of_argument)) || *mended;
        if (required && !json_is_boolean(required)) {
            json_object_del(argument, "required");
            *mended = true;
        }
    }
    return 0;
}

static int check_members(mcp_kind_t kind, json_t *entry, bool *mended, err_t *err)
{
    const char *own_name = json_string_value(json_object_get(entry, known_by[kind]));

    if (check_known_by(kind, own_name, err)) {
        return -1;
    }
    *mended = mend(entry, optional, COUNT_OF(optional));
    *mended = mend_annotations(entry) || *mended;
    *mended = mend_name(kind, entry, own_name) || *mended;
    return kind == MCP_PROMPTS ? check_arguments(entry, mended, err) : 0;
}

int check_entry(mcp_kind_t kind, span_t declaration, checked_entry_t *ret, err_t *err)
{
    bool mended = false;

    *ret = (checked_entry_t){ 0 };
    if (declaration.length > CHECK_ENTRY_MAX_BYTES) {
        return err_set(err, ERR_UPSTREAM, "Its declaration is larger than %d KiB.",
                       CHECK_ENTRY_MAX_BYTES / 1024);
    }
    json_auto_t *entry = json_loadb(declaration.at, declaration.length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(entry)) {
        return err_set(err, ERR_UPSTREAM,
                       "Its declaration is not an object, or has a member twice or a NUL.");
    }
    if (check_members(kind, entry, &mended, err)) {
        return -1;
    }
    ret->own_name = mem_strdup(json_string_value(json_object_get(entry, known_by[kind])));
    ret->declaration =
        mended ? json_dumps(entry, JSON_COMPACT) : mem_strndup(declaration.at, declaration.length);
    return 0;
}

void checked_entry_release(checked_entry_t *entry)
{
    mem_free(entry->own_name);
    mem_free(entry->declaration);
    *entry = (checked_entry_t){ 0 };
}

char *check_entry_name(mcp_kind_t kind, span_t declaration)
{
    /* Integers beyond 64 bits are no mistake of a tool, see check_tool.c. */
    json_auto_t *entry =
        json_loadb(declaration.at, declaration.length, JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    span_t name = span_of(json_string_value(json_object_get(entry, known_by[kind])));

    return name.at ? mem_strndup(name.at, utf8_cut(name, CHECK_ENTRY_MAX_NAME)) : mem_strdup("?");
}
