/* See samples.h. */
#include "samples.h"

#include <stdlib.h>

#include "wire.h"

#define NS_PER_UNIT 100

void samples_add(samples_t *samples, int64_t ns)
{
    int64_t units = ns / NS_PER_UNIT;

    if (samples->count == samples->room) {
        samples->room = samples->room ? samples->room * 2 : 1 << 20;
        samples->at = checked(realloc(samples->at, samples->room * sizeof(*samples->at)));
    }
    samples->at[samples->count++] = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX;
}

static int by_time(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

void samples_sort(samples_t *samples)
{
    if (samples->count > 0) {
        qsort(samples->at, samples->count, sizeof(*samples->at), by_time);
    }
}

double samples_at(const samples_t *samples, double share)
{
    if (samples->count == 0) {
        return 0;
    }
    return samples->at[(size_t)((double)(samples->count - 1) * share)] * (NS_PER_UNIT / 1e3);
}
