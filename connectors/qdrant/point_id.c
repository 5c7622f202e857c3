/* See point_id.h. */
#include "point_id.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "formats.h"
#include "mem.h"
#include "utf8.h"

#define MAX_IDS 1000
#define UUID_SIZE 37
#define SHOWN_MAX_BYTES 60
#define HEX "0123456789abcdefABCDEF"

static int refuse(const json_t *value, const char *where, err_t *err)
{
    AUTO(mem_free) char *json = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
    const char *shown = json ? json : "?";
    size_t length = utf8_cut(span_of(shown), SHOWN_MAX_BYTES);

    return err_set(err, ERR_CALLER,
                   "%s must be the id of a point, an integer from 0 to 2^63 - 1 or a UUID; got %.*s%s.",
                   where, (int)length, shown, shown[length] ? "..." : "");
}

/* As Qdrant writes it, so that ids can be compared with those of its answers: lower case, with hyphens. */
static bool read_uuid(const char *text, char ret[UUID_SIZE])
{
    const char *digits = strncmp(text, "urn:uuid:", 9) == 0 ? text + 9 : text;
    bool bare = strlen(digits) == 32 && strspn(digits, HEX) == 32;
    size_t used = 0;

    if (!bare && !formats_fit("uuid", span_of(digits))) {
        return false;
    }
    for (; *digits != '\0'; digits++) {
        if (bare && (used == 8 || used == 13 || used == 18 || used == 23)) {
            ret[used++] = '-';
        }
        ret[used++] = (char)tolower((unsigned char)*digits);
    }
    ret[used] = '\0';
    return true;
}

static bool read_digits(const char *text, json_int_t *ret)
{
    char *end;

    if (*text < '0' || *text > '9') {
        return false;
    }
    errno = 0;
    *ret = strtoll(text, &end, 10);
    return *end == '\0' && errno == 0;
}

int point_id_read(const json_t *value, const char *where, json_t **ret, err_t *err)
{
    const char *text = json_string_value(value);
    json_int_t number = json_integer_value(value);
    char uuid[UUID_SIZE];

    if (text && strlen(text) != json_string_length(value)) {
        return refuse(value, where, err); /* a NUL in it */
    }
    if (text && read_uuid(text, uuid)) {
        *ret = json_string(uuid);
        return 0;
    }
    if (json_is_integer(value) ? number < 0 : !text || !read_digits(text, &number)) {
        return refuse(value, where, err);
    }
    *ret = json_integer(number);
    return 0;
}

int point_ids_read(const json_t *values, const char *where, json_t **ret, err_t *err)
{
    json_auto_t *ids = json_array();
    size_t count = json_array_size(values);

    if (count == 0 || count > MAX_IDS) {
        return err_set(err, ERR_CALLER, "%s must be an array of 1 to %d ids of points.", where, MAX_IDS);
    }
    for (size_t i = 0; i < count; i++) {
        AUTO(mem_free) char *place = mem_printf("%s[%zu]", where, i);
        json_t *id = NULL;
        if (point_id_read(json_array_get(values, i), place, &id, err)) {
            return -1;
        }
        json_array_append_new(ids, id);
    }
    *ret = TAKE(ids);
    return 0;
}

void point_id_add(buf_t *text, const json_t *id)
{
    if (json_is_integer(id)) {
        buf_addf(text, "%" JSON_INTEGER_FORMAT, json_integer_value(id));
    } else {
        buf_add_text(text, json_is_string(id) ? json_string_value(id) : "?");
    }
}
