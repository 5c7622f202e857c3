/* See page.h. */
#include "page.h"

page_t page_of(size_t rows, int64_t limit, int64_t offset)
{
    bool has_more = rows > (size_t)limit;

    return (page_t){ .count = has_more ? (size_t)limit : rows,
                     .has_more = has_more,
                     .next_offset = offset + limit };
}

void page_add(json_t *answer, buf_t *text, const page_t *page)
{
    json_object_set_new(answer, "count", json_integer((json_int_t)page->count));
    json_object_set_new(answer, "has_more", json_boolean(page->has_more));
    json_object_set_new(answer, "next_offset",
                        page->has_more ? json_integer(page->next_offset) : json_null());
    if (page->has_more) {
        buf_addf(text, "\nThere are more: ask again with offset %lld.", (long long)page->next_offset);
    }
}
