/* search_contacts: by name, e-mail, phone number or identifier, 15 to a page; without a query all of them. */
#include <inttypes.h>

#include "client.h"
#include "contact.h"

#define PAGE_SIZE 15

typedef struct {
    const char *query;
    int64_t page;
} args_t;

static const field_t args[] = {
    FIELD(args_t, query, .max_length = 200,
          .doc = "A part of the name, e-mail address, phone number or identifier. Without it: all contacts."),
    FIELD(args_t, page, .fallback = "1", .min = 1, .max = 100000, .doc = "Page of 15, from 1."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void search_contacts(call_t *call, const void *decoded);
static void on_page(void *self, const json_t *payload, const json_t *reply);

static const char result_schema[] =
    "{\"type\": \"object\", \"required\": [\"contacts\", \"count\", \"has_more\"], "
    "\"properties\": {\"contacts\": {\"type\": \"array\", \"items\": " CONTACT_SCHEMA "}, " SCHEMA_PAGE "}}";

const tool_t search_contacts_tool = {
    .name = "search_contacts",
    .title = "Search contacts",
    .description =
        "Contacts (customers) by a part of their name, e-mail, phone number or identifier, 15 to a page, "
        "with the contact_id the other tools take. Without query all contacts. has_more says that there "
        "is a next_page.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = search_contacts,
};

static void search_contacts(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    flow_t *f = CALL_NEW(call, flow_t);
    const char *page = call_printf(call, "page=%" PRId64, a->page);
    bool searches = a->query && *a->query;
    const chatwoot_request_t request = {
        .path = searches
                    ? call_printf(call, "/contacts/search?q=%s&%s", upstream_encode(call, a->query), page)
                    : call_printf(call, "/contacts?%s", page),
        .payload = "payload",
        .type = JSON_ARRAY,
    };

    *f = (flow_t){ call, a };
    chatwoot_ask(call, &request, on_page, f);
}

/* Versions differ: some say has_more, some count all that was found, some only this page, some nothing. */
static bool has_more(const json_t *reply, size_t count, int64_t page)
{
    const json_t *said = chatwoot_at(reply, "meta.has_more"), *total = chatwoot_at(reply, "meta.count");

    if (json_is_boolean(said)) {
        return json_is_true(said);
    }
    if (json_is_integer(total) && json_integer_value(total) != (json_int_t)count) {
        return json_integer_value(total) > page * PAGE_SIZE && count > 0;
    }
    return page > 1 || !json_is_integer(total) ? count >= PAGE_SIZE : false;
}

static void on_page(void *self, const json_t *payload, const json_t *reply)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };
    json_t *answer = json_object(), *list = json_array();
    size_t i, count = json_array_size(payload);
    const json_t *contact;

    answer_add_found(&text, count, -1, "contact");
    json_array_foreach(payload, i, contact)
    {
        if (!answer_has_id(contact)) {
            continue;
        }
        json_t *shown = contact_json(contact);
        buf_add_char(&text, '\n');
        contact_add_line(&text, shown);
        json_array_append_new(list, shown);
    }
    json_object_set_new(answer, "contacts", list);
    answer_add_page(answer, &text, json_array_size(list), has_more(reply, count, f->args->page),
                    f->args->page);
    call_finish_text(f->call, answer, &text);
}
