/* docs/writing-a-connector.md shows pieces of the connectors in docs/examples. Each piece must be there, to
 * the letter. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <criterion/criterion.h>

#include "buf.h"
#include "mem.h"

#define FENCE "```c\n"

static void add_file(buf_t *out, const char *name)
{
    AUTO(mem_free) char *path = mem_printf("%s/%s", DOCS, name);
    FILE *file = fopen(path, "r");
    char chunk[4096];
    size_t n;

    cr_assert_not_null(file, "%s", path);
    while ((n = fread(chunk, 1, sizeof(chunk), file)) > 0) {
        buf_add(out, chunk, n);
    }
    fclose(file);
}

Test(connector_docs, show_the_example_as_it_is)
{
    static const char *const files[] = { "hello/hello.h",     "hello/hello.c",    "hello/greet.c",
                                         "hello/countdown.c", "hello/pause.c",    "helpdesk/find_ticket.c",
                                         "library/books.c",   "library/review.c", "library/lend_book.c" };
    AUTO_BUF text = { 0 };
    AUTO_BUF code = { 0 };
    int pieces = 0;

    add_file(&text, "writing-a-connector.md");
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        AUTO(mem_free) char *name = mem_printf("examples/connector-%s", files[i]);
        add_file(&code, name);
    }
    for (const char *at = strstr(buf_text(&text), FENCE); at; at = strstr(at, FENCE), pieces++) {
        at += strlen(FENCE);
        const char *end = strstr(at, "```");
        AUTO(mem_free) char *piece = mem_strndup(at, (size_t)(end - at));
        cr_expect(strstr(buf_text(&code), piece), "not in the example:\n%s", piece);
        at = end + 3;
    }
    cr_assert_geq(pieces, 5);
}
