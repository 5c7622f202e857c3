/* What stands between libxmlrpc-c 1.33 and the wire, because the library alone would
 *
 *   - refuse a whole reply for one character outside the Basic Multilingual Plane (an emoji), and the same
 *     when sending;
 *   - lose a carriage return, and the last digits of a floating point number, both ways;
 *   - crash on an <i8> that is no number (it formats its own complaint wrongly);
 *   - expand the entities of a <!DOCTYPE> without bound, and follow elements as deep as they go.
 *
 * Text is therefore escaped on its way into the library and unescaped behind it. The escape is reversible for
 * every text: U+E000 (private use) begins a sequence, and U+E000 itself is written as one.
 *
 *     U+E000 U+E000                            U+E000
 *     U+E000 U+E00D                            a carriage return
 *     U+E000 U+E00E, first in a string         the rest is what stood in an <i8>
 *     U+E000 U+E00F, first in a string         the rest is a floating point number
 *     U+E000 U+E400..U+E7FF U+E400..U+E7FF     ten bits each of a character above U+FFFF
 */
#pragma once

#include "buf.h"
#include "err.h"
#include "span.h"

/* How much larger than its source an escaped document can be: an emoji has 4 bytes, its escape 9. */
#define XML_GUARD_GROWTH_NUMERATOR 9
#define XML_GUARD_GROWTH_DENOMINATOR 4

/* A document from outside, made safe for the library. Refused: any markup that XML-RPC does not need
 * (`<!`, attributes, processing instructions), another encoding than UTF-8, elements deeper than any real
 * value. Control characters that XML forbids are dropped, as Odoo itself does. */
int xml_guard_read(span_t document, buf_t *ret, err_t *err);
/* A document the library wrote, made ready for the wire. */
void xml_guard_write(span_t document, buf_t *ret);

/* Text into the library. -1 where it holds a character that XML cannot carry, which *ret_bad then is. */
int xml_guard_escape(span_t text, buf_t *ret, unsigned *ret_bad);
void xml_guard_escape_real(const char *digits, buf_t *ret);
/* Out of the library: text, or a number to be read by whoever asks. */
void xml_guard_unescape(span_t text, buf_t *ret);
typedef enum { XML_GUARD_TEXT, XML_GUARD_REAL, XML_GUARD_INTEGER } xml_guard_kind_t;
xml_guard_kind_t xml_guard_kind(span_t text, span_t *ret_digits);
