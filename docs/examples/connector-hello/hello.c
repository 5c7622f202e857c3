/* mcp-hello: a whole connector, as small as it can be. The upstream is a word in the environment. */
#include "hello.h"

static const tool_t *const tools[] = { &greet_tool, &countdown_tool, NULL };

static const field_t settings[] = {
    FIELD(settings_t, greeting, .env = "HELLO_GREETING", .fallback = "Hello", .max_length = 40,
          .group = "Hello", .doc = "The word people are greeted with."),
    { 0 },
};

static void *hello_open(runtime_t *runtime, const void *values, err_t *err)
{
    const settings_t *s = values;

    if (s->greeting[0] == ' ') {
        err_set(err, ERR_CALLER, "HELLO_GREETING must not begin with a space.");
        return NULL;
    }
    hello_t *hello = NEW(hello_t);
    hello->loop = runtime_loop(runtime);
    return hello;
}

static void hello_close(void *hello)
{
    mem_free(hello);
}

/* A real one asks its upstream and calls runtime_ready() when the answer is there. */
static void hello_probe(void *hello, runtime_t *runtime)
{
    (void)hello;
    runtime_ready(runtime, NULL);
}

static const connector_t connector = {
    .name = "hello",
    .title = "Greetings",
    .usual_prefix = "hello_",
    .tools = tools,
    .settings = settings,
    .settings_size = sizeof(settings_t),
    .open = hello_open,
    .close = hello_close,
    .probe = hello_probe,
};

int main(int argc, char **argv)
{
    return connector_main(&connector, argc, argv);
}
