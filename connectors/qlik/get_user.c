/* get_user: whose token it is. */
#include "answer.h"
#include "cloud.h"

static const pick_t picks[] = {
    { "user_id", "id", PICK_TEXT },
    { "name", "name", PICK_TEXT },
    { "email", "email", PICK_TEXT },
    { "subject", "subject", PICK_TEXT },
    { "status", "status", PICK_TEXT },
    { "tenant_id", "tenantId", PICK_TEXT },
    { "locale", "locale", PICK_TEXT },
    { "timezone", "zoneinfo", PICK_TEXT },
    { 0 },
};

static void get_user(call_t *call, const void *decoded);
static void on_user(void *self, const json_t *user, const err_t *err);

static const char result_schema[] = STRINGIZE({
    "type": "object", "required": ["user_id", "roles"], "properties": {
        "user_id": {"type": "string"}, "name": {"type": "string"}, "email": {"type": "string"},
        "subject": {"type": "string"}, "status": {"type": "string"}, "tenant_id": {"type": "string"},
        "locale": {"type": "string"}, "timezone": {"type": "string"},
        "roles": {"type": "array", "items": {"type": "string"}}}});

const tool_t get_user_tool = {
    .name = "get_user",
    .title = "Get the user",
    .description = "Who the user is in Qlik Cloud: user_id (the owner_id of other tools), name, e-mail and "
                   "roles. Also a check that the connected Qlik account still works.",
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_user,
};

static void get_user(call_t *call, const void *decoded)
{
    (void)decoded;
    cloud_me(call, on_user, call);
}

static void on_user(void *self, const json_t *user, const err_t *err)
{
    call_t *call = self;
    AUTO_BUF text = { 0 };
    json_t *role;
    size_t i;

    if (err) {
        call_fail(call, err);
        return;
    }
    if (!answer_text(user, "id")) {
        call_failf(call, ERR_UPSTREAM, "Qlik answered without the user. Trying again is safe.");
        return;
    }
    json_t *answer = answer_pick(user, picks);
    json_t *roles = json_array();
    answer_add_line(&text, answer);
    json_array_foreach(json_object_get(user, "assignedRoles"), i, role)
    {
        const char *name = answer_text(role, "name");
        if (name) {
            buf_addf(&text, "%s%s", json_array_size(roles) == 0 ? "\nRoles: " : ", ", name);
            json_array_append_new(roles, json_string(name));
        }
    }
    json_object_set_new(answer, "roles", roles);
    call_finish_text(call, answer, &text);
}
