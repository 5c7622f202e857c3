/* What is said of a fault: each recorded one, and what must never be seen of any. */
#include <criterion/criterion.h>
#include <string.h>

#include "buf.h"
#include "codec.h"
#include "fault.h"
#include "mem.h"
#include "odoo_recorded.h"

static const char traceback_head[] =
    "Traceback (most recent call last):\n  File \"/opt/odoo/server.py\", line 1, in x\n"
    "    result = call()\n";

static err_t refuse(int code, const char *text)
{
    err_t err = { 0 };

    cr_assert_eq(fault_refuse(code, text, &err), -1);
    return err;
}

static err_t refuse_exception(const char *last)
{
    AUTO(mem_free) char *text = mem_printf("%s%s\n", traceback_head, last);

    return refuse(1, text);
}

static size_t faults;

static void check_recorded(const recorded_t *r)
{
    AUTO(mem_free) char *body = recorded_read(r, "response");
    codec_reply_t reply = { 0 };
    err_t err;

    if (codec_decode(span_of(body), &reply, &err) == 0 && reply.fault_text) {
        err = refuse(reply.fault_code, reply.fault_text);
        cr_expect_not(strstr(err.text, "/opt") || strstr(err.text, "/var") || strstr(err.text, "Traceback") ||
                          strstr(err.text, "socket") || strchr(err.text, '\n') ||
                          strstr(err.text, "psycopg2.Op"),
                      "%s: %s", r->name, err.text);
        cr_expect_gt(strlen(err.text), 20);
        faults++;
    }
    codec_reply_release(&reply);
}

Test(odoo_fault, shows_nothing_of_the_server_for_any_recorded_fault)
{
    codec_init(8 * 1024 * 1024);
    recorded_each("odoo-17", check_recorded);
    recorded_each("odoo-18", check_recorded);
    cr_expect_gt(faults, 50);
}

static bool is_done(int code, const char *last)
{
    AUTO(mem_free) char *text = mem_printf("%s%s\n", traceback_head, last);

    return fault_is_unwritable_result(code, text);
}

/* Each of them is what Python's xmlrpc.client says of a result, after Odoo's commit. */
Test(odoo_fault, a_result_that_cannot_be_written_is_no_failure)
{
    cr_expect(is_done(1, "TypeError: cannot marshal None unless allow_none is enabled"));
    cr_expect(is_done(1, "TypeError: cannot marshal <class 'odoo.api.sale.order'> objects"));
    cr_expect(is_done(1, "TypeError: dictionary key must be string"));
    cr_expect(is_done(1, "OverflowError: int exceeds XML-RPC limits"));
}

Test(odoo_fault, words_of_the_caller_do_not_make_a_failure_a_success)
{
    cr_expect_not(is_done(1, "ValueError: Wrong value for res.partner.type: 'cannot marshal None'"));
    cr_expect_not(is_done(1, "ValueError: TypeError: cannot marshal None"));
    cr_expect_not(is_done(2, "TypeError: cannot marshal None unless allow_none is enabled"));
    cr_expect_not(is_done(1, "  TypeError: cannot marshal None\nValueError: x"));
}

Test(odoo_fault, trouble_of_the_server_is_not_the_callers_and_names_no_host)
{
    err_t err = refuse_exception("requests.exceptions.ConnectionError: HTTPSConnectionPool(host='erp-db7')");

    cr_expect_eq(err.kind, ERR_UPSTREAM);
    cr_expect_not(strstr(err.text, "erp-db7"), "%s", err.text);
    cr_expect_eq(refuse_exception("ConnectionRefusedError: [Errno 111] Connection refused").kind,
                 ERR_UPSTREAM);
    cr_expect_eq(refuse_exception("RecursionError: maximum recursion depth exceeded").kind, ERR_UPSTREAM);
    cr_expect_eq(refuse_exception("odoo.exceptions.ValidationError: No").kind, ERR_CALLER);
}

Test(odoo_fault, says_enough_to_mend_the_request)
{
    cr_expect_str_eq(refuse_exception("KeyError: 'order_line'").text,
                     "Odoo refused the request: KeyError: 'order_line'. Nothing was changed.");
    err_t err = refuse_exception("psycopg2.errors.NumericValueOutOfRange: integer out of range");
    cr_expect_eq(err.kind, ERR_CALLER);
    cr_expect(strstr(err.text, "a number too large"), "%s", err.text);
}

Test(odoo_fault, knows_when_the_login_no_longer_holds)
{
    const char *text = "Record does not exist or has been deleted.\n(Record: res.users(42,), User: 42)";

    cr_expect(fault_is_login(3, "Access Denied", 42));
    cr_expect(fault_is_login(2, text, 42));
    cr_expect_not(fault_is_login(2, text, 7));
    cr_expect_not(fault_is_login(4, "You are not allowed to access", 42));
}

Test(odoo_fault, tells_the_caller_what_odoo_said)
{
    err_t err = refuse_exception("ValueError: Invalid field 'no_such_field' on model 'res.partner'");

    cr_expect_eq(err.kind, ERR_CALLER);
    cr_expect_str_eq(err.text,
                     "Odoo refused the request: Invalid field 'no_such_field' on model 'res.partner'. "
                     "Nothing was changed.");
    err = refuse(2, "Object no.such.model doesn't exist");
    cr_expect_eq(err.kind, ERR_UNKNOWN);
    cr_expect(strstr(err.text, "no model \"no.such.model\""), "%s", err.text);
    err = refuse(2, "('You cannot delete contacts.\\nIt\\'s linked.', {'type': 'x'}, 'Go to users', None)");
    cr_expect_str_eq(err.text,
                     "Odoo refused it: You cannot delete contacts. It's linked. Nothing was changed.");
    err = refuse(4, "You are not allowed to access 'Lead' (crm.lead) records.\n\nAllowed:\n\t- Sales\n");
    cr_expect_eq(err.kind, ERR_DENIED);
    cr_expect_str_eq(err.text,
                     "Odoo does not allow this to the account that is used: You are not allowed to access "
                     "'Lead' (crm.lead) records. Allowed: - Sales.");
    err = refuse(3, "Access Denied");
    cr_expect_eq(err.kind, ERR_DENIED);
}

Test(odoo_fault, hides_paths_addresses_and_the_database)
{
    cr_expect_str_eq(refuse_exception("FileNotFoundError: [Errno 2] No such file: '/srv/odoo/x'").text,
                     "Odoo failed with an error of its own (FileNotFoundError). Nothing was changed.");
    cr_expect_str_eq(refuse_exception("ConnectionError: http://10.0.0.7:8072 refused").text,
                     "Odoo failed with an error of its own (ConnectionError). Nothing was changed.");
    cr_expect_str_eq(
        refuse_exception("psycopg2.errors.UndefinedColumn: column \"secret\" does not exist").text,
        "Odoo's database refused it (psycopg2.errors.UndefinedColumn). Nothing was changed.");
    cr_expect(strstr(
        refuse_exception("psycopg2.OperationalError: connection to server on socket \"/x\" failed: FATAL:  "
                         "database \"d\" does not exist")
            .text,
        "ODOO_DB"));
    cr_expect(
        strstr(refuse_exception("psycopg2.errors.SerializationFailure: could not serialize access").text,
               "trying again is safe"));
    cr_expect(
        strstr(refuse_exception("ValueError: time data '20/11/2026' does not match").text, "20/11/2026"));
}

Test(odoo_fault, finds_the_exception_of_the_last_traceback)
{
    AUTO(mem_free)
    char *text = mem_printf(
        "%sKeyError: 'first'\n\nDuring handling of the above exception, another exception occurred:\n\n"
        "%sValueError: second\n",
        traceback_head, traceback_head);

    cr_expect_str_eq(refuse(1, text).text, "Odoo refused the request: second. Nothing was changed.");
}

Test(odoo_fault, survives_texts_of_any_kind)
{
    static const char *const texts[] = { "",
                                         "\n",
                                         "(",
                                         "('",
                                         "('x",
                                         "('x\\",
                                         "Object ",
                                         "Object  doesn't exist",
                                         "Traceback (most recent call last):",
                                         "Traceback (most recent call last):\n",
                                         ":",
                                         "....",
                                         "\xFF\xFE" };

    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (int code = -1; code <= 5; code++) {
            cr_expect_gt(strlen(refuse(code, texts[i]).text), 10);
        }
    }
}

Test(odoo_fault, cuts_what_is_long)
{
    AUTO_BUF text = { 0 };

    for (int i = 0; i < 1000; i++) {
        buf_add_text(&text, "word ");
    }
    cr_expect_lt(strlen(refuse(2, buf_text(&text)).text), 450);
}
