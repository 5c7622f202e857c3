/* See listing.h. */
#include "listing.h"

#include "cloud.h"
#include "links.h"
#include "mem.h"
#include "qlik.h"

struct query {
    call_t *call;
    const char *path;
    bool has_any;
};

typedef struct {
    call_t *call;
    const listing_t *listing;
} flow_t;

static void on_page(void *self, const json_t *json, const err_t *err);

query_t *query_new(call_t *call, const char *path)
{
    query_t *query = CALL_NEW(call, query_t);

    query->call = call;
    query->path = path;
    return query;
}

void query_add(query_t *query, const char *name, const char *value)
{
    if (value && *value) {
        query->path = call_printf(query->call, "%s%c%s=%s", query->path, query->has_any ? '&' : '?', name,
                                  upstream_encode(query->call, value));
        query->has_any = true;
    }
}

void query_add_int(query_t *query, const char *name, int64_t value)
{
    query_add(query, name, call_printf(query->call, "%lld", (long long)value));
}

const char *query_path(query_t *query)
{
    return query->path;
}

void listing_run(call_t *call, const listing_t *listing, query_t *query, int64_t limit, const char *cursor)
{
    flow_t *f = CALL_NEW(call, flow_t);

    f->call = call;
    f->listing = listing;
    query_add_int(query, "limit", limit);
    query_add(query, listing->cursor_name, cursor);
    cloud_get(call, query_path(query), on_page, f);
}

/* The cursor of the next page. has_more without one: Qlik named a page that is not ours to ask for. */
static const char *next_cursor(const flow_t *f, const json_t *json, bool *has_more)
{
    const json_t *href = answer_at(json, "links.next.href");
    span_t link = { json_string_value(href), json_string_length(href) };

    *has_more = link.at && link.length > 0;
    if (!*has_more) {
        return NULL;
    }
    span_t path = links_local(qlik_of(f->call)->settings->tenant_url, link);
    return call_own(f->call, links_query_value(path, f->listing->cursor_name), mem_free);
}

static json_t *add_rows(const listing_t *listing, const json_t *json, buf_t *text)
{
    json_t *rows = json_array();
    json_t *one;
    size_t i;

    json_array_foreach(json_object_get(json, "data"), i, one)
    {
        json_t *row = answer_pick(one, listing->picks);
        buf_add_text(text, "\n- ");
        answer_add_line(text, row);
        json_array_append_new(rows, row);
    }
    return rows;
}

static void on_page(void *self, const json_t *json, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    bool has_more = false;

    if (err) {
        call_fail(f->call, err);
        return;
    }
    if (!json_is_array(json_object_get(json, "data"))) {
        call_failf(f->call, ERR_UPSTREAM, "Qlik answered without a list. Trying again is safe.");
        return;
    }
    size_t count = json_array_size(json_object_get(json, "data"));
    buf_add_count(&text, count, f->listing->what);
    buf_add_text(&text, count > 0 ? ":" : " found.");
    json_t *rows = add_rows(f->listing, json, &text);
    const char *cursor = next_cursor(f, json, &has_more);
    if (cursor) {
        buf_addf(&text, "\nThere are more: ask again with the same arguments and cursor %s", cursor);
    } else if (has_more) {
        buf_add_text(&text, "\nQlik named a next page outside the tenant, which is not followed.");
    }
    json_t *answer = json_pack("{s:o, s:I, s:b, s:s?}", f->listing->key, rows, "count", (json_int_t)count,
                               "has_more", cursor != NULL, "next_cursor", cursor);
    call_finish_text(f->call, answer, &text);
}
