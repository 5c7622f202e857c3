/* See html_text.h. One pass over the bytes; whatever is not surely HTML is text. */
#include "html_text.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "buf.h"
#include "mem.h"

#define MAX_NAME 16
#define MAX_TAG 8192 /* what is longer is no tag: bounds how far each "<" looks ahead */
#define REPLACEMENT 0xFFFD

/* What a tag does to the text around it. */
typedef enum {
    TAG_UNKNOWN, /* not HTML: stays as text */
    TAG_INLINE,  /* nothing */
    TAG_BREAK,   /* a new line */
    TAG_BLOCK,   /* a line of its own */
    TAG_ITEM,    /* a line of its own with "- " */
    TAG_CELL,    /* a blank */
    TAG_HIDDEN,  /* goes with all it holds */
} tag_kind_t;

static const struct {
    tag_kind_t kind;
    const char *names; /* with a blank on both sides of each */
} tags[] = {
    { TAG_INLINE,
      " a abbr b bdi bdo big center cite code del dfn em font i img input ins kbd label link mark meta "
      "q s samp small span strike strong sub sup time tt u var wbr button " },
    { TAG_BREAK, " br " },
    { TAG_BLOCK,
      " p div html body table tbody thead tfoot tr ul ol dl dt dd h1 h2 h3 h4 h5 h6 hr pre blockquote "
      "section article header footer main nav aside address figure figcaption form fieldset caption "
      "colgroup " },
    { TAG_ITEM, " li " },
    { TAG_CELL, " td th " },
    { TAG_HIDDEN, " script style head title template noscript svg " },
};

typedef struct {
    tag_kind_t kind;
    bool closes;
    char name[MAX_NAME];
    size_t length; /* of all of it, with both brackets */
} tag_t;

typedef struct {
    buf_t text;
    bool folds;        /* line breaks of the source are blanks */
    bool owes_space;   /* a blank before the next word */
    size_t owes_lines; /* line breaks before the next word */
    bool begins_item;  /* "- " was the last word: no line break after it */
} out_t;

static tag_kind_t kind_of(const char *name)
{
    char wanted[MAX_NAME + 2];

    snprintf(wanted, sizeof(wanted), " %s ", name);
    for (size_t i = 0; i < COUNT_OF(tags); i++) {
        if (strstr(tags[i].names, wanted)) {
            return tags[i].kind;
        }
    }
    return strchr(name, ':') ? TAG_INLINE : TAG_UNKNOWN; /* <o:p> of mail programs */
}

/* Length up to and with the ">" that ends a tag, outside quotes; 0: there is none. */
static size_t tag_end(span_t text, size_t from)
{
    char quote = '\0';
    size_t limit = text.length < MAX_TAG ? text.length : MAX_TAG;

    for (size_t i = from; i < limit; i++) {
        char c = text.at[i];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '"' || c == '\'') {
            quote = c;
        } else if (c == '>') {
            return i + 1;
        } else if (c == '<') {
            return 0;
        }
    }
    return 0;
}

static tag_t read_declaration(span_t text)
{
    tag_t tag = { .kind = TAG_UNKNOWN };

    if (text.length >= 4 && memcmp(text.at, "<!--", 4) == 0) {
        const char *end = memmem(text.at + 4, text.length - 4, "-->", 3);
        tag.length = end ? (size_t)(end - text.at) + 3 : text.length;
    } else if (text.length >= 9 && strncasecmp(text.at, "<!doctype", 9) == 0) {
        tag.length = tag_end(text, 9);
    }
    tag.kind = tag.length > 0 ? TAG_INLINE : TAG_UNKNOWN;
    return tag;
}

/* The tag `text` begins with; TAG_UNKNOWN when it is none. */
static tag_t read_tag(span_t text)
{
    tag_t tag = { .kind = TAG_UNKNOWN };
    size_t at = 1, length = 0;

    if (text.length > 1 && text.at[1] == '!') {
        return read_declaration(text);
    }
    tag.closes = at < text.length && text.at[at] == '/';
    at += tag.closes;
    while (at < text.length && length < MAX_NAME - 1 &&
           (isalnum((unsigned char)text.at[at]) || text.at[at] == ':')) {
        tag.name[length++] = (char)tolower((unsigned char)text.at[at++]);
    }
    if (length == 0 || at >= text.length || !strchr(" \t\r\n/>", text.at[at])) {
        return tag;
    }
    tag.length = tag_end(text, at);
    tag.kind = tag.length > 0 ? kind_of(tag.name) : TAG_UNKNOWN;
    return tag;
}

static bool has_block(span_t html)
{
    for (size_t i = 0; i < html.length; i++) {
        if (html.at[i] == '<') {
            tag_t tag = read_tag((span_t){ html.at + i, html.length - i });
            if (tag.kind > TAG_BREAK) {
                return true;
            }
        }
    }
    return false;
}

/* Text goes out with the blanks and line breaks owed before it; none at the beginning. */
static void add_word(out_t *out, const char *bytes, size_t length)
{
    if (out->text.length > 0) {
        for (size_t i = 0; i < out->owes_lines; i++) {
            buf_add_char(&out->text, '\n');
        }
        if (out->owes_lines == 0 && out->owes_space) {
            buf_add_char(&out->text, ' ');
        }
    }
    out->owes_lines = 0;
    out->owes_space = false;
    out->begins_item = false;
    buf_add(&out->text, bytes, length);
}

static void owe_lines(out_t *out, size_t lines)
{
    if (!out->begins_item && out->owes_lines < lines) {
        out->owes_lines = lines;
    }
}

static void add_character(out_t *out, char c)
{
    if (c == '\n' && !out->folds) {
        owe_lines(out, out->owes_lines < 2 ? out->owes_lines + 1 : 2);
    } else if (out->folds ? isspace((unsigned char)c) != 0 : c == '\r') {
        out->owes_space = out->folds || out->owes_space;
    } else if (out->text.length > 0 || !isspace((unsigned char)c)) {
        add_word(out, &c, 1);
    }
}

static size_t encode(uint32_t code, char utf8[4])
{
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
        code = REPLACEMENT;
    }
    if (code < 0x80) {
        utf8[0] = (char)(code < ' ' || code == 0x7F ? ' ' : code);
        return 1;
    }
    size_t length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code >>= 6) {
        utf8[i] = (char)(0x80 | (code & 0x3F));
    }
    utf8[0] = (char)((0xF00 >> length & 0xFF) | code);
    return length;
}

/* The named entities of Latin-1 in their order, from U+00A0 (HTML 4.01, 24.2.1). */
static const char latin1[] = " nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg "
                             "macr deg plusmn sup2 sup3 acute "
                             "micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave "
                             "Aacute Acirc Atilde Auml Aring "
                             "AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde "
                             "Ograve Oacute Ocirc Otilde Ouml "
                             "times Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc "
                             "atilde auml aring aelig ccedil "
                             "egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute "
                             "ocirc otilde ouml divide oslash "
                             "ugrave uacute ucirc uuml yacute thorn yuml ";

static const struct {
    const char *name;
    uint32_t code;
} others[] = {
    { "amp", '&' },      { "lt", '<' },       { "gt", '>' },        { "quot", '"' },     { "apos", '\'' },
    { "ndash", 0x2013 }, { "mdash", 0x2014 }, { "lsquo", 0x2018 },  { "rsquo", 0x2019 }, { "ldquo", 0x201C },
    { "rdquo", 0x201D }, { "bull", 0x2022 },  { "hellip", 0x2026 }, { "euro", 0x20AC },  { "trade", 0x2122 },
    { "zwnj", 0x200C },  { "ensp", ' ' },     { "emsp", ' ' },      { "thinsp", ' ' },
};

static uint32_t named(span_t name)
{
    char wanted[MAX_NAME + 2];
    uint32_t code = 0xA0;

    snprintf(wanted, sizeof(wanted), " %.*s ", SPAN_ARGS(name));
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        if (span_is(name, others[i].name)) {
            return others[i].code;
        }
    }
    const char *found = strstr(latin1, wanted);
    for (const char *at = latin1 + 1; found && at <= found; code++) {
        at = strchr(at, ' ') + 1;
    }
    return !found ? 0 : code == 0xA0 ? ' ' : code;
}

static uint32_t numbered(span_t digits)
{
    bool is_hex = digits.length > 0 && (digits.at[0] | 32) == 'x';
    char *end;

    if (digits.length <= is_hex || !isxdigit((unsigned char)digits.at[is_hex])) {
        return 0;
    }
    unsigned long code = strtoul(digits.at + is_hex, &end, is_hex ? 16 : 10);
    if (end != digits.at + digits.length) {
        return 0;
    }
    return code == 0 || code > 0x10FFFF ? REPLACEMENT : (uint32_t)code;
}

/* Adds the character of "&...;" and returns its length; 0 when it is none, and the "&" is text. */
static size_t add_entity(out_t *out, span_t text)
{
    char utf8[4];
    size_t length = 1;
    uint32_t code;

    while (length < text.length && length < MAX_NAME &&
           (isalnum((unsigned char)text.at[length]) || text.at[length] == '#')) {
        length++;
    }
    if (length < 2 || length >= text.length || text.at[length] != ';') {
        return 0;
    }
    span_t name = { text.at + 1, length - 1 };
    code = name.at[0] == '#' ? numbered((span_t){ name.at + 1, name.length - 1 }) : named(name);
    if (code == 0) {
        return 0;
    }
    if (code == ' ' || code == '\n' || code == '\t' || code == 0xA0) {
        out->owes_space = true; /* also at a line's end, where it vanishes */
    } else {
        add_word(out, utf8, encode(code, utf8));
    }
    return length + 1;
}

/* The length of a hidden element from after its opening tag to the end of its closing one. */
static size_t hidden_length(span_t text, const char *name)
{
    for (size_t i = 0; i < text.length; i++) {
        if (text.at[i] == '<') {
            tag_t tag = read_tag((span_t){ text.at + i, text.length - i });
            if (tag.closes && tag.length > 0 && strcmp(tag.name, name) == 0) {
                return i + tag.length;
            }
        }
    }
    return text.length;
}

static size_t add_tag(out_t *out, const tag_t *tag, span_t text)
{
    switch (tag->kind) {
    case TAG_BREAK:
        owe_lines(out, out->owes_lines < 2 ? out->owes_lines + 1 : 2);
        return tag->length + (!out->folds && tag->length < text.length && text.at[tag->length] == '\n');
    case TAG_BLOCK:
        owe_lines(out, strcmp(tag->name, "p") == 0 ? 2 : 1);
        break;
    case TAG_ITEM:
        owe_lines(out, 1);
        if (!tag->closes) {
            add_word(out, "- ", 2);
            out->begins_item = true;
        }
        break;
    case TAG_CELL:
        out->owes_space = true;
        break;
    case TAG_HIDDEN:
        if (!tag->closes) {
            span_t rest = { text.at + tag->length, text.length - tag->length };
            return tag->length + hidden_length(rest, tag->name);
        }
        break;
    default:
        break;
    }
    return tag->length;
}

char *html_text(span_t html)
{
    out_t out = { .folds = has_block(html) };
    size_t at = 0;

    while (at < html.length) {
        span_t rest = { html.at + at, html.length - at };
        tag_t tag = *rest.at == '<' ? read_tag(rest) : (tag_t){ 0 };
        size_t length = *rest.at == '&' ? add_entity(&out, rest) : 0;
        if (tag.kind != TAG_UNKNOWN) {
            length = add_tag(&out, &tag, rest);
        }
        if (length == 0) {
            add_character(&out, *rest.at);
            length = 1;
        }
        at += length;
    }
    while (out.text.length > 0 && isspace((unsigned char)out.text.data[out.text.length - 1])) {
        out.text.length--;
    }
    return buf_steal(&out.text);
}
