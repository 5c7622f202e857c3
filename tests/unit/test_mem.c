/* Spare memory: kept while there is work, given back when there is none. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "mem.h"

#define PIECES 320
#define PIECE_BYTES 65536 /* 20 MiB in all */

static size_t resident_bytes(void)
{
    unsigned long size = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "r");

    cr_assert_not_null(file);
    cr_assert_eq(fscanf(file, "%lu %lu", &size, &resident), 2);
    fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void use_and_free(void)
{
    char *pieces[PIECES];

    for (size_t i = 0; i < PIECES; i++) {
        pieces[i] = mem_alloc(PIECE_BYTES);
        memset(pieces[i], (int)i + 1, PIECE_BYTES);
    }
    for (size_t i = 0; i < PIECES; i++) {
        mem_free(pieces[i]);
    }
}

Test(mem, keeps_what_was_freed_until_it_is_told_to_give_it_back)
{
#ifdef __SANITIZE_ADDRESS__
    cr_skip("a sanitizer has an allocator of its own");
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
    cr_skip("a sanitizer has an allocator of its own");
#endif
#endif
    size_t all = (size_t)PIECES * PIECE_BYTES;
    size_t before = resident_bytes();

    mem_keep_spare();
    use_and_free();
    size_t kept = resident_bytes();
    mem_give_back();
    size_t after = resident_bytes();

    cr_expect_geq(kept, before + all / 2, "%zu bytes, %zu before", kept, before);
    cr_expect_leq(after, before + all / 4, "%zu bytes, %zu before", after, before);
}
