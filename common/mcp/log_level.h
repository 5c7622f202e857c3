/* Levels of log messages: those of RFC 5424 (MCP server/utilities/logging "Log Levels"). */
#pragma once

#include "span.h"

#define LOG_LEVELS_SENTENCE                                                                                  \
    "the log level must be one of debug, info, notice, warning, error, critical, alert, emergency."

int log_level_rank(span_t level); /* 0 is debug; -1: no such level */
