/* mcp-library: a connector with resources, a prompt, and a tool that asks the user. A real one keeps its
 * books in its upstream: what a process remembers is gone with it. */
#include "library.h"

#include <string.h>

static const tool_t *const tools[] = { &lend_book_tool, NULL };
static const resource_t *const resources[] = { &shelf_resource, NULL };
static const resource_template_t *const templates[] = { &book_template, NULL };
static const prompt_t *const prompts[] = { &review_prompt, NULL };

static void *library_open(runtime_t *runtime, const void *settings, err_t *err)
{
    library_t *library = NEW(library_t);

    (void)settings, (void)err;
    library->runtime = runtime;
    library->books[0] = (book_t){ .id = "dom-casmurro", .title = "Dom Casmurro" };
    library->books[1] = (book_t){ .id = "vidas-secas", .title = "Vidas Secas" };
    library->books[2] = (book_t){ .id = "grande-sertao", .title = "Grande Sertão: Veredas" };
    return library;
}

static void library_close(void *library)
{
    mem_free(library);
}

book_t *library_find(library_t *library, const char *id)
{
    for (size_t i = 0; i < COUNT_OF(library->books); i++) {
        if (strcmp(library->books[i].id, id) == 0) {
            return &library->books[i];
        }
    }
    return NULL;
}

static const connector_t connector = {
    .name = "library",
    .title = "Library",
    .usual_prefix = "library_",
    .tools = tools,
    .resources = resources,
    .templates = templates,
    .prompts = prompts,
    .open = library_open,
    .close = library_close,
};

int main(int argc, char **argv)
{
    return connector_main(&connector, argc, argv);
}
