/* Memory: allocation that aborts instead of failing, and release that stands beside the acquire.
 *
 *     AUTO(evbuffer_free) struct evbuffer *out = evbuffer_new();   freed when the scope ends
 *     *ret = TAKE(out);                                            handed on, no longer freed here
 *
 * Out of memory aborts: every size that comes from outside is limited before it gets here.
 */
#pragma once

#include <stddef.h>

void *mem_alloc(size_t size); /* zeroed, never NULL */
void *mem_resize(void *p, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *bytes, size_t length); /* length bytes and a NUL */
char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
void mem_wipe(void *p, size_t size); /* not optimised away; for secrets */

#define NEW(type) ((type *)mem_alloc(sizeof(type)))
#define NEW_ARRAY(type, count) ((type *)mem_array(count, sizeof(type)))
void *mem_array(size_t count, size_t size); /* zeroed; aborts when count * size overflows */

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* The cleanup attribute hands over a pointer to the variable; this makes it call free_fn(variable). */
#define AUTO(free_fn) __attribute__((cleanup(auto_##free_fn)))
#define AUTO_DEFINE(type, free_fn)                                                                           \
    static inline void auto_##free_fn(type *p)                                                               \
    {                                                                                                        \
        if (*p) {                                                                                            \
            free_fn(*p);                                                                                     \
        }                                                                                                    \
    }                                                                                                        \
    struct swallow_semicolon_##free_fn

#define TAKE(p)                                                                                              \
    __extension__({                                                                                          \
        __typeof__(p) take_value = (p);                                                                      \
        (p) = NULL;                                                                                          \
        take_value;                                                                                          \
    })

void mem_free(void *p); /* free(), under a name AUTO can use for any pointer */
static inline void auto_mem_free(void *p)
{
    mem_free(*(void **)p);
}

/* Memory that was freed stays with its thread, for the next call. By itself glibc gives the end of a heap
 * back as soon as 128 KB of it are free, and the pages of the next large body come anew: 10 to 20 faults per
 * request of 64 KB, a third of its cost. */
void mem_keep_spare(void);
/* Now it goes back: what all threads have free, and the end of the calling thread's heap. */
void mem_give_back(void);
