/* What fuzz targets share. A target is one function that libFuzzer (or replay.c) calls with one input; it
 * must not keep anything from one call to the next, and returns 0. What must hold is said with MUST().
 *
 * Inputs are what the wire would carry, so that a corpus file can be read, and made by hand. How an input is
 * cut into pieces is therefore not part of it: a target runs all the ways below, and the last two follow from
 * the input's own bytes, so that a find can be repeated.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Also in builds without assertions. */
#define MUST(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))
_Noreturn void fuzz_broken(const char *condition, const char *file, int line);

/* In one piece, byte by byte, and twice at random. */
#define FUZZ_WAYS 4

typedef struct {
    unsigned way;
    uint64_t state;
} fuzz_cut_t;

fuzz_cut_t fuzz_cut(unsigned way, const uint8_t *data, size_t size);
size_t fuzz_next_piece(fuzz_cut_t *cut, size_t left); /* 1..left; left > 0 */
