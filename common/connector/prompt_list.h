/* The prompts of a connector. */
#pragma once

#include "entry.h"

/* Fills a zeroed list. -1 with ERR_INTERNAL when a declaration is wrong, in a sentence for its author. */
int prompt_list_fill(entry_list_t *list, const connector_t *connector, metrics_t *metrics, err_t *err);
