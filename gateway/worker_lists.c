/* What a principal is offered, as JSON: rendered once for all who may see the same, and kept with the view.
 */
#include "worker.h"

#include "mem.h"

#define LISTS_MAX_ENTRIES 1024
#define LISTS_MAX_BYTES (16 * 1024 * 1024)

typedef struct {
    char *text;
    size_t length;
    uint64_t mark; /* of the text */
} rendered_t;

static void rendered_free(void *value)
{
    rendered_t *rendered = value;

    mem_free(rendered->text);
    mem_free(rendered);
}

lru_t *worker_lists_new(void)
{
    return lru_new(LISTS_MAX_ENTRIES, LISTS_MAX_BYTES, rendered_free);
}

static void add_forms(const catalog_t *catalog, const entry_set_t *allowed, mcp_kind_t kind, int form,
                      buf_t *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < catalog->entry_count; i++) {
        const catalog_entry_t *entry = &catalog->entries[i];
        if (entry->kind == kind && entry_set_has(allowed, i) && entry->forms[form].at) {
            if (out->length > 1) {
                buf_add_char(out, ',');
            }
            buf_add_span(out, entry->forms[form]);
        }
    }
    buf_add_char(out, ']');
}

/* FNV-1a. */
static uint64_t mark_of(span_t text)
{
    uint64_t mark = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < text.length; i++) {
        mark = (mark ^ (unsigned char)text.at[i]) * UINT64_C(1099511628211);
    }
    return mark;
}

static const rendered_t *render(view_t *view, const entry_set_t *allowed, mcp_kind_t kind, int form,
                                span_t key)
{
    rendered_t *rendered = NEW(rendered_t);
    buf_t out = { 0 };

    add_forms(view->catalog, allowed, kind, form, &out);
    rendered->length = out.length;
    rendered->mark = mark_of(buf_span(&out));
    rendered->text = buf_steal(&out);
    lru_put(view->lists, key, rendered, rendered->length);
    return rendered;
}

void worker_visible(const worker_t *worker, const principal_t *principal, entry_set_t *ret)
{
    const catalog_t *catalog = worker->view->catalog;

    if (catalog->config->lists_all) {
        memset(ret, 0xff, sizeof(*ret));
    } else {
        policy_allowed(catalog->policy, principal, ret);
    }
}

static const rendered_t *rendered_list(worker_t *worker, const principal_t *principal, mcp_kind_t kind,
                                       int form)
{
    view_t *view = worker->view;
    struct {
        uint32_t kind, form;
        entry_set_t allowed;
    } key = { .kind = kind, .form = (uint32_t)form };

    worker_visible(worker, principal, &key.allowed);
    span_t bytes = { (const char *)&key, sizeof(uint64_t) * (1 + (view->catalog->entry_count + 63) / 64) };
    const rendered_t *rendered = lru_get(view->lists, bytes);
    return rendered ? rendered : render(view, &key.allowed, kind, form, bytes);
}

span_t worker_list(worker_t *worker, const principal_t *principal, mcp_kind_t kind, int form)
{
    const rendered_t *rendered = rendered_list(worker, principal, kind, form);

    return (span_t){ rendered->text, rendered->length };
}

uint64_t worker_list_mark(worker_t *worker, const principal_t *principal, mcp_kind_t kind)
{
    return rendered_list(worker, principal, kind, mcp_shape(MCP_2026_07_28))->mark;
}
