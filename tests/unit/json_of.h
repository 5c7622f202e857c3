/* The JSON that a test has written down, as a value. */
#pragma once

#include <criterion/criterion.h>
#include <jansson.h>

static inline json_t *json_of(const char *text)
{
    json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

    cr_assert_not_null(value, "%s", text);
    return value;
}
