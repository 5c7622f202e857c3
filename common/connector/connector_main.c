/* main() of every connector: command line, environment, and what is said when one of them is wrong. */
#include "connector.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "manual.h"
#include "process_settings.h"
#include "runtime.h"

#define EXIT_USAGE 2

typedef struct {
    manual_f print; /* print this and end */
    const connector_verb_t *verb;
    int verb_argc;
    char **verb_argv;
    const char *no_auth_tenant, *address_file;
} options_t;

typedef struct {
    process_rows_t rows;
    process_settings_t process;
    void *own; /* the connector's; NULL: it has none */
    bool process_loaded;
} environment_t;

static int complain(const connector_t *connector, const err_t *err, int code)
{
    fprintf(stderr, "mcp-%s: %s\n", connector->name, err->text);
    return code;
}

/* The command line */

static manual_f find_page(const char *option)
{
    static const struct {
        const char *option;
        manual_f print;
    } pages[] = {
        { "--help", manual_help },         { "-h", manual_help },
        { "--version", manual_version },   { "--env-example", manual_env_example },
        { "--markdown", manual_markdown },
    };

    for (size_t i = 0; i < COUNT_OF(pages); i++) {
        if (strcmp(option, pages[i].option) == 0) {
            return pages[i].print;
        }
    }
    return NULL;
}

static const connector_verb_t *find_verb(const connector_t *connector, const char *option)
{
    for (const connector_verb_t *verb = connector->verbs; verb && verb->name; verb++) {
        if (strncmp(option, "--", 2) == 0 && strcmp(option + 2, verb->name) == 0) {
            return verb;
        }
    }
    return NULL;
}

/* "--name VALUE" or "--name=VALUE" at argv[*at]: 1 with the value, 0 when it is another option, -1 without a
 * value. */
static int take_value(const char *name, int argc, char **argv, int *at, const char **ret, err_t *err)
{
    size_t length = strlen(name);
    const char *option = argv[*at];

    if (strncmp(option, name, length) != 0 || (option[length] != '\0' && option[length] != '=')) {
        return 0;
    }
    if (option[length] == '=') {
        *ret = option + length + 1;
    } else {
        *ret = *at + 1 < argc ? argv[++*at] : "";
    }
    if (**ret == '\0' || **ret == '-') {
        return err_set(err, ERR_CALLER, "%s needs a value after it.", name);
    }
    return 1;
}

static int parse_one(const connector_t *connector, int argc, char **argv, int *at, options_t *ret, err_t *err)
{
    manual_f page = find_page(argv[*at]);
    int taken;

    if (page) {
        ret->print = page;
        return 0;
    }
    taken = take_value("--no-auth", argc, argv, at, &ret->no_auth_tenant, err);
    if (taken == 0) {
        taken = take_value("--address-file", argc, argv, at, &ret->address_file, err);
    }
    if (taken == 0) {
        return err_set(err, ERR_CALLER, "%s is not an option here. `mcp-%s --help` lists them.", argv[*at],
                       connector->name);
    }
    return taken < 0 ? -1 : 0;
}

static int parse(const connector_t *connector, int argc, char **argv, options_t *ret, err_t *err)
{
    *ret = (options_t){ 0 };
    ret->verb = argc > 1 ? find_verb(connector, argv[1]) : NULL;
    if (ret->verb) {
        ret->verb_argc = argc - 1;
        ret->verb_argv = argv + 1;
        return 0;
    }
    for (int at = 1; at < argc; at++) {
        if (parse_one(connector, argc, argv, &at, ret, err) != 0) {
            return -1;
        }
    }
    return 0;
}

/* The environment */

static const char *from_environment(const char *name)
{
    return getenv(name);
}

static int load(const connector_t *connector, environment_t *ret, err_t *err)
{
    process_rows_init(&ret->rows, connector->name);
    if (settings_load(ret->rows.rows, from_environment, &ret->process, err) != 0) {
        return -1;
    }
    ret->process_loaded = true;
    if (!connector->settings) {
        return 0;
    }
    void *own = mem_alloc(connector->settings_size);
    if (settings_load(connector->settings, from_environment, own, err) != 0) {
        mem_free(own);
        return -1;
    }
    ret->own = own;
    return 0;
}

static void unload(const connector_t *connector, environment_t *environment)
{
    if (environment->process_loaded) {
        settings_release(environment->rows.rows, &environment->process);
    }
    if (environment->own) {
        settings_release(connector->settings, environment->own);
        mem_free(environment->own);
    }
}

/* What to do */

static int serve(const connector_t *connector, const options_t *options, const environment_t *environment)
{
    const runtime_options_t wanted = {
        .connector = connector,
        .process = &environment->process,
        .settings = environment->own,
        .no_auth_tenant = options->no_auth_tenant,
        .address_file = options->address_file,
    };
    err_t err;

    if (process_settings_check(&environment->process, connector->name, options->no_auth_tenant, &err) != 0) {
        return complain(connector, &err, EXIT_USAGE);
    }
    runtime_t *runtime = runtime_new(&wanted, &err);
    if (!runtime) {
        return complain(connector, &err, err.kind == ERR_CALLER ? EXIT_USAGE : EXIT_FAILURE);
    }
    runtime_serve(runtime);
    runtime_free(runtime);
    return EXIT_SUCCESS;
}

static void open_log(const connector_t *connector, const environment_t *environment)
{
    char process[32];

    snprintf(process, sizeof(process), "mcp-%s", connector->name);
    log_open(STDERR_FILENO, process, (log_level_t)log_level_from_name(environment->process.log_level));
}

static int run(const connector_t *connector, const options_t *options)
{
    environment_t environment = { 0 };
    err_t err;
    int code;

    if (load(connector, &environment, &err) != 0) {
        code = complain(connector, &err, EXIT_USAGE);
    } else {
        open_log(connector, &environment);
        code = options->verb ? options->verb->run(environment.own, options->verb_argc, options->verb_argv)
                             : serve(connector, options, &environment);
    }
    unload(connector, &environment);
    return code;
}

int connector_main(const connector_t *connector, int argc, char **argv)
{
    options_t options;
    err_t err;

    if (parse(connector, argc, argv, &options, &err) != 0) {
        return complain(connector, &err, EXIT_USAGE);
    }
    if (options.print) {
        options.print(connector, stdout);
        return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    return run(connector, &options);
}
