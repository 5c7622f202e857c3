/* The one error type. Whoever fails fills an err_t and returns -1; the edge that answers turns it into the
 * answer of the era that asked (mcp/errors.h) or into a REST status, and logs it once. Text is a sentence for
 * the person or model that can act on it: never a token, a host name of ours, a traceback or an upstream's
 * dump.
 */
#pragma once

#include <stdarg.h>

/*  kind          name          JSON-RPC  modern HTTP  REST  what it means
 *  A JSON-RPC error outside -32768..-32000 is ours (MCP 2026-07-28 basic "Error Codes"). */
#define ERR_KINDS(X)                                                                                         \
    X(ERR_CALLER, "caller", -32602, 200, 400)     /* the arguments are wrong; the caller can mend them */    \
    X(ERR_DENIED, "denied", 403, 200, 403)        /* known, and not allowed */                               \
    X(ERR_UPSTREAM, "upstream", -32603, 200, 502) /* a connector or the business system failed or refused */ \
    X(ERR_TIMEOUT, "timeout", -32603, 200, 504)   /* the call's deadline passed */                           \
    X(ERR_UNKNOWN, "unknown", -32602, 200, 404)   /* no such tool, resource, prompt */                       \
    X(ERR_PROTOCOL, "protocol", -32600, 400, 400) /* not a message of this protocol; code says which rule */ \
    X(ERR_UNAUTHORIZED, "unauthorized", 401, 401, 401)  /* no token, or one that does not hold */            \
    X(ERR_UNAVAILABLE, "unavailable", -32603, 503, 503) /* not yet, and nobody's fault: try again soon */    \
    X(ERR_INTERNAL, "internal", -32603, 500, 500)       /* our own fault */

typedef enum {
#define X(kind, name, rpc_code, modern_status, rest_status) kind,
    ERR_KINDS(X)
#undef X
} err_kind_t;

typedef struct {
    err_kind_t kind;
    int code;       /* a JSON-RPC code more exact than the kind's own, or 0 */
    char text[512]; /* always NUL-terminated, valid UTF-8, cut with "..." */
} err_t;

/* Fill *err (NULL is fine) and return -1, so that failing is one line: return err_set(err, kind, "..."). */
int err_set(err_t *err, err_kind_t kind, const char *format, ...) __attribute__((format(printf, 3, 4)));
int err_setv(err_t *err, err_kind_t kind, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int err_set_code(err_t *err, err_kind_t kind, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

const char *err_name(err_kind_t kind);   /* "caller" */
int err_from_name(const char *name);     /* the kind, or -1 */
int err_rpc_code(const err_t *err);      /* err->code, else the kind's */
int err_modern_status(const err_t *err); /* HTTP status for a 2026-07-28 client, by kind */
int err_rest_status(err_kind_t kind);    /* HTTP status on /v1 routes */
