/* Times of single answers: every one is kept, so that a percentile is exact. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t *at; /* units of 100 ns: room for seven minutes */
    size_t count, room;
} samples_t;

void samples_add(samples_t *samples, int64_t ns);
void samples_sort(samples_t *samples);
double samples_at(const samples_t *samples, double share); /* microseconds; sorted; 0 when there are none */
