/* get_leads_count: how many leads came in during a period, and how many of them are qualified. */
#include <string.h>

#include "answer.h"
#include "clock.h"
#include "crm.h"
#include "leads.h"
#include "mem.h"
#include "query.h"

typedef struct {
    const char *period, *status;
} args_t;

static const field_t args[] = {
    FIELD(args_t, period, .required = true, .choices = "today|week|month|year|all",
          .doc = "Leads created in this calendar period up to now (weeks start on Monday)."),
    FIELD(args_t, status, .choices = "all|qualified|unqualified", .fallback = "all",
          .doc = "Count only leads with this status in total_leads. A lead is unqualified until somebody "
                 "qualifies it."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
    period_t period;
    int64_t now_ms;
} flow_t;

static void get_leads_count(call_t *call, const void *decoded);
static void on_counts(void *self, const db_rows_t *rows, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["total_leads", "by_status"], "properties": {
        "total_leads": {"type": "integer"},
        "by_status": {"type": "object", "properties": {
            "qualified": {"type": "integer"}, "unqualified": {"type": "integer"}}},
        "status": {"type": "string"}, "period": {"type": "string"},
        "from": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "to": {"type": "string"}, "timezone": {"type": "string"}}});

const tool_t get_leads_count_tool = {
    .name = "get_leads_count",
    .title = "Count leads",
    .description = "How many leads (new contacts) came in today, this week, this month, this year or ever, "
                   "and how many of them are qualified. Use it for questions about numbers; find_contacts "
                   "shows who they are. total_leads counts the status asked for, by_status always counts all "
                   "leads of the period. A period without leads answers zeros.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .run = get_leads_count,
};

static void get_leads_count(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    query_t *query = query_new(call);

    f->call = call;
    f->args = decoded;
    f->now_ms = clock_unix_ms();
    f->period = period_named(f->args->period, f->now_ms);
    query_text(query, "SELECT " LEAD_STATUS ", COUNT(*) FROM contacts c" JOIN_LATEST_QUALIFICATION
                      " WHERE c.deleted_at IS NULL");
    query_value(query, " AND c.tenant_id = ", DB_TEXT(call_tenant(call)));
    query_period(query, "c.created_at", &f->period);
    query_text(query, " GROUP BY " LEAD_STATUS);
    query_run(query, on_counts, f);
}

static void add_text(buf_t *text, const flow_t *f, int64_t total, int64_t qualified, int64_t unqualified)
{
    bool all = strcmp(f->args->status, "all") == 0;

    buf_addf(text, "%lld %s%slead%s: ", (long long)total, all ? "" : f->args->status, all ? "" : " ",
             total == 1 ? "" : "s");
    answer_add_period(text, &f->period, f->now_ms);
    buf_addf(text, ". Of all leads of that time, %lld are qualified and %lld are not.", (long long)qualified,
             (long long)unqualified);
}

static void on_counts(void *self, const db_rows_t *rows, const err_t *err)
{
    flow_t *f = self;
    int64_t qualified = 0, all = 0;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    for (size_t i = 0; i < db_count(rows); i++) {
        all += db_int(rows, i, 1);
        qualified += strcmp(db_text(rows, i, 0), "qualified") == 0 ? db_int(rows, i, 1) : 0;
    }
    int64_t total = strcmp(f->args->status, "all") == 0         ? all
                    : strcmp(f->args->status, "qualified") == 0 ? qualified
                                                                : all - qualified;
    json_t *answer = answer_period(&f->period, f->now_ms);
    json_object_set_new(answer, "total_leads", json_integer(total));
    json_object_set_new(answer, "by_status",
                        json_pack("{s:I, s:I}", "qualified", (json_int_t)qualified, "unqualified",
                                  (json_int_t)(all - qualified)));
    json_object_set_new(answer, "status", json_string(f->args->status));
    json_object_set_new(answer, "period", json_string(f->args->period));
    add_text(&text, f, total, qualified, all - qualified);
    call_finish_text(f->call, answer, &text);
}
