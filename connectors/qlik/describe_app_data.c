/* describe_app_data: the tables and fields of an app's data model, so that a question can name them. Large
 * models have thousands of fields: they come in pages, which are cut from one answer of Qlik's. */
#include <string.h>

#include "answer.h"
#include "cloud.h"
#include "mem.h"

typedef struct {
    const char *app_id, *table, *query;
    int64_t limit, offset;
} args_t;

static const field_t args[] = {
    FIELD(args_t, app_id, .required = true, .doc = "The app, from get_apps."),
    FIELD(args_t, table, .doc = "Only fields of this table; exact name."),
    FIELD(args_t, query, .doc = "Only fields with this in their name; case does not matter."),
    FIELD(args_t, limit, .fallback = "50", .min = 1, .max = 200, .doc = "Fields per page."),
    FIELD(args_t, offset, .min = 0, .max = 1000000, .doc = "next_offset of the page before."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static const pick_t table_picks[] = {
    { "table", "name", PICK_TEXT },
    { "rows", "no_of_rows", PICK_INTEGER },
    { "fields", "no_of_fields", PICK_INTEGER },
    { "key_fields", "no_of_key_fields", PICK_INTEGER },
    { "comment", "comment", PICK_TEXT },
    { 0 },
};

static const pick_t field_picks[] = {
    { "field", "name", PICK_TEXT },
    { "is_numeric", "is_numeric", PICK_BOOL },
    { "distinct_values", "cardinal", PICK_INTEGER },
    { "values", "total_count", PICK_INTEGER },
    { "comment", "comment", PICK_TEXT },
    { "tables", "src_tables", PICK_TEXTS },
    { "tags", "tags", PICK_TEXTS },
    { 0 },
};

static void describe_app_data(call_t *call, const void *decoded);
static void on_metadata(void *self, const json_t *metadata, const err_t *err);

static const char result_schema[] = STRINGIZE({"type": "object",
        "required": ["tables", "fields", "count", "total", "has_more", "next_offset"], "properties": {
        "tables": {"type": "array", "items": {"type": "object", "properties": {
            "table": {"type": "string"}, "rows": {"type": "integer"}, "fields": {"type": "integer"},
            "key_fields": {"type": "integer"}, "comment": {"type": "string"}}}},
        "fields": {"type": "array", "items": {"type": "object", "properties": {
            "field": {"type": "string"}, "tables": {"type": "array", "items": {"type": "string"}},
            "is_numeric": {"type": "boolean"}, "distinct_values": {"type": "integer"},
            "values": {"type": "integer"}, "comment": {"type": "string"},
            "tags": {"type": "array", "items": {"type": "string"}}}}},
        "count": {"type": "integer"}, "total": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t describe_app_data_tool = {
    .name = "describe_app_data",
    .title = "Describe an app's data",
    .description = "The data model of a Qlik app: its tables with their number of rows, and its fields with "
                   "table, kind and number of distinct values. Use it before ask_question or "
                   "recommend_analysis to learn what the fields are called. Shows no values.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = describe_app_data,
};

static void describe_app_data(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->args = decoded;
    const char *path = cloud_path(call, CLOUD_APPS "/", "app_id", f->args->app_id, "/data/metadata");
    if (path) {
        cloud_get(call, path, on_metadata, f);
    }
}

static bool is_in_table(const json_t *field, const char *table)
{
    json_t *name;
    size_t i;

    json_array_foreach(json_object_get(field, "src_tables"), i, name)
    {
        if (json_is_string(name) && strcmp(json_string_value(name), table) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wanted(const args_t *a, const json_t *field)
{
    const char *name = answer_text(field, "name");

    return name && !json_is_true(json_object_get(field, "is_system")) &&
           (!a->query || strcasestr(name, a->query)) && (!a->table || is_in_table(field, a->table));
}

static json_t *add_tables(const json_t *metadata, buf_t *text)
{
    json_t *tables = json_array();
    json_t *table;
    size_t i;

    json_array_foreach(json_object_get(metadata, "tables"), i, table)
    {
        if (json_is_true(json_object_get(table, "is_system"))) {
            continue;
        }
        json_t *row = answer_pick(table, table_picks);
        buf_add_text(text, "\n- ");
        answer_add_line(text, row);
        json_array_append_new(tables, row);
    }
    return tables;
}

/* Fields of the page; *total is how many fit in all. */
static json_t *add_fields(const args_t *a, const json_t *metadata, int64_t *total, buf_t *text)
{
    json_t *fields = json_array();
    json_t *field;
    size_t i;

    *total = 0;
    json_array_foreach(json_object_get(metadata, "fields"), i, field)
    {
        if (!is_wanted(a, field)) {
            continue;
        }
        if (++*total <= a->offset || *total > a->offset + a->limit) {
            continue;
        }
        json_t *row = answer_pick(field, field_picks);
        const char *table = json_string_value(json_array_get(json_object_get(row, "tables"), 0));
        buf_add_text(text, "\n- ");
        answer_add_line(text, row);
        buf_addf(text, "%s%s", table ? ", table " : "", table ? table : "");
        json_array_append_new(fields, row);
    }
    return fields;
}

static void on_metadata(void *self, const json_t *metadata, const err_t *err)
{
    flow_t *f = self;
    const args_t *a = f->args;
    AUTO_BUF tables_text = { 0 };
    AUTO_BUF fields_text = { 0 };
    AUTO_BUF text = { 0 };
    int64_t total;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    json_t *tables = add_tables(metadata, &tables_text);
    json_t *fields = add_fields(a, metadata, &total, &fields_text);
    size_t count = json_array_size(fields);
    bool has_more = a->offset + (int64_t)count < total;

    buf_add_count(&text, json_array_size(tables), "table");
    buf_addf(&text, "%s%s\n",
             tables_text.length > 0 ? ":" : ". An app without data, or one that was never reloaded.",
             tables_text.length > 0 ? buf_text(&tables_text) : "");
    buf_add_count(&text, count, "field");
    buf_addf(&text, " of %lld%s%s", (long long)total, count > 0 ? ":" : ".",
             count > 0 ? buf_text(&fields_text) : "");
    if (a->table && total == 0 && !a->query) {
        buf_add_text(&text, " No field is in a table of this exact name.");
    }
    if (has_more) {
        buf_addf(&text, "\nThere are more: ask again with offset %lld, or narrow with table or query.",
                 (long long)(a->offset + a->limit));
    }
    json_t *answer = json_pack("{s:o, s:o, s:I, s:I, s:b, s:o}", "tables", tables, "fields", fields, "count",
                               (json_int_t)count, "total", (json_int_t)total, "has_more", has_more,
                               "next_offset", has_more ? json_integer(a->offset + a->limit) : json_null());
    call_finish_text(f->call, answer, &text);
}
