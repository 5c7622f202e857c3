/* list_canned_responses: texts the team has ready. */
#include <string.h>

#include "html_text.h"
#include "listing.h"
#include "mem.h"

#define SHOWN_BYTES 500 /* of each in a list */

static const field_t args[] = { LISTING_FIELDS("short code or text") };

static void list_canned_responses(call_t *call, const void *decoded);
static json_t *show(const json_t *response);
static void add_line(buf_t *text, const json_t *shown);
static void add_alone(buf_t *text, const json_t *shown);

static const char *const searched[] = { "short_code", "content", NULL };
static const listing_t listing = {
    .path = "/canned_responses",
    .payload = NULL,
    .name = "canned_responses",
    .one = "canned response",
    .searched = searched,
    .show = show,
    .add_line = add_line,
    .add_alone = add_alone,
};

static const char result_schema[] = LISTING_SCHEMA(
    "canned_responses",
    STRINGIZE({
    "type": "object", "required": ["canned_response_id", "short_code", "content"], "properties": {
        "canned_response_id": {"type": "integer"}, "short_code": {"type": "string"},
        "content": {"type": "string"}}}));

const tool_t list_canned_responses_tool = {
    .name = "list_canned_responses",
    .title = "List canned responses",
    .description = "Texts the team has ready for frequent answers, with their short codes. Only Chatwoot's "
                   "own screens fill in words in double braces such as {{contact.name}}: replace them before "
                   "sending. When has_more is true, ask again with offset = next_offset.",
    .args = args,
    .args_size = sizeof(listing_args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = list_canned_responses,
};

static void list_canned_responses(call_t *call, const void *decoded)
{
    listing_run(call, &listing, decoded);
}

static json_t *show(const json_t *response)
{
    AUTO(mem_free) char *content = html_text(span_of(answer_words(response, "content")));

    return json_pack("{s:o, s:s, s:s}", "canned_response_id", answer_id(response, "id"), "short_code",
                     answer_words(response, "short_code"), "content", content);
}

static void add_line(buf_t *text, const json_t *shown)
{
    const char *content = answer_words(shown, "content");

    buf_addf(text, "/%s: ", answer_words(shown, "short_code"));
    answer_add_short(text, content, SHOWN_BYTES);
    if (strlen(content) > SHOWN_BYTES) {
        buf_add_text(text, " (cut; all of it: its short code as query, with limit 1)");
    }
}

static void add_alone(buf_t *text, const json_t *shown)
{
    buf_addf(text, "/%s: %s", answer_words(shown, "short_code"), answer_words(shown, "content"));
}
