/* A catalog on its way to the workers. */
#pragma once

#include "catalog.h"
#include "gateway.h"

/* Not after worker_drain(). The same catalog may be shown again. said: as for listeners_shown(), which comes
 * when every worker has the catalog. */
void showing_start(const gateway_t *gateway, catalog_t *catalog, const unsigned *said);
