/* get_app: one app. */
#include "answer.h"
#include "cloud.h"

typedef struct {
    const char *app_id;
} args_t;

static const field_t args[] = {
    FIELD(args_t, app_id, .required = true, .doc = "The app, from get_apps."),
    { 0 },
};

static const pick_t picks[] = {
    { "app_id", "attributes.id", PICK_TEXT },
    { "name", "attributes.name", PICK_TEXT },
    { "description", "attributes.description", PICK_TEXT },
    { "space_id", "attributes.spaceId", PICK_TEXT },
    { "owner_id", "attributes.ownerId", PICK_TEXT },
    { "published", "attributes.published", PICK_BOOL },
    { "created_at", "attributes.createdDate", PICK_TEXT },
    { "modified_at", "attributes.modifiedDate", PICK_TEXT },
    { "published_at", "attributes.publishTime", PICK_TEXT },
    { "last_reload_at", "attributes.lastReloadTime", PICK_TEXT },
    { "has_section_access", "attributes.hasSectionAccess", PICK_BOOL },
    { "is_direct_query_mode", "attributes.isDirectQueryMode", PICK_BOOL },
    { "privileges", "privileges", PICK_TEXTS },
    { 0 },
};

static void get_app(call_t *call, const void *decoded);
static void on_app(void *self, const json_t *app, const err_t *err);

static const char result_schema[] = STRINGIZE({"type": "object", "required": ["app_id"], "properties": {
        "app_id": {"type": "string"}, "name": {"type": "string"}, "description": {"type": "string"},
        "space_id": {"type": "string"}, "owner_id": {"type": "string"}, "published": {"type": "boolean"},
        "created_at": {"type": "string"}, "modified_at": {"type": "string"},
        "published_at": {"type": "string"},
        "last_reload_at": {"type": "string"}, "has_section_access": {"type": "boolean"},
        "is_direct_query_mode": {"type": "boolean"},
        "privileges": {"type": "array", "items": {"type": "string"}}}});

const tool_t get_app_tool = {
    .name = "get_app",
    .title = "Get an app",
    .description = "One Qlik app: name, description, space, owner, when it was changed and last reloaded, "
                   "and what this user may do with it (privileges: read, update, reload, ...).",
    .args = args,
    .args_size = sizeof(args_t),
    .result_schema = result_schema,
    .read_only = true,
    .idempotent = true,
    .open_world = true,
    .run = get_app,
};

static void get_app(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const char *path = cloud_path(call, CLOUD_APPS "/", "app_id", a->app_id, "");

    if (path) {
        cloud_get(call, path, on_app, call);
    }
}

static void on_app(void *self, const json_t *app, const err_t *err)
{
    call_t *call = self;
    AUTO_BUF text = { 0 };

    if (err) {
        call_fail(call, err);
        return;
    }
    if (!answer_text(app, "attributes.id")) {
        call_failf(call, ERR_UPSTREAM, "Qlik answered without the app. Trying again is safe.");
        return;
    }
    json_t *answer = answer_pick(app, picks);
    const json_t *privileges = json_object_get(answer, "privileges");
    answer_add_line(&text, answer);
    for (size_t i = 0; i < json_array_size(privileges); i++) {
        const char *privilege = json_string_value(json_array_get(privileges, i));
        buf_addf(&text, "%s%s", i == 0 ? "\nThis user may: " : ", ", privilege ? privilege : "?");
    }
    call_finish_text(call, answer, &text);
}
