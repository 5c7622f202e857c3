/* Resources: a text, bytes, one that can be watched, and a template. */
#include <string.h>

#include "conformance.h"

static void read_text(call_t *call)
{
    call_finish_resource(call, NULL, "This is the content of the static text resource.");
}

static void read_binary(call_t *call)
{
    call_finish_blob(call, NULL, red_dot_png, red_dot_png_bytes);
}

static void read_watched(call_t *call)
{
    call_finish_resource(call, NULL, "This resource says something new now and then.");
}

static const resource_t static_text = { .uri = "test://static-text",
                                        .name = "static-text",
                                        .title = "Static text",
                                        .description = "A text that never changes.",
                                        .mime_type = "text/plain",
                                        .ttl_ms = 60000,
                                        .is_public = true,
                                        .read = read_text };
static const resource_t static_binary = { .uri = "test://static-binary",
                                          .name = "static-binary",
                                          .description = "An image that never changes.",
                                          .mime_type = "image/png",
                                          .ttl_ms = 60000,
                                          .is_public = true,
                                          .read = read_binary };
static const resource_t watched = { .uri = "test://watched-resource",
                                    .name = "watched-resource",
                                    .description = "One that clients may watch.",
                                    .mime_type = "text/plain",
                                    .read = read_watched };

const resource_t *const resources[] = { &static_text, &static_binary, &watched, NULL };

typedef struct {
    const char *id;
} template_vars_t;

static const field_t template_vars[] = {
    FIELD(template_vars_t, id, .required = true, .max_length = 64, .doc = "Which one."),
    { 0 },
};

static void read_template(call_t *call, const void *vars)
{
    const template_vars_t *v = vars;
    json_auto_t *data = json_pack("{s:s, s:b, s:s}", "id", v->id, "templateTest", 1, "data",
                                  call_printf(call, "Data for ID: %s", v->id));
    AUTO(mem_free) char *text = json_dumps(data, JSON_COMPACT);

    call_finish_resource(call, NULL, text);
}

static void complete_template(call_t *call, const completion_t *asked)
{
    static const char *const ids[] = { "1", "12", "123" };
    const char *fitting[COUNT_OF(ids)];
    size_t count = 0;

    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        if (strncmp(ids[i], asked->value, strlen(asked->value)) == 0) {
            fitting[count++] = ids[i];
        }
    }
    call_finish_completion(call, fitting, count, (int64_t)count, false);
}

static const resource_template_t template_data = { .uri_template = "test://template/{id}/data",
                                                   .name = "template-data",
                                                   .description = "Data by its id.",
                                                   .mime_type = "application/json",
                                                   .vars = template_vars,
                                                   .vars_size = sizeof(template_vars_t),
                                                   .read = read_template,
                                                   .complete = complete_template };

const resource_template_t *const templates[] = { &template_data, NULL };
