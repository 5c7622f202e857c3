/* Allocation that ends the process instead of failing. See mem.h for why nobody handles out of memory. */
#include "mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void *checked(void *p)
{
    static const char text[] = "guiche: out of memory\n";

    if (!p) {
        /* Neither stdio nor the log: both may allocate. */
        ssize_t ignored = write(STDERR_FILENO, text, sizeof(text) - 1);
        (void)ignored;
        abort();
    }
    return p;
}

void *mem_alloc(size_t size)
{
    return checked(calloc(1, size > 0 ? size : 1));
}

void *mem_array(size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total)) {
        abort();
    }
    return mem_alloc(total);
}

void *mem_resize(void *p, size_t size)
{
    return checked(realloc(p, size > 0 ? size : 1));
}

char *mem_strdup(const char *text)
{
    return checked(strdup(text));
}

char *mem_strndup(const char *bytes, size_t length)
{
    char *copy = mem_alloc(length + 1);

    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

char *mem_printf(const char *format, ...)
{
    va_list args;
    char *text = NULL;

    va_start(args, format);
    int length = vasprintf(&text, format, args);
    va_end(args);
    return checked(length < 0 ? NULL : text);
}

void mem_wipe(void *p, size_t size)
{
    if (p) {
        explicit_bzero(p, size);
    }
}

void mem_free(void *p)
{
    free(p);
}
