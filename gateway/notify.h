/* What is posted to a legacy connector beside a call: that the call is cancelled (2025-11-25
 * basic/utilities/cancellation), and what the client has answered to its questions. Nobody waits for more
 * than its 202.
 */
#pragma once

#include "worker.h"

/* `lines` are ready headers; `body` is taken. */
void notify_post(view_t *view, size_t connector, span_t lines, buf_t *body);
void notify_cancel_all(worker_t *worker); /* at the end of a worker */
