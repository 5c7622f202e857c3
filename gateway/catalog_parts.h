/* Shared by catalog.c and catalog_build.c alone. */
#pragma once

#include "catalog.h"

uint32_t *catalog_slot(const catalog_t *catalog, span_t name);
void catalog_tool_release(catalog_tool_t *tool);
