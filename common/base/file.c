/* See file.h. */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include "mem.h"

/* Up to `size` bytes; -1 with errno. */
static ssize_t read_up_to(int fd, char *bytes, size_t size)
{
    size_t length = 0;
    ssize_t n = 1;

    while (length < size && n > 0) {
        n = read(fd, bytes + length, size - length);
        length += n > 0 ? (size_t)n : 0;
    }
    return n < 0 ? -1 : (ssize_t)length;
}

char *file_read(const char *path, size_t max_bytes, size_t *ret_length)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return NULL;
    }
    char *bytes = mem_alloc(max_bytes + 2); /* one more shows that it is too large, and the NUL */
    ssize_t length = read_up_to(fd, bytes, max_bytes + 1);
    int error = length < 0 ? errno : EFBIG;
    close(fd);
    if (length < 0 || (size_t)length > max_bytes) {
        mem_wipe(bytes, max_bytes + 1);
        mem_free(bytes);
        errno = error;
        return NULL;
    }
    bytes[length] = '\0';
    *ret_length = (size_t)length;
    return bytes;
}
