/* See allowed.h. The text is kept as it was written; there are few of them. */
#include "allowed.h"

#include <string.h>

#include "buf.h"
#include "mem.h"
#include "check.h"
#include "span.h"

typedef struct {
    char *model, *method;
} pair_t;

struct allowed {
    pair_t *pairs;
    size_t count;
};

static int refuse(span_t item, err_t *err)
{
    return err_set(err, ERR_CALLER,
                   "ODOO_ALLOWED_METHODS has \"%.*s\": write model:method, separated by commas, such as "
                   "sale.order:action_confirm. Methods that begin with _ are private and cannot be called.",
                   SPAN_ARGS(item));
}

static int add(allowed_t *allowed, span_t item, err_t *err)
{
    const char *colon = memchr(item.at, ':', item.length);

    if (!colon) {
        return refuse(item, err);
    }
    span_t model = span_trim((span_t){ item.at, (size_t)(colon - item.at) });
    span_t method = span_trim((span_t){ colon + 1, (size_t)(item.at + item.length - colon) - 1 });
    pair_t pair = { mem_strndup(model.at, model.length), mem_strndup(method.at, method.length) };
    allowed->pairs = mem_resize(allowed->pairs, (allowed->count + 1) * sizeof(*allowed->pairs));
    allowed->pairs[allowed->count++] = pair;
    bool good = check_is_model(pair.model) && check_is_field(pair.method) && pair.method[0] != '_';
    return good ? 0 : refuse(item, err);
}

int allowed_parse(const char *text, allowed_t **ret, err_t *err)
{
    allowed_t *allowed = NEW(allowed_t);

    for (const char *at = text; at && *at != '\0';) {
        span_t item = span_trim((span_t){ at, strcspn(at, ",") });
        if (item.length > 0 && add(allowed, item, err)) {
            allowed_free(allowed);
            return -1;
        }
        at += strcspn(at, ",");
        at += *at == ',';
    }
    if (text && *text != '\0' && allowed->count == 0) {
        allowed_free(allowed);
        return refuse(span_of(text), err);
    }
    *ret = allowed;
    return 0;
}

void allowed_free(allowed_t *allowed)
{
    if (!allowed) {
        return;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        mem_free(allowed->pairs[i].model);
        mem_free(allowed->pairs[i].method);
    }
    mem_free(allowed->pairs);
    mem_free(allowed);
}

bool allowed_has(const allowed_t *allowed, const char *model, const char *method)
{
    for (size_t i = 0; i < allowed->count; i++) {
        if (strcmp(allowed->pairs[i].model, model) == 0 && strcmp(allowed->pairs[i].method, method) == 0) {
            return true;
        }
    }
    return false;
}

int allowed_check(const allowed_t *allowed, const char *model, const char *method, err_t *err)
{
    AUTO_BUF list = { 0 };

    if (allowed_has(allowed, model, method)) {
        return 0;
    }
    for (size_t i = 0; i < allowed->count; i++) {
        buf_addf(&list, "%s%s of %s", i > 0 ? ", " : "", allowed->pairs[i].method, allowed->pairs[i].model);
    }
    return err_set(err, ERR_DENIED,
                   "The method is not among those that whoever runs this connector has allowed "
                   "(ODOO_ALLOWED_METHODS). Allowed: %s.",
                   allowed->count > 0 ? buf_text(&list) : "none");
}
