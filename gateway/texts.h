/* Lists of strings as the configuration keeps them: NULL-ended, owned with their strings; NULL is an empty
 * one. */
#pragma once

#include <stddef.h>

void texts_free(char **texts);
void texts_add(char ***texts, char *text); /* takes the string; *texts may be NULL */
size_t texts_count(char *const *texts);
