/* What a connector prints about itself: for a person at a terminal, for .env, for docs/. All of it comes from
 * its tables. */
#pragma once

#include <stdio.h>

#include "connector.h"

typedef void (*manual_f)(const connector_t *connector, FILE *out);
void manual_help(const connector_t *connector, FILE *out);
void manual_version(const connector_t *connector, FILE *out);
void manual_env_example(const connector_t *connector, FILE *out);
void manual_markdown(const connector_t *connector, FILE *out);
