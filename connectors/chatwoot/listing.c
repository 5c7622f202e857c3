/* See listing.h. */
#include "listing.h"

#include <string.h>

#include "page.h"

typedef struct {
    call_t *call;
    const listing_t *listing;
    const listing_args_t *args;
} flow_t;

static void on_list(void *self, const json_t *payload, const json_t *reply);

void listing_run(call_t *call, const listing_t *listing, const listing_args_t *args)
{
    flow_t *f = CALL_NEW(call, flow_t);
    const chatwoot_request_t request = { .path = listing->path,
                                         .payload = listing->payload,
                                         .type = JSON_ARRAY };

    *f = (flow_t){ call, listing, args };
    chatwoot_ask(call, &request, on_list, f);
}

static bool is_wanted(const flow_t *f, const json_t *shown)
{
    if (!f->args->query || !*f->args->query) {
        return true;
    }
    for (size_t i = 0; f->listing->searched[i]; i++) {
        if (strcasestr(answer_words(shown, f->listing->searched[i]), f->args->query)) {
            return true;
        }
    }
    return false;
}

/* The page in `list`; returns how many were wanted in all. */
static int64_t pick(const flow_t *f, const json_t *payload, json_t *list)
{
    int64_t wanted = 0;
    size_t i;
    const json_t *one;

    json_array_foreach(payload, i, one)
    {
        if (!answer_has_id(one)) {
            continue;
        }
        json_t *shown = f->listing->show(one);
        if (is_wanted(f, shown) && wanted++ >= f->args->offset &&
            (int64_t)json_array_size(list) < f->args->limit) {
            json_array_append(list, shown);
        }
        json_decref(shown);
    }
    return wanted;
}

static void add_lines(const flow_t *f, buf_t *text, const json_t *list, int64_t wanted)
{
    size_t i, count = json_array_size(list);
    const json_t *shown;

    answer_add_found(text, count, wanted, f->listing->one);
    json_array_foreach(list, i, shown)
    {
        buf_add_char(text, '\n');
        bool is_alone = count == 1 && f->listing->add_alone;
        (is_alone ? f->listing->add_alone : f->listing->add_line)(text, shown);
    }
}

static void on_list(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    json_t *list = json_array();
    int64_t wanted = pick(f, payload, list);
    int64_t next = f->args->offset + (int64_t)json_array_size(list);
    const page_t page = { .count = json_array_size(list),
                          .has_more = next < wanted && json_array_size(list) > 0,
                          .next_offset = next };
    json_t *answer = json_pack("{s:O}", f->listing->name, list);

    (void)reply;
    add_lines(f, &text, list, wanted);
    page_add(answer, &text, &page);
    json_decref(list);
    call_finish_text(f->call, answer, &text);
}
