/* What the files of mcp-conformance share: the lists of what it offers, and the bytes of an image. */
#pragma once

#include "connector.h"
#include "content.h"
#include "input.h"

typedef struct {
    runtime_t *runtime;
} conformance_t;

/* The tools, file by file; NULL-ended. */
extern const tool_t *const content_tools[];
extern const tool_t *const reporting_tools[];
extern const tool_t *const asking_tools[];
extern const tool_t *const rounds_tools[];
extern const tool_t *const schema_tools[];
extern const tool_t *const changing_tools[];
extern const resource_t *const resources[];
extern const resource_template_t *const templates[];
extern const prompt_t *const prompts[];

extern const unsigned char red_dot_png[];
extern const size_t red_dot_png_bytes;

/* The schema of a form with one required text in it; and what was typed there, NULL: nothing yet. */
json_t *one_text(const char *field, const char *description);
const char *typed(const call_t *call, const char *key, const char *field);
