/* What callers read when a connector gave no answer: what happened, and whether trying again is safe. Pure.
 * See forward.h. */
#include "forward.h"

#include <inttypes.h>

#include "relay.h"

#define UNKNOWN_OUTCOME "The outcome is unknown: check before repeating."

bool forward_may_repeat(const catalog_entry_t *entry)
{
    return entry->kind != MCP_TOOLS || entry->read_only || entry->idempotent;
}

static int fail_timeout(const catalog_entry_t *entry, const connector_config_t *connector,
                        const forward_end_t *end, err_t *ret)
{
    bool safe = forward_may_repeat(entry);

    return err_set(ret, ERR_TIMEOUT,
                   "Connector %s did not finish %s within %" PRId64 " s. Narrow the request%s. %s",
                   connector->name, entry->name, (end->us + 500000) / 1000000,
                   end->asked_progress ? "" : ", or ask for progress to give it more time",
                   safe ? "Trying again is safe." : UNKNOWN_OUTCOME);
}

static bool is_refusal(int status)
{
    return status == 401 || status == 403;
}

/* Credentials are looked at before anything else is. */
static int fail_refused(const connector_config_t *connector, const forward_end_t *end, err_t *ret)
{
    if (end->status == 401 && connector->trusted) {
        return err_set(ret, ERR_UPSTREAM,
                       "Connector %s does not accept this gateway's key. "
                       "Nothing was done; trying again does not help. " RELAY_KEY_REMEDY,
                       connector->name, connector->name);
    }
    return err_set(ret, ERR_UPSTREAM, "Connector %s failed to take the call. %s Nothing was done.",
                   connector->name, end->cause->text);
}

int forward_failure(const catalog_entry_t *entry, const connector_config_t *connector,
                    const forward_end_t *end, err_t *ret)
{
    const char *advice = UNKNOWN_OUTCOME;

    if (end->cause->kind == ERR_TIMEOUT && end->sent) {
        return fail_timeout(entry, connector, end, ret);
    }
    if (is_refusal(end->status)) {
        return fail_refused(connector, end, ret);
    }
    if (!end->sent) {
        advice = "Nothing was done; try again in a moment.";
    } else if (forward_may_repeat(entry)) {
        advice = "Trying again is safe.";
    }
    return err_set(ret, end->cause->kind == ERR_TIMEOUT ? ERR_TIMEOUT : ERR_UPSTREAM,
                   "Connector %s failed %s. %s %s", connector->name,
                   end->sent ? "in mid-call" : "to take the call", end->cause->text, advice);
}

int forward_stopped(const catalog_entry_t *entry, const connector_config_t *connector, err_t *ret)
{
    const char *advice = "Whether the tool finished is not known; check before repeating.";

    if (entry->kind != MCP_TOOLS || entry->read_only) {
        advice = "Nothing was changed; try again.";
    } else if (entry->idempotent) {
        advice = "Trying again is safe.";
    }
    return err_set(ret, ERR_TIMEOUT, "The gateway is stopping and cannot wait longer for connector %s. %s",
                   connector->name, advice);
}
