/* Telling a legacy connector that a call of ours is cancelled. A modern one sees that its connection is
 * closed (MCP 2026-07-28 basic/patterns/cancellation); a legacy one wants a notification (2025-11-25
 * basic/utilities/cancellation), which nobody waits for. Only within a session: without one our ids mean
 * nothing to the connector.
 */
#pragma once

#include "worker.h"

/* Does nothing for connectors that need no telling. */
void notify_cancelled(view_t *view, size_t connector, uint64_t request_id);
void notify_cancel_all(worker_t *worker); /* at the end of a worker */
