/* lend_book: lends a book to whom the user names. */
#include <stdio.h>
#include <string.h>

#include "input.h"
#include "library.h"

typedef struct {
    const char *id;
} args_t;

static const field_t args[] = {
    FIELD(args_t, id, .required = true, .max_length = 40, .doc = "Id of the book, from library://shelf."),
    { 0 },
};

static void lend_book(call_t *call, const void *decoded);

const tool_t lend_book_tool = {
    .name = "lend_book",
    .description = "Lend a book. The user is asked to whom; returns who has it now.",
    .args = args,
    .args_size = sizeof(args_t),
    .run = lend_book,
};

static const char name_form[] = STRINGIZE({
    "type": "object", "properties": {"name": {"type": "string", "maxLength": 60}}, "required": ["name"]});

static void lend_book(call_t *call, const void *decoded)
{
    library_t *library = call_state(call);
    book_t *book = library_find(library, ((const args_t *)decoded)->id);
    const json_t *answer = call_input(call, "borrower");
    const char *name = json_string_value(json_object_get(input_filled_in(answer), "name"));

    if (!book) {
        call_failf(call, ERR_CALLER, "Book not found. library://shelf has those there are.");
        return;
    }
    if (answer && !input_filled_in(answer)) {
        call_failf(call, ERR_DENIED, "The user does not want to lend %s.", book->title);
        return;
    }
    if (!name || strlen(name) >= sizeof(book->lent_to)) {
        json_t *form = json_loads(name_form, 0, NULL);
        call_ask_input(call, json_pack("{s:o}", "borrower", input_elicitation("Who borrows it?", form)),
                       NULL);
        return;
    }
    snprintf(book->lent_to, sizeof(book->lent_to), "%s", name);
    runtime_resource_updated(library->runtime, call_printf(call, "library://book/%s", book->id));
    call_finish(call, NULL, call_printf(call, "%s is lent to %s.", book->title, book->lent_to));
}
