/* The verbs of `guiche`. Each gets what follows its name and returns the exit code: 0, 1 when it could not be
 * done, 2 when it was asked wrongly.
 */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "config.h"
#include "err.h"

int cli_main(int argc, char **argv);

int cli_check(int argc, char **argv);
int cli_token(int argc, char **argv);
int cli_hop_key(int argc, char **argv);
int cli_tools(int argc, char **argv);
int cli_call(int argc, char **argv);

int cli_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));  /* prints "guiche: ..."; 2 */
int cli_failed(const char *format, ...) __attribute__((format(printf, 1, 2))); /* prints "guiche: ..."; 1 */
/* Text that may come from elsewhere, for a terminal: control characters but line breaks and tabs become '?'.
 */
void cli_print(FILE *out, const char *text);

/* Takes `--name value` or `--name=value` at argv[*i]; NULL when argv[*i] is another word. Moves *i past the
 * value. A missing value is "", and has been complained about. */
const char *cli_option(const char *name, int argc, char **argv, int *i);
