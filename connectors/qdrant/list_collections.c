/* list_collections: the names of what there is. Qdrant has no pages here, so they are cut from its whole
 * list. */
#include <stdlib.h>
#include <string.h>

#include "page.h"
#include "qdrant_client.h"

typedef struct {
    const char *query;
    int64_t limit, offset;
} args_t;

static const field_t args[] = {
    FIELD(args_t, query, .max_length = 255, .doc = "Only collections with this in their name."),
    FIELD(args_t, limit, .fallback = "50", .min = 1, .max = 500, .doc = "Collections per page."),
    FIELD(args_t, offset, .fallback = "0", .min = 0, .max = 100000,
          .doc = "Collections to skip, for the next page."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void list_collections(call_t *call, const void *decoded);
static void on_collections(void *self, const json_t *result, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["collections", "count", "has_more"], "properties": {
        "collections": {"type": "array", "items": {"type": "string"}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t list_collections_tool = {
    .name = "list_collections",
    .title = "List collections",
    .description =
        "Lists the collections of this Qdrant by name. describe_collection says what one of them holds. When "
        "has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_collections,
};

static void list_collections(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    *f = (flow_t){ call, decoded };
    qdrant_ask(call, &(qdrant_request_t){ .method = "GET", .member = "collections", .read = true },
               on_collections, f);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names that fit, in order: Qdrant gives them in none. */
static const char **names_of(const flow_t *f, const json_t *collections, size_t *ret_count)
{
    size_t size = json_array_size(collections), count = 0;
    const char **names = call_alloc(f->call, (size + 1) * sizeof(*names));

    for (size_t i = 0; i < size; i++) {
        const char *name = json_string_value(json_object_get(json_array_get(collections, i), "name"));
        if (name && (!f->args->query || strcasestr(name, f->args->query))) {
            names[count++] = name;
        }
    }
    qsort(names, count, sizeof(*names), by_name);
    *ret_count = count;
    return names;
}

static void on_collections(void *self, const json_t *result, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    size_t all = 0;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    const char **names = names_of(f, json_object_get(result, "collections"), &all);
    size_t from = (size_t)f->args->offset < all ? (size_t)f->args->offset : all;
    page_t page = page_of(all - from, f->args->limit, f->args->offset);
    json_t *list = json_array();
    buf_add_count(&text, all, "collection");
    buf_add_text(&text, page.count > 0 ? ": " : ".");
    for (size_t i = from; i < from + page.count; i++) {
        buf_addf(&text, "%s%s", i == from ? "" : ", ", names[i]);
        json_array_append_new(list, json_string(names[i]));
    }
    json_t *answer = json_pack("{s:o}", "collections", list);
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
