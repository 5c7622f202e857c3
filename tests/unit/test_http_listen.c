/* Listening: addresses, what is said when one is taken, and unix sockets that were left behind. */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "http_server.h"
#include "mem.h"

static err_t err;
static char folder[64], address[128];

static void make_folder(void)
{
    snprintf(folder, sizeof(folder), "/tmp/guiche-listen-XXXXXX");
    cr_assert(mkdtemp(folder));
    snprintf(address, sizeof(address), "unix:%s/a.sock", folder);
}

static void remove_folder(void)
{
    AUTO(mem_free) char *command = mem_printf("rm -rf %s", folder);

    cr_expect_eq(system(command), 0);
}

static void expect_refused(const char *where, const char *said)
{
    cr_expect_eq(http_listen(where, false, &err), -1, "%s", where);
    cr_expect(strstr(err.text, said), "%s: %s", where, err.text);
    cr_expect(strstr(err.text, where + (strncmp(where, "unix:", 5) == 0 ? 5 : 0)), "it names the address: %s",
              err.text);
}

Test(http_listen, says_which_port_it_got)
{
    int fd = http_listen("127.0.0.1:0", false, &err);
    AUTO(mem_free) char *bound = http_listen_address(fd);
    int on = 0;
    socklen_t size = sizeof(on);

    cr_assert_geq(fd, 0);
    cr_expect_eq(strncmp(bound, "127.0.0.1:", 10), 0);
    cr_expect_gt(atoi(bound + 10), 0);
    cr_expect(http_listen_is_local(fd));
    getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &size);
    cr_expect_eq(on, 1);
    close(fd);
}

Test(http_listen, knows_loopback_from_all_addresses)
{
    int all = http_listen("0.0.0.0:0", false, &err), v6 = http_listen("[::1]:0", false, &err);
    int name = http_listen("localhost:0", false, &err);

    cr_assert(all >= 0 && name >= 0);
    cr_expect_not(http_listen_is_local(all));
    cr_expect(http_listen_is_local(name));
    if (v6 >= 0) {
        AUTO(mem_free) char *bound = http_listen_address(v6);
        cr_expect_eq(strncmp(bound, "[::1]:", 6), 0);
        cr_expect(http_listen_is_local(v6));
    }
}

Test(http_listen, refuses_what_is_no_address)
{
    static const char *const wrong[] = { "8080",           ":8080",    "127.0.0.1",       "127.0.0.1:",
                                         "127.0.0.1:http", "::1:8080", "127.0.0.1:65536", "[::1:80",
                                         "127.0.0.1:-1",   "" };

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        expect_refused(wrong[i], "is no address to listen on");
    }
    expect_refused("example.com:80", "is no IP address");
    expect_refused("192.0.2.1:0", "does not have that address");
}

Test(http_listen, says_that_a_port_is_in_use)
{
    int fd = http_listen("127.0.0.1:0", false, &err);
    AUTO(mem_free) char *bound = http_listen_address(fd);

    expect_refused(bound, "another program does already");
    cr_expect_eq(http_listen(bound, true, &err), -1, "nor can it be shared with one that does not share");
    close(fd);
}

Test(http_listen, shares_a_port_among_workers_but_not_with_strangers)
{
    int workers[3], strangers[2];

    cr_assert_eq(http_listen_shared("127.0.0.1:0", workers, 3, &err), 0, "%s", err.text);
    AUTO(mem_free) char *first = http_listen_address(workers[0]), *last = http_listen_address(workers[2]);
    cr_expect_str_eq(first, last);
    cr_expect_eq(http_listen_shared(first, strangers, 2, &err), -1);
    cr_expect(strstr(err.text, "another program does already"), "%s", err.text);
}

Test(http_listen, shares_a_unix_socket_by_its_descriptor, .init = make_folder, .fini = remove_folder)
{
    int workers[2];

    cr_assert_eq(http_listen_shared(address, workers, 2, &err), 0, "%s", err.text);
    AUTO(mem_free) char *last = http_listen_address(workers[1]);
    cr_expect_str_eq(last, address);
    cr_expect(http_listen_is_local(workers[1]));
}

Test(http_listen, makes_a_unix_socket_for_its_group_only, .init = make_folder, .fini = remove_folder)
{
    struct stat found;
    AUTO(mem_free) char *deeper = mem_printf("unix:%s/new/b.sock", folder);

    umask(0);
    cr_assert_geq(http_listen(deeper, false, &err), 0, "%s", err.text);
    stat(deeper + 5, &found);
    cr_expect_eq(found.st_mode & 0777, 0660u);
    strrchr(deeper, '/')[0] = '\0';
    stat(deeper + 5, &found);
    cr_expect_eq(found.st_mode & 0777, 0750u);
}

Test(http_listen, replaces_a_stale_unix_socket, .init = make_folder, .fini = remove_folder)
{
    int fd = http_listen(address, false, &err);

    cr_assert_geq(fd, 0, "%s", err.text);
    close(fd);
    fd = http_listen(address, false, &err);
    cr_expect_geq(fd, 0, "%s", err.text);
    close(fd);
}

Test(http_listen, leaves_a_unix_socket_alone_on_which_somebody_answers, .init = make_folder,
     .fini = remove_folder)
{
    int fd = http_listen(address, false, &err);

    cr_assert_geq(fd, 0, "%s", err.text);
    expect_refused(address, "another process answers there");
    close(fd);
}

Test(http_listen, leaves_a_file_alone_that_is_no_socket, .init = make_folder, .fini = remove_folder)
{
    FILE *file = fopen(address + 5, "w");

    fputs("precious", file);
    fclose(file);
    expect_refused(address, "no socket");
    cr_expect_eq(access(address + 5, F_OK), 0);
}

Test(http_listen, says_when_there_is_no_folder_to_put_a_socket, .init = make_folder, .fini = remove_folder)
{
    AUTO(mem_free) char *deep = mem_printf("unix:%s/no/such/c.sock", folder);
    char *too_long = mem_printf("unix:/tmp/%0120d", 1);

    expect_refused(deep, "Cannot make the folder");
    expect_refused(too_long, "must have 1 to 107 bytes");
    mem_free(too_long);
}
