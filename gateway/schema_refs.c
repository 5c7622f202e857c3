/* See schema_refs.h. */
#include "schema_refs.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "mem.h"
#include "schema_words.h"

#define MAX_SEARCHES 100 /* of anchors, $ids and new places in one schema: each looks through all of it */

static const char *const referring[] = { "$ref", "$dynamicRef" };

/* Finding places */

static int hex_of(char c)
{
    return c >= '0' && c <= '9'                     ? c - '0'
           : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                    : -1;
}

/* RFC 3986: a pointer in a fragment may be percent-encoded. */
static void percent_decode(const char *text, buf_t *out)
{
    for (; *text; text++) {
        int high = *text == '%' ? hex_of(text[1]) : -1;
        int low = high >= 0 ? hex_of(text[2]) : -1;
        buf_add_char(out, low >= 0 ? (char)(high << 4 | low) : *text);
        text += low >= 0 ? 2 : 0;
    }
}

/* One step of a JSON pointer, "~1" and "~0" resolved; returns what follows it. */
static const char *pointer_step(const char *at, buf_t *ret)
{
    buf_clear(ret);
    while (*at && *at != '/') {
        char c = *at++;
        if (c == '~' && (*at == '0' || *at == '1')) {
            c = *at++ == '1' ? '/' : '~';
        }
        buf_add_char(ret, c);
    }
    return at;
}

static json_t *item_at(json_t *list, const char *step)
{
    bool is_index = *step && step[strspn(step, "0123456789")] == '\0' && strlen(step) < 8;

    return is_index ? json_array_get(list, strtoul(step, NULL, 10)) : NULL;
}

static json_t *at_pointer(json_t *root, const char *fragment)
{
    AUTO_BUF pointer = { 0 };
    AUTO_BUF step = { 0 };

    percent_decode(fragment, &pointer);
    const char *at = buf_text(&pointer);
    while (root && *at == '/') {
        at = pointer_step(at + 1, &step);
        root = json_is_array(root) ? item_at(root, buf_text(&step)) : json_object_get(root, buf_text(&step));
    }
    return *at ? NULL : root;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

/* Begins a part of the document with a base of its own. "#name" was an anchor in draft-07. */
static bool has_base(const json_t *schema)
{
    const char *id = text_of(schema, "$id");

    return *id && *id != '#';
}

typedef bool (*is_it_f)(const json_t *schema, const char *name);

/* The first schema for which it holds; with `one_base` not in parts that have another. */
static json_t *search(json_t *at, bool names, bool one_base, is_it_f is_it, const char *name)
{
    const char *key;
    json_t *value, *found = NULL;
    size_t i;

    if (!names && json_is_object(at) && is_it(at, name)) {
        return at;
    }
    json_array_foreach(at, i, value)
    {
        found = found || (one_base && has_base(value)) ? found : search(value, false, one_base, is_it, name);
    }
    json_object_foreach(at, key, value)
    {
        bool skip = found || (!names && schema_word_holds_data(key)) || (one_base && has_base(value));
        found = skip ? found : search(value, !names && schema_word_holds_names(key), one_base, is_it, name);
    }
    return found;
}

static bool has_anchor(const json_t *schema, const char *name)
{
    const char *id = text_of(schema, "$id");

    return strcmp(text_of(schema, "$anchor"), name) == 0 ||
           strcmp(text_of(schema, "$dynamicAnchor"), name) == 0 || (*id == '#' && strcmp(id + 1, name) == 0);
}

static bool has_id(const json_t *schema, const char *uri)
{
    const char *id = text_of(schema, "$id");
    size_t length = strcspn(id, "#");

    return length > 0 && length == strlen(uri) && strncmp(id, uri, length) == 0;
}

typedef struct {
    json_t *root;
    schema_refs_t *refs; /* NULL: only checked */
    unsigned searches;
} reading_t;

/* `part`: the schema whose base holds where the reference stands. */
static json_t *resolve(reading_t *reading, json_t *part, const char *ref, err_t *err)
{
    size_t length = strcspn(ref, "#");
    const char *fragment = ref[length] ? ref + length + 1 : "";
    bool by_pointer = !*fragment || *fragment == '/';

    if ((length > 0 || !by_pointer) && ++reading->searches > MAX_SEARCHES) {
        err_set(err, ERR_UPSTREAM, "Its schema has more than %d $refs to names.", MAX_SEARCHES);
        return NULL;
    }
    if (length > 0) {
        AUTO(mem_free) char *uri = mem_strndup(ref, length);
        part = search(reading->root, false, false, has_id, uri);
    }
    if (!part) {
        err_set(err, ERR_UPSTREAM, "Its schema refers to another document ($ref).");
        return NULL;
    }
    json_t *found = by_pointer ? at_pointer(part, fragment) : search(part, false, true, has_anchor, fragment);
    if (!found) {
        err_set(err, ERR_UPSTREAM, "Its schema has a $ref that leads nowhere.");
    }
    return found;
}

/* Reading */

static void note(schema_refs_t *refs, json_t *holder, json_t *target)
{
    if (refs->count == refs->size) {
        refs->size = refs->size * 2 + 16;
        refs->at = mem_resize(refs->at, refs->size * sizeof(*refs->at));
    }
    refs->at[refs->count++] = (schema_ref_t){ holder, target };
}

static int read_refs_of(reading_t *reading, json_t *part, json_t *schema, err_t *err)
{
    for (size_t i = 0; i < COUNT_OF(referring); i++) {
        const char *ref = json_string_value(json_object_get(schema, referring[i]));
        json_t *target = ref ? resolve(reading, part, ref, err) : NULL;
        if (ref && !target) {
            return -1;
        }
        if (target && i == 0 && reading->refs) {
            note(reading->refs, schema, target);
        }
    }
    return 0;
}

static int read_refs(reading_t *reading, json_t *part, json_t *at, bool names, err_t *err)
{
    const char *key;
    json_t *value;
    size_t i;

    part = !names && has_base(at) ? at : part;
    if (!names && read_refs_of(reading, part, at, err)) {
        return -1;
    }
    json_array_foreach(at, i, value)
    {
        if (read_refs(reading, part, value, false, err)) {
            return -1;
        }
    }
    json_object_foreach(at, key, value)
    {
        bool data = !names && schema_word_holds_data(key);
        if (!data && read_refs(reading, part, value, !names && schema_word_holds_names(key), err)) {
            return -1;
        }
    }
    return 0;
}

int schema_refs_check(json_t *schema, err_t *err)
{
    reading_t reading = { .root = schema };

    return read_refs(&reading, schema, schema, false, err);
}

static int by_holder(const void *a, const void *b)
{
    const json_t *first = ((const schema_ref_t *)a)->holder, *second = ((const schema_ref_t *)b)->holder;

    return (first > second) - (first < second);
}

/* Schemas that are reached without a reference, and so are rewritten. */
typedef struct {
    json_t **at;
    size_t count, size;
} reached_t;

static int reach(void *self, json_t *schema, err_t *err)
{
    reached_t *reached = self;

    (void)err;
    if (reached->count == reached->size) {
        reached->size = reached->size * 2 + 64;
        reached->at = mem_resize(reached->at, reached->size * sizeof(json_t *));
    }
    reached->at[reached->count++] = schema;
    return 0;
}

static int by_address(const void *a, const void *b)
{
    const json_t *first = *(json_t *const *)a, *second = *(json_t *const *)b;

    return (first > second) - (first < second);
}

/* What stands under a keyword that nobody knows is not rewritten, but a client follows the reference. */
static int check_targets(json_t *schema, schema_refs_t *refs, err_t *err)
{
    reached_t reached = { 0 };
    int rc = schema_walk_shown(schema, reach, &reached, err);

    if (reached.count > 0) {
        qsort(reached.at, reached.count, sizeof(json_t *), by_address);
    }
    for (size_t i = 0; rc == 0 && i < refs->count; i++) {
        if (!bsearch(&refs->at[i].target, reached.at, reached.count, sizeof(json_t *), by_address)) {
            rc = err_set(err, ERR_UPSTREAM, "Its schema has a $ref to something that is no schema.");
        }
    }
    mem_free(reached.at);
    return rc;
}

static int find_base(void *self, json_t *schema, err_t *err)
{
    schema_refs_t *refs = self;

    (void)err;
    refs->has_ids = refs->has_ids || (schema != refs->root && has_base(schema));
    return 0;
}

int schema_refs_read(json_t *schema, schema_refs_t *ret, err_t *err)
{
    *ret = (schema_refs_t){ .root = schema };
    reading_t reading = { .root = schema, .refs = ret };

    if (read_refs(&reading, schema, schema, false, err) || check_targets(schema, ret, err)) {
        schema_refs_release(ret);
        return -1;
    }
    schema_walk(schema, find_base, ret, err);
    if (ret->count > 0) {
        qsort(ret->at, ret->count, sizeof(*ret->at), by_holder);
    }
    return 0;
}

void schema_refs_release(schema_refs_t *refs)
{
    mem_free(refs->at);
    *refs = (schema_refs_t){ 0 };
}

json_t *schema_refs_target(const schema_refs_t *refs, const json_t *holder)
{
    const schema_ref_t key = { (json_t *)holder, NULL };
    const schema_ref_t *found =
        refs->count > 0 ? bsearch(&key, refs->at, refs->count, sizeof(key), by_holder) : NULL;

    return found ? found->target : NULL;
}

/* Writing */

static int drop_base(void *self, json_t *schema, err_t *err)
{
    (void)err;
    if (schema != self && has_base(schema)) {
        json_object_del(schema, "$id");
    }
    return 0;
}

static void add_step(buf_t *path, const char *step)
{
    buf_add_char(path, '/');
    for (; *step; step++) {
        if (*step == '~' || *step == '/') {
            buf_add_text(path, *step == '~' ? "~0" : "~1");
        } else if (*step == '%') {
            buf_add_text(path, "%25");
        } else {
            buf_add_char(path, *step);
        }
    }
}

/* Where the target is; false: nowhere any more. */
static bool find_path(const json_t *at, const json_t *target, buf_t *path)
{
    size_t before = path->length, i;
    const char *key;
    json_t *value;
    char index[24];

    if (at == target) {
        return true;
    }
    json_array_foreach(at, i, value)
    {
        snprintf(index, sizeof(index), "%zu", i);
        add_step(path, index);
        if (find_path(value, target, path)) {
            return true;
        }
        path->length = before;
    }
    json_object_foreach((json_t *)at, key, value)
    {
        add_step(path, key);
        if (find_path(value, target, path)) {
            return true;
        }
        path->length = before;
    }
    return false;
}

static bool is_right(const schema_refs_t *refs, const schema_ref_t *ref)
{
    const char *text = text_of(ref->holder, "$ref");

    return text[0] == '#' && (!text[1] || text[1] == '/') && at_pointer(refs->root, text + 1) == ref->target;
}

static int repoint(schema_refs_t *refs, const schema_ref_t *ref, err_t *err)
{
    AUTO_BUF path = { 0 };

    buf_add_char(&path, '#');
    if (!find_path(refs->root, ref->target, &path)) {
        return err_set(err, ERR_UPSTREAM, "Its schema has a $ref that cannot be kept in other words.");
    }
    json_object_set_new(ref->holder, "$ref", json_string(buf_text(&path)));
    return 0;
}

int schema_refs_write(schema_refs_t *refs, bool *ret_changed, err_t *err)
{
    unsigned searches = 0;

    if (refs->has_ids) {
        schema_walk(refs->root, drop_base, refs->root, err);
        *ret_changed = true;
    }
    for (size_t i = 0; i < refs->count; i++) {
        if (is_right(refs, &refs->at[i])) {
            continue;
        }
        if (++searches > MAX_SEARCHES || repoint(refs, &refs->at[i], err)) {
            return err_set(err, ERR_UPSTREAM, "Its schema has a $ref that cannot be kept in other words.");
        }
        *ret_changed = true;
    }
    return 0;
}
