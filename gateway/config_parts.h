/* What the files of config_*.c share: reading one section of the file, or the environment, into a config. */
#pragma once

#include "config.h"
#include "config_yaml.h"
#include "fields.h"

/* A variable's value, or what the file named by NAME_FILE holds (Docker and Kubernetes secrets; one newline
 * at the end is dropped). *ret is NULL when neither is set; caller frees. */
int config_variable(config_lookup_f lookup, const char *name, char **ret, err_t *err);

/* Rows' readers for `auth:` and `connectors:`; into is the config_t itself. */
int config_read_auth(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int config_read_connectors(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);

/* The environment alone, and its rows for .env.example and docs. */
extern const field_t config_environment_rows[];
int config_read_environment(config_t *config, config_lookup_f lookup, err_t *err);

/* Rows' readers for the headers of a connector (config_headers.c); into is the connector_config_t itself. */
int config_read_forward_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int config_read_fixed_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int config_read_required_headers(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
void config_free_headers(connector_config_t *connector);

/* Fills what follows from a connector's url, prefix and name (hop address, usual prefix, trust). */
int config_finish_connector(connector_config_t *connector, err_t *err);
/* Where none were named: the headers of users that a trusted connector of a built-in name takes. */
void config_usual_headers(connector_config_t *connector);
bool config_is_built_in(const char *connector_name); /* odoo, qdrant, chatwoot, qlik, crm */

/* Adds a secret both to the keys and as the one that `guiche token` signs with (the first one). */
int config_add_secret(config_t *config, const char *secret, err_t *err);

/* config_command.c: a connector's command, env ("NAME=value") and cwd. */
int config_read_command(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int config_read_env(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err);
int config_finish_command(connector_config_t *connector, err_t *err);
void config_free_command(connector_config_t *connector);
int config_check_commands(const config_t *config, err_t *err);
void config_warn_commands(config_t *config);

/* What holds across sections: who may listen where, which secrets go together, unique names. path names the
 * file in errors. */
int config_check(const config_t *config, const char *path, err_t *err);

/* Visible ASCII that may stand between quotes in a header (WWW-Authenticate). */
bool config_is_quotable(const char *text);
void config_free_secret(char *secret); /* wiped first; NULL is fine */
void config_warn(config_t *config, const char *sentence);
