/* See texts.h. Lists are short and read once, so each is as large as it must be. */
#include "texts.h"

#include <string.h>

#include "mem.h"

bool text_is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void texts_free(char **texts)
{
    for (char **text = texts; text && *text; text++) {
        mem_free(*text);
    }
    mem_free(texts);
}

void texts_wipe(char **texts)
{
    for (char **text = texts; text && *text; text++) {
        mem_wipe(*text, strlen(*text));
    }
    texts_free(texts);
}

char **texts_copy(char *const *texts)
{
    char **copy = NULL;

    for (; texts && *texts; texts++) {
        texts_add(&copy, mem_strdup(*texts));
    }
    return copy;
}

void texts_add(char ***texts, char *text)
{
    size_t count = texts_count(*texts);
    *texts = mem_resize(*texts, (count + 2) * sizeof **texts);
    (*texts)[count] = text;
    (*texts)[count + 1] = NULL;
}

size_t texts_count(char *const *texts)
{
    size_t count = 0;
    while (texts && texts[count]) {
        count++;
    }
    return count;
}
