/* Does this URI come from that template? RFC 6570, levels 1 to 3 and the explode modifier of a path, read
 * backwards: not what a template expands to, but whether a URI could be such an expansion.
 *
 *     {a} {a,b}   one byte or more, none of / ? #
 *     {+a}        one byte or more
 *     {#a}        nothing, or # and anything
 *     {.a} {;a}   nothing, or the sign and anything but / ? #
 *     {/a} {/a*}  nothing, or / and anything but / ? #; with a star further segments, too
 *     {?a} {&a}   nothing, or the sign and anything but #
 *
 * Several variables of one expression count as one that is as long. Values are not looked at.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "err.h"
#include "span.h"

#define URI_TEMPLATE_MAX_BYTES 1024
#define URI_TEMPLATE_MAX_EXPRESSIONS 12
#define URI_TEMPLATE_MAX_URI 4096 /* longer ones match nothing */

/* 0, or -1 with what is wrong; what passes is never refused by the others. */
int uri_template_check(span_t text, err_t *err);
/* Bytes outside of expressions: the more, the more exactly it says what it means. */
size_t uri_template_literals(span_t text);
/* Whether the URI begins as the template does: most are told apart by that, in no time. */
bool uri_template_begins(span_t text, span_t uri);
/* Takes time in proportion to the URI for each expression and each literal byte, whatever they hold. */
bool uri_template_matches(span_t text, span_t uri);
