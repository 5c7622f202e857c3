/* The rows as text for people: --help, .env.example and tables for docs/. The same rows give the same text,
 * byte for byte, so that what is checked in can be compared with what the program prints. */
#include "fields.h"

#include <string.h>

#include "fields_row.h"
#include "mem.h"

#define HELP_COLUMN 26
#define PAGE_WIDTH 80

static bool begins_group(const field_t *rows, const field_t *row)
{
    return row->group && (row == rows || !row[-1].group || strcmp(row->group, row[-1].group) != 0);
}

/* "an integer from 1 to 100" -> "An integer from 1 to 100." */
static void add_takes_sentence(buf_t *out, const field_t *row)
{
    size_t start = out->length;

    row_add_takes(out, row);
    if (out->data[start] >= 'a' && out->data[start] <= 'z') {
        out->data[start] = (char)(out->data[start] - 'a' + 'A');
    }
    buf_add_char(out, '.');
}

/* What to know beside the doc: what it takes when that says more than "a string", the file variable of a
 * secret. */
static void add_setting_notes(buf_t *out, const field_t *row)
{
    buf_add_text(out, row->doc ? row->doc : "");
    if (row->type != FIELD_STRING || row->choices || row->format) {
        buf_add_char(out, ' ');
        add_takes_sentence(out, row);
    }
    if (row->secret) {
        buf_addf(out, " Or %s_FILE names a file that holds it.", row->env);
    }
    if (row->required) {
        buf_add_text(out, " Required.");
    }
}

/* Words of text from column `at` on, later lines behind `prefix`. */
static void print_wrapped(FILE *out, const char *text, size_t at, const char *prefix)
{
    size_t column = at;

    while (*text) {
        size_t word = strcspn(text, " ");
        if (column > at && column + 1 + word > PAGE_WIDTH) {
            fprintf(out, "\n%s", prefix);
            column = at;
        }
        fprintf(out, "%s%.*s", column > at ? " " : "", (int)word, text);
        column += word + (column > at);
        text += word;
        text += strspn(text, " ");
    }
    fputc('\n', out);
}

static void print_help_row(const field_t *row, FILE *out)
{
    AUTO_BUF text = { 0 };
    AUTO(mem_free) char *indent = mem_printf("%*s", HELP_COLUMN, "");

    add_setting_notes(&text, row);
    if (row->fallback) {
        buf_addf(&text, " Default: %s.", row->fallback);
    }
    fprintf(out, "  %-*s", HELP_COLUMN - 2, row->env);
    if (strlen(row->env) > HELP_COLUMN - 4) {
        fprintf(out, "\n%s", indent);
    }
    print_wrapped(out, buf_text(&text), HELP_COLUMN, indent);
}

void settings_print_help(const field_t *rows, FILE *out)
{
    for (const field_t *row = rows; row && row->name; row++) {
        if (begins_group(rows, row)) {
            fprintf(out, "%s%s:\n", row == rows ? "" : "\n", row->group);
        }
        print_help_row(row, out);
    }
}

void settings_print_env_example(const field_t *rows, FILE *out)
{
    for (const field_t *row = rows; row && row->name; row++) {
        AUTO_BUF text = { 0 };

        if (begins_group(rows, row)) {
            fprintf(out, "%s## %s\n", row == rows ? "" : "\n", row->group);
        }
        add_setting_notes(&text, row);
        fputs("\n# ", out);
        print_wrapped(out, buf_text(&text), 2, "# ");
        fprintf(out, "%s%s=%s\n", row->required ? "" : "#", row->env, row->fallback ? row->fallback : "");
    }
}

/* A '|' would end the cell, a newline the row. */
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++) {
        if (*text == '|') {
            fputc('\\', out);
        }
        fputc(*text == '\n' ? ' ' : *text, out);
    }
}

static void print_default(const field_t *row, FILE *out)
{
    if (row->required) {
        fputs("required", out);
    } else if (row->fallback && row->fallback[0]) {
        fputc('`', out);
        print_cell(out, row->fallback);
        fputc('`', out);
    }
}

static void print_setting_row(const field_t *row, FILE *out)
{
    AUTO_BUF text = { 0 };
    field_t said = *row;

    said.required = false; /* the column says it */
    add_setting_notes(&text, &said);
    fprintf(out, "| `%s` | ", row->env);
    print_default(row, out);
    fputs(" | ", out);
    print_cell(out, buf_text(&text));
    fputs(" |\n", out);
}

void settings_print_markdown(const field_t *rows, FILE *out)
{
    for (const field_t *row = rows; row && row->name; row++) {
        if (begins_group(rows, row)) {
            fprintf(out, "%s**%s**\n\n", row == rows ? "" : "\n", row->group);
        }
        if (row == rows || begins_group(rows, row)) {
            fputs("| variable | default | meaning |\n|---|---|---|\n", out);
        }
        print_setting_row(row, out);
    }
}

void fields_print_markdown(const field_t *rows, FILE *out)
{
    if (!rows || !rows->name) {
        fputs("Takes no arguments.\n", out);
        return;
    }
    fputs("| argument | takes | default | meaning |\n|---|---|---|---|\n", out);
    for (const field_t *row = rows; row->name; row++) {
        AUTO_BUF takes = { 0 };

        row_add_takes(&takes, row);
        fprintf(out, "| `%s` | ", row->name);
        print_cell(out, buf_text(&takes));
        fputs(" | ", out);
        print_default(row, out);
        fputs(" | ", out);
        print_cell(out, row->doc ? row->doc : "");
        fputs(" |\n", out);
    }
}
