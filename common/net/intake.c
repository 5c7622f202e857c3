/* See intake.h. Only the first bytes of each line are kept, since the only line that is read is
 * Content-Length: it decides whether the body is refused before it is sent. Lines may end in a bare LF here,
 * as evhttp takes those too. */
#include "intake.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static void keep_start(intake_t *intake, const char *bytes, size_t length)
{
    if (intake->column < sizeof(intake->start)) {
        size_t room = sizeof(intake->start) - intake->column;
        memcpy(intake->start + intake->column, bytes, length < room ? length : room);
    }
    intake->column += length;
}

static uint64_t read_length(const char *at, const char *end)
{
    uint64_t length = 0;

    while (at < end && (*at == ' ' || *at == '\t')) {
        at++;
    }
    for (; at < end && isdigit((unsigned char)*at); at++) {
        length = length > UINT64_MAX / 10 - 1 ? UINT64_MAX : length * 10 + (uint64_t)(*at - '0');
    }
    return length;
}

static void end_line(intake_t *intake)
{
    static const char name[] = "content-length:";
    size_t kept = intake->column < sizeof(intake->start) ? intake->column : sizeof(intake->start);

    if (kept >= sizeof(name) - 1 && strncasecmp(intake->start, name, sizeof(name) - 1) == 0) {
        intake->lengths++;
        /* More places than were kept: too large, or written by somebody who wants it misread. */
        intake->content_length = intake->column > sizeof(intake->start)
                                     ? UINT64_MAX
                                     : read_length(intake->start + sizeof(name) - 1, intake->start + kept);
    }
    intake->ended = intake->column == 0 || (intake->column == 1 && intake->start[0] == '\r');
    intake->lines++;
    intake->column = 0;
}

size_t intake_feed(intake_t *intake, const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;

    while (at < end && !intake->ended) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        keep_start(intake, at, (size_t)((newline ? newline : end) - at));
        at = newline ? newline + 1 : end;
        if (newline) {
            end_line(intake);
        }
    }
    intake->bytes += (size_t)(at - bytes);
    return (size_t)(at - bytes);
}
