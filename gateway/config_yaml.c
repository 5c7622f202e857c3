/* libyaml's document tree, walked by tables. Anchors and aliases work (libyaml resolves them); merge keys
 * (<<) do not and are unknown keys like any other. A cycle of aliases ends where the tables end: they are
 * never nested in themselves. A file is at most 1 MiB, a list 4096 items.
 */
#include "config_yaml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "config_parts.h"
#include "mem.h"
#include "texts.h"

#define MAX_FILE_BYTES 1048576
#define MAX_ITEMS 4096
#define MAX_TEXT_BYTES 65536

static int load_document(yaml_file_t *file, FILE *stream, err_t *err);
static int read_row(yaml_file_t *file, const yaml_node_pair_t *pair, const yaml_row_t *rows, void *base,
                    err_t *err);
static int expand(yaml_file_t *file, yaml_node_t *node, const char *text, buf_t *out, err_t *err);

int yaml_open(yaml_file_t *file, const char *path, config_lookup_f lookup, err_t *err)
{
    *file = (yaml_file_t){ .path = path, .lookup = lookup };
    FILE *stream = fopen(path, "re");
    if (!stream) {
        return err_set(err, ERR_CALLER, "%s cannot be read: %s.", path, strerror(errno));
    }
    int result = load_document(file, stream, err);
    fclose(stream);
    return result;
}

/* [${A}, ${B}] is what people write and YAML reads as the beginning of a mapping. */
static const char *syntax_hint(const yaml_parser_t *parser)
{
    const char *line = (const char *)parser->input.string.start,
               *end = (const char *)parser->input.string.end;
    for (size_t i = 0; line && i < parser->problem_mark.line; i++) {
        line = memchr(line, '\n', (size_t)(end - line));
        line = line ? line + 1 : NULL;
    }
    const char *newline = line ? memchr(line, '\n', (size_t)(end - line)) : NULL;
    size_t length = line ? (size_t)((newline ? newline : end) - line) : 0;
    return length && memmem(line, length, "${", 2)
               ? " Inside [ ] and { }, quote what holds a variable: [\"${A}\", \"${B}\"]."
               : "";
}

static int refuse_syntax(const yaml_file_t *file, const yaml_parser_t *parser, err_t *err)
{
    const char *problem = parser->problem ? parser->problem : "it cannot be parsed";
    if (parser->error == YAML_READER_ERROR) {
        return err_set(err, ERR_CALLER, "%s: not YAML: %s at byte %zu.", file->path, problem,
                       parser->problem_offset);
    }
    return err_set(err, ERR_CALLER, "%s:%zu: not YAML: %s (column %zu).%s", file->path,
                   parser->problem_mark.line + 1, problem, parser->problem_mark.column + 1,
                   syntax_hint(parser));
}

/* What stands after a second "---" would be passed over without a word. */
static int refuse_second(yaml_file_t *file, yaml_parser_t *parser, err_t *err)
{
    yaml_document_t next;
    if (!yaml_parser_load(parser, &next)) {
        return refuse_syntax(file, parser, err);
    }
    yaml_node_t *root = yaml_document_get_root_node(&next);
    int result = root ? yaml_refuse(file, root, err, "a second document (---) begins; a config is one.") : 0;
    yaml_document_delete(&next);
    return result;
}

static int parse(yaml_file_t *file, const char *bytes, size_t length, err_t *err)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser)) {
        abort();
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)bytes, length);
    int result = yaml_parser_load(&parser, &file->document) ? 0 : refuse_syntax(file, &parser, err);
    if (result == 0 && yaml_root(file) && refuse_second(file, &parser, err)) {
        yaml_close(file);
        result = -1;
    }
    yaml_parser_delete(&parser);
    return result;
}

static int load_document(yaml_file_t *file, FILE *stream, err_t *err)
{
    int result;
    char *bytes = mem_alloc(MAX_FILE_BYTES + 1);
    size_t length = fread(bytes, 1, MAX_FILE_BYTES + 1, stream);
    if (ferror(stream)) {
        result = err_set(err, ERR_CALLER, "%s cannot be read (is it a folder?).", file->path);
    } else if (length > MAX_FILE_BYTES) {
        result = err_set(err, ERR_CALLER, "%s is larger than 1 MiB: that is no config.", file->path);
    } else {
        result = parse(file, bytes, length, err);
    }
    mem_wipe(bytes, length);
    mem_free(bytes);
    return result;
}

void yaml_close(yaml_file_t *file)
{
    yaml_document_delete(&file->document);
}

yaml_node_t *yaml_root(yaml_file_t *file)
{
    return yaml_document_get_root_node(&file->document);
}

int yaml_refuse(const yaml_file_t *file, const yaml_node_t *node, err_t *err, const char *format, ...)
{
    char sentence[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    return err_set(err, ERR_CALLER, "%s:%zu: %s", file->path, node->start_mark.line + 1, sentence);
}

static const char *scalar_text(const yaml_node_t *node)
{
    return (const char *)node->data.scalar.value;
}

static const char *kind_of(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_MAPPING_NODE:
        return "a mapping";
    case YAML_SEQUENCE_NODE:
        return "a list";
    default:
        return "a single value";
    }
}

static int check_text(yaml_file_t *file, yaml_node_t *node, err_t *err)
{
    if (strlen(scalar_text(node)) != node->data.scalar.length) {
        return yaml_refuse(file, node, err, "the value contains a NUL character.");
    }
    return 0;
}

/* A key is one plain value that was not there before. */
static int check_key(yaml_file_t *file, const yaml_node_pair_t *first, const yaml_node_pair_t *pair,
                     err_t *err)
{
    yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
    if (key->type != YAML_SCALAR_NODE) {
        return yaml_refuse(file, key, err, "a key must be a plain word, found %s.", kind_of(key));
    }
    for (const yaml_node_pair_t *earlier = first; earlier < pair; earlier++) {
        yaml_node_t *other = yaml_document_get_node(&file->document, earlier->key);
        if (strcmp(scalar_text(other), scalar_text(key)) == 0) {
            return yaml_refuse(file, key, err, "\"%.64s\" is given twice (first in line %zu).",
                               scalar_text(key), other->start_mark.line + 1);
        }
    }
    return check_text(file, key, err);
}

int yaml_map(yaml_file_t *file, yaml_node_t *node, const yaml_row_t *rows, void *base, err_t *err)
{
    if (node->type != YAML_MAPPING_NODE) {
        return yaml_refuse(file, node, err, "expected keys with values (first known key: %s), found %s.",
                           rows[0].key, kind_of(node));
    }
    const yaml_node_pair_t *first = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *pair = first; pair < end; pair++) {
        if (check_key(file, first, pair, err) || read_row(file, pair, rows, base, err)) {
            return -1;
        }
    }
    return 0;
}

/* Letters to change, add or drop: small words only. */
static size_t distance(const char *a, const char *b)
{
    size_t row[33], n = strlen(b);
    if (strlen(a) > 32 || n > 32) {
        return 99;
    }
    for (size_t j = 0; j <= n; j++) {
        row[j] = j;
    }
    for (size_t i = 1; a[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            size_t edit = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = change < edit ? change : edit;
        }
    }
    return row[n];
}

static int refuse_key(yaml_file_t *file, const yaml_node_t *key, const yaml_row_t *rows, err_t *err)
{
    AUTO_BUF known = { 0 };
    const char *meant = NULL;
    for (const yaml_row_t *row = rows; row->key; row++) {
        buf_addf(&known, "%s%s", row == rows ? "" : ", ", row->key);
        if (!meant && distance(scalar_text(key), row->key) <= 2) {
            meant = row->key;
        }
    }
    if (meant) {
        return yaml_refuse(file, key, err, "unknown key \"%.64s\"; did you mean \"%s\"?", scalar_text(key),
                           meant);
    }
    return yaml_refuse(file, key, err, "unknown key \"%.64s\"; known here: %s.", scalar_text(key),
                       buf_text(&known));
}

static int read_row(yaml_file_t *file, const yaml_node_pair_t *pair, const yaml_row_t *rows, void *base,
                    err_t *err)
{
    const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
    yaml_node_t *value = yaml_document_get_node(&file->document, pair->value);
    for (const yaml_row_t *row = rows; row->key; row++) {
        if (strcmp(row->key, scalar_text(key)) == 0) {
            return row->read(file, value, (char *)base + row->offset, err);
        }
    }
    return refuse_key(file, key, rows, err);
}

size_t yaml_length(const yaml_node_t *node)
{
    switch (node->type) {
    case YAML_SEQUENCE_NODE:
        return (size_t)(node->data.sequence.items.top - node->data.sequence.items.start);
    case YAML_MAPPING_NODE:
        return (size_t)(node->data.mapping.pairs.top - node->data.mapping.pairs.start);
    default:
        return 0;
    }
}

int yaml_each(yaml_file_t *file, yaml_node_t *node, yaml_item_f item, void *self, err_t *err)
{
    if (node->type != YAML_SEQUENCE_NODE) {
        return yaml_refuse(file, node, err, "expected a list ([one, two]), found %s.", kind_of(node));
    }
    if (yaml_length(node) > MAX_ITEMS) {
        return yaml_refuse(file, node, err, "a list has at most %d items.", MAX_ITEMS);
    }
    for (const yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        if (item(file, yaml_document_get_node(&file->document, *i), self, err)) {
            return -1;
        }
    }
    return 0;
}

int yaml_pairs(yaml_file_t *file, yaml_node_t *node, yaml_pair_f pair, void *self, err_t *err)
{
    if (node->type != YAML_MAPPING_NODE) {
        return yaml_refuse(file, node, err, "expected names with values ({name: value}), found %s.",
                           kind_of(node));
    }
    const yaml_node_pair_t *first = node->data.mapping.pairs.start, *end = node->data.mapping.pairs.top;
    for (const yaml_node_pair_t *p = first; p < end; p++) {
        yaml_node_t *key_node = yaml_document_get_node(&file->document, p->key);
        char *key;
        if (check_key(file, first, p, err) || yaml_scalar(file, key_node, &key, err)) {
            return -1;
        }
        if (!key) {
            return yaml_refuse(file, key_node, err, "a name is missing before the colon.");
        }
        if (pair(file, key_node, key, yaml_document_get_node(&file->document, p->value), self, err)) {
            return -1;
        }
    }
    return 0;
}

int yaml_scalar(yaml_file_t *file, yaml_node_t *node, char **ret, err_t *err)
{
    if (node->type != YAML_SCALAR_NODE) {
        return yaml_refuse(file, node, err, "expected a single value, found %s.", kind_of(node));
    }
    AUTO_BUF text = { 0 };
    if (check_text(file, node, err) || expand(file, node, scalar_text(node), &text, err)) {
        return -1;
    }
    bool plain_null = node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
                      (strcmp(scalar_text(node), "null") == 0 || strcmp(scalar_text(node), "~") == 0);
    *ret = text.length == 0 || plain_null ? NULL : buf_steal(&text);
    return 0;
}

static bool is_variable_name(const char *name, size_t length)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return length > 0 && strchr(first, name[0]) && strspn(name, rest) >= length;
}

static int expand_one(yaml_file_t *file, yaml_node_t *node, const char *inside, size_t length, buf_t *out,
                      err_t *err)
{
    const char *dash = memmem(inside, length, ":-", 2);
    size_t name_length = dash ? (size_t)(dash - inside) : length;
    if (!is_variable_name(inside, name_length)) {
        return yaml_refuse(file, node, err, "${%.*s} is not a variable: write ${NAME} or ${NAME:-value}.",
                           (int)(length > 64 ? 64 : length), inside);
    }
    if (memmem(inside, length, "${", 2)) {
        return yaml_refuse(file, node, err, "a variable cannot stand inside another's default.");
    }
    AUTO(mem_free) char *name = mem_strndup(inside, name_length);
    AUTO(mem_free) char *value = NULL;
    err_t problem;
    if (config_variable(file->lookup, name, &value, &problem)) {
        return yaml_refuse(file, node, err, "%s", problem.text);
    }
    if (value) {
        buf_add_text(out, value);
    } else if (dash) {
        buf_add(out, dash + 2, length - name_length - 2);
    } else if (!file->lookup(name)) {
        return yaml_refuse(file, node, err,
                           "the variable %s is not set (write ${%s:-} where it may be absent).", name, name);
    }
    return 0;
}

static int expand(yaml_file_t *file, yaml_node_t *node, const char *text, buf_t *out, err_t *err)
{
    const char *dollar;
    while ((dollar = strstr(text, "${"))) {
        const char *end = strchr(dollar, '}');
        if (!end) {
            return yaml_refuse(file, node, err, "\"${\" without its \"}\".");
        }
        buf_add(out, text, (size_t)(dollar - text));
        if (expand_one(file, node, dollar + 2, (size_t)(end - dollar - 2), out, err)) {
            return -1;
        }
        text = end + 1;
    }
    buf_add_text(out, text);
    return out->length > MAX_TEXT_BYTES ? yaml_refuse(file, node, err, "the value is longer than 64 KiB.")
                                        : 0;
}

int yaml_read_text(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    char *text;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (text) {
        mem_free(*(char **)into);
        *(char **)into = text;
    }
    return 0;
}

static int add_text(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err)
{
    char ***texts = self, *text;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (!text) {
        return yaml_refuse(file, node, err, "an item of this list is empty.");
    }
    texts_add(texts, text);
    return 0;
}

int yaml_read_texts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    char **texts = mem_alloc(sizeof *texts);
    if (yaml_each(file, node, add_text, &texts, err)) {
        texts_free(texts);
        return -1;
    }
    texts_free(*(char ***)into);
    *(char ***)into = texts;
    return 0;
}

static int read_size(yaml_file_t *file, yaml_node_t *node, bool units, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (!text) {
        return 0;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    size_t shift = !units ? 0 : strcmp(end, "KiB") == 0 ? 10 : strcmp(end, "MiB") == 0 ? 20 : 0;
    bool empty = units && number == 0; /* a size of 0 would let nothing through */
    if (errno || text[0] < '0' || text[0] > '9' || (*end && !shift) || number > 1ULL << 40 || empty) {
        return yaml_refuse(file, node, err, "expected %s, found \"%.64s\".",
                           units ? "a size such as 65536, 64KiB or 4MiB" : "a whole number", text);
    }
    *(size_t *)into = (size_t)number << shift;
    return 0;
}

int yaml_read_count(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    return read_size(file, node, false, into, err);
}

int yaml_read_bytes(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    return read_size(file, node, true, into, err);
}

int yaml_read_duration(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    AUTO(mem_free) char *text = NULL;
    if (yaml_scalar(file, node, &text, err)) {
        return -1;
    }
    if (!text) {
        return 0;
    }
    int64_t ms = clock_parse_ms(text);
    if (ms <= 0) {
        return yaml_refuse(file, node, err, "expected a time such as 500ms, 25s or 2m, found \"%.64s\".",
                           text);
    }
    *(int64_t *)into = ms;
    return 0;
}
