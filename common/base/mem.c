/* Allocation that ends the process instead of failing. See mem.h for why nobody handles out of memory. */
#include "mem.h"

#include <malloc.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef __has_feature /* clang's way to say which sanitizer is on */
#define __has_feature(feature) 0
#endif
/* malloc() is a sanitizer's then. The first word to glibc's own would make it the thread's, which it does not
 * survive when two threads begin at once ("attached_threads > 0" as the second one ends). */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer) ||     \
    __has_feature(thread_sanitizer)
#define MALLOC_IS_GLIBCS 0
#else
#define MALLOC_IS_GLIBCS 1
#endif

#define MAPPED_BYTES 1048576 /* from here on a piece is mapped, and goes back when it is freed */
#define SPARE_BYTES 67108864
#define TRIM_BYTES 131072 /* glibc's own */

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

void mem_keep_spare(void)
{
    if (!MALLOC_IS_GLIBCS) {
        return;
    }
    mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES);
    mallopt(M_TRIM_THRESHOLD, SPARE_BYTES);
}

/* malloc_trim() leaves the end of a thread's heap alone; that is looked at when something large is freed. The
 * threshold is the process's: another thread that is done here would put it back before we have freed. */
void mem_give_back(void)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

    if (!MALLOC_IS_GLIBCS) {
        return;
    }
    pthread_mutex_lock(&one_at_a_time);
    mallopt(M_TRIM_THRESHOLD, TRIM_BYTES);
    void *volatile large = mem_alloc(TRIM_BYTES);
    free(large);
    malloc_trim(0);
    mem_keep_spare();
    pthread_mutex_unlock(&one_at_a_time);
}
