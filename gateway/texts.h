/* Strings that may be absent, and lists of strings as the configuration keeps them: NULL-ended, owned with
 * their strings; NULL is an empty one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

bool text_is_same(const char *a, const char *b); /* NULL is the same as NULL alone */

void texts_free(char **texts);
void texts_wipe(char **texts); /* frees secrets */
char **texts_copy(char *const *texts);
void texts_add(char ***texts, char *text); /* takes the string; *texts may be NULL */
size_t texts_count(char *const *texts);
