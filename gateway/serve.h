/* Runs the gateway until it is told to stop: workers, discovery, signals. */
#pragma once

/* config_path NULL: the environment alone. Returns the process's exit code; failures to start are one
 * sentence on stderr. */
int serve_run(const char *config_path);
