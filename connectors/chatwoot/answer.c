/* See answer.h. */
#include "answer.h"

#include <inttypes.h>
#include <string.h>

#include "mem.h"
#include "moment.h"
#include "utf8.h"

#define LATEST_S 253402300799.0 /* 9999-12-31T23:59:59Z */

json_t *answer_text(const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);

    return json_string_length(value) > 0 ? json_string(json_string_value(value)) : json_null();
}

json_t *answer_id(const json_t *of, const char *name)
{
    json_int_t id = json_integer_value(json_object_get(of, name));

    return id > 0 ? json_integer(id) : json_null();
}

bool answer_has_id(const json_t *of)
{
    return json_integer_value(json_object_get(of, "id")) > 0;
}

json_t *answer_time(const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);
    double seconds = json_number_value(value);
    char text[MOMENT_SIZE];

    if (json_is_string(value)) {
        return answer_text(of, name);
    }
    if (seconds < 1 || seconds > LATEST_S) {
        return json_null();
    }
    return json_string(moment_iso((int64_t)seconds, text));
}

json_t *answer_channel(const json_t *of, const char *name)
{
    static const char prefix[] = "Channel::";
    const char *channel = answer_words(of, name);

    channel += strncmp(channel, prefix, strlen(prefix)) == 0 ? strlen(prefix) : 0;
    return *channel ? json_string(channel) : json_null();
}

const char *answer_words(const json_t *of, const char *name)
{
    const char *words = json_string_value(json_object_get(of, name));

    return words ? words : "";
}

json_t *answer_texts(const json_t *of, const char *name)
{
    json_t *texts = json_array();
    size_t i;
    json_t *item;

    json_array_foreach(json_object_get(of, name), i, item)
    {
        if (json_is_string(item)) {
            json_array_append(texts, item);
        }
    }
    return texts;
}

json_t *answer_copy(const json_t *of, const char *name, json_type type)
{
    json_t *value = json_object_get(of, name);

    if (value && json_typeof(value) == type) {
        return json_incref(value);
    }
    return type == JSON_ARRAY ? json_array() : json_object();
}

void answer_add_member(buf_t *text, const char *label, const json_t *of, const char *name)
{
    const json_t *value = json_object_get(of, name);

    if (json_is_string(value)) {
        buf_addf(text, ", %s%s%s", label, *label ? " " : "", json_string_value(value));
    } else if (json_is_integer(value)) {
        buf_addf(text, ", %s%s%" JSON_INTEGER_FORMAT, label, *label ? " " : "", json_integer_value(value));
    }
}

void answer_add_named(buf_t *text, const json_t *who, const char *id_name, const char *none)
{
    const char *name = answer_words(who, "name");
    const json_t *id = json_object_get(who, id_name);

    if (!json_is_integer(id)) {
        buf_add_text(text, *name ? name : none);
    } else if (*name) {
        buf_addf(text, "%s (%s %" JSON_INTEGER_FORMAT ")", name, id_name, json_integer_value(id));
    } else {
        buf_addf(text, "%s %" JSON_INTEGER_FORMAT, id_name, json_integer_value(id));
    }
}

void answer_add_found(buf_t *text, size_t count, int64_t total, const char *what)
{
    if (count == 0 && total > 0) {
        buf_add_text(text, "Nothing on this page: there are only ");
        buf_add_count(text, (size_t)total, what);
        buf_add_char(text, '.');
        return;
    }
    buf_add_count(text, count, what);
    if (total > (int64_t)count) {
        buf_addf(text, " of %" PRId64, total);
    }
    buf_add_text(text, count > 0 ? ":" : " found.");
}

void answer_add_list(buf_t *text, const json_t *list)
{
    size_t i;
    const json_t *item;

    json_array_foreach(list, i, item)
    {
        buf_addf(text, "%s%s", i > 0 ? ", " : "", json_is_string(item) ? json_string_value(item) : "?");
    }
}

void answer_add_short(buf_t *text, const char *words, size_t max_bytes)
{
    size_t length = utf8_cut(span_of(words), max_bytes);

    for (size_t i = 0; i < length; i++) {
        buf_add_char(text, words[i] == '\n' || words[i] == '\r' ? ' ' : words[i]);
    }
    buf_add_text(text, words[length] ? "..." : "");
}

void answer_add_page(json_t *answer, buf_t *text, size_t count, bool has_more, int64_t page)
{
    json_object_set_new(answer, "count", json_integer((json_int_t)count));
    json_object_set_new(answer, "has_more", json_boolean(has_more));
    json_object_set_new(answer, "next_page", has_more ? json_integer(page + 1) : json_null());
    if (has_more) {
        buf_addf(text, "\nThere are more: ask again with page %" PRId64 ".", page + 1);
    }
}
