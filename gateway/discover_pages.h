/* One list of one connector, put together from its pages. Private to discover_ask.c. */
#pragma once

#include "catalog.h"
#include "relay.h"

typedef struct {
    buf_t items;  /* declarations, one after the other */
    buf_t ends;   /* of each: size_t offsets */
    buf_t cursor; /* raw JSON of the page to ask for; empty: the first */
    buf_t seen;   /* all cursors so far, a line each: a raw JSON string holds no line break */
    unsigned pages;
    int64_t ttl_ms;
    bool is_private;
    const char *note; /* what was odd, though it went well; NULL */
} pages_t;            /* zero: none yet */

/* One page, borrowed. 1: there is a further one, to be asked for with pages->cursor; 0: that was the last;
 * -1 with the reason when it is no page. */
int pages_take(pages_t *pages, mcp_kind_t kind, const relay_answer_t *answer, err_t *err);
/* What came so far, the caller's; the pages are zero again. */
listing_t *pages_listing(pages_t *pages);
void pages_release(pages_t *pages);
