/* See xml_guard.h. One pass each way over bytes; nothing here knows what a value means. */
#include "xml_guard.h"

#include <ctype.h>
#include <stdlib.h>

#include "utf8.h"

#define MARK "\xEE\x80\x80"            /* U+E000 */
#define CARRIAGE_RETURN "\xEE\x80\x8D" /* U+E00D */
#define INTEGER "\xEE\x80\x8E"         /* U+E00E */
#define REAL "\xEE\x80\x8F"            /* U+E00F */
#define MARK_LENGTH 3                  /* of each of these, and of every character from U+0800 to U+FFFF */
#define TEN_BITS 0x3FFu
#define TEN_BITS_BASE 0xE400u

/* A value inside a value is three elements (value, array, data), and JSON ends at 64 levels. */
#define MAX_DEPTH 250
#define MAX_TAG_BYTES 64
#define MAX_REFERENCE_BYTES 12
#define MAX_DECLARATION_BYTES 200

static unsigned code_point(span_t character)
{
    const unsigned char *at = (const unsigned char *)character.at;

    switch (character.length) {
    case 1:
        return at[0];
    case 2:
        return (at[0] & 0x1Fu) << 6 | (at[1] & 0x3Fu);
    case 3:
        return (at[0] & 0x0Fu) << 12 | (at[1] & 0x3Fu) << 6 | (at[2] & 0x3Fu);
    default:
        return (at[0] & 0x07u) << 18 | (at[1] & 0x3Fu) << 12 | (at[2] & 0x3Fu) << 6 | (at[3] & 0x3Fu);
    }
}

static void add_code_point(buf_t *out, unsigned point)
{
    if (point < 0x80) {
        buf_add_char(out, (char)point);
    } else if (point < 0x800) {
        buf_add_char(out, (char)(0xC0 | point >> 6));
        buf_add_char(out, (char)(0x80 | (point & 0x3F)));
    } else if (point < 0x10000) {
        buf_add_char(out, (char)(0xE0 | point >> 12));
        buf_add_char(out, (char)(0x80 | (point >> 6 & 0x3F)));
        buf_add_char(out, (char)(0x80 | (point & 0x3F)));
    } else {
        buf_add_char(out, (char)(0xF0 | point >> 18));
        buf_add_char(out, (char)(0x80 | (point >> 12 & 0x3F)));
        buf_add_char(out, (char)(0x80 | (point >> 6 & 0x3F)));
        buf_add_char(out, (char)(0x80 | (point & 0x3F)));
    }
}

/* XML 1.0 section 2.2, without surrogates, which are no UTF-8. */
static bool is_xml_character(unsigned point)
{
    return point == '\t' || point == '\n' || point == '\r' ||
           (point >= 0x20 && point <= 0x10FFFF && point != 0xFFFE && point != 0xFFFF);
}

static void escape_code_point(unsigned point, buf_t *out)
{
    if (point == 0xE000) {
        buf_add_text(out, MARK MARK);
    } else if (point == '\r') {
        buf_add_text(out, MARK CARRIAGE_RETURN);
    } else if (point > 0xFFFF) {
        buf_add_text(out, MARK);
        add_code_point(out, TEN_BITS_BASE + ((point - 0x10000) >> 10));
        add_code_point(out, TEN_BITS_BASE + ((point - 0x10000) & TEN_BITS));
    } else {
        add_code_point(out, point);
    }
}

/* Most text has nothing to escape: bytes up to 0xED begin no character that has. */
static bool is_plain_byte(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0xEE;
}

int xml_guard_escape(span_t text, buf_t *ret, unsigned *ret_bad)
{
    while (text.length > 0) {
        size_t plain = 0;
        while (plain < text.length && is_plain_byte(text.at[plain])) {
            plain++;
        }
        buf_add(ret, text.at, plain);
        text = (span_t){ text.at + plain, text.length - plain };
        size_t length = utf8_char(text);
        if (length > 0) {
            unsigned point = code_point((span_t){ text.at, length });
            if (!is_xml_character(point)) {
                *ret_bad = point;
                return -1;
            }
            escape_code_point(point, ret);
            text = (span_t){ text.at + length, text.length - length };
        } else if (text.length > 0) {
            *ret_bad = (unsigned char)text.at[0]; /* not UTF-8, which JSON never lets in */
            return -1;
        }
    }
    return 0;
}

void xml_guard_escape_real(const char *digits, buf_t *ret)
{
    buf_add_text(ret, MARK REAL);
    buf_add_text(ret, digits);
}

static bool begins_with(span_t text, const char *what, size_t length)
{
    return text.length >= length && memcmp(text.at, what, length) == 0;
}

static span_t rest(span_t text, size_t from)
{
    return (span_t){ text.at + from, text.length - from };
}

static unsigned ten_bits(span_t text)
{
    unsigned point = utf8_char(text) == MARK_LENGTH ? code_point((span_t){ text.at, MARK_LENGTH }) : 0;

    return point >= TEN_BITS_BASE && point <= TEN_BITS_BASE + TEN_BITS ? point - TEN_BITS_BASE : ~0u;
}

/* The character that the sequence at `text` (behind its mark) stands for, and its bytes; 0: it is none. */
static size_t read_sequence(span_t text, unsigned *ret)
{
    if (begins_with(text, MARK, MARK_LENGTH)) {
        *ret = 0xE000;
        return MARK_LENGTH;
    }
    if (begins_with(text, CARRIAGE_RETURN, MARK_LENGTH)) {
        *ret = '\r';
        return MARK_LENGTH;
    }
    unsigned high = ten_bits(text);
    unsigned low = high <= TEN_BITS ? ten_bits(rest(text, MARK_LENGTH)) : ~0u;
    if (low > TEN_BITS) {
        return 0;
    }
    *ret = 0x10000 + (high << 10) + low;
    return 2 * MARK_LENGTH;
}

/* Bytes up to the next mark. */
static size_t before_mark(span_t text)
{
    const char *found = memmem(text.at, text.length, MARK, MARK_LENGTH);

    return found ? (size_t)(found - text.at) : text.length;
}

/* `in_xml`: a carriage return is written as a reference, because XML reads a raw one as a line feed. */
static void unescape(span_t text, bool in_xml, buf_t *out)
{
    while (text.length > 0) {
        size_t plain = before_mark(text);
        buf_add(out, text.at, plain);
        text = rest(text, plain);
        if (text.length == 0) {
            return;
        }
        unsigned point = 0;
        size_t length = read_sequence(rest(text, MARK_LENGTH), &point);
        if (length > 0 && point == '\r' && in_xml) {
            buf_add_text(out, "&#13;");
        } else {
            add_code_point(out, length > 0 ? point : 0xE000);
        }
        text = rest(text, MARK_LENGTH + length);
    }
}

void xml_guard_unescape(span_t text, buf_t *ret)
{
    unescape(text, false, ret);
}

xml_guard_kind_t xml_guard_kind(span_t text, span_t *ret_digits)
{
    bool is_real = begins_with(text, MARK REAL, 2 * MARK_LENGTH);

    if (!is_real && !begins_with(text, MARK INTEGER, 2 * MARK_LENGTH)) {
        return XML_GUARD_TEXT;
    }
    *ret_digits = rest(text, 2 * MARK_LENGTH);
    return is_real ? XML_GUARD_REAL : XML_GUARD_INTEGER;
}

#define STRING_OPEN "<string>"
#define STRING_CLOSE "</string>"

/* <string>MARK REAL 1.5</string> becomes <double>1.5</double>. `document` begins with it. Returns its
 * bytes.
 */
static size_t write_number(span_t document, buf_t *out)
{
    size_t before = strlen(STRING_OPEN) + 2 * MARK_LENGTH;
    const char *end = memmem(document.at, document.length, STRING_CLOSE, strlen(STRING_CLOSE));

    if (!end) { /* never: the library closes what it opens */
        return document.length;
    }
    buf_add_text(out, "<double>");
    buf_add(out, document.at + before, (size_t)(end - document.at) - before);
    buf_add_text(out, "</double>");
    return (size_t)(end - document.at) + strlen(STRING_CLOSE);
}

void xml_guard_write(span_t document, buf_t *ret)
{
    static const char number[] = STRING_OPEN MARK REAL;

    while (document.length > 0) {
        const char *found = memmem(document.at, document.length, number, sizeof(number) - 1);
        size_t plain = found ? (size_t)(found - document.at) : document.length;
        unescape((span_t){ document.at, plain }, true, ret);
        document = rest(document, plain);
        document = rest(document, found ? write_number(document, ret) : 0);
    }
}

/* Reading a document from outside */

typedef struct {
    span_t left;
    buf_t *out;
    unsigned depth;
} reader_t;

static int refuse(const char *what, err_t *err)
{
    return err_set(err, ERR_UPSTREAM, "The answer cannot be read as XML-RPC: it has %s.", what);
}

/* <?xml version='1.0' encoding='utf-8'?> is left out: without it a document is UTF-8 (XML 1.0, 4.3.3). */
static int read_declaration(reader_t *r, err_t *err)
{
    span_t head = { r->left.at,
                    r->left.length < MAX_DECLARATION_BYTES ? r->left.length : MAX_DECLARATION_BYTES };

    if (!begins_with(head, "<?xml ", 6)) {
        return 0;
    }
    const char *end = memmem(head.at, head.length, "?>", 2);
    if (!end) {
        return refuse("an XML declaration without an end", err);
    }
    head.length = (size_t)(end - head.at);
    const char *encoding = memmem(head.at, head.length, "encoding", 8);
    if (encoding) {
        size_t left = head.length - (size_t)(encoding - head.at);
        if (!memmem(encoding, left, "utf-8", 5) && !memmem(encoding, left, "UTF-8", 5)) {
            return refuse("another encoding than UTF-8", err);
        }
    }
    r->left = rest(r->left, head.length + 2);
    return 0;
}

static bool is_name_byte(char c)
{
    return isalnum((unsigned char)c) || c == '.' || c == ':' || c == '_' || c == '-';
}

typedef struct {
    span_t name;
    bool closes, empty; /* </name>, <name/> */
    size_t length;      /* of the whole tag */
} tag_t;

/* Names alone, no attributes: XML-RPC has none, and a `>` inside one could hide how deep the elements go. */
static bool parse_tag(span_t text, tag_t *ret)
{
    size_t at = 1, limit = text.length < MAX_TAG_BYTES ? text.length : MAX_TAG_BYTES;

    *ret = (tag_t){ 0 };
    ret->closes = at < limit && text.at[at] == '/';
    at += ret->closes;
    ret->name.at = text.at + at;
    while (at < limit && is_name_byte(text.at[at])) {
        at++;
        ret->name.length++;
    }
    while (at < limit && isspace((unsigned char)text.at[at])) {
        at++;
    }
    if (at < limit && text.at[at] == '/' && !ret->closes) {
        ret->empty = true;
        at++;
    }
    ret->length = at + 1;
    return ret->name.length > 0 && at < limit && text.at[at] == '>';
}

static void write_tag(const tag_t *tag, span_t source, buf_t *out)
{
    bool is_real = span_is(tag->name, "double");

    if (!is_real && !span_is(tag->name, "i8") && !span_is(tag->name, "ex:i8")) {
        buf_add_span(out, source);
        return;
    }
    if (!tag->closes) {
        buf_add_text(out, is_real ? STRING_OPEN MARK REAL : STRING_OPEN MARK INTEGER);
    }
    if (tag->closes || tag->empty) {
        buf_add_text(out, "</string>");
    }
}

static int read_tag(reader_t *r, err_t *err)
{
    tag_t tag;

    if (!parse_tag(r->left, &tag)) {
        return refuse("markup that XML-RPC does not use", err);
    }
    if (tag.closes ? r->depth == 0 : r->depth >= MAX_DEPTH) {
        return refuse(tag.closes ? "an element that ends without having begun" : "values nested too deep",
                      err);
    }
    if (!tag.empty) {
        r->depth += tag.closes ? -1u : 1u;
    }
    write_tag(&tag, (span_t){ r->left.at, tag.length }, r->out);
    r->left = rest(r->left, tag.length);
    return 0;
}

/* XML 1.0 section 4.6: without a DOCTYPE there are no others. */
static bool is_predefined(span_t name)
{
    return span_is(name, "amp") || span_is(name, "lt") || span_is(name, "gt") || span_is(name, "quot") ||
           span_is(name, "apos");
}

/* &#128512; and &#x1F600; are characters like any other. */
static int read_reference(reader_t *r, err_t *err)
{
    size_t limit = r->left.length < MAX_REFERENCE_BYTES ? r->left.length : MAX_REFERENCE_BYTES;
    const char *end = memchr(r->left.at, ';', limit);

    if (!end) {
        return refuse("a reference without an end", err);
    }
    span_t source = { r->left.at, (size_t)(end - r->left.at) + 1 };
    r->left = rest(r->left, source.length);
    if (is_predefined((span_t){ source.at + 1, source.length - 2 })) {
        buf_add_span(r->out, source);
        return 0;
    }
    if (source.at[1] != '#') {
        return refuse("a reference to an entity", err);
    }
    bool hex = source.at[2] == 'x';
    const char *digits = source.at + (hex ? 3 : 2);
    char *stop = NULL;
    unsigned long point = isxdigit((unsigned char)*digits) ? strtoul(digits, &stop, hex ? 16 : 10) : 0;
    if (stop != end || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF)) {
        return refuse("a reference to no character", err);
    }
    if (point == '<' || point == '&' || point == '>') {
        buf_add_span(r->out, source);
    } else if (is_xml_character((unsigned)point)) {
        escape_code_point((unsigned)point, r->out);
    }
    return 0;
}

static int read_character(reader_t *r, err_t *err)
{
    size_t length = utf8_char(r->left);

    if (length == 0) {
        return refuse("bytes that are not UTF-8", err);
    }
    unsigned point = code_point((span_t){ r->left.at, length });
    if (point == '\r') {
        buf_add_char(r->out, '\r'); /* raw, the parser makes a line feed of it, as XML says */
    } else if (is_xml_character(point)) {
        escape_code_point(point, r->out);
    }
    r->left = rest(r->left, length);
    return 0;
}

static int read_next(reader_t *r, err_t *err)
{
    switch (r->left.at[0]) {
    case '<':
        return read_tag(r, err);
    case '&':
        return read_reference(r, err);
    default:
        return read_character(r, err);
    }
}

static bool is_plain_ascii(char c)
{
    return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '<' && c != '&';
}

static void copy_plain(reader_t *r)
{
    size_t plain = 0;

    while (plain < r->left.length && is_plain_ascii(r->left.at[plain])) {
        plain++;
    }
    buf_add(r->out, r->left.at, plain);
    r->left = rest(r->left, plain);
}

int xml_guard_read(span_t document, buf_t *ret, err_t *err)
{
    reader_t r = { .left = document, .out = ret };

    if (read_declaration(&r, err)) {
        return -1;
    }
    while (r.left.length > 0) {
        copy_plain(&r);
        if (r.left.length > 0 && read_next(&r, err)) {
            return -1;
        }
    }
    return 0;
}
