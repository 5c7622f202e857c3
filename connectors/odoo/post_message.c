/* post_message: a message in the chatter of a record, by message_post. Odoo's default is an internal note. */
#include <string.h>

#include "answer.h"
#include "check.h"
#include "odoo_client.h"

typedef struct {
    const char *model;
    int64_t id;
    const char *body;
    bool notify_followers;
} args_t;

static const field_t args[] = {
    FIELD_MODEL(args_t),
    FIELD(args_t, id, .required = true, .min = 1, .max = 2147483647, .doc = "Id of the record."),
    FIELD(args_t, body, .required = true, .max_length = 20000, .doc = "The message, as plain text."),
    FIELD(args_t, notify_followers,
          .doc = "Send it to the followers of the record (customers among them) by e-mail or in their inbox. "
                 "Without it: an internal note."),
    { 0 },
};

typedef struct {
    call_t *call;
    const args_t *args;
} flow_t;

static void post_message(call_t *call, const void *decoded);
static void on_posted(void *self, json_t *message, const err_t *err);

static const char result_schema[] =
    STRINGIZE({
    "type": "object", "required": ["model", "id", "message_id"], "properties": {
        "model": {"type": "string"}, "id": {"type": "integer"},
        "message_id": {"anyOf": [{"type": "integer"}, {"type": "null"}]}}});

const tool_t post_message_tool = {
    .name = "post_message",
    .title = "Post a message",
    .description = "Writes a message under a record (its chatter): an internal note, or with "
                   "notify_followers a message that its followers receive. The model must keep messages, as "
                   "res.partner, sale.order and crm.lead do.",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .open_world = true,
    .run = post_message,
};

/* Odoo from 17 on takes a body for plain text and shows it as one paragraph, so line breaks are sent as HTML
 * and said to be. Source: odoo/addons/mail/models/mail_thread.py, message_post. */
static json_t *body_of(const char *text)
{
    AUTO_BUF html = { 0 };

    if (!strchr(text, '\n')) {
        return json_pack("{s:s}", "body", text);
    }
    buf_add_text(&html, "<p>");
    for (const char *at = text; *at != '\0'; at++) {
        switch (*at) {
        case '<':
            buf_add_text(&html, "&lt;");
            break;
        case '>':
            buf_add_text(&html, "&gt;");
            break;
        case '&':
            buf_add_text(&html, "&amp;");
            break;
        case '\n':
            buf_add_text(&html, "<br/>");
            break;
        default:
            buf_add_char(&html, *at);
        }
    }
    buf_add_text(&html, "</p>");
    return json_pack("{s:s, s:b}", "body", buf_text(&html), "body_is_html", 1);
}

static void post_message(call_t *call, const void *decoded)
{
    flow_t *f = CALL_NEW(call, flow_t);
    err_t refused;

    f->call = call;
    f->args = decoded;
    if (check_model(f->args->model, &refused)) {
        call_fail(call, &refused);
        return;
    }
    if (f->args->body[strspn(f->args->body, " \t\r\n")] == '\0') {
        call_failf(call, ERR_CALLER, "body is empty. It takes the text of the message.");
        return;
    }
    json_t *kwargs = body_of(f->args->body);
    if (f->args->notify_followers) {
        json_object_set_new(kwargs, "message_type", json_string("comment"));
        json_object_set_new(kwargs, "subtype_xmlid", json_string("mail.mt_comment"));
    }
    odoo_execute(call,
                 &(odoo_request_t){ .model = f->args->model,
                                    .method = "message_post",
                                    .args = json_pack("[[I]]", (json_int_t)f->args->id),
                                    .kwargs = kwargs },
                 on_posted, f);
}

/* The record of a message comes as its id, or as a list of one. */
static json_t *message_id(json_t *message)
{
    json_t *id = json_is_array(message) ? json_array_get(message, 0) : message;

    return json_is_integer(id) ? json_incref(id) : json_null();
}

static void on_posted(void *self, json_t *message, const err_t *err)
{
    flow_t *f = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(f->call, err);
        return;
    }
    buf_addf(&text, "%s under %s %lld.", f->args->notify_followers ? "Sent a message" : "Posted a note",
             f->args->model, (long long)f->args->id);
    call_finish_text(f->call,
                     json_pack("{s:s, s:I, s:o}", "model", f->args->model, "id", (json_int_t)f->args->id,
                               "message_id", message_id(message)),
                     &text);
}
