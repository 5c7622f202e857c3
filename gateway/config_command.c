/* `command:`, `env:` and `cwd:` of a connector: a server that the gateway runs itself and speaks to on its
 * standard streams. Whoever may write the configuration then runs programs as the gateway's user, so it has
 * to be allowed once, at the top of the file.
 */
#include <string.h>

#include "config_parts.h"
#include "mem.h"
#include "texts.h"

int config_read_command(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    if (node->type != YAML_SEQUENCE_NODE || yaml_length(node) == 0) {
        return yaml_refuse(
            file, node, err,
            "command is a list, the program and its arguments: [npx, -y, some-server]; no shell reads it.");
    }
    return yaml_read_texts(file, node, into, err);
}

static bool is_variable_name(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    return strspn(name, allowed) == strlen(name) && strspn(name, "0123456789") == 0;
}

static int read_variable(yaml_file_t *file, yaml_node_t *key_node, char *key, yaml_node_t *value, void *self,
                         err_t *err)
{
    AUTO(mem_free) char *name = key;
    AUTO(mem_free) char *text = NULL;
    if (!is_variable_name(name)) {
        return yaml_refuse(file, key_node, err, "\"%.64s\" is no name of a variable.", name);
    }
    if (yaml_scalar(file, value, &text, err)) {
        return -1;
    }
    texts_add(self, mem_printf("%s=%s", name, text ? text : ""));
    if (text) {
        mem_wipe(text, strlen(text));
    }
    return 0;
}

int config_read_env(yaml_file_t *file, yaml_node_t *node, void *into, err_t *err)
{
    return yaml_pairs(file, node, read_variable, into, err);
}

int config_finish_command(connector_config_t *connector, err_t *err)
{
    if (!connector->command) {
        return connector->env || connector->cwd
                   ? err_set(err, ERR_CALLER, "env and cwd belong to a command; this connector has a url.")
                   : 0;
    }
    if (connector->url) {
        return err_set(err, ERR_CALLER, "it has both a url and a command; give one.");
    }
    if (connector->trusted) {
        return err_set(err, ERR_CALLER, "trust: guiche is for connectors that are reached by a url.");
    }
    if (connector->forward_count > 0 || connector->fixed_count > 0 || connector->hop.ca_file) {
        return err_set(err, ERR_CALLER,
                       "a command gets no headers and has no certificate; what it must know goes into env.");
    }
    connector->url = mem_printf("stdio:%s", connector->name);
    return 0;
}

void config_free_command(connector_config_t *connector)
{
    texts_free(connector->command);
    texts_wipe(connector->env);
    mem_free(connector->cwd);
}

int config_check_commands(const config_t *config, err_t *err)
{
    for (size_t i = 0; i < config->connector_count; i++) {
        if (config->connectors[i].command && !config->allow_commands) {
            return err_set(
                err, ERR_CALLER,
                "the connector %s has a command, which the gateway would run as its own user; write "
                "allow_commands: true at the top of the file if that is meant.",
                config->connectors[i].name);
        }
    }
    return 0;
}

void config_warn_commands(config_t *config)
{
    for (size_t i = 0; config->production && i < config->connector_count; i++) {
        const connector_config_t *connector = &config->connectors[i];
        if (connector->command) {
            AUTO(mem_free)
            char *sentence =
                mem_printf("The connector %s runs a command on this machine, as the gateway's user and one "
                           "process for all callers, and ENVIRONMENT is production.",
                           connector->name);
            config_warn(config, sentence);
        }
    }
}
