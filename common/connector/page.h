/* A page of a list by limit and offset, out of rows that were asked for with one more than the limit: its
 * presence says that there are more. */
#pragma once

#include <jansson.h>

#include "buf.h"

typedef struct {
    size_t count; /* rows of this page */
    bool has_more;
    int64_t next_offset;
} page_t;

page_t page_of(size_t rows, int64_t limit, int64_t offset);
/* "count", "has_more" and "next_offset" (null on the last page); in the text, how to ask for the next one. */
void page_add(json_t *answer, buf_t *text, const page_t *page);
