/* What filter.c (clauses) and filter_conditions.c (conditions on a field) share. */
#pragma once

#include <stdbool.h>

#include "buf.h"
#include "filter.h"

typedef struct {
    buf_t path; /* "filter.must[1].match" */
    int depth;
    err_t *err;
} place_t;

/* -1: "PATH needs ...; got VALUE." */
int filter_refuse(place_t *place, const json_t *value, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Every member of `value` is one of `allowed` ("a|b|c"). */
int filter_members(place_t *place, const json_t *value, const char *allowed);

typedef int (*filter_check_f)(place_t *place, const json_t *value);
/* Runs the check with the path one step longer. */
int filter_enter(place_t *place, const char *step, filter_check_f check, const json_t *value);
int filter_enter_item(place_t *place, size_t index, filter_check_f check, const json_t *value);

int filter_field(place_t *place, const json_t *condition); /* one with a key */
