/* Small files read whole. */
#include "file.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mem.h"

static char path[64];

static void make(const char *bytes, size_t length)
{
    strcpy(path, "/tmp/guiche-file-XXXXXX");
    int fd = mkstemp(path);
    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

Test(file, is_read_whole_and_ended_by_a_nul)
{
    size_t length;
    make("a\0b\n", 4);
    char *bytes = file_read(path, 4, &length);

    cr_assert_eq(length, 4);
    cr_assert_arr_eq(bytes, "a\0b\n", 5);
    mem_free(bytes);
    unlink(path);
}

Test(file, over_its_limit_is_refused)
{
    size_t length;
    make("12345", 5);

    cr_assert_null(file_read(path, 4, &length));
    cr_assert_eq(errno, EFBIG);
    unlink(path);
}

Test(file, that_is_empty_missing_or_a_folder)
{
    size_t length = 7;
    make("", 0);
    char *bytes = file_read(path, 10, &length);

    cr_assert_not_null(bytes);
    cr_assert_eq(length, 0);
    mem_free(bytes);
    unlink(path);
    cr_assert_null(file_read(path, 10, &length));
    cr_assert_eq(errno, ENOENT);
    cr_assert_null(file_read("/tmp", 10, &length));
}
