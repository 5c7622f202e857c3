/* See fault.h. */
#include "fault.h"

#include <ctype.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "span.h"
#include "utf8.h"

#define TRACEBACK "Traceback (most recent call last):"
#define SHOWN_MAX_BYTES 330

enum { FAULT_OTHER = 1, FAULT_USER, FAULT_LOGIN, FAULT_ACCESS };

static span_t trimmed(span_t text)
{
    while (text.length > 0 && isspace((unsigned char)text.at[text.length - 1])) {
        text.length--;
    }
    while (text.length > 0 && isspace((unsigned char)text.at[0])) {
        text.at++;
        text.length--;
    }
    return text;
}

static const char *last_traceback(const char *text)
{
    const char *last = NULL;

    for (const char *found = text; (found = strstr(found, TRACEBACK)); found += sizeof(TRACEBACK) - 1) {
        last = found;
    }
    return last;
}

/* "ValueError: Invalid leaf (...)" and what follows it, from under the last frame of a traceback: frames are
 * indented. A text without a traceback is all of it. */
static span_t exception_of(const char *text)
{
    const char *traceback = last_traceback(text);

    if (!traceback) {
        return trimmed(span_of(text));
    }
    for (const char *line = strchr(traceback, '\n'); line; line = strchr(line + 1, '\n')) {
        if (line[1] != '\0' && !isspace((unsigned char)line[1])) {
            return trimmed(span_of(line + 1));
        }
    }
    return (span_t){ "", 0 };
}

static bool holds(span_t text, const char *what)
{
    return memmem(text.at, text.length, what, strlen(what)) != NULL;
}

static bool begins_with(span_t text, const char *what)
{
    return text.length >= strlen(what) && memcmp(text.at, what, strlen(what)) == 0;
}

/* What Python's xmlrpc.client says; Odoo has committed by then. */
bool fault_is_unwritable_result(int code, const char *text)
{
    static const char *const said[] = { "TypeError: cannot marshal ",
                                        "TypeError: dictionary key must be string",
                                        "OverflowError: int exceeds XML-RPC limits" };
    span_t exception = exception_of(text);

    for (size_t i = 0; i < COUNT_OF(said); i++) {
        if (code == FAULT_OTHER && begins_with(exception, said[i])) {
            return true;
        }
    }
    return false;
}

bool fault_is_login(int code, const char *text, int64_t uid)
{
    AUTO(mem_free)
    char *record = mem_printf("(Record: res.users(%lld,), User: %lld)", (long long)uid, (long long)uid);

    return code == FAULT_LOGIN || (code == FAULT_USER && strstr(text, record));
}

/* A path, an address or a socket: none of it is for the caller. Dates and fractions have slashes too. */
static bool holds_place(span_t text)
{
    if (holds(text, "://") || holds(text, ":\\") || holds(text, "socket")) {
        return true;
    }
    for (size_t i = 0; i + 1 < text.length; i++) {
        bool begins_word = i == 0 || strchr(" \t\n'\"(=:,[", text.at[i - 1]);
        if (text.at[i] == '/' && begins_word && isalpha((unsigned char)text.at[i + 1])) {
            return true;
        }
    }
    return false;
}

/* Lines and tabs become blanks; what is long is cut. */
static void add_flat(buf_t *out, span_t text)
{
    size_t shown = text.length > SHOWN_MAX_BYTES ? utf8_cut(text, SHOWN_MAX_BYTES) : text.length;
    bool blank = false;

    for (size_t i = 0; i < shown; i++) {
        if (isspace((unsigned char)text.at[i])) {
            blank = true;
            continue;
        }
        if (blank) {
            buf_add_char(out, ' ');
        }
        blank = false;
        buf_add_char(out, text.at[i]);
    }
    if (shown < text.length) {
        buf_add_text(out, "...");
    }
}

/* A warning with a button is the repr of a tuple: ('You cannot ...', {...}, 'Go to users', None). Its first
 * string is the message. */
static bool unwrap(span_t text, buf_t *out)
{
    if (text.length < 4 || text.at[0] != '(' || (text.at[1] != '\'' && text.at[1] != '"')) {
        return false;
    }
    for (size_t i = 2; i + 1 < text.length; i++) {
        if (text.at[i] == text.at[1]) {
            return text.at[i + 1] == ',';
        }
        if (text.at[i] != '\\') {
            buf_add_char(out, text.at[i]);
            continue;
        }
        i++;
        buf_add_char(out, text.at[i] == 'n' || text.at[i] == 't' ? ' ' : text.at[i]);
    }
    return false;
}

static void add_message(buf_t *out, span_t text)
{
    AUTO_BUF message = { 0 };

    add_flat(out, unwrap(text, &message) ? buf_span(&message) : text);
    if (out->length > 0 && !strchr(".!?", out->data[out->length - 1])) {
        buf_add_char(out, '.');
    }
}

/* "ValueError" of "ValueError: Invalid ..."; empty when there is none. */
static span_t class_of(span_t exception)
{
    size_t length = 0;

    while (length < exception.length &&
           (isalnum((unsigned char)exception.at[length]) || strchr("._", exception.at[length]))) {
        length++;
    }
    bool is_class = length > 0 && (length == exception.length || exception.at[length] == ':');
    return (span_t){ exception.at, is_class ? length : 0 };
}

/* What a wrong request leads to. Any other class is trouble of the server: what it says names hosts, files or
 * modules, and nobody who asks could mend it. */
static bool is_of_request(span_t name)
{
    static const char *const classes[] = { "ValueError",     "TypeError",     "AttributeError",
                                           "KeyError",       "IndexError",    "NotImplementedError",
                                           "AssertionError", "OverflowError", "NameError",
                                           "Exception" };

    for (size_t i = 0; i < COUNT_OF(classes); i++) {
        if (span_is(name, classes[i])) {
            return true;
        }
    }
    return begins_with(name, "odoo.");
}

/* "'order_line'" alone says nothing. */
static bool is_terse(span_t name)
{
    return span_is(name, "KeyError") || span_is(name, "IndexError");
}

/* A value that a column cannot hold. */
static bool is_bad_value(span_t name)
{
    return holds(name, "OutOfRange") || holds(name, "InvalidText") || holds(name, "Datetime") ||
           holds(name, "DataError") || holds(name, "Truncation");
}

/* psycopg2.OperationalError: connection to server on socket "..." failed: FATAL: database "x" ... */
static int refuse_database(span_t exception, span_t name, err_t *err)
{
    if (holds(exception, "database \"") && holds(exception, "does not exist")) {
        return err_set(err, ERR_UPSTREAM,
                       "Odoo has no database with the name in ODOO_DB. Whoever runs this connector should "
                       "check it.");
    }
    if (holds(name, "Serialization") || holds(name, "Deadlock") || holds(name, "LockNotAvailable") ||
        holds(exception, "could not serialize") || holds(exception, "could not obtain lock")) {
        return err_set(err, ERR_UPSTREAM,
                       "Somebody else changed the same records at that moment, so Odoo refused. Nothing was "
                       "changed; trying again is safe.");
    }
    if (is_bad_value(name)) {
        return err_set(err, ERR_CALLER,
                       "Odoo's database cannot hold a value (%.*s): a number too large, or a text where a "
                       "number or a date belongs. Nothing was changed.",
                       SPAN_ARGS(name));
    }
    return err_set(err, ERR_UPSTREAM, "Odoo's database refused it (%.*s). Nothing was changed.",
                   SPAN_ARGS(name));
}

static int refuse_exception(const char *text, err_t *err)
{
    span_t exception = exception_of(text);
    span_t name = class_of(exception);
    AUTO_BUF message = { 0 };

    if (begins_with(name, "psycopg2.") || begins_with(name, "psycopg.")) {
        return refuse_database(exception, name, err);
    }
    if (name.length == 0 || name.length > 80) {
        return err_set(err, ERR_UPSTREAM, "Odoo failed with an error of its own. Nothing was changed.");
    }
    span_t said = { exception.at + name.length, exception.length - name.length };
    said = trimmed(said.length > 0 ? (span_t){ said.at + 1, said.length - 1 } : said);
    if (said.length == 0 || !is_of_request(name) || holds_place(said)) {
        return err_set(err, ERR_UPSTREAM, "Odoo failed with an error of its own (%.*s). Nothing was changed.",
                       SPAN_ARGS(name));
    }
    add_message(&message, is_terse(name) ? exception : said);
    return err_set(err, ERR_CALLER, "Odoo refused the request: %s Nothing was changed.", buf_text(&message));
}

/* "Object no.such.model doesn't exist" */
static bool refuse_model(span_t text, err_t *err)
{
    span_t rest = { text.at + 7, text.length > 7 ? text.length - 7 : 0 };
    const char *end = text.length > 7 ? memmem(rest.at, rest.length, " doesn't exist", 14) : NULL;

    if (text.length <= 7 || memcmp(text.at, "Object ", 7) != 0 || !end) {
        return false;
    }
    err_set(err, ERR_UNKNOWN,
            "Odoo has no model \"%.*s\", or the app it belongs to is not installed. list_models shows what "
            "there is.",
            (int)(end - rest.at), rest.at);
    return true;
}

static int refuse_user(const char *text, err_t *err)
{
    span_t said = exception_of(text);
    AUTO_BUF message = { 0 };

    if (refuse_model(said, err)) {
        return -1;
    }
    if (last_traceback(text) && holds_place(said)) {
        return err_set(err, ERR_CALLER, "Odoo refused the request. Nothing was changed.");
    }
    add_message(&message, said);
    return err_set(err, ERR_CALLER, "Odoo refused it: %s Nothing was changed.", buf_text(&message));
}

static int refuse_access(const char *text, err_t *err)
{
    AUTO_BUF message = { 0 };

    add_message(&message, exception_of(text));
    return err_set(err, ERR_DENIED, "Odoo does not allow this to the account that is used: %s",
                   buf_text(&message));
}

int fault_refuse(int code, const char *text, err_t *err)
{
    switch (code) {
    case FAULT_USER:
        return refuse_user(text, err);
    case FAULT_LOGIN:
        return err_set(err, ERR_DENIED,
                       "Odoo refused the login. The password or API key is wrong, was removed, or has "
                       "expired.");
    case FAULT_ACCESS:
        return refuse_access(text, err);
    default:
        return refuse_exception(text, err);
    }
}
