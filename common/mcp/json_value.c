/* Looking into JSON that json_scan() has checked: nothing here validates, all of it relies on the check. */
#include "json_scan.h"

#include "json_bytes.h"

scan_kind_t scan_kind(span_t value)
{
    switch (value.length > 0 ? value.at[0] : '\0') {
    case '\0':
        return SCAN_NONE;
    case 'n':
        return SCAN_NULL;
    case 't':
    case 'f':
        return SCAN_BOOL;
    case '"':
        return SCAN_STRING;
    case '[':
        return SCAN_ARRAY;
    case '{':
        return SCAN_OBJECT;
    default:
        return SCAN_NUMBER;
    }
}

bool scan_is_integer(span_t value)
{
    if (scan_kind(value) != SCAN_NUMBER) {
        return false;
    }
    for (size_t i = value.at[0] == '-'; i < value.length; i++) {
        if (value.at[i] < '0' || value.at[i] > '9') {
            return false;
        }
    }
    return true;
}

bool scan_is_true(span_t value)
{
    return scan_kind(value) == SCAN_BOOL && value.at[0] == 't';
}

static size_t encode_utf8(uint32_t code, char out[4])
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(0xF00 >> length | code);
    return length;
}

/* One escape, from its backslash on; returns how many bytes it took. */
static size_t read_escape(const char *at, char out[4], size_t *ret_length)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

    *ret_length = 1;
    if (at[1] != 'u') {
        const char *named = strchr(from, at[1]);
        out[0] = named ? to[named - from] : at[1];
        return 2;
    }
    uint32_t code = (uint32_t)json_hex4(at + 2);
    bool pair = code >= 0xD800 && code <= 0xDBFF;
    if (pair) {
        code = 0x10000 + ((code - 0xD800) << 10) + ((uint32_t)json_hex4(at + 8) - 0xDC00);
    }
    *ret_length = encode_utf8(code, out);
    return pair ? 12 : 6;
}

/* The next run of text of a string's inside: bytes as they stand, or one escape resolved into scratch. */
static span_t next_run(span_t *rest, char scratch[4])
{
    const char *slash = memchr(rest->at, '\\', rest->length);
    size_t taken = slash ? (size_t)(slash - rest->at) : rest->length;
    span_t run = { rest->at, taken };

    if (taken == 0) {
        taken = read_escape(rest->at, scratch, &run.length);
        run.at = scratch;
    }
    rest->at += taken;
    rest->length -= taken;
    return run;
}

static span_t inside_quotes(span_t string)
{
    return (span_t){ string.at + 1, string.length - 2 };
}

bool scan_string(span_t value, buf_t *out)
{
    char scratch[4];

    if (scan_kind(value) != SCAN_STRING) {
        return false;
    }
    for (span_t rest = inside_quotes(value); rest.length > 0;) {
        span_t run = next_run(&rest, scratch);
        if (run.at[0] == '\0') {
            return false;
        }
        buf_add_span(out, run);
    }
    return true;
}

bool scan_string_is(span_t value, const char *text)
{
    char scratch[4];
    size_t left = strlen(text);

    if (scan_kind(value) != SCAN_STRING) {
        return false;
    }
    for (span_t rest = inside_quotes(value); rest.length > 0;) {
        span_t run = next_run(&rest, scratch);
        if (run.length > left || memcmp(run.at, text, run.length) != 0) {
            return false;
        }
        text += run.length;
        left -= run.length;
    }
    return left == 0;
}

span_t scan_plain_string(span_t value)
{
    if (scan_kind(value) != SCAN_STRING || memchr(value.at, '\\', value.length)) {
        return (span_t){ 0 };
    }
    return inside_quotes(value);
}

static const char *skip_container(const char *at, const char *end)
{
    unsigned depth = 0;

    do {
        if (*at == '"') {
            at = json_string_end(at + 1, end);
            continue;
        }
        if (*at == '{' || *at == '[') {
            depth++;
        } else if (*at == '}' || *at == ']') {
            depth--;
        }
        at++;
    } while (depth > 0);
    return at;
}

static const char *skip_value(const char *at, const char *end)
{
    if (*at == '"') {
        return json_string_end(at + 1, end);
    }
    if (*at == '{' || *at == '[') {
        return skip_container(at, end);
    }
    while (at < end && !strchr(",]} \t\r\n", *at)) {
        at++;
    }
    return at;
}

/* What is left of a container begins with its bracket or with the comma behind the value before. At its end:
 * false. */
static bool enter_next(span_t *rest)
{
    const char *end = rest->at + rest->length;

    if (rest->length == 0) {
        return false;
    }
    const char *at = json_skip_space(rest->at + 1, end);
    rest->length = at < end && *at != ']' && *at != '}' ? (size_t)(end - at) : 0;
    rest->at = at;
    return rest->length > 0;
}

static span_t take_value(span_t *rest)
{
    const char *end = rest->at + rest->length;
    const char *after = skip_value(rest->at, end);
    span_t value = { rest->at, (size_t)(after - rest->at) };

    rest->at = json_skip_space(after, end);
    rest->length = (size_t)(end - rest->at);
    return value;
}

bool scan_next_item(span_t *rest, span_t *ret)
{
    if (!enter_next(rest)) {
        return false;
    }
    *ret = take_value(rest);
    return true;
}

bool scan_next_member(span_t *rest, json_member_t *ret)
{
    if (!enter_next(rest)) {
        return false;
    }
    ret->key = inside_quotes(take_value(rest));
    /* The colon is skipped as a comma would be: a value follows it in any case. */
    enter_next(rest);
    ret->value = take_value(rest);
    return true;
}

span_t scan_find(const json_member_t *members, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++) {
        if (span_is(members[i].key, key)) {
            return members[i].value;
        }
    }
    return (span_t){ 0 };
}

span_t scan_member(span_t object, const char *key)
{
    json_member_t member;

    if (scan_kind(object) != SCAN_OBJECT) {
        return (span_t){ 0 };
    }
    for (span_t rest = object; scan_next_member(&rest, &member);) {
        if (span_is(member.key, key)) {
            return member.value;
        }
    }
    return (span_t){ 0 };
}
