/* See codec.h.
 *
 * The library reports through an xmlrpc_env that is checked after each step, and every value it hands out is
 * a reference of ours. After a fault the value that xmlrpc_parse_response2() leaves behind is garbage and
 * must not be touched. */
#include "codec.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <xmlrpc-c/base.h>
#include <xmlrpc-c/util.h>

#include "mem.h"
#include "xml_guard.h"

void codec_init(size_t max_reply_bytes)
{
    xmlrpc_limit_set(XMLRPC_XML_SIZE_LIMIT_ID,
                     max_reply_bytes / XML_GUARD_GROWTH_DENOMINATOR * XML_GUARD_GROWTH_NUMERATOR);
}

/* Writing */

typedef struct {
    xmlrpc_env env;
    const char *member; /* the innermost one we are in, for sentences */
    err_t *err;
    bool refused; /* err is filled */
} writer_t;

static xmlrpc_value *write_value(writer_t *w, const json_t *value);

static bool failed(const writer_t *w)
{
    return w->refused || w->env.fault_occurred;
}

static void refuse_character(writer_t *w, unsigned point)
{
    w->refused = true;
    if (w->member) {
        err_set(w->err, ERR_CALLER,
                "The value of \"%s\" holds the character U+%04X, which Odoo cannot be sent. Leave it out.",
                w->member, point);
    } else {
        err_set(
            w->err, ERR_CALLER,
            "A text in the arguments holds the character U+%04X, which Odoo cannot be sent. Leave it out.",
            point);
    }
}

static xmlrpc_value *write_text(writer_t *w, span_t text)
{
    AUTO_BUF escaped = { 0 };
    unsigned bad = 0;

    if (xml_guard_escape(text, &escaped, &bad)) {
        refuse_character(w, bad);
        return NULL;
    }
    return xmlrpc_string_new_lp(&w->env, escaped.length, buf_text(&escaped));
}

/* As few digits as bring the number back. */
static xmlrpc_value *write_real(writer_t *w, double number)
{
    AUTO_BUF escaped = { 0 };
    char digits[32];

    snprintf(digits, sizeof(digits), "%.15g", number);
    if (strtod(digits, NULL) != number) {
        snprintf(digits, sizeof(digits), "%.17g", number);
    }
    xml_guard_escape_real(digits, &escaped);
    return xmlrpc_string_new_lp(&w->env, escaped.length, buf_text(&escaped));
}

static xmlrpc_value *write_integer(writer_t *w, json_int_t number)
{
    if (number >= INT32_MIN && number <= INT32_MAX) {
        return xmlrpc_int_new(&w->env, (int)number);
    }
    return xmlrpc_i8_new(&w->env, number);
}

static xmlrpc_value *write_array(writer_t *w, const json_t *list)
{
    xmlrpc_value *array = xmlrpc_array_new(&w->env);
    size_t i;
    json_t *item;

    json_array_foreach(list, i, item)
    {
        xmlrpc_value *value = failed(w) ? NULL : write_value(w, item);
        if (value) {
            xmlrpc_array_append_item(&w->env, array, value);
            xmlrpc_DECREF(value);
        }
    }
    return array;
}

static void write_member(writer_t *w, xmlrpc_value *object, const char *name, const json_t *value)
{
    const char *outer = w->member;

    w->member = name;
    xmlrpc_value *key = write_text(w, span_of(name));
    xmlrpc_value *inner = failed(w) ? NULL : write_value(w, value);
    if (key && inner) {
        xmlrpc_struct_set_value_v(&w->env, object, key, inner);
    }
    if (inner) {
        xmlrpc_DECREF(inner);
    }
    if (key) {
        xmlrpc_DECREF(key);
    }
    w->member = outer;
}

static xmlrpc_value *write_object(writer_t *w, const json_t *members)
{
    xmlrpc_value *object = xmlrpc_struct_new(&w->env);
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)members, name, value)
    {
        if (!failed(w)) {
            write_member(w, object, name, value);
        }
    }
    return object;
}

/* A value, also when it is not whole because of a failure; NULL only with one. */
static xmlrpc_value *write_value(writer_t *w, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return write_object(w, value);
    case JSON_ARRAY:
        return write_array(w, value);
    case JSON_STRING:
        return write_text(w, (span_t){ json_string_value(value), json_string_length(value) });
    case JSON_INTEGER:
        return write_integer(w, json_integer_value(value));
    case JSON_REAL:
        return write_real(w, json_real_value(value));
    case JSON_NULL:
        return xmlrpc_nil_new(&w->env);
    default:
        return xmlrpc_bool_new(&w->env, json_is_true(value));
    }
}

static void write_call(writer_t *w, const char *method, xmlrpc_value *params, buf_t *ret)
{
    xmlrpc_mem_block *xml = XMLRPC_MEMBLOCK_NEW(char, &w->env, 0);

    if (!w->env.fault_occurred) {
        xmlrpc_serialize_call2(&w->env, xml, method, params, xmlrpc_dialect_i8);
    }
    if (!w->env.fault_occurred) {
        xml_guard_write((span_t){ XMLRPC_MEMBLOCK_CONTENTS(char, xml), XMLRPC_MEMBLOCK_SIZE(char, xml) },
                        ret);
    }
    if (xml) {
        XMLRPC_MEMBLOCK_FREE(char, xml);
    }
}

int codec_encode(const char *method, const json_t *params, buf_t *ret, err_t *err)
{
    writer_t w = { .err = err };

    xmlrpc_env_init(&w.env);
    xmlrpc_value *list = write_array(&w, params);
    if (!failed(&w)) {
        write_call(&w, method, list, ret);
    }
    if (list) {
        xmlrpc_DECREF(list);
    }
    if (w.env.fault_occurred && !w.refused) {
        err_set(err, ERR_CALLER, "The arguments cannot be written as XML-RPC (error %d).", w.env.fault_code);
    }
    bool bad = failed(&w);
    xmlrpc_env_clean(&w.env);
    return bad ? -1 : 0;
}

/* Reading */

static json_t *read_value(xmlrpc_env *env, xmlrpc_value *value);

static char *unescaped(const char *text, size_t length, size_t *ret_length)
{
    AUTO_BUF plain = { 0 };

    xml_guard_unescape((span_t){ text, length }, &plain);
    *ret_length = plain.length;
    return buf_steal(&plain);
}

static json_t *refuse(xmlrpc_env *env, const char *why)
{
    xmlrpc_env_set_fault(env, XMLRPC_PARSE_ERROR, why);
    return NULL;
}

static bool ends(const char *text)
{
    return text[strspn(text, " \t\r\n")] == '\0';
}

static json_t *read_real(xmlrpc_env *env, const char *digits)
{
    char *end;
    double number = strtod(digits, &end);

    if (end == digits || !ends(end)) {
        return refuse(env, "not a number");
    }
    return isfinite(number) ? json_real(number) : json_null();
}

static json_t *read_integer(xmlrpc_env *env, const char *digits)
{
    char *end;

    errno = 0;
    long long number = strtoll(digits, &end, 10);
    if (end == digits || !ends(end) || errno != 0) {
        return refuse(env, "not an integer");
    }
    return json_integer(number);
}

static json_t *read_escaped(xmlrpc_env *env, span_t text)
{
    span_t digits = { 0 };
    size_t length;
    xml_guard_kind_t kind = xml_guard_kind(text, &digits);

    if (kind != XML_GUARD_TEXT) {
        AUTO(mem_free) char *copy = mem_strndup(digits.at, digits.length);
        return kind == XML_GUARD_REAL ? read_real(env, copy) : read_integer(env, copy);
    }
    AUTO(mem_free) char *plain = unescaped(text.at, text.length, &length);
    json_t *read = json_stringn(plain, length);
    return read ? read : refuse(env, "not UTF-8");
}

static json_t *read_text(xmlrpc_env *env, xmlrpc_value *value)
{
    const char *text = NULL;
    size_t length = 0;

    xmlrpc_read_string_lp(env, value, &length, &text);
    json_t *read = env->fault_occurred ? NULL : read_escaped(env, (span_t){ text, length });
    free((void *)text);
    return read;
}

static json_t *read_array(xmlrpc_env *env, xmlrpc_value *value)
{
    json_t *list = json_array();
    int count = xmlrpc_array_size(env, value);

    for (int i = 0; i < count && !env->fault_occurred; i++) {
        xmlrpc_value *item = NULL;
        xmlrpc_array_read_item(env, value, (unsigned)i, &item);
        if (!env->fault_occurred) {
            json_array_append_new(list, read_value(env, item));
            xmlrpc_DECREF(item);
        }
    }
    return list;
}

static void read_member(xmlrpc_env *env, xmlrpc_value *object, int i, json_t *ret)
{
    xmlrpc_value *key = NULL, *value = NULL;

    xmlrpc_struct_read_member(env, object, (unsigned)i, &key, &value);
    if (env->fault_occurred) {
        return;
    }
    json_t *name = read_text(env, key);
    json_t *read = read_value(env, value);
    if (json_is_string(name) && read) {
        json_object_set(ret, json_string_value(name), read);
    }
    json_decref(name);
    json_decref(read);
    xmlrpc_DECREF(key);
    xmlrpc_DECREF(value);
}

static json_t *read_struct(xmlrpc_env *env, xmlrpc_value *value)
{
    json_t *object = json_object();
    int count = xmlrpc_struct_size(env, value);

    for (int i = 0; i < count && !env->fault_occurred; i++) {
        read_member(env, value, i, object);
    }
    return object;
}

static json_t *read_date(xmlrpc_env *env, xmlrpc_value *value)
{
    const char *text = NULL;

    xmlrpc_read_datetime_str(env, value, &text);
    json_t *date = env->fault_occurred ? NULL : json_string(text);
    free((void *)text);
    return date;
}

static json_t *read_bytes(xmlrpc_env *env, xmlrpc_value *value)
{
    const unsigned char *bytes = NULL;
    size_t length = 0;

    xmlrpc_read_base64(env, value, &length, &bytes);
    free((void *)bytes);
    return json_sprintf("(binary, %zu bytes)", length);
}

static json_t *read_int(xmlrpc_env *env, xmlrpc_value *value)
{
    int number = 0;

    xmlrpc_read_int(env, value, &number);
    return json_integer(number);
}

static json_t *read_bool(xmlrpc_env *env, xmlrpc_value *value)
{
    xmlrpc_bool truth = 0;

    xmlrpc_read_bool(env, value, &truth);
    return json_boolean(truth);
}

/* NULL only with a fault in env. */
static json_t *read_value(xmlrpc_env *env, xmlrpc_value *value)
{
    switch (xmlrpc_value_type(value)) {
    case XMLRPC_TYPE_INT:
        return read_int(env, value);
    case XMLRPC_TYPE_BOOL:
        return read_bool(env, value);
    case XMLRPC_TYPE_STRING:
        return read_text(env, value);
    case XMLRPC_TYPE_ARRAY:
        return read_array(env, value);
    case XMLRPC_TYPE_STRUCT:
        return read_struct(env, value);
    case XMLRPC_TYPE_DATETIME:
        return read_date(env, value);
    case XMLRPC_TYPE_BASE64:
        return read_bytes(env, value);
    case XMLRPC_TYPE_NIL:
        return json_null();
    default:
        xmlrpc_env_set_fault(env, XMLRPC_TYPE_ERROR, "a type we do not know");
        return NULL;
    }
}

static void read_response(xmlrpc_env *env, span_t xml, codec_reply_t *ret)
{
    xmlrpc_value *value = NULL;
    const char *fault_text = NULL;
    size_t length;

    xmlrpc_parse_response2(env, xml.at, xml.length, &value, &ret->fault_code, &fault_text);
    if (env->fault_occurred) {
        return;
    }
    if (fault_text) {
        ret->fault_text = unescaped(fault_text, strlen(fault_text), &length);
        free((void *)fault_text);
        return;
    }
    ret->value = read_value(env, value);
    xmlrpc_DECREF(value);
}

int codec_decode(span_t body, codec_reply_t *ret, err_t *err)
{
    AUTO_BUF guarded = { 0 };
    codec_reply_t reply = { 0 };
    xmlrpc_env env;

    if (xml_guard_read(body, &guarded, err)) {
        return -1;
    }
    xmlrpc_env_init(&env);
    read_response(&env, buf_span(&guarded), &reply);
    int code = env.fault_occurred ? env.fault_code : 0;
    xmlrpc_env_clean(&env);
    if (code != 0) {
        codec_reply_release(&reply);
        return err_set(err, ERR_UPSTREAM, "The answer cannot be read as XML-RPC (error %d).", code);
    }
    *ret = reply;
    return 0;
}

void codec_reply_release(codec_reply_t *reply)
{
    json_decref(reply->value);
    mem_free(reply->fault_text);
    *reply = (codec_reply_t){ 0 };
}
