/* The shelf and its books, as resources. */
#include <string.h>

#include "library.h"

static void read_shelf(call_t *call);

const resource_t shelf_resource = {
    .uri = "library://shelf",
    .name = "shelf",
    .description = "All books: id and title.",
    .mime_type = "application/json",
    .ttl_ms = 3600000,
    .is_public = true,
    .read = read_shelf,
};

static void read_shelf(call_t *call)
{
    const library_t *library = call_state(call);
    json_auto_t *shelf = json_object();

    for (size_t i = 0; i < COUNT_OF(library->books); i++) {
        json_object_set_new(shelf, library->books[i].id, json_string(library->books[i].title));
    }
    AUTO(mem_free) char *text = json_dumps(shelf, JSON_COMPACT);
    call_finish_resource(call, NULL, text);
}

typedef struct {
    const char *id;
} vars_t;

static const field_t vars[] = {
    FIELD(vars_t, id, .required = true, .max_length = 40, .doc = "Id of the book, from the shelf."),
    { 0 },
};

static void read_book(call_t *call, const void *decoded);
static void suggest_book(call_t *call, const completion_t *asked);

const resource_template_t book_template = {
    .uri_template = "library://book/{id}",
    .name = "book",
    .description = "One book, and who has it.",
    .mime_type = "text/plain",
    .vars = vars,
    .vars_size = sizeof(vars_t),
    .read = read_book,
    .complete = suggest_book,
};

static void read_book(call_t *call, const void *decoded)
{
    const vars_t *v = decoded;
    const book_t *book = library_find(call_state(call), v->id);

    if (!book) {
        call_failf(call, ERR_UNKNOWN, "Book not found: %s. library://shelf has those there are.", v->id);
        return;
    }
    const char *where = book->lent_to[0] != '\0' ? book->lent_to : "nobody";
    call_finish_resource(call, NULL, call_printf(call, "%s, lent to %s.", book->title, where));
}

static void suggest_book(call_t *call, const completion_t *asked)
{
    const library_t *library = call_state(call);
    const char *ids[COUNT_OF(library->books)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(library->books); i++) {
        if (strncmp(library->books[i].id, asked->value, strlen(asked->value)) == 0) {
            ids[count++] = library->books[i].id;
        }
    }
    call_finish_completion(call, ids, count, (int64_t)count, false);
}
