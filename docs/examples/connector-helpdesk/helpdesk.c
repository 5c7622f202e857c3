/* mcp-helpdesk: a connector to a business system behind HTTP, with a service account and users' own tokens.
 * The system is made up: GET /tickets/ID with an Api-Key. */
#include "helpdesk.h"

static const tool_t *const tools[] = { &find_ticket_tool, NULL };

static const field_t settings[] = {
    FIELD(settings_t, url, .env = "HELPDESK_URL", .required = true, .group = "Helpdesk",
          .doc = "Address of the helpdesk."),
    FIELD(settings_t, token, .env = "HELPDESK_TOKEN", .secret = true, .group = "Service account",
          .doc = "Token for callers who bring none of their own."),
    TENANTS_FIELD(settings_t),
    { 0 },
};

static void desk_close(void *state)
{
    desk_t *desk = state;

    upstream_free(desk->server);
    tenants_release(&desk->tenants);
    mem_free(desk);
}

static void *desk_open(runtime_t *runtime, const void *values, err_t *err)
{
    const settings_t *s = values;
    bool production = runtime_is_production(runtime);
    upstream_options_t options = {
        .name = "Helpdesk", .url = s->url, .url_variable = "HELPDESK_URL", .production = production
    };
    desk_t *desk = NEW(desk_t);

    desk->settings = s;
    desk->server = upstream_new(runtime_loop(runtime), &options, err);
    if (!desk->server || tenants_parse(s->tenants, s->token != NULL, production, &desk->tenants, err)) {
        desk_close(desk);
        return NULL;
    }
    return desk;
}

static const connector_t connector = {
    .name = "helpdesk",
    .title = "Helpdesk",
    .usual_prefix = "helpdesk_",
    .tools = tools,
    .settings = settings,
    .settings_size = sizeof(settings_t),
    .open = desk_open,
    .close = desk_close,
};

int main(int argc, char **argv)
{
    return connector_main(&connector, argc, argv);
}
