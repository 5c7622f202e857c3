/* Tools that say something before they answer: progress, log messages. */
#include "conformance.h"

static void with_progress(call_t *call, const void *args)
{
    (void)args;
    call_progress(call, "starting", 0, 100, NULL, NULL);
    call_progress(call, "processing", 50, 100, NULL, NULL);
    call_progress(call, "processing", 100, 100, NULL, NULL);
    call_finish(call, NULL, "Done, with progress.");
}

static void with_logging(call_t *call, const void *args)
{
    static const char *const lines[] = { "Tool execution started", "Tool processing data",
                                         "Tool execution completed" };

    (void)args;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        call_log(call, "info", "conformance", json_string(lines[i]));
    }
    call_finish(call, NULL, "Done, with three log messages.");
}

/* The suite lets a server close the stream here and its client come back for the answer by an event id. Our
 * streams have none: the answer comes on the stream that asked. */
static void reconnection(call_t *call, const void *args)
{
    (void)args;
    call_finish(call, NULL, "Answered on the stream that asked.");
}

static const tool_t with_progress_tool = { .name = "test_tool_with_progress",
                                           .description = "Reports progress: 0, 50 and 100 of 100.",
                                           .read_only = true,
                                           .streams = true,
                                           .run = with_progress };
static const tool_t with_logging_tool = { .name = "test_tool_with_logging",
                                          .description = "Sends three log messages of level info.",
                                          .read_only = true,
                                          .run = with_logging };
static const tool_t logging_tool = { .name = "test_logging_tool",
                                     .description = "Sends log messages to a caller who set a log level.",
                                     .read_only = true,
                                     .run = with_logging };

static const tool_t reconnection_tool = { .name = "test_reconnection",
                                          .description = "Answers without a stream that is taken up again.",
                                          .read_only = true,
                                          .run = reconnection };

const tool_t *const reporting_tools[] = { &with_progress_tool, &with_logging_tool, &logging_tool,
                                          &reconnection_tool, NULL };
