/* What the files of this connector share: three books, and who has borrowed them. */
#pragma once

#include "connector.h"

typedef struct {
    const char *id, *title;
    char lent_to[64]; /* empty: it stands on the shelf */
} book_t;

typedef struct {
    runtime_t *runtime;
    book_t books[3];
} library_t;

book_t *library_find(library_t *library, const char *id); /* NULL: no such book */

extern const tool_t lend_book_tool;
extern const resource_t shelf_resource;
extern const resource_template_t book_template;
extern const prompt_t review_prompt;
