/* review: a prompt for a review of a book. */
#include "content.h"
#include "library.h"

typedef struct {
    const char *title, *mood;
} args_t;

static const field_t args[] = {
    FIELD(args_t, title, .required = true, .max_length = 100, .doc = "Title of the book."),
    FIELD(args_t, mood, .fallback = "friendly", .max_length = 40, .doc = "How the review should sound."),
    { 0 },
};

static void review(call_t *call, const void *decoded);

const prompt_t review_prompt = {
    .name = "review",
    .title = "Review a book",
    .description = "A review of a book in a few sentences.",
    .args = args,
    .args_size = sizeof(args_t),
    .get = review,
};

static void review(call_t *call, const void *decoded)
{
    const args_t *a = decoded;
    const char *text = call_printf(call, "Write a %s review of \"%s\".", a->mood, a->title);

    call_finish_prompt(call, NULL, json_pack("[o]", content_message("user", content_text(text))));
}
