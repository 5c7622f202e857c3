/* What http_response.c asks of http_response_head.c. */
#pragma once

#include "http_response.h"

int http_response_refuse(err_t *err, const char *what); /* always -1 */
bool http_response_is_clean(span_t text);               /* no control characters but tabs */
/* A block of whole lines, each of which ends in CRLF, the last one empty. Fills in status, spans and what
 * decides on the framing. */
int http_response_read_head(http_response_t *response, span_t block, err_t *err);
int http_response_read_trailers(span_t block, err_t *err);
