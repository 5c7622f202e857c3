/* group_records: figures over groups, by Odoo's read_group. The groups are asked for all at once (lazy false)
 * and not level by level, so that each row is complete. */
#include <string.h>

#include "answer.h"
#include "domain.h"
#include "mem.h"
#include "model_fields.h"
#include "check.h"
#include "records.h"

#define FUNCTIONS "sum|avg|min|max|count|count_distinct|bool_and|bool_or"
#define PERIODS "hour|day|week|month|quarter|year"
#define TEXT_LIMIT 200

typedef struct {
    const char *model;
    strings_t group_by, aggregates;
    json_t *domain;
    int64_t limit, offset;
    const char *order;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD(args_t, group_by, .required = true, .min_items = 1, .max_items = 4, .max_length = 128,
          .doc = "Fields to group by, such as [\"stage_id\"]; a date with its period: \"create_date:month\" "
                 "(hour, day, week, month, quarter, year)."),
    FIELD(args_t, aggregates, .max_items = 20, .max_length = 128,
          .doc = "Figures for each group, such as [\"amount_total:sum\"]: sum, avg, min, max, count, "
                 "count_distinct, bool_and, bool_or of a stored field. Without it: only how many records."),
    FIELD_DOMAIN(args_t),
    FIELD(args_t, limit, .fallback = "50", .min = 1, .max = 500, .doc = "Groups per page."),
    FIELD_OFFSET(args_t),
    FIELD(args_t, order, .max_length = 500,
          .doc = "Sorting of the groups, such as \"amount_total desc\" or \"create_date:month\"."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    strings_t names; /* the fields behind group_by and aggregates, each once */
    const model_fields_t *fields;
} flow_t;

static void group_records(call_t *call, const void *decoded);
static void on_fields(void *self, const model_fields_t *fields);
static void on_groups(void *self, json_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["model", "groups", "count", "has_more"], "properties": {
        "model": {"type": "string"},
        "groups": {"type": "array", "items": {"type": "object", "required": ["group", "records", "figures"], "properties": {
            "group": {"type": "object"}, "records": {"type": "integer"}, "figures": {"type": "object"},
            "domain": {"type": "array", "items": {"anyOf": [{"type": "array"}, {"type": "string"}]}}}}},
        "count": {"type": "integer"}, "has_more": {"type": "boolean"},
        "next_offset": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t group_records_tool = {
    .name = "group_records",
    .title = "Group records",
    .description = "Counts and sums records of an Odoo model by groups, such as orders by month and state, "
                   "in one question instead of reading them. Each group has how many records it holds, its "
                   "figures, and the domain that search_records takes to list them.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = group_records,
};

/* "create_date" of "create_date:month". */
static span_t field_of(const char *part)
{
    return (span_t){ part, strcspn(part, ":") };
}

static bool is_among(const char *word, const char *choices)
{
    for (const char *at = choices; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL) {
        if (span_is((span_t){ at, strcspn(at, "|") }, word)) {
            return true;
        }
    }
    return false;
}

/* "field", or "field:word" with one of the words; `bare`: also without. */
static bool is_part(const char *part, const char *words, bool bare)
{
    span_t field = field_of(part);
    AUTO(mem_free) char *name = mem_strndup(field.at, field.length);

    if (!check_is_field(name)) {
        return false;
    }
    return part[field.length] == ':' ? is_among(part + field.length + 1, words) : bare;
}

static int check_parts(const args_t *a, err_t *err)
{
    for (size_t i = 0; i < a->group_by.count; i++) {
        if (!is_part(a->group_by.at[i], PERIODS, true)) {
            return err_set(err, ERR_CALLER,
                           "group_by has \"%s\": write a field, or a date and its period, such as "
                           "create_date:month (hour, day, week, month, quarter, year).",
                           a->group_by.at[i]);
        }
    }
    for (size_t i = 0; i < a->aggregates.count; i++) {
        if (!is_part(a->aggregates.at[i], FUNCTIONS, false)) {
            return err_set(err, ERR_CALLER,
                           "aggregates has \"%s\": write a field and its function, such as amount_total:sum "
                           "(sum, avg, min, max, count, count_distinct, bool_and, bool_or).",
                           a->aggregates.at[i]);
        }
    }
    return 0;
}

/* Odoo names a figure by its field, so two of one field have no place in one answer. */
static int check_once(const strings_t *aggregates, err_t *err)
{
    for (size_t i = 0; i < aggregates->count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (span_equal(field_of(aggregates->at[i]), field_of(aggregates->at[j]))) {
                return err_set(
                    err, ERR_CALLER,
                    "aggregates has two figures of one field, \"%s\" and \"%s\": ask for them in two calls.",
                    aggregates->at[j], aggregates->at[i]);
            }
        }
    }
    return 0;
}

static int check(const args_t *a, err_t *err)
{
    if (check_model(a->model, err) || domain_check(a->domain, err) || check_parts(a, err)) {
        return -1;
    }
    return check_once(&a->aggregates, err) || check_order(a->order, err) ? -1 : 0;
}

static void add_name(flow_t *f, const char *part)
{
    span_t field = field_of(part);

    for (size_t i = 0; i < f->names.count; i++) {
        if (span_is(field, f->names.at[i])) {
            return;
        }
    }
    f->names.at[f->names.count++] = call_printf(f->call, "%.*s", SPAN_ARGS(field));
}

static void collect_names(flow_t *f)
{
    const args_t *a = f->args;

    f->names.at = call_alloc(f->call, (a->group_by.count + a->aggregates.count) * sizeof(*f->names.at));
    for (size_t i = 0; i < a->group_by.count; i++) {
        add_name(f, a->group_by.at[i]);
    }
    for (size_t i = 0; i < a->aggregates.count; i++) {
        add_name(f, a->aggregates.at[i]);
    }
}

static void group_records(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check(f->args, &refused)) {
        call_fail(call, &refused);
        return;
    }
    collect_names(f);
    model_fields_ask(call, f->args->model, &f->names, on_fields, f);
}

/* Without figures Odoo up to 16 would sum every field it can; "__count" is the field that it passes over. */
static json_t *figures(const args_t *a)
{
    return a->aggregates.count > 0 ? answer_strings(&a->aggregates) : json_pack("[s]", "__count");
}

static json_t *options(const args_t *a)
{
    json_t *kwargs = json_pack("{s:o, s:o, s:b}", "fields", figures(a), "groupby",
                               answer_strings(&a->group_by), "lazy", 0);

    answer_ask_page(kwargs, a->limit, a->offset, "orderby", a->order);
    return kwargs;
}

static void on_fields(void *self, const model_fields_t *fields)
{
    flow_t *f = self;

    f->fields = fields;
    odoo_execute(f->call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "read_group",
                                    .args = json_pack("[o]", answer_array(f->args->domain)),
                                    .kwargs = options(f->args),
                                    .reads = ODOO_ROWS },
                 on_groups, f);
}

/* A group of a many2many is one of its records, [id, name], as of a many2one. */
static const char *type_of(const flow_t *f, const char *name, bool is_group)
{
    const char *type = json_string_value(json_object_get(json_object_get(f->fields->types, name), "type"));

    return is_group && type && strcmp(type, "many2many") == 0 ? "many2one" : type;
}

/* The members of a row that `parts` name, by the key Odoo gives them: of a group as it was asked for, of a
 * figure its field. */
static json_t *pick(const flow_t *f, const json_t *row, const strings_t *parts, bool is_group)
{
    static const records_rule_t rule = { .text_limit = TEXT_LIMIT };
    json_t *picked = json_object();
    bool cut = false;

    for (size_t i = 0; i < parts->count; i++) {
        span_t field = field_of(parts->at[i]);
        AUTO(mem_free) char *name = mem_strndup(field.at, field.length);
        const char *key = is_group ? parts->at[i] : name;
        const json_t *value = json_object_get(row, key);
        const char *type = type_of(f, name, is_group);
        json_object_set_new(picked, key, value ? records_value(value, type, &rule, &cut) : json_null());
    }
    return picked;
}

static json_t *shape(const flow_t *f, const json_t *row)
{
    const json_t *count = json_object_get(row, "__count");
    json_t *domain = json_object_get(row, "__domain");

    return json_pack("{s:o, s:I, s:o, s:o}", "group", pick(f, row, &f->args->group_by, true), "records",
                     json_integer_value(count), "figures", pick(f, row, &f->args->aggregates, false),
                     "domain", domain ? json_incref(domain) : json_array());
}

static void add_members(buf_t *text, const json_t *members)
{
    const char *name;
    json_t *value;
    bool first = true;

    json_object_foreach((json_t *)members, name, value)
    {
        buf_addf(text, "%s%s ", first ? "" : ", ", name);
        records_add_value(text, value, TEXT_LIMIT);
        first = false;
    }
}

static void add_line(buf_t *text, const json_t *group)
{
    buf_add_text(text, "\n- ");
    add_members(text, json_object_get(group, "group"));
    buf_addf(text, ": records %lld", (long long)json_integer_value(json_object_get(group, "records")));
    if (json_object_size(json_object_get(group, "figures")) > 0) {
        buf_add_text(text, ", ");
        add_members(text, json_object_get(group, "figures"));
    }
}

static void on_groups(void *self, json_t *rows, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    page_t page = page_of(json_array_size(rows), f->args->limit, f->args->offset);
    json_t *groups = json_array();
    answer_add_count(&text, page.count, "group", f->args->model);
    buf_add_text(&text, page.count > 0 ? ":" : ".");
    for (size_t i = 0; i < page.count; i++) {
        json_t *group = shape(f, json_array_get(rows, i));
        add_line(&text, group);
        json_array_append_new(groups, group);
    }
    json_t *answer = json_pack("{s:s, s:o}", "model", f->args->model, "groups", groups);
    page_add(answer, &text, &page);
    call_finish_text(f->call, answer, &text);
}
