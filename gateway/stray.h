/* A question to the client that a legacy connector sends on the stream of its session instead of that of a
 * call (TypeScript servers do so when they are not told which call they ask for). Whose client it is for
 * cannot be known; when just one call is open in that session it is that one's, else the connector gets an
 * error.
 */
#pragma once

#include "gateway.h"
#include "span.h"

/* Main thread. `message`: the whole request, raw JSON that a scan has checked. */
void gateway_stray_question(gateway_t *gateway, const char *connector, span_t session_id, span_t message);
