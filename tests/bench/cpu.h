/* CPU time of another process, as the scheduler counts it (nanoseconds, not ticks). */
#pragma once

#include <stdint.h>

typedef struct {
    int64_t used_ns, waited_ns; /* on a core; ready to run, but others had it */
} cpu_t;

cpu_t cpu_of(int pid); /* all its threads that live; zeros when there is no such process */
cpu_t cpu_between(cpu_t before, cpu_t after);
