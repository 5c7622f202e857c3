/* The strict walk of json_scan.h. It recurses only where tables stand inside tables; what no table describes,
 * nearly all of a message, is a loop whose open containers are bits of one integer. No memory of its own.
 *
 * A step returns where it has got to, or NULL where the text stops being JSON; then w->at shows where. What
 * is JSON and still refused leaves its sentence in w->refusal.
 */
#include "json_scan.h"

#include <assert.h>

#include "errors.h"
#include "json_bytes.h"
#include "utf8.h"

#define FEW 4 /* escapes in a string */

typedef struct {
    const char *end;
    const char *at; /* of the failure */
    const char *refusal;
    json_scan_t *found;
    const char *seen;  /* the end of the 64 bytes that were looked at last, all at once, */
    uint64_t specials; /* and which of them json_skip_plain() would stop at */
} walk_t;

typedef struct {
    const json_want_t *wants; /* or NULL: nothing wanted, the rules hold all the same */
    bool keep;
    size_t count;
    span_t keys[JSON_MAX_MEMBERS];
} level_t;

typedef struct {
    uint64_t objects; /* a bit per open container, the innermost lowest: 1 is an object */
    unsigned depth;
} nest_t;

static const char *stop(walk_t *w, const char *at)
{
    w->at = at;
    return NULL;
}

static const char *refuse(walk_t *w, const char *sentence)
{
    w->refusal = sentence;
    return NULL;
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

/* Characters of three and four bytes seldom come alone. 0: no UTF-8. */
static size_t wide_chars_length(const char *at, const char *end)
{
    size_t length = 0;

    do {
        size_t one = utf8_char((span_t){ at + length, (size_t)(end - at) - length });
        if (one == 0) {
            return 0;
        }
        length += one;
    } while (at + length < end && (uint8_t)at[length] >= 0xE0);
    return length;
}

/* Of what stands inside a string where json_skip_simple() has ended; 0: it may not be there. */
static size_t special_length(const char *at, const char *end)
{
    if (*at == '\\') {
        return escape_length(at, end);
    }
    return (int8_t)*at < 0 ? wide_chars_length(at, end) : (size_t)(*at >= ' ');
}

/* json_skip_plain(), 64 bytes at a time: what they hold is kept, and strings are short, so for most there is
 * nothing left to look at but an integer. Of rows with a few members each it saves a third. */
static inline const char *skip_plain(walk_t *w, const char *at)
{
    while (at >= w->seen || !(w->specials >> (JSON_BLOCK_BYTES - (w->seen - at)))) {
        at = at < w->seen ? w->seen : at;
        if (w->end - at < JSON_BLOCK_BYTES) {
            return json_skip_plain(at, w->end);
        }
        w->seen = at + JSON_BLOCK_BYTES;
        w->specials = json_block_specials(at);
    }
    return at + __builtin_ctzll(w->specials >> (JSON_BLOCK_BYTES - (w->seen - at)));
}

/* The rest of a string that is more than plain text. json_skip_simple() looks at its bytes anew, which pays
 * when there is more than a word in quotes. */
static __attribute__((noinline)) const char *long_string_end(walk_t *w, const char *at)
{
    for (unsigned count = 0; at < w->end && *at != '"'; count++) {
        size_t length = special_length(at, w->end);
        if (length == 0) {
            return stop(w, at);
        }
        at = count < FEW ? skip_plain(w, at + length) : json_skip_simple(at + length, w->end);
    }
    return at < w->end ? at + 1 : stop(w, at);
}

/* at: behind the opening quote. Behind the closing one. */
static inline const char *string_end(walk_t *w, const char *at)
{
    at = skip_plain(w, at);
    return at < w->end && *at == '"' ? at + 1 : long_string_end(w, at);
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

/* *ret: what the table says of that key, or NULL. False: its name is too like one of the table's. */
static bool find_want(const json_want_t *wants, span_t key, const json_want_t **ret)
{
    bool exact = true;

    *ret = NULL;
    for (const json_want_t *want = wants; want && want->key && key.length > 0; want++) {
        if (key_is_like(key, want->key, &exact)) {
            *ret = want;
            break;
        }
    }
    return exact;
}

/* What is against the rules of a level about this key of it; NULL: nothing, and it is noted. */
static const char *note_key(level_t *level, span_t key, const json_want_t **ret_want)
{
    if (json_skip_plain(key.at, key.at + key.length) != key.at + key.length) {
        return "The names of members that the protocol reads must be ASCII without escapes.";
    }
    for (size_t i = 0; i < level->count; i++) {
        if (span_equal(level->keys[i], key)) {
            return "A member occurs twice.";
        }
    }
    if (level->count == JSON_MAX_MEMBERS) {
        return "An object that the protocol reads has more than 64 members.";
    }
    level->keys[level->count++] = key;
    return find_want(level->wants, key, ret_want)
               ? NULL
               : "A member's name differs from one of the protocol only by upper and lower case.";
}

/* at: behind a key. Up to its value. */
static inline const char *skip_colon(walk_t *w, const char *at)
{
    at = json_skip_space(at, w->end);
    return at < w->end && *at == ':' ? json_skip_space(at + 1, w->end) : stop(w, at);
}

static inline const char *skip_key(walk_t *w, const char *at)
{
    if (at == w->end || *at != '"') {
        return stop(w, at);
    }
    at = string_end(w, at + 1);
    return at ? skip_colon(w, at) : NULL;
}

/* Into a container, up to its first value; over an empty one. */
static inline const char *open_container(walk_t *w, const char *at, nest_t *nest, bool *ret_over)
{
    bool object = *at == '{';

    if (nest->depth == JSON_MAX_DEPTH) {
        return refuse(w, "The message is nested deeper than 64 levels.");
    }
    at = json_skip_space(at + 1, w->end);
    if (at < w->end && *at == (object ? '}' : ']')) {
        *ret_over = true;
        return at + 1;
    }
    *ret_over = false;
    nest->depth++;
    nest->objects = nest->objects << 1 | object;
    return object ? skip_key(w, at) : at;
}

static inline const char *begin_value(walk_t *w, const char *at, nest_t *nest, bool *ret_over)
{
    *ret_over = true;
    if (at == w->end) {
        return stop(w, at);
    }
    if (*at == '"') {
        return string_end(w, at + 1);
    }
    if (*at == '{' || *at == '[') {
        return open_container(w, at, nest, ret_over);
    }
    const char *end = bare_end(at, w->end);
    return end ? end : stop(w, at);
}

/* at: behind a value. Closes what ends there and goes on to the next value; or ends as deep as `outermost`,
 * behind the value that it was about. */
static inline const char *end_value(walk_t *w, const char *at, nest_t *nest, unsigned outermost)
{
    while (nest->depth > outermost) {
        bool object = nest->objects & 1;
        at = json_skip_space(at, w->end);
        if (at == w->end) {
            return stop(w, at);
        }
        if (*at == ',') {
            at = json_skip_space(at + 1, w->end);
            return object ? skip_key(w, at) : at;
        }
        if (*at != (object ? '}' : ']')) {
            return stop(w, at);
        }
        nest->objects >>= 1;
        nest->depth--;
        at++;
    }
    return at;
}

/* A value of which nothing inside is wanted. */
static const char *skip_value(walk_t *w, const char *at, unsigned depth)
{
    nest_t nest = { .depth = depth };
    bool over;

    do {
        at = begin_value(w, at, &nest, &over);
        if (at && over) {
            at = end_value(w, at, &nest, depth);
        }
    } while (at && nest.depth > depth);
    return at;
}

static const char *read_object(walk_t *w, const char *at, const json_want_t *about, unsigned depth);

static const char *read_value(walk_t *w, const char *at, const json_want_t *want, unsigned depth)
{
    bool described = want && (want->inside || want->keep);

    return described && at < w->end && *at == '{' ? read_object(w, at, want, depth)
                                                  : skip_value(w, at, depth);
}

static void note_value(walk_t *w, const level_t *level, span_t key, span_t value, const json_want_t *want)
{
    if (want && want->slot > 0) {
        w->found->slots[want->slot] = value;
    }
    if (level->keep) {
        w->found->members[w->found->member_count++] = (json_member_t){ key, value };
    }
}

static const char *read_member(walk_t *w, const char *at, level_t *level, unsigned depth)
{
    const json_want_t *want = NULL;

    if (at == w->end || *at != '"') {
        return stop(w, at);
    }
    const char *behind = string_end(w, at + 1);
    if (!behind) {
        return NULL;
    }
    span_t key = { at + 1, (size_t)(behind - 1 - (at + 1)) };
    const char *broken_rule = note_key(level, key, &want);
    if (broken_rule) {
        return refuse(w, broken_rule);
    }
    const char *value = skip_colon(w, behind);
    const char *end = value ? read_value(w, value, want, depth) : NULL;
    if (end) {
        note_value(w, level, key, (span_t){ value, (size_t)(end - value) }, want);
    }
    return end;
}

/* An object that a table describes. */
static const char *read_object(walk_t *w, const char *at, const json_want_t *about, unsigned depth)
{
    level_t level; /* not zeroed: most have a few keys */

    assert(depth < JSON_MAX_LEVELS);
    level.wants = about->inside;
    level.keep = about->keep;
    level.count = 0;
    at = json_skip_space(at + 1, w->end);
    if (at < w->end && *at == '}') {
        return at + 1;
    }
    while ((at = read_member(w, at, &level, depth + 1))) {
        at = json_skip_space(at, w->end);
        if (at == w->end || (*at != ',' && *at != '}')) {
            return stop(w, at);
        }
        if (*at == '}') {
            return at + 1;
        }
        at = json_skip_space(at + 1, w->end);
    }
    return NULL;
}

static bool walk(walk_t *w, span_t text, const json_want_t *root)
{
    const char *at = read_value(w, json_skip_space(text.at, w->end), root, 0);

    w->at = at ? json_skip_space(at, w->end) : w->at;
    return at && w->at == w->end;
}

/* The outermost value is treated as that of a member of an object around it, which does not exist. */
static int scan(span_t text, const json_want_t *root, json_scan_t *ret, err_t *err)
{
    walk_t w = { .end = text.at + text.length, .found = ret, .seen = text.at };

    memset(ret->slots, 0, sizeof(ret->slots));
    ret->member_count = 0;
    if (text.length == 0) {
        return err_set_code(err, ERR_PROTOCOL, RPC_PARSE_ERROR, "There is no JSON: the text is empty.");
    }
    if (walk(&w, text, root)) {
        return 0;
    }
    if (w.refusal) {
        return err_set_code(err, ERR_PROTOCOL, RPC_INVALID_REQUEST, "%s", w.refusal);
    }
    return err_set_code(err, ERR_PROTOCOL, RPC_PARSE_ERROR,
                        "This is not JSON: the text stops fitting at byte %zu of %zu.",
                        (size_t)(w.at - text.at), text.length);
}

int json_scan(span_t text, const json_want_t *wants, json_scan_t *ret, err_t *err)
{
    return scan(text, &(json_want_t){ .inside = wants }, ret, err);
}

int json_scan_members(span_t text, json_scan_t *ret, err_t *err)
{
    return scan(text, &(json_want_t){ .keep = true }, ret, err);
}
