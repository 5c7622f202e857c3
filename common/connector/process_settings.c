/* LISTEN, HOP_KEY, ENVIRONMENT, LOG_LEVEL, CALL_TIMEOUT, HELPERS: their rows, and the rules between them. */
#include "process_settings.h"

#include <stdio.h>
#include <string.h>

#define GROUP "The process"
#define HOP_KEY_DIGITS 64

static const field_t template[] = {
    FIELD(process_settings_t, listen, .env = "LISTEN", .group = GROUP,
          .doc = "Where to listen: unix:PATH or HOST:PORT (port 0: any free one)."),
    FIELD(process_settings_t, hop_key, .env = "HOP_KEY", .secret = true, .group = GROUP,
          .doc = "Key that proves the gateway to this connector, as `guiche hop-key NAME` prints it."),
    FIELD(process_settings_t, environment, .env = "ENVIRONMENT", .choices = "development|staging|production",
          .fallback = "development", .group = GROUP,
          .doc = "Production refuses what is meant for trying out."),
    FIELD(process_settings_t, log_level, .env = "LOG_LEVEL", .choices = "debug|info|warn|error",
          .fallback = "info", .group = GROUP, .doc = "The least level of the JSON log lines on stderr."),
    FIELD(
        process_settings_t, call_timeout_ms, .env = "CALL_TIMEOUT", .unit = "ms", .fallback = "25s",
        .min = 100, .max = 600000, .group = GROUP,
        .doc =
            "How long one call may take. Each progress event gives it this long again, up to 120 s in all."),
    FIELD(process_settings_t, helpers, .env = "HELPERS", .fallback = "2", .min = 1, .max = 64, .group = GROUP,
          .doc = "Threads for work that blocks, such as SQLite."),
    { 0 },
};
_Static_assert(COUNT_OF(template) == COUNT_OF(((process_rows_t *)0)->rows), "process_rows_t holds every row");

void process_rows_init(process_rows_t *ret, const char *connector)
{
    memcpy(ret->rows, template, sizeof(template));
    snprintf(ret->listen, sizeof(ret->listen), "unix:/run/guiche/%s.sock", connector);
    ret->rows[0].fallback = ret->listen;
}

bool process_is_production(const process_settings_t *process)
{
    return strcmp(process->environment, "production") == 0;
}

static int check_hop_key(const char *key, const char *connector, err_t *err)
{
    if (!key) {
        return err_set(
            err, ERR_CALLER,
            "HOP_KEY is not set, so nothing proves that a call comes from the gateway. `guiche hop-key %s` "
            "prints it; --no-auth TENANT serves without it, for trying out.",
            connector);
    }
    /* The key is the hex text itself, so the case of its digits counts. */
    if (strlen(key) != HOP_KEY_DIGITS || strspn(key, "0123456789abcdef") != HOP_KEY_DIGITS) {
        return err_set(err, ERR_CALLER,
                       "HOP_KEY must be the 64 digits 0-9a-f that `guiche hop-key %s` prints.", connector);
    }
    return 0;
}

int process_settings_check(const process_settings_t *process, const char *connector,
                           const char *no_auth_tenant, err_t *err)
{
    if (!no_auth_tenant) {
        return check_hop_key(process->hop_key, connector, err);
    }
    if (process_is_production(process)) {
        return err_set(err, ERR_CALLER,
                       "--no-auth lets anyone in and is refused with ENVIRONMENT=production.");
    }
    return 0;
}
