/* Settings of a process from its environment, by the same rows as arguments. Everything in `ret` is owned by
 * it; strings of secret rows are wiped when released. */
#include "fields.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "fields_row.h"
#include "file.h"
#include "mem.h"

#define SECRET_FILE_MAX_BYTES 65536

static const char *look(settings_lookup_f lookup, const char *name)
{
    const char *value = lookup(name);

    return value && value[0] ? value : NULL;
}

/* Editors end a file with a newline that nobody means to be part of the secret. */
static size_t drop_newline(const char *text, size_t length)
{
    if (length > 0 && text[length - 1] == '\n') {
        length--;
        if (length > 0 && text[length - 1] == '\r') {
            length--;
        }
    }
    return length;
}

static int refuse_file(const char *variable, const char *path, err_t *err)
{
    if (errno == EFBIG) {
        return err_set(err, ERR_CALLER, "%s: %s is larger than 64 KiB.", variable, path);
    }
    return err_set(err, ERR_CALLER, "%s: cannot read %s: %s.", variable, path, strerror(errno));
}

static int read_secret(const char *variable, const char *path, char **ret, err_t *err)
{
    size_t length;
    char *text = file_read(path, SECRET_FILE_MAX_BYTES, &length);

    if (!text) {
        return refuse_file(variable, path, err);
    }
    length = drop_newline(text, length);
    text[length] = '\0';
    if (length == 0 || strlen(text) != length) {
        mem_wipe(text, length);
        mem_free(text);
        return err_set(err, ERR_CALLER, "%s: %s %s.", variable, path,
                       length == 0 ? "is empty" : "contains a NUL byte");
    }
    *ret = text;
    return 0;
}

/* The text of a setting into *ret (NULL when absent; the caller's to free). */
static int find_text(const field_t *row, settings_lookup_f lookup, char **ret, err_t *err)
{
    const char *value = look(lookup, row->env);
    AUTO(mem_free) char *file_variable = row->secret ? mem_printf("%s_FILE", row->env) : NULL;
    const char *path = file_variable ? look(lookup, file_variable) : NULL;

    if (value && path) {
        return err_set(err, ERR_CALLER, "Both %s and %s are set; keep one of them.", row->env, file_variable);
    }
    if (path) {
        return read_secret(file_variable, path, ret, err);
    }
    if (!value) {
        value = row->fallback;
    }
    *ret = value ? mem_strdup(value) : NULL;
    return 0;
}

static void wipe_and_free(const field_t *row, char *text)
{
    if (text && row->secret) {
        mem_wipe(text, strlen(text));
    }
    mem_free(text);
}

static int load_row(const field_t *row, settings_lookup_f lookup, void *ret, err_t *err)
{
    char *text = NULL;

    assert(row->env);
    if (find_text(row, lookup, &text, err)) {
        return -1;
    }
    if (!text) {
        return row->required ? row_refuse_missing(row, err) : 0;
    }
    int rc = row_from_text(row, text, ret, err);
    if (rc || row->type != FIELD_STRING) {
        wipe_and_free(row, text);
    }
    return rc;
}

int settings_load(const field_t *rows, settings_lookup_f lookup, void *ret, err_t *err)
{
    for (const field_t *row = rows; row && row->name; row++) {
        row_clear(row, ret);
    }
    for (const field_t *row = rows; row && row->name; row++) {
        if (load_row(row, lookup, ret, err)) {
            settings_release(rows, ret);
            return -1;
        }
    }
    return 0;
}

void settings_release(const field_t *rows, void *ret)
{
    for (const field_t *row = rows; row && row->name; row++) {
        if (row->type == FIELD_STRING) {
            char **text = row_member(row, ret);
            wipe_and_free(row, TAKE(*text));
        } else {
            row_release(row, ret);
        }
    }
}
