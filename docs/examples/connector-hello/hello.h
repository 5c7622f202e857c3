/* What the files of this connector share: its settings, its state, its tools, its one operation. */
#pragma once

#include "connector.h"

typedef struct {
    const char *greeting;
} settings_t;

typedef struct {
    loop_t *loop; /* a real connector keeps its connections to the upstream here */
} hello_t;

extern const tool_t greet_tool, countdown_tool;

/* Calls back after so many milliseconds; not at all once the call has ended. */
void pause_ms(call_t *call, int64_t ms, loop_f cb, void *self);
