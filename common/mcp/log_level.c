/* See log_level.h. */
#include "log_level.h"

#include "mem.h"

int log_level_rank(span_t level)
{
    static const char *const levels[] = { "debug", "info",     "notice", "warning",
                                          "error", "critical", "alert",  "emergency" };

    for (size_t i = 0; i < COUNT_OF(levels); i++) {
        if (span_is(level, levels[i])) {
            return (int)i;
        }
    }
    return -1;
}
