/* UUIDv7: 48 bits of milliseconds, a counter of 12 bits that starts anew each millisecond, 62 random bits.
 * See ids.h. */
#include "ids.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#define COUNTER_MAX 0xfff

const char *id_new(int64_t unix_ms, char out[ID_SIZE])
{
    static int64_t last_ms;
    static unsigned counter;
    uint64_t random;

    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
        abort(); /* cannot happen after the pool of the kernel is ready; an id that repeats must not */
    }
    if (unix_ms > last_ms) {
        last_ms = unix_ms;
        counter = 0;
    } else if (++counter > COUNTER_MAX) { /* also when the clock was set back: stay in order */
        last_ms++;
        counter = 0;
    }
    snprintf(out, ID_SIZE, "%08" PRIx64 "-%04" PRIx64 "-7%03x-%04x-%012" PRIx64,
             (uint64_t)last_ms >> 16 & 0xffffffff, (uint64_t)last_ms & 0xffff, counter,
             0x8000u | (unsigned)(random >> 50), random & 0xffffffffffff);
    return out;
}
