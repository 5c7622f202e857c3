/* mcp-odoo: the records of an Odoo (sales, contacts, invoices, stock, ...) over its XML-RPC.
 *
 * Odoo's own rights decide what an account may do; nothing here widens them. Replies are capped before they
 * are read, by the transport and by the codec. */
#include "odoo.h"

#include "codec.h"
#include "mem.h"
#include "odoo_client.h"
#include "span.h"
#include "utf8.h"

#define MAX_REPLY_BYTES ((size_t)8 * 1024 * 1024)

static const field_t setting_rows[] = {
    FIELD(odoo_settings_t, url, .env = "ODOO_URL", .required = true, .group = "Odoo",
          .doc = "Address of Odoo, such as https://odoo.example.com."),
    FIELD(odoo_settings_t, db, .env = "ODOO_DB", .required = true, .group = "Odoo",
          .doc = "Name of its database."),
    FIELD(odoo_settings_t, read_only, .env = "ODOO_READ_ONLY", .fallback = "false", .group = "Odoo",
          .doc = "true: only the tools that read are offered."),
    FIELD(odoo_settings_t, allowed_methods, .env = "ODOO_ALLOWED_METHODS", .group = "Odoo",
          .doc = "What call_method may call, as model:method separated by commas, such as "
                 "sale.order:action_confirm. Without it call_method is not offered."),
    FIELD(odoo_settings_t, username, .env = "ODOO_USERNAME", .group = "Service account",
          .doc = "Login of the account for callers who bring none of their own."),
    FIELD(odoo_settings_t, password, .env = "ODOO_PASSWORD", .secret = true, .group = "Service account",
          .doc = "Its password or, better, an API key."),
    TENANTS_FIELD(odoo_settings_t),
    { 0 },
};

static void *odoo_open(runtime_t *runtime, const void *settings, err_t *err);
static void odoo_close(void *state);

static const connector_t odoo = {
    .name = "odoo",
    .title = "Odoo",
    .instructions = "Records of this company's Odoo. A model is a kind of record (res.partner: contacts, "
                    "product.product: products, sale.order: quotations and orders). list_models and "
                    "describe_model show what there is; never make up ids or field names. Times are UTC.",
    .tools = odoo_tools,
    .resources = odoo_resources,
    .templates = odoo_templates,
    .offers = odoo_offers,
    .settings = setting_rows,
    .settings_size = sizeof(odoo_settings_t),
    .open = odoo_open,
    .close = odoo_close,
    .probe = odoo_probe,
    .usual_prefix = "odoo_",
};

int main(int argc, char **argv)
{
    return connector_main(&odoo, argc, argv);
}

static bool is_text(const char *setting)
{
    return !setting || utf8_is_valid(span_of(setting));
}

static int check_settings(const odoo_settings_t *s, err_t *err)
{
    if ((s->username == NULL) != (s->password == NULL)) {
        return err_set(
            err, ERR_CALLER,
            "ODOO_USERNAME and ODOO_PASSWORD belong together: set both, or neither where every user "
            "brings an account of their own.");
    }
    if (!is_text(s->db) || !is_text(s->username) || !is_text(s->password)) {
        return err_set(err, ERR_CALLER, "ODOO_DB, ODOO_USERNAME and ODOO_PASSWORD must be UTF-8 text.");
    }
    return 0;
}

static int fill(odoo_t *state, err_t *err)
{
    const odoo_settings_t *s = state->settings;
    bool production = runtime_is_production(state->runtime);
    const upstream_options_t options = { .name = "Odoo",
                                         .url = s->url,
                                         .url_variable = "ODOO_URL",
                                         .max_reply_bytes = MAX_REPLY_BYTES,
                                         .production = production };

    if (check_settings(s, err) || allowed_parse(s->allowed_methods, &state->allowed, err) ||
        tenants_parse(s->tenants, s->username != NULL, production, &state->tenants, err)) {
        return -1;
    }
    state->upstream = upstream_new(runtime_loop(state->runtime), &options, err);
    return state->upstream ? 0 : -1;
}

static void *odoo_open(runtime_t *runtime, const void *settings, err_t *err)
{
    odoo_t *state = NEW(odoo_t);

    state->settings = settings;
    state->runtime = runtime;
    state->logins = logins_new();
    codec_init(MAX_REPLY_BYTES);
    if (fill(state, err)) {
        odoo_close(state);
        return NULL;
    }
    return state;
}

static void odoo_close(void *self)
{
    odoo_t *state = self;

    if (state->upstream) {
        upstream_free(state->upstream);
    }
    logins_free(state->logins);
    allowed_free(state->allowed);
    tenants_release(&state->tenants);
    mem_free(state->probe);
    mem_free(state);
}
