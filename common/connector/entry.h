/* One thing that a connector offers, of whichever kind: what a call of it needs to know. Lists of them are
 * found by name and rendered once per shape of the protocol, at start. */
#pragma once

#include "connector.h"
#include "metrics.h"
#include "param_headers.h"

#define ERR_KIND_COUNT (ERR_INTERNAL + 1)

typedef struct {
    mcp_kind_t kind;
    const char *name; /* of a tool or prompt; of a resource its URI, of a template the template */
    union {
        const tool_t *tool;
        const resource_t *resource;
        const resource_template_t *template;
        const prompt_t *prompt;
    };
    const field_t *args; /* never NULL */
    size_t args_size;
    int64_t timeout_ms;      /* 0: CALL_TIMEOUT */
    bool repeatable;         /* run twice it does no more than once */
    bool streams;            /* reports progress */
    param_headers_t *params; /* of a tool: arguments that are mirrored in headers; NULL: none */
    metric_t calls, gone, errors[ERR_KIND_COUNT], seconds;
} entry_t;

entry_t entry_of_tool(const tool_t *tool);
entry_t entry_of_resource(const resource_t *resource);
entry_t entry_of_template(const resource_template_t *resource_template);
entry_t entry_of_prompt(const prompt_t *prompt);

/* Zeroed at first; entries are made room for beforehand, because open calls point at them. */
typedef struct {
    entry_t *entries;
    size_t count;
    buf_t json[MCP_SHAPES]; /* arrays, without their end while entries are added */
} entry_list_t;

void entry_list_reserve(entry_list_t *list, size_t count);
/* declaration: as the list of its kind has it, for modern clients. -1 with ERR_INTERNAL when it cannot be
 * written. */
int entry_list_add(entry_list_t *list, const entry_t *entry, const json_t *declaration, metrics_t *metrics,
                   const char *connector, err_t *err);
void entry_list_close(entry_list_t *list); /* after the last */
void entry_list_release(entry_list_t *list);

const entry_t *entry_list_find(const entry_list_t *list, span_t name); /* NULL: none */

const char *entry_word(const entry_t *entry); /* "tool", "resource", "prompt" */
/* The argument or variable of that name; NULL: none. */
const field_t *entry_row(const entry_t *entry, span_t name);
/* -1 when a row is not a string: prompts and templates take nothing else. */
int entry_check_strings(const entry_t *entry, err_t *err);
