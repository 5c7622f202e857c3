/* See account.h. */
#include "account.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "log.h"
#include "mem.h"
#include "span.h"

#define MAX_HEADERS 4

/* TENANTS */

static int add_name(tenants_t *tenants, size_t *count, span_t name, err_t *err)
{
    if (name.length == 0) {
        return err_set(err, ERR_CALLER, "TENANTS has an empty name: write one comma between two tenants.");
    }
    if (span_is(name, "*")) {
        tenants->all = true;
        return 0;
    }
    tenants->names = mem_resize(tenants->names, (*count + 2) * sizeof(*tenants->names));
    tenants->names[(*count)++] = mem_strndup(name.at, name.length);
    tenants->names[*count] = NULL;
    return 0;
}

static int parse_list(const char *text, tenants_t *ret, err_t *err)
{
    tenants_t tenants = { 0 };
    size_t count = 0;

    for (const char *at = text; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) {
        if (add_name(&tenants, &count, span_trim((span_t){ at, strcspn(at, ",") }), err)) {
            tenants_release(&tenants);
            return -1;
        }
    }
    if (tenants.all && count > 0) {
        tenants_release(&tenants);
        return err_set(err, ERR_CALLER, "TENANTS is * for every tenant, or a list of tenants, not both.");
    }
    *ret = tenants;
    return 0;
}

int tenants_parse(const char *text, bool has_service_account, bool production, tenants_t *ret, err_t *err)
{
    if (text && *text != '\0') {
        return parse_list(text, ret, err);
    }
    if (has_service_account && production) {
        return err_set(err, ERR_CALLER,
                       "TENANTS is missing: in production it must say which tenants the service account "
                       "belongs to (names separated by commas, or * for every tenant).");
    }
    *ret = (tenants_t){ .all = true };
    if (has_service_account &&
        log_begin(LOG_LEVEL_WARN, "TENANTS is not set: every tenant may use the service account")) {
        log_end();
    }
    return 0;
}

void tenants_release(tenants_t *tenants)
{
    for (char **name = tenants->names; name && *name; name++) {
        mem_free(*name);
    }
    mem_free(tenants->names);
    *tenants = (tenants_t){ 0 };
}

bool tenants_include(const tenants_t *tenants, const char *tenant)
{
    for (char **name = tenants->names; name && *name; name++) {
        if (strcmp(*name, tenant) == 0) {
            return true;
        }
    }
    return tenants->all;
}

/* Of a call */

/* "A", "A and B", "A, B and C" */
static void add_headers(buf_t *text, const char *const *names)
{
    for (size_t i = 0; names[i]; i++) {
        buf_addf(text, "%s%s", i == 0 ? "" : names[i + 1] ? ", " : " and ", names[i]);
    }
}

static int refuse_half(const account_rule_t *rule, const char *missing, err_t *err)
{
    AUTO_BUF names = { 0 };

    add_headers(&names, rule->user_headers);
    return err_set(err, ERR_CALLER,
                   "The headers %s belong together and %s is missing. Send all of them with the user's %s "
                   "account, or none.",
                   buf_text(&names), missing, rule->system);
}

static int refuse_tenant(const account_rule_t *rule, err_t *err)
{
    AUTO_BUF names = { 0 };

    add_headers(&names, rule->user_headers);
    return err_set(err, ERR_DENIED,
                   "The %s service account does not belong to your tenant. Connect your own %s account (%s).",
                   rule->system, rule->system, buf_text(&names));
}

static int refuse_nobody(const account_rule_t *rule, err_t *err)
{
    AUTO_BUF names = { 0 };

    if (rule->missing) {
        return err_set(err, ERR_DENIED, "%s", rule->missing);
    }
    add_headers(&names, rule->user_headers);
    return err_set(err, ERR_DENIED,
                   "There is no %s account for this call. Connect your own (%s), or have a service account "
                   "configured.",
                   rule->system, buf_text(&names));
}

/* How many of the user's headers are there; the first that is not goes to *ret_missing. */
static size_t read_headers(call_t *call, const account_rule_t *rule, const char **values,
                           const char **ret_missing, size_t *ret_wanted)
{
    size_t found = 0, i = 0;

    *ret_missing = NULL;
    for (; rule->user_headers[i] && i < MAX_HEADERS; i++) {
        values[i] = call_header(call, rule->user_headers[i]);
        if (values[i] && *values[i] != '\0') {
            found++;
        } else {
            values[i] = NULL;
            *ret_missing = *ret_missing ? *ret_missing : rule->user_headers[i];
        }
    }
    *ret_wanted = i;
    return found;
}

account_t account_of_call(call_t *call, const account_rule_t *rule, const char **values, err_t *err)
{
    const char *missing;
    size_t wanted;
    size_t found = read_headers(call, rule, values, &missing, &wanted);

    if (found > 0 && found == wanted) {
        return ACCOUNT_USER;
    }
    if (found > 0) {
        return (account_t)refuse_half(rule, missing, err);
    }
    if (!rule->has_service_account) {
        return (account_t)refuse_nobody(rule, err);
    }
    if (!tenants_include(rule->tenants, call_tenant(call))) {
        return (account_t)refuse_tenant(rule, err);
    }
    return ACCOUNT_SERVICE;
}
