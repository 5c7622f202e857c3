/* See discover_pages.h. Cursors are opaque, so nothing but what was seen before says whether they go in a
 * circle (MCP 2026-07-28 server/utilities/pagination). */
#include "discover_pages.h"

#include <stdlib.h>

#include "mem.h"

#define MAX_PAGES 50
#define MAX_LIST_BYTES (8 * 1024 * 1024)

static int take_items(pages_t *pages, span_t items, err_t *err)
{
    for (span_t rest = items, item; scan_next_item(&rest, &item);) {
        buf_add_span(&pages->items, item);
        buf_add(&pages->ends, &pages->items.length, sizeof(size_t));
    }
    if (pages->items.length > MAX_LIST_BYTES || pages->ends.length / sizeof(size_t) > CATALOG_MAX_ENTRIES) {
        return err_set(err, ERR_UPSTREAM, "Its list is too long.");
    }
    return 0;
}

/* MCP 2026-07-28 server/utilities/caching. The shortest page decides, and one private page makes the list
 * private. */
static void take_freshness(pages_t *pages, const relay_answer_t *answer)
{
    span_t ttl = relay_member(answer, "ttlMs");
    int64_t ms = scan_is_integer(ttl) && ttl.length < 16 ? strtoll(ttl.at, NULL, 10) : -1;

    if (pages->pages == 0) {
        pages->ttl_ms = ms;
    } else if (ms >= 0 && (pages->ttl_ms < 0 || ms < pages->ttl_ms)) {
        pages->ttl_ms = ms;
    }
    pages->is_private = pages->is_private || !scan_string_is(relay_member(answer, "cacheScope"), "public");
}

/* Its quotes keep a cursor from being found within another. */
static bool was_seen(const pages_t *pages, span_t cursor)
{
    return pages->seen.length > 0 && memmem(pages->seen.data, pages->seen.length, cursor.at, cursor.length);
}

/* An empty string is a cursor too. */
static int next_page(pages_t *pages, span_t cursor)
{
    pages->pages++;
    if (scan_kind(cursor) != SCAN_STRING) {
        return 0;
    }
    if (was_seen(pages, cursor)) {
        pages->note = "Its list repeats a cursor; what may come after was left out.";
        return 0;
    }
    if (pages->pages >= MAX_PAGES) {
        pages->note = "Its list has too many pages; the rest was left out.";
        return 0;
    }
    buf_clear(&pages->cursor);
    buf_add_span(&pages->cursor, cursor);
    buf_add_span(&pages->seen, cursor);
    buf_add_char(&pages->seen, '\n');
    return 1;
}

int pages_take(pages_t *pages, mcp_kind_t kind, const relay_answer_t *answer, err_t *err)
{
    span_t items = answer->members ? relay_member(answer, mcp_kind_name(kind)) : (span_t){ 0 };

    if (!answer->members) {
        return err_set(err, ERR_UPSTREAM, "It refuses to list its %s.", mcp_kind_name(kind));
    }
    if (scan_kind(items) != SCAN_ARRAY) {
        return err_set(err, ERR_UPSTREAM, "Its list holds no %s array.", mcp_kind_name(kind));
    }
    if (take_items(pages, items, err)) {
        return -1;
    }
    take_freshness(pages, answer);
    return next_page(pages, relay_member(answer, "nextCursor"));
}

listing_t *pages_listing(pages_t *pages)
{
    listing_t *listing = NEW(listing_t);
    size_t start = 0;

    listing->count = pages->ends.length / sizeof(size_t);
    listing->items = NEW_ARRAY(span_t, listing->count);
    listing->bytes = buf_steal(&pages->items);
    listing->ttl_ms = pages->pages > 0 ? pages->ttl_ms : -1;
    listing->is_public = !pages->is_private;
    for (size_t i = 0; i < listing->count; i++) {
        size_t end;
        memcpy(&end, pages->ends.data + i * sizeof(end), sizeof(end));
        listing->items[i] = (span_t){ listing->bytes + start, end - start };
        start = end;
    }
    pages_release(pages);
    return listing;
}

void pages_release(pages_t *pages)
{
    buf_free(&pages->items);
    buf_free(&pages->ends);
    buf_free(&pages->cursor);
    buf_free(&pages->seen);
    *pages = (pages_t){ 0 };
}
