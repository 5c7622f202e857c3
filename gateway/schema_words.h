/* The keywords of JSON Schema: what each holds, and of which types of value it speaks. Sources: JSON Schema
 * 2020-12 core and validation, and what draft-07 called otherwise.
 */
#pragma once

#include <stdbool.h>
#include <jansson.h>

#include "err.h"

typedef enum {
    SCHEMA_DATA,   /* no schema inside */
    SCHEMA_ONE,    /* a schema */
    SCHEMA_SWITCH, /* a schema; clients read its true and false as they are */
    SCHEMA_LIST,   /* a list of schemas */
    SCHEMA_MAP,    /* schemas by name */
    SCHEMA_ITEMS,  /* a schema, or in draft-07 a list */
    SCHEMA_MIXED,  /* by name, a schema or something else */
} schema_holds_t;

typedef enum {
    SCHEMA_ANY, /* of a keyword that holds schemas: their own form */
    SCHEMA_TEXT,
    SCHEMA_NUMBER,
    SCHEMA_BOUND, /* a number; in draft-04 also a truth */
    SCHEMA_COUNT,
    SCHEMA_TRUTH,
    SCHEMA_NAMES,
    SCHEMA_VALUES, /* a list with something in it */
    SCHEMA_TYPES,
} schema_form_t;

enum { ABOUT_STRING = 1, ABOUT_NUMBER = 2, ABOUT_ARRAY = 4, ABOUT_OBJECT = 8 };

typedef struct {
    const char *name;
    schema_holds_t holds;
    schema_form_t form;
    unsigned about; /* says nothing of values of other types; 0: of all */
} schema_word_t;

const schema_word_t *schema_word(const char *keyword); /* NULL: unknown, an annotation */
/* What is inside of a keyword: data, in which nothing is an annotation or a reference; names, which are no
 * keywords. Neither: schemas, of an unknown keyword perhaps. */
bool schema_word_holds_data(const char *keyword);
bool schema_word_holds_names(const char *keyword);
unsigned schema_about_type(const char *type); /* 0: boolean, null; or none that there is */
bool schema_type_exists(const char *type);
/* Whether the keyword's value has its form. */
bool schema_word_is_sound(const schema_word_t *word, const json_t *value);

/* Every schema that is an object, those inside another first. A visit may change what its schema holds, and
 * must not touch those around it. Stops at the first that fails. */
typedef int (*schema_visit_f)(void *self, json_t *schema, err_t *err);
int schema_walk(json_t *schema, schema_visit_f visit, void *self, err_t *err);
/* The same without what stands in a "not", where makers of classes do not look. */
int schema_walk_shown(json_t *schema, schema_visit_f visit, void *self, err_t *err);
