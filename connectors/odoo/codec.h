/* Values of JSON as XML-RPC and back, by libxmlrpc-c used as nothing but a codec (its transport blocks).
 * xml_guard.h is what makes it carry every text and every number.
 *
 *     JSON                          XML-RPC
 *     integer                       <int>, beyond 32 bits <i8>
 *     real                          <double>, to the last digit
 *     true, false, string, null     <boolean>, <string>, <nil/>
 *     array, object                 <array>, <struct>
 *
 * Back: <dateTime.iso8601> becomes its text, <base64> a note of its size (Odoo sends neither; its dates and
 * its binary fields are strings), a <double> that is no finite number null. Safe on helper threads.
 */
#pragma once

#include <jansson.h>

#include "buf.h"
#include "err.h"
#include "span.h"

/* Once per process, before the first reply: how many bytes of XML a reply may have. The library's own limit
 * is 512 KiB and process-wide. */
void codec_init(size_t max_reply_bytes);

/* A methodCall with these params (an array). Fails with ERR_CALLER when a text holds a character that XML
 * cannot carry; the sentence names the member it stands in. */
int codec_encode(const char *method, const json_t *params, buf_t *ret, err_t *err);

typedef struct {
    json_t *value; /* NULL: a fault */
    int fault_code;
    char *fault_text;
} codec_reply_t;

/* A methodResponse. -1 with ERR_UPSTREAM when it is none; the text holds nothing of what came. */
int codec_decode(span_t body, codec_reply_t *ret, err_t *err);
void codec_reply_release(codec_reply_t *reply);
