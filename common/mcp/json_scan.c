/* The strict walk of json_scan.h. No recursion and no memory of its own: the open containers are bits of one
 * integer, and only the levels that a table describes have a place on the stack, where their keys are
 * remembered for duplicates.
 *
 * A step returns false where the text stops being JSON; then w->at shows where. What is JSON and still
 * refused leaves its sentence in w->refusal.
 */
#include "json_scan.h"

#include <assert.h>

#include "errors.h"
#include "json_bytes.h"
#include "utf8.h"

typedef struct {
    const json_want_t *wants; /* or NULL: nothing wanted, the rules hold all the same */
    const json_want_t *want;  /* of the member that is being read, or NULL */
    const char *value;        /* where its value began */
    unsigned depth;           /* of the object */
    bool keep;
    size_t count;
    span_t keys[JSON_MAX_MEMBERS];
} level_t;

typedef struct {
    const char *start, *at, *end;
    const char *refusal;
    json_scan_t *found;
    uint64_t objects; /* a bit per open container, the innermost lowest: 1 is an object */
    unsigned depth;
    unsigned level_count;
    level_t levels[JSON_MAX_LEVELS];
} walk_t;

static bool refuse(walk_t *w, const char *sentence)
{
    w->refusal = sentence;
    return false;
}

static level_t *level_here(walk_t *w)
{
    level_t *level = w->level_count > 0 ? &w->levels[w->level_count - 1] : NULL;

    return level && level->depth == w->depth ? level : NULL;
}

static void enter_level(walk_t *w, const json_want_t *wants, bool keep)
{
    assert(w->level_count < JSON_MAX_LEVELS);
    level_t *level = &w->levels[w->level_count++];

    level->wants = wants;
    level->want = NULL;
    level->depth = w->depth;
    level->keep = keep;
    level->count = 0;
}

static size_t unicode_escape_length(const char *at, const char *end)
{
    int first = end - at >= 6 ? json_hex4(at + 2) : -1;

    if (first < 0 || (first >= 0xDC00 && first <= 0xDFFF)) {
        return 0;
    }
    if (first < 0xD800 || first > 0xDFFF) {
        return 6;
    }
    int second = end - at >= 12 && at[6] == '\\' && at[7] == 'u' ? json_hex4(at + 8) : -1;
    return second >= 0xDC00 && second <= 0xDFFF ? 12 : 0;
}

static size_t escape_length(const char *at, const char *end)
{
    if (end - at < 2) {
        return 0;
    }
    switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
        return 2;
    case 'u':
        return unicode_escape_length(at, end);
    default:
        return 0;
    }
}

/* at: behind the opening quote. Leaves w->at behind the closing one; *ret_plain: no escapes, ASCII only. */
static bool read_string(walk_t *w, const char *at, bool *ret_plain)
{
    *ret_plain = true;
    for (;;) {
        at = json_skip_plain(at, w->end);
        w->at = at;
        if (at == w->end) {
            return false;
        }
        uint8_t c = (uint8_t)*at;
        if (c == '"') {
            w->at = at + 1;
            return true;
        }
        *ret_plain = false;
        size_t length = c == '\\'  ? escape_length(at, w->end)
                        : c < 0x20 ? 0
                                   : utf8_char((span_t){ at, (size_t)(w->end - at) });
        if (length == 0) {
            return false;
        }
        at += length;
    }
}

static const char *digits_end(const char *at, const char *end)
{
    const char *first = at;

    while (at < end && *at >= '0' && *at <= '9') {
        at++;
    }
    return at > first ? at : NULL;
}

static const char *integer_end(const char *at, const char *end)
{
    if (at < end && *at == '-') {
        at++;
    }
    return at < end && *at == '0' ? at + 1 : digits_end(at, end);
}

static const char *number_end(const char *at, const char *end)
{
    at = integer_end(at, end);
    if (at && at < end && *at == '.') {
        at = digits_end(at + 1, end);
    }
    if (at && at < end && (*at | 0x20) == 'e') {
        at++;
        if (at < end && (*at == '+' || *at == '-')) {
            at++;
        }
        at = digits_end(at, end);
    }
    return at;
}

static const char *word_end(const char *at, const char *end, const char *word, size_t length)
{
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0 ? at + length : NULL;
}

static const char *bare_end(const char *at, const char *end)
{
    switch (*at) {
    case 't':
        return word_end(at, end, "true", 4);
    case 'f':
        return word_end(at, end, "false", 5);
    case 'n':
        return word_end(at, end, "null", 4);
    default:
        return number_end(at, end);
    }
}

/* True for a wanted key and for its variants in case; *ret_exact tells which. */
static bool key_is_like(span_t key, const char *wanted, bool *ret_exact)
{
    if (((key.at[0] ^ wanted[0]) & 0xDF) != 0 || strncasecmp(key.at, wanted, key.length) != 0 ||
        wanted[key.length] != '\0') {
        return false;
    }
    *ret_exact = memcmp(key.at, wanted, key.length) == 0;
    return true;
}

static bool find_want(walk_t *w, level_t *level, span_t key)
{
    bool exact = true;

    level->want = NULL;
    for (const json_want_t *want = level->wants; want && want->key && key.length > 0; want++) {
        if (key_is_like(key, want->key, &exact)) {
            level->want = want;
            break;
        }
    }
    return exact ||
           refuse(w, "A member's name differs from one of the protocol only by upper and lower case.");
}

static bool note_key(walk_t *w, level_t *level, span_t key, bool plain)
{
    if (!plain) {
        return refuse(w, "The names of members that the protocol reads must be ASCII without escapes.");
    }
    for (size_t i = 0; i < level->count; i++) {
        if (span_equal(level->keys[i], key)) {
            return refuse(w, "A member occurs twice.");
        }
    }
    if (level->count == JSON_MAX_MEMBERS) {
        return refuse(w, "An object that the protocol reads has more than 64 members.");
    }
    level->keys[level->count++] = key;
    return find_want(w, level, key);
}

static void note_value(walk_t *w, level_t *level)
{
    span_t value = { level->value, (size_t)(w->at - level->value) };

    if (level->want && level->want->slot > 0) {
        w->found->slots[level->want->slot] = value;
    }
    if (level->keep) {
        w->found->members[w->found->member_count++] = (json_member_t){ level->keys[level->count - 1], value };
    }
}

/* "key": and up to its value. */
static bool read_key(walk_t *w)
{
    bool plain;

    w->at = json_skip_space(w->at, w->end);
    if (w->at == w->end || *w->at != '"') {
        return false;
    }
    const char *key = w->at + 1;
    if (!read_string(w, key, &plain)) {
        return false;
    }
    level_t *level = level_here(w);
    if (level && !note_key(w, level, (span_t){ key, (size_t)(w->at - 1 - key) }, plain)) {
        return false;
    }
    w->at = json_skip_space(w->at, w->end);
    if (w->at == w->end || *w->at != ':') {
        return false;
    }
    w->at = json_skip_space(w->at + 1, w->end);
    if (level) {
        level->value = w->at;
    }
    return true;
}

static void close_container(walk_t *w)
{
    if (level_here(w)) {
        w->level_count--;
    }
    w->objects >>= 1;
    w->depth--;
    w->at++;
}

/* *ret_open: something is in it and the first value comes next; else it is over already. */
static bool open_container(walk_t *w, bool *ret_open)
{
    bool object = *w->at == '{';
    level_t *outer = level_here(w);

    if (w->depth == JSON_MAX_DEPTH) {
        return refuse(w, "The message is nested deeper than 64 levels.");
    }
    w->depth++;
    w->objects = w->objects << 1 | object;
    if (object && outer && outer->want && (outer->want->inside || outer->want->keep)) {
        enter_level(w, outer->want->inside, outer->want->keep);
    }
    w->at = json_skip_space(w->at + 1, w->end);
    if (w->at == w->end) {
        return false;
    }
    *ret_open = *w->at != (object ? '}' : ']');
    if (!*ret_open) {
        close_container(w);
        return true;
    }
    return !object || read_key(w);
}

static bool read_value(walk_t *w, bool *ret_open)
{
    *ret_open = false;
    w->at = json_skip_space(w->at, w->end);
    if (w->at == w->end) {
        return false;
    }
    if (*w->at == '"') {
        bool plain;
        return read_string(w, w->at + 1, &plain);
    }
    if (*w->at == '{' || *w->at == '[') {
        return open_container(w, ret_open);
    }
    const char *end = bare_end(w->at, w->end);
    w->at = end ? end : w->at;
    return end != NULL;
}

/* Behind a value: closes what ends here, up to the comma before the next value or the end of the outermost
 * one. */
static bool read_after_value(walk_t *w)
{
    for (;;) {
        level_t *level = level_here(w);
        if (level) {
            note_value(w, level);
        }
        if (w->depth == 0) {
            return true;
        }
        bool object = w->objects & 1;
        w->at = json_skip_space(w->at, w->end);
        if (w->at == w->end) {
            return false;
        }
        if (*w->at == ',') {
            w->at++;
            return !object || read_key(w);
        }
        if (*w->at != (object ? '}' : ']')) {
            return false;
        }
        close_container(w);
    }
}

static bool walk(walk_t *w)
{
    bool open;

    do {
        if (!read_value(w, &open) || (!open && !read_after_value(w))) {
            return false;
        }
    } while (w->depth > 0);
    w->at = json_skip_space(w->at, w->end);
    return w->at == w->end;
}

/* The outermost value is treated as that of a member of an object around it, which does not exist. */
static int scan(span_t text, const json_want_t *root, json_scan_t *ret, err_t *err)
{
    walk_t w; /* not zeroed: 4 KiB, of which most walks touch little */

    w.start = w.at = text.at;
    w.end = text.at + text.length;
    w.refusal = NULL;
    w.found = ret;
    w.objects = 0;
    w.depth = 0;
    w.level_count = 0;
    enter_level(&w, NULL, false);
    w.levels[0].want = root;
    w.levels[0].value = text.at;
    memset(ret->slots, 0, sizeof(ret->slots));
    ret->member_count = 0;
    if (text.length == 0) {
        return err_set_code(err, ERR_PROTOCOL, RPC_PARSE_ERROR, "There is no JSON: the text is empty.");
    }
    if (walk(&w)) {
        return 0;
    }
    if (w.refusal) {
        return err_set_code(err, ERR_PROTOCOL, RPC_INVALID_REQUEST, "%s", w.refusal);
    }
    return err_set_code(err, ERR_PROTOCOL, RPC_PARSE_ERROR,
                        "This is not JSON: the text stops fitting at byte %zu of %zu.",
                        (size_t)(w.at - w.start), text.length);
}

int json_scan(span_t text, const json_want_t *wants, json_scan_t *ret, err_t *err)
{
    return scan(text, &(json_want_t){ .inside = wants }, ret, err);
}

int json_scan_members(span_t text, json_scan_t *ret, err_t *err)
{
    return scan(text, &(json_want_t){ .keep = true }, ret, err);
}
