/* See process.h. */
#include "process.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <criterion/criterion.h>

#include "buf.h"
#include "clock.h"
#include "mem.h"

#define MAX_WORDS 16

/* A test is a process and keeps what it asked for; the leaks that count are those of the program it runs. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

static void wait_a_little(void)
{
    nanosleep(&(struct timespec){ 0, 10000000 }, NULL);
}

static char *read_file(const char *path)
{
    buf_t text = { 0 };
    char chunk[4096];
    FILE *file = fopen(path, "r");

    for (size_t n = 1; file && n > 0;) {
        n = fread(chunk, 1, sizeof(chunk), file);
        buf_add(&text, chunk, n);
    }
    if (file) {
        fclose(file);
    }
    return buf_steal(&text);
}

static char *path_in(const char *folder, const char *name)
{
    return mem_printf("%s/%s", folder, name);
}

static size_t add_words(char **words, size_t count, const char *const *more)
{
    for (size_t i = 0; more && more[i]; i++) {
        cr_assert_lt(count, MAX_WORDS - 1);
        words[count++] = mem_strdup(more[i]);
    }
    return count;
}

/* The sanitizers' options are about the test, not about what it tests. */
static void add_sanitizer_options(char **environment, size_t count)
{
    static const char *const names[] = { "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS" };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const char *value = getenv(names[i]);
        if (value) {
            environment[count++] = mem_printf("%s=%s", names[i], value);
        }
    }
}

static void redirect(const char *folder, const char *name, int to)
{
    int fd = open(path_in(folder, name), O_WRONLY | O_CREAT | O_TRUNC, 0600);

    dup2(fd, to);
    close(fd);
}

static pid_t spawn(const char *folder, const char *program, const char *const *args,
                   const char *const *more_args, const char *const *environment)
{
    char *argv[MAX_WORDS] = { mem_strdup(program) };
    char *envp[MAX_WORDS + 3] = { 0 };

    add_words(argv, add_words(argv, 1, args), more_args);
    add_sanitizer_options(envp, add_words(envp, 0, environment));
    pid_t pid = fork();
    if (pid == 0) {
        redirect(folder, "out", STDOUT_FILENO);
        redirect(folder, "err", STDERR_FILENO);
        execve(program, argv, envp);
        _exit(127);
    }
    return pid;
}

static int wait_for_end(pid_t pid)
{
    int64_t until_ms = clock_ms() + PROCESS_PATIENCE_S * 1000;
    int status;

    while (waitpid(pid, &status, WNOHANG) == 0) {
        if (clock_ms() > until_ms) {
            kill(pid, SIGKILL);
            cr_assert_fail("the process did not end");
        }
        wait_a_little();
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void make_folder(char folder[64])
{
    strcpy(folder, "/tmp/guiche-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(const char *folder)
{
    static const char *const names[] = { "out", "err", "address", "sock" };

    for (size_t i = 0; i < COUNT_OF(names); i++) {
        unlink(path_in(folder, names[i]));
    }
    rmdir(folder);
}

process_t process_start(const char *program, const char *const *args, const char *const *environment)
{
    process_t process = { 0 };
    int64_t until_ms = clock_ms() + PROCESS_PATIENCE_S * 1000;
    struct stat about;

    make_folder(process.folder);
    char *file = path_in(process.folder, "address");
    const char *const more[] = { "--address-file", file, NULL };
    process.pid = spawn(process.folder, program, args, more, environment);
    while (stat(file, &about) != 0) {
        if (clock_ms() > until_ms || waitpid(process.pid, NULL, WNOHANG) != 0) {
            cr_assert_fail("it does not listen: %s", process_stderr(&process));
        }
        wait_a_little();
    }
    snprintf(process.address, sizeof(process.address), "%s", read_file(file));
    process.address[strcspn(process.address, "\n")] = '\0';
    return process;
}

char *process_stderr(const process_t *process)
{
    return read_file(path_in(process->folder, "err"));
}

int process_stop(process_t *process, int signal)
{
    kill(process->pid, signal);
    int code = wait_for_end(process->pid);
    if (code != 0 && code != -signal) {
        fprintf(stderr, "%s", process_stderr(process));
    }
    cr_assert_neq(access(path_in(process->folder, "address"), F_OK), 0, "the address file is still there");
    remove_folder(process->folder);
    return code;
}

int process_run(const char *program, const char *const *args, const char *const *environment,
                char **ret_stdout, char **ret_stderr)
{
    char folder[64];

    make_folder(folder);
    int code = wait_for_end(spawn(folder, program, args, NULL, environment));
    *ret_stdout = read_file(path_in(folder, "out"));
    *ret_stderr = read_file(path_in(folder, "err"));
    remove_folder(folder);
    return code;
}

/* HTTP, as little as is needed */

static int connect_unix(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s: %m", path);
    return fd;
}

static int connect_tcp(const char *host_port)
{
    struct sockaddr_in address = { .sin_family = AF_INET };
    const char *colon = strrchr(host_port, ':');
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)atoi(colon + 1));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    cr_assert_eq(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0, "%s: %m", host_port);
    return fd;
}

int process_connect(const process_t *process)
{
    bool is_unix = strncmp(process->address, "unix:", 5) == 0;
    int fd = is_unix ? connect_unix(process->address + 5) : connect_tcp(process->address);
    struct timeval patience = { .tv_sec = PROCESS_PATIENCE_S };

    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    return fd;
}

void process_send(int fd, const char *method, const char *path, const char *headers, const char *body)
{
    char *request =
        mem_printf("%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                   "Accept: application/json, text/event-stream\r\nContent-Length: %zu\r\n%s\r\n%s",
                   method, path, strlen(body), headers, body);

    cr_assert_eq(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
}

static bool is_whole(buf_t *text)
{
    const char *head_end = strstr(buf_text(text), "\r\n\r\n");
    const char *length = strcasestr(buf_text(text), "\r\ncontent-length:");

    if (!head_end) {
        return false;
    }
    size_t body_length = text->length - (size_t)(head_end + 4 - text->data);
    if (length && length < head_end) {
        return body_length >= strtoul(length + sizeof("\r\ncontent-length:") - 1, NULL, 10);
    }
    return body_length >= 5 && memcmp(text->data + text->length - 5, "0\r\n\r\n", 5) == 0;
}

reply_t process_read(int fd)
{
    buf_t text = { 0 };
    char chunk[4096];

    while (!is_whole(&text)) {
        ssize_t n = recv(fd, chunk, sizeof(chunk), 0);
        cr_assert_geq(n, 0, "no answer: %m");
        if (n == 0) {
            break;
        }
        buf_add(&text, chunk, (size_t)n);
    }
    reply_t reply = { .head = buf_steal(&text) };
    char *end = strstr(reply.head, "\r\n\r\n");
    reply.body = end ? end + 4 : "";
    if (end) {
        end[2] = '\0';
    }
    sscanf(reply.head, "HTTP/1.1 %d", &reply.status);
    return reply;
}

reply_t process_ask(const process_t *process, const char *method, const char *path, const char *headers,
                    const char *body)
{
    int fd = process_connect(process);

    process_send(fd, method, path, headers, body);
    reply_t reply = process_read(fd);
    close(fd);
    return reply;
}
