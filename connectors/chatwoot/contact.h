/* One contact, as we show it. */
#pragma once

#include <jansson.h>

#include "answer.h"

json_t *contact_json(const json_t *contact);
void contact_add_line(buf_t *text, const json_t *shown);

/* Checks and packs what create_contact and update_contact take alike: name, e-mail, phone number, identifier,
 * custom attributes. NULL members are left out. */
typedef struct {
    const char *name, *email, *phone_number, *identifier;
    json_t *custom_attributes;
} contact_fields_t;
int contact_fields_json(const contact_fields_t *fields, json_t **ret, err_t *err);

#define CONTACT_SCHEMA                                                                                       \
    "{\"type\": \"object\", \"required\": [\"contact_id\"], \"properties\": {"                               \
    "\"contact_id\": {\"type\": \"integer\"}, \"name\": " SCHEMA_TEXT_OR_NULL                                \
    ", \"email\": " SCHEMA_TEXT_OR_NULL ", \"phone_number\": " SCHEMA_TEXT_OR_NULL                           \
    ", \"identifier\": " SCHEMA_TEXT_OR_NULL ", \"blocked\": {\"type\": \"boolean\"}, "                      \
    "\"custom_attributes\": {\"type\": \"object\"}, "                                                        \
    "\"inboxes\": {\"type\": \"array\", \"items\": {\"type\": \"object\"}}, "                                \
    "\"created_at\": " SCHEMA_TEXT_OR_NULL ", \"last_activity_at\": " SCHEMA_TEXT_OR_NULL "}}"
