/* See fuzz.h. */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

void fuzz_broken(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
    abort();
}

/* FNV-1a. */
static uint64_t hash(const uint8_t *data, size_t size, uint64_t seed)
{
    uint64_t sum = 0xcbf29ce484222325u + seed;

    for (size_t i = 0; i < size; i++) {
        sum = (sum ^ data[i]) * 0x100000001b3u;
    }
    return sum | 1;
}

fuzz_cut_t fuzz_cut(unsigned way, const uint8_t *data, size_t size)
{
    return (fuzz_cut_t){ way, hash(data, size, way) };
}

/* Marsaglia's xorshift. Small pieces mostly: it is inside of short tokens that readers trip. */
static size_t random_piece(fuzz_cut_t *cut)
{
    cut->state ^= cut->state << 13;
    cut->state ^= cut->state >> 7;
    cut->state ^= cut->state << 17;
    return 1 + cut->state % (cut->state & 0x100 ? 7 : 61);
}

size_t fuzz_next_piece(fuzz_cut_t *cut, size_t left)
{
    size_t piece = cut->way == 0 ? left : cut->way == 1 ? 1 : random_piece(cut);

    return piece < left ? piece : left;
}
