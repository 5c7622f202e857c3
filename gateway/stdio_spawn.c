/* See stdio_spawn.h. posix_spawn(), because a fork would copy what a gateway with threads holds. Every
 * descriptor but the three is closed in the child, and no signal stays blocked or ignored there. */
#include "stdio_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"
#include "texts.h"

static bool is_given(char *const *env, const char *name)
{
    size_t length = strlen(name);

    for (; env && *env; env++) {
        if (strncmp(*env, name, length) == 0 && (*env)[length] == '=') {
            return true;
        }
    }
    return false;
}

static char **make_environment(char *const *given)
{
    static const char *const kept[] = { "PATH", "HOME", "LANG", "TMPDIR" };
    char **env = NEW(char *);

    for (char *const *variable = given; variable && *variable; variable++) {
        texts_add(&env, mem_strdup(*variable));
    }
    for (size_t i = 0; i < COUNT_OF(kept); i++) {
        const char *value = getenv(kept[i]);
        if (value && !is_given(given, kept[i])) {
            texts_add(&env, mem_printf("%s=%s", kept[i], value));
        }
    }
    return env;
}

/* Its ends are those that the child gets; ours do not block. */
typedef struct {
    int ours[STDIO_STREAMS], its[STDIO_STREAMS];
} pipes_t;

static void close_all(int *fds)
{
    for (int i = 0; i < STDIO_STREAMS; i++) {
        if (fds[i] >= 0) {
            close(fds[i]);
        }
    }
}

static int open_pipes(pipes_t *pipes)
{
    memset(pipes, -1, sizeof(*pipes));
    for (int i = 0; i < STDIO_STREAMS; i++) {
        int ends[2];
        if (pipe2(ends, O_CLOEXEC) < 0) {
            return -1;
        }
        bool reads = i == STDIO_INPUT; /* the child does */
        pipes->its[i] = ends[reads ? 0 : 1];
        pipes->ours[i] = ends[reads ? 1 : 0];
        fcntl(pipes->ours[i], F_SETFL, O_NONBLOCK);
    }
    return 0;
}

static void set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
}

static void set_files(posix_spawn_file_actions_t *files, const pipes_t *pipes, const char *cwd)
{
    for (int i = 0; i < STDIO_STREAMS; i++) {
        posix_spawn_file_actions_adddup2(files, pipes->its[i], i);
    }
    posix_spawn_file_actions_addclosefrom_np(files, STDIO_STREAMS);
    if (cwd) {
        posix_spawn_file_actions_addchdir_np(files, cwd);
    }
}

static int spawn(const stdio_program_t *program, const pipes_t *pipes, pid_t *ret_pid)
{
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_t files;
    char **env = make_environment(program->env);

    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_init(&files);
    set_attributes(&attributes);
    set_files(&files, pipes, program->cwd);
    int failure = posix_spawnp(ret_pid, program->command[0], &files, &attributes, program->command, env);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    texts_wipe(env);
    return failure;
}

/* posix_spawn() tells a folder that is missing and a program that is missing by the same number. */
static int refuse(const stdio_program_t *program, int failure, err_t *err)
{
    AUTO(mem_free) char *folder = program->cwd ? mem_printf("%s/.", program->cwd) : NULL;

    if (folder && access(folder, X_OK) < 0) {
        return err_set(err, ERR_UPSTREAM, "Its folder %.128s cannot be entered (%s)", program->cwd,
                       strerror(errno));
    }
    return err_set(err, ERR_UPSTREAM, "Its command %.128s cannot be started (%s)", program->command[0],
                   strerror(failure));
}

int stdio_spawn(const stdio_program_t *program, pid_t *ret_pid, int ret_fds[STDIO_STREAMS], err_t *err)
{
    pipes_t pipes;

    if (open_pipes(&pipes)) {
        close_all(pipes.its);
        close_all(pipes.ours);
        return err_set(err, ERR_INTERNAL, "Its process got no pipes: the gateway is out of descriptors");
    }
    int failure = spawn(program, &pipes, ret_pid);
    close_all(pipes.its);
    if (failure) {
        close_all(pipes.ours);
        return refuse(program, failure, err);
    }
    memcpy(ret_fds, pipes.ours, sizeof(pipes.ours));
    return 0;
}
