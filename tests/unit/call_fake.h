/* A fake of the connector runtime for the tests of tools: call_fake.c implements what connector.h promises
 * them, on a real loop, and keeps what a call said. */
#pragma once

#include <jansson.h>

#include "connector.h"

typedef struct {
    loop_t *loop;
    void *state;          /* what call_state() says */
    const void *settings; /* what call_settings() says */
    int64_t left_ms;      /* what call_left_ms() says */
    bool cancel_first;    /* cancel the call as soon as run() has returned */
    /* of the last call */
    json_t *result;
    char *text;
    bool failed;
    err_t err;
    int progress_count;
    char stages[512]; /* "starting processing comparing" */
    double last_done, last_total;
} call_fake_t;

void call_fake_init(call_fake_t *fake, void *state, const void *settings);
void call_fake_clear(call_fake_t *fake);

/* From a NULL-ended list. */
const tool_t *call_fake_tool(const tool_t *const *tools, const char *name);
/* Decodes the arguments by the tool's rows and runs it to its end. The result (borrowed) or NULL when it
 * failed. */
json_t *call_fake_run(call_fake_t *fake, const tool_t *tool, const char *tenant, const char *arguments);
