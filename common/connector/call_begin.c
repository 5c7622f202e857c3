/* The beginning of a call: what the request says, decoded by the rows of what is called, and the entry's own
 * function. Arguments of tools and prompts are an object, those of a template are in its URI, and a
 * completion has one that is still being typed. */
#include "call_life.h"

#include <string.h>

#include "errors.h"
#include "resource_list.h"

/* Jansson says where it stopped; callers know their arguments by name. */
static int refuse_unreadable(span_t text, const json_error_t *where, err_t *err)
{
    const char *at = text.at + where->position;
    json_scan_t found = { 0 };

    if (json_scan_members(text, &found, NULL) == 0) {
        for (size_t i = 0; i < found.member_count; i++) {
            const json_member_t *m = &found.members[i];
            if (m->value.at <= at && at <= m->value.at + m->value.length) {
                return err_set(err, ERR_CALLER, "%.*s cannot be read: %s.", SPAN_ARGS(m->key), where->text);
            }
        }
    }
    return err_set(err, ERR_CALLER, "arguments cannot be read: %s.", where->text);
}

/* A NUL is let in here, so that fields_decode refuses it by the argument's name. */
static int parse_object(span_t text, const char *name, json_t **ret, err_t *err)
{
    json_error_t where;

    if (!text.at || span_is(text, "null")) {
        *ret = json_object();
        return 0;
    }
    if (text.at[0] != '{') {
        return err_set(err, ERR_CALLER, "%s must be a JSON object.", name);
    }
    *ret = json_loadb(text.at, text.length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &where);
    return *ret ? 0 : refuse_unreadable(text, &where, err);
}

static int decode_args(call_t *call, err_t *err)
{
    const entry_t *entry = call->entry;

    if (entry->kind == MCP_TOOLS && entry->tool->input_schema) {
        return 0;
    }
    void *args = mem_alloc(entry->args_size);
    if (fields_decode(entry->args, call->arguments, args, err) != 0) {
        mem_free(args);
        return -1;
    }
    if (entry->args_size > 0) {
        call->args = args;
    } else {
        mem_free(args);
    }
    return 0;
}

static bool is_text(const json_t *value)
{
    return json_is_string(value) && strlen(json_string_value(value)) == json_string_length(value);
}

/* What is settled already: names to strings; null is absent, as in arguments. */
static int read_known(json_t *context, const json_t **ret, err_t *err)
{
    json_t *known = json_object_get(context, "arguments"), *value;
    const char *name;
    void *next;

    if (!known || json_is_null(known)) {
        return 0;
    }
    if (!json_is_object(known)) {
        return err_set(err, ERR_CALLER, "context.arguments must be an object.");
    }
    json_object_foreach_safe(known, next, name, value)
    {
        if (json_is_null(value)) {
            json_object_del(known, name);
        } else if (!is_text(value)) {
            return err_set(err, ERR_CALLER, "\"%.60s\" in context.arguments must be a string without NUL.",
                           name);
        }
    }
    *ret = known;
    return 0;
}

/* {"argument": {"name", "value"}, "context": {"arguments": {...}}}. Source: MCP 2026-07-28
 * server/utilities/completion. */
static int decode_typed(call_t *call, err_t *err)
{
    const mcp_request_t *request = mcp_call_request(call->mcp);
    const json_t *known = NULL;

    if (parse_object(request->argument, "argument", &call->arguments, err) != 0 ||
        parse_object(request->context, "context", &call->context, err) != 0) {
        return -1;
    }
    const json_t *name = json_object_get(call->arguments, "name");
    const json_t *value = json_object_get(call->arguments, "value");
    if (!is_text(name) || !is_text(value)) {
        return err_set(err, ERR_CALLER, "argument must have a name and a value, both strings without NUL.");
    }
    if (!entry_row(call->entry, span_of(json_string_value(name)))) {
        return err_set(err, ERR_CALLER, "%s has no argument \"%.60s\".", call->entry->name,
                       json_string_value(name));
    }
    if (read_known(call->context, &known, err) != 0) {
        return -1;
    }
    call->typed = (completion_t){ json_string_value(name), json_string_value(value), known };
    return 0;
}

static int decode(call_t *call, err_t *err)
{
    const mcp_request_t *request = mcp_call_request(call->mcp);

    if (call->act == MCP_COMPLETE) {
        return decode_typed(call, err);
    }
    if (call->act == MCP_READ_RESOURCE) {
        call->arguments = call->entry->kind == MCP_TEMPLATES
                              ? resource_variables(call->entry->template, request->name)
                              : json_object();
    } else if (parse_object(request->arguments, "arguments", &call->arguments, err) != 0) {
        return -1;
    }
    return decode_args(call, err);
}

/* What is longer than its row allows is the beginning of nothing: no upstream is asked. */
static bool may_become_valid(const call_t *call)
{
    const field_t *row = entry_row(call->entry, span_of(call->typed.argument));

    return strlen(call->typed.value) <= field_max_length(row);
}

static void complete(call_t *call)
{
    const entry_t *entry = call->entry;
    void (*run)(call_t *, const completion_t *) = NULL;

    if (entry->kind == MCP_PROMPTS) {
        run = entry->prompt->complete;
    } else if (entry->kind == MCP_TEMPLATES) {
        run = entry->template->complete;
    }
    if (run && may_become_valid(call)) {
        run(call, &call->typed);
    } else {
        call_finish_completion(call, NULL, 0, 0, false);
    }
}

void call_run(call_t *call)
{
    const entry_t *entry = call->entry;

    call_hold(call); /* it may answer at once and still read its args on the way out */
    if (call->act == MCP_COMPLETE) {
        complete(call);
    } else if (entry->kind == MCP_TOOLS) {
        entry->tool->run(call, call->args);
    } else if (entry->kind == MCP_RESOURCES) {
        entry->resource->read(call);
    } else if (entry->kind == MCP_TEMPLATES) {
        entry->template->read(call, call->args);
    } else {
        entry->prompt->get(call, call->args);
    }
    call_release(call);
}

void call_start(runtime_t *runtime, const entry_t *entry, mcp_call_t *mcp)
{
    call_t *call = call_open(runtime, entry, mcp);
    err_t err;

    if (decode(call, &err) != 0) {
        call_fail(call, &err);
    } else if (call_read_inputs(call, &err) != 0) {
        /* MCP 2026-07-28 basic/patterns/mrtr "Error Handling": malformed is a JSON-RPC error, for a tool too.
         */
        call_end_with_rpc_error(call, RPC_INVALID_PARAMS, err.text, NULL);
    } else {
        call_run(call);
    }
}
