/* The environment every connector reads, whatever it connects. */
#pragma once

#include "connector.h"

typedef struct {
    const char *listen, *hop_key, *environment, *log_level;
    int64_t call_timeout_ms, helpers;
} process_settings_t;

/* The rows of process_settings_t; the default of LISTEN names the connector, so they are made, not static. */
typedef struct {
    field_t rows[7];
    char listen[128];
} process_rows_t;
void process_rows_init(process_rows_t *ret, const char *connector);

/* What the rows cannot say: -1 with a sentence. */
int process_settings_check(const process_settings_t *process, const char *connector,
                           const char *no_auth_tenant, err_t *err);
bool process_is_production(const process_settings_t *process);
