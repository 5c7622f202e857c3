/* See texts.h. Lists are short and read once, so each is as large as it must be. */
#include "texts.h"

#include "mem.h"

void texts_free(char **texts)
{
    for (char **text = texts; text && *text; text++) {
        mem_free(*text);
    }
    mem_free(texts);
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
