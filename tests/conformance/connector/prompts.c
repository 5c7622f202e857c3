/* Prompts: without and with arguments, with a resource or an image inside, and one that asks first. */
#include <string.h>

#include "conformance.h"

static void simple(call_t *call, const void *args)
{
    (void)args;
    call_finish_prompt(
        call, NULL,
        json_pack("[o]", content_message("user", content_text("This is a simple prompt for testing."))));
}

typedef struct {
    const char *arg1, *arg2;
} two_args_t;

static const field_t two_args[] = {
    FIELD(two_args_t, arg1, .required = true, .doc = "First test argument."),
    FIELD(two_args_t, arg2, .required = true, .doc = "Second test argument."),
    { 0 },
};

static void with_arguments(call_t *call, const void *args)
{
    const two_args_t *a = args;
    const char *text = call_printf(call, "Prompt with arguments: arg1='%s', arg2='%s'", a->arg1, a->arg2);

    call_finish_prompt(call, NULL, json_pack("[o]", content_message("user", content_text(text))));
}

static void complete_argument(call_t *call, const completion_t *asked)
{
    static const char *const values[] = { "test", "testing", "tested" };
    const char *fitting[COUNT_OF(values)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(values); i++) {
        if (strncmp(values[i], asked->value, strlen(asked->value)) == 0) {
            fitting[count++] = values[i];
        }
    }
    call_finish_completion(call, fitting, count, (int64_t)count, false);
}

typedef struct {
    const char *resourceUri;
} resource_args_t;

static const field_t resource_args[] = {
    FIELD(resource_args_t, resourceUri, .required = true, .doc = "URI of the resource to embed."),
    { 0 },
};

static void with_resource(call_t *call, const void *args)
{
    const resource_args_t *a = args;
    json_t *resource =
        content_resource(a->resourceUri, "text/plain", "Embedded resource content for testing.");

    call_finish_prompt(call, NULL,
                       json_pack("[o, o]", content_message("user", resource),
                                 content_message("user", content_text("Please process the embedded resource "
                                                                      "above."))));
}

static void with_image(call_t *call, const void *args)
{
    json_t *image = content_image(red_dot_png, red_dot_png_bytes, "image/png");

    (void)args;
    call_finish_prompt(call, NULL,
                       json_pack("[o, o]", content_message("user", image),
                                 content_message("user", content_text("Please analyze the image above."))));
}

static void asking(call_t *call, const void *args)
{
    const char *context = typed(call, "user_context", "context");

    (void)args;
    if (!context) {
        json_t *question = input_elicitation("What is it about?", one_text("context", "A few words"));
        call_ask_input(call, json_pack("{s:o}", "user_context", question), NULL);
        return;
    }
    const char *text = call_printf(call, "Prompt with context: %s", context);
    call_finish_prompt(call, NULL, json_pack("[o]", content_message("user", content_text(text))));
}

static const prompt_t simple_prompt = { .name = "test_simple_prompt",
                                        .title = "Simple",
                                        .description = "A prompt without arguments.",
                                        .get = simple };
static const prompt_t arguments_prompt = { .name = "test_prompt_with_arguments",
                                           .description = "A prompt with two arguments.",
                                           .args = two_args,
                                           .args_size = sizeof(two_args_t),
                                           .get = with_arguments,
                                           .complete = complete_argument };
static const prompt_t resource_prompt = { .name = "test_prompt_with_embedded_resource",
                                          .description = "A prompt with a resource inside.",
                                          .args = resource_args,
                                          .args_size = sizeof(resource_args_t),
                                          .get = with_resource };
static const prompt_t image_prompt = { .name = "test_prompt_with_image",
                                       .description = "A prompt with an image inside.",
                                       .get = with_image };
static const prompt_t asking_prompt = { .name = "test_input_required_result_prompt",
                                        .description = "A prompt that asks what it is about.",
                                        .get = asking };

const prompt_t *const prompts[] = { &simple_prompt, &arguments_prompt, &resource_prompt,
                                    &image_prompt,  &asking_prompt,    NULL };
