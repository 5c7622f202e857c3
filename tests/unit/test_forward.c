/* What callers are told when a connector does not answer, and how traces go on. */
#include "forward.h"

#include <criterion/criterion.h>
#include <string.h>

#include "trace.h"

static connector_config_t crm = { .name = "crm" };
static catalog_entry_t reading = { .name = "crm_list_agents", .read_only = true },
                       repeatable = { .name = "crm_set", .idempotent = true },
                       writing = { .name = "crm_qualify_lead" };

static err_t tell(const catalog_entry_t *tool, err_kind_t kind, bool sent, bool asked)
{
    err_t cause, err;
    forward_end_t end = { .cause = &cause, .sent = sent, .asked_progress = asked, .us = 25000000 };

    err_set(&cause, kind, "The connector closed the connection.");
    cr_assert_eq(forward_failure(tool, &crm, &end, &err), -1);
    cr_assert(strstr(err.text, "crm"), "it names the connector");
    return err;
}

Test(forward, says_whether_trying_again_is_safe)
{
    cr_assert(strstr(tell(&reading, ERR_UPSTREAM, true, false).text, "safe"));
    cr_assert(strstr(tell(&repeatable, ERR_UPSTREAM, true, false).text, "safe"));
    cr_assert(strstr(tell(&writing, ERR_UPSTREAM, true, false).text, "check before repeating"));
    cr_assert(strstr(tell(&writing, ERR_UPSTREAM, false, false).text, "Nothing was done"));
    cr_assert(strstr(tell(&writing, ERR_TIMEOUT, true, false).text, "check before repeating"));
}

Test(forward, says_what_to_do_about_a_deadline)
{
    err_t err = tell(&reading, ERR_TIMEOUT, true, false);

    cr_assert_eq(err.kind, ERR_TIMEOUT);
    cr_assert(strstr(err.text, "within 25 s"), "%s", err.text);
    cr_assert(strstr(err.text, "ask for progress"));
    cr_assert_null(strstr(tell(&reading, ERR_TIMEOUT, true, true).text, "ask for progress"), "it did");
    cr_assert_eq(tell(&writing, ERR_TIMEOUT, false, false).kind, ERR_TIMEOUT);
}

static err_t refused(const connector_config_t *connector, int status)
{
    err_t cause, err;
    forward_end_t end = { .cause = &cause, .status = status, .sent = true };

    err_set(&cause, ERR_UPSTREAM, "It refused the credentials it was given (HTTP %d).", status);
    forward_failure(&writing, connector, &end, &err);
    return err;
}

Test(forward, says_whose_key_is_wrong_when_credentials_are_refused)
{
    static const connector_config_t trusted = { .name = "crm", .trusted = true };

    cr_assert_str_eq(
        refused(&trusted, 401).text,
        "Connector crm does not accept this gateway's key. Nothing was done; trying again does not "
        "help. Its operator sets HOP_KEY to what `guiche hop-key crm` prints.");
    cr_assert_str_eq(refused(&crm, 401).text,
                     "Connector crm failed to take the call. It refused the credentials "
                     "it was given (HTTP 401). Nothing was done.");
    cr_assert(strstr(refused(&trusted, 403).text, "(HTTP 403). Nothing was done."));
}

Test(forward, says_at_a_stop_what_is_not_known)
{
    err_t err;

    forward_stopped(&writing, &crm, &err);
    cr_assert_eq(err.kind, ERR_TIMEOUT);
    cr_assert(strstr(err.text, "connector crm. Whether the tool finished is not known; check before"));
    forward_stopped(&reading, &crm, &err);
    cr_assert(strstr(err.text, "Nothing was changed; try again."));
    forward_stopped(&repeatable, &crm, &err);
    cr_assert(strstr(err.text, "safe"));
}

/* Our own shortage of descriptors is told as the connector's failure and logged as what it is. */
Test(forward, blames_nobody_but_the_connector)
{
    cr_assert_eq(tell(&reading, ERR_INTERNAL, false, false).kind, ERR_UPSTREAM);
}

#define TRACE "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

Test(trace, goes_on_with_the_callers_trace)
{
    char next[TRACE_SIZE];

    trace_next(SPAN(TRACE), "0123456789abcdef", 7, next);
    cr_assert_str_eq(next, "00-0af7651916cd43dd8448eb211c80319c-0123456789abcdef-01");
}

Test(trace, begins_one_when_there_is_none_that_is_valid)
{
    static const char *const bad[] = {
        NULL,
        "",
        "00-x",
        "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331\r\n1",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        char next[TRACE_SIZE];
        trace_next(span_of(bad[i]), "0123456789abcdef", 7, next);
        cr_assert_str_eq(next, "00-0123456789abcdef0000000000000007-0123456789abcdef-01");
    }
}
