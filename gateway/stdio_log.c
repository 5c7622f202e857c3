/* See stdio_log.h. Values are looked for in what the server wrote and covered in a copy of it: one may be
 * part of another, and covered first it would hide where the other stands. One of several lines (a PEM key)
 * comes line by line, and each is covered. */
#include "stdio_log.h"

#include <string.h>

#include "buf.h"
#include "log.h"

#define LINE_BYTES 4096
#define LOGGED_BYTES 900 /* in one line of the log, where a value has 1 KiB and escapes take room */
#define LINES_PER_SECOND 200
#define SHORTEST_SECRET 6

static span_t value_of(const char *variable)
{
    return span_of(strchr(variable, '=') + 1);
}

size_t stdio_log_reads_bytes(const stdio_log_t *log)
{
    size_t longest = 0;

    for (char *const *variable = log->env; variable && *variable; variable++) {
        size_t length = value_of(*variable).length;
        longest = length > longest ? length : longest;
    }
    return LINE_BYTES + longest;
}

static void cover(buf_t *copy, span_t line, span_t secret)
{
    for (span_t rest = line; secret.length >= SHORTEST_SECRET;) {
        const char *found = memmem(rest.at, rest.length, secret.at, secret.length);
        if (!found) {
            break;
        }
        memset(copy->data + (found - line.at), '*', secret.length);
        rest.length -= (size_t)(found + 1 - rest.at); /* the next may begin within this one */
        rest.at = found + 1;
    }
}

static void cover_lines(buf_t *copy, span_t line, span_t value)
{
    while (value.length > 0) {
        const char *end = memchr(value.at, '\n', value.length);
        size_t length = end ? (size_t)(end - value.at) : value.length;
        size_t whole = length + (end ? 1 : 0);

        cover(copy, line, span_trim((span_t){ value.at, length }));
        value = (span_t){ value.at + whole, value.length - whole };
    }
}

/* What goes into one line of the log, cut between two characters. */
static span_t first_piece(span_t text)
{
    if (text.length > LOGGED_BYTES) {
        text.length = LOGGED_BYTES;
        while (text.length > LOGGED_BYTES - 4 && ((unsigned char)text.at[text.length] & 0xc0) == 0x80) {
            text.length--;
        }
    }
    return text;
}

static void write_pieces(const stdio_log_t *log, const char *message, span_t rest)
{
    while (rest.length > 0 && log_begin(LOG_LEVEL_INFO, message)) {
        span_t piece = first_piece(rest);
        log_str("connector", log->connector);
        log_span("line", piece);
        log_end();
        rest = (span_t){ rest.at + piece.length, rest.length - piece.length };
    }
}

static void write_line(const stdio_log_t *log, const char *message, span_t line)
{
    size_t most = stdio_log_reads_bytes(log);
    AUTO_BUF copy = { 0 };

    line.length = line.length < most ? line.length : most;
    buf_add_span(&copy, line);
    for (char *const *variable = log->env; variable && *variable && line.length > 0; variable++) {
        cover_lines(&copy, line, value_of(*variable));
    }
    write_pieces(log, message, (span_t){ copy.data, line.length < LINE_BYTES ? line.length : LINE_BYTES });
}

void stdio_log(stdio_log_t *log, int64_t now_ms, const char *message, span_t line)
{
    if (now_ms / 1000 != log->second) {
        log->second = now_ms / 1000;
        log->lines = 0;
    }
    if (log->lines < LINES_PER_SECOND) {
        write_line(log, message, line);
    } else if (log->lines == LINES_PER_SECOND) {
        write_pieces(log, message, SPAN("(more in this second is left out)"));
    }
    log->lines++;
}
