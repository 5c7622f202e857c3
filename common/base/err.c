/* Filling an err_t, and the one table that gives each kind its codes (err.h). */
#include "err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "span.h"
#include "utf8.h"

static const struct {
    const char *name;
    int rpc_code, modern_status, rest_status;
} kinds[] = {
#define X(kind, name, rpc_code, modern_status, rest_status)                                                  \
    [kind] = { name, rpc_code, modern_status, rest_status },
    ERR_KINDS(X)
#undef X
};

/* Values from outside may hold any bytes; an answer must be JSON, so what is no UTF-8 is shown as '?'. */
static void make_utf8(char *text)
{
    span_t rest = span_of(text);

    while (rest.length > 0) {
        size_t length = utf8_char(rest);
        if (length == 0) {
            text[rest.at - text] = '?';
            length = 1;
        }
        rest.at += length;
        rest.length -= length;
    }
}

static void cut(char *text, size_t size)
{
    static const char mark[] = "...";
    size_t keep = utf8_cut((span_t){ text, size - 1 }, size - sizeof(mark));

    memcpy(text + keep, mark, sizeof(mark));
}

int err_setv(err_t *err, err_kind_t kind, const char *format, va_list args)
{
    char text[sizeof(err->text)]; /* apart from err->text, which may be among the arguments */

    if (!err) {
        return -1;
    }
    int length = vsnprintf(text, sizeof(text), format, args);
    if (length < 0) {
        text[0] = '\0';
    }
    if (length >= (int)sizeof(text)) {
        cut(text, sizeof(text));
    }
    make_utf8(text);
    err->kind = kind;
    err->code = 0;
    memcpy(err->text, text, sizeof(text));
    return -1;
}

int err_set(err_t *err, err_kind_t kind, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    err_setv(err, kind, format, args);
    va_end(args);
    return -1;
}

int err_set_code(err_t *err, err_kind_t kind, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    err_setv(err, kind, format, args);
    va_end(args);
    if (err) {
        err->code = code;
    }
    return -1;
}

const char *err_name(err_kind_t kind)
{
    return kinds[kind].name;
}

int err_from_name(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].name, name) == 0) {
            return (int)i;
        }
    }
    return -1;
}

int err_rpc_code(const err_t *err)
{
    return err->code != 0 ? err->code : kinds[err->kind].rpc_code;
}

int err_modern_status(const err_t *err)
{
    return kinds[err->kind].modern_status;
}

int err_rest_status(err_kind_t kind)
{
    return kinds[kind].rest_status;
}
