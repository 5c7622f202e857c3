/* Reads a YAML file by tables: a row per key says how its value is read and where it goes. Unknown keys,
 * duplicates and wrong types are refused with file, line and what was meant. ${VAR} is expanded in scalar
 * values after parsing, so no variable can change the structure of the file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <yaml.h>

#include "config.h"
#include "err.h"

typedef struct {
    const char *path; /* as given; named in errors */
    config_lookup_f lookup;
    yaml_document_t document;
} yaml_file_t;

typedef struct yaml_row {
    const char *key;
    /* `into` is the struct's member: base + offset. */
    int (*read)(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
    size_t offset;
} yaml_row_t;

int yaml_open(yaml_file_t *file, const char *path, config_lookup_f lookup, err_t *err);
void yaml_close(yaml_file_t *file);
yaml_node_t *yaml_root(yaml_file_t *file); /* NULL: the file is empty */

/* "guiche.yaml:12: " and the sentence. Always -1. */
int yaml_refuse(const yaml_file_t *file, const yaml_node_t *node, err_t *err, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

int yaml_map(yaml_file_t *file, yaml_node_t *node, const yaml_row_t *rows, void *base, err_t *err);
/* item(file, node, self, err) for each item of a list. */
typedef int (*yaml_item_f)(yaml_file_t *file, yaml_node_t *node, void *self, err_t *err);
int yaml_each(yaml_file_t *file, yaml_node_t *node, yaml_item_f item, void *self, err_t *err);
/* pair(...) for each member of a mapping whose keys are free; takes the key, which is not empty. */
typedef int (*yaml_pair_f)(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value,
                           void *self, err_t *err);
int yaml_pairs(yaml_file_t *file, yaml_node_t *node, yaml_pair_f pair, void *self, err_t *err);
size_t yaml_length(const yaml_node_t *node); /* of a list or mapping; 0 for anything else */

/* A scalar's text, variables expanded; NULL when it is empty (absent). Caller frees. */
int yaml_scalar(yaml_file_t *file, yaml_node_t *node, char **ret, err_t *err);

/* For rows. An empty value leaves what was there.
 *     text      char *
 *     texts     char **, NULL-ended, from a list
 *     count     size_t
 *     bytes     size_t, "4MiB", never 0
 *     duration  int64_t in ms, "25s" */
int yaml_read_text(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int yaml_read_texts(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int yaml_read_count(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int yaml_read_bytes(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int yaml_read_duration(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
