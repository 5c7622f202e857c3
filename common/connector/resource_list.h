/* The resources of a connector and the templates of those that cannot be listed. */
#pragma once

#include "entry.h"

typedef struct {
    entry_list_t listed, templates;
} resource_list_t;

/* NULL with ERR_INTERNAL when a declaration is wrong, in a sentence for its author. */
resource_list_t *resource_list_new(const connector_t *connector, metrics_t *metrics, err_t *err);
void resource_list_free(resource_list_t *list);

/* Whose URI this is: a listed resource's, else the first template's that matches; NULL: nobody's. */
const entry_t *resource_list_find(const resource_list_t *list, span_t uri);
/* The variables of a template's URI as an object of strings: a new reference. */
json_t *resource_variables(const resource_template_t *resource_template, span_t uri);
