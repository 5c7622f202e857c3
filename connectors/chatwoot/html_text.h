/* Text for a model out of what people and mail programs write: HTML tags out, entities read, lines kept. */
#pragma once

#include "span.h"

/* The caller's to free. Plain text comes back as it is but for spaces at its ends and more than one blank
 * line in a row: "<" counts as a tag only before a name HTML knows, so "a < b", "<3" and "<you@example.com>"
 * stay. Where there is a block tag (p, div, table, ...) line breaks of the source are blanks, as in HTML.
 * script, style, head and comments are left out with what they hold. */
char *html_text(span_t html);
