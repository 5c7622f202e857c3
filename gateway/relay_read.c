/* See relay_read.h. */
#include "relay_read.h"

#include <limits.h>
#include <stdlib.h>

enum {
    SLOT_JSONRPC = 1,
    SLOT_ID,
    SLOT_METHOD,
    SLOT_PARAMS,
    SLOT_RESULT,
    SLOT_ERROR,
    SLOT_CODE,
    SLOT_MESSAGE,
    SLOT_DATA,
    SLOT_TOKEN,
    SLOT_PROGRESS,
    SLOT_TOTAL,
    SLOT_TEXT,
    SLOT_META,
    SLOT_LEVEL,
};

static const json_want_t result_wants[] = {
    { .key = "content" },
    { .key = "isError" },
    { .key = "structuredContent" },
    { .key = "resultType" },
    { 0 },
};
static const json_want_t error_wants[] = {
    { .key = "code", .slot = SLOT_CODE },
    { .key = "message", .slot = SLOT_MESSAGE },
    { .key = "data", .slot = SLOT_DATA },
    { 0 },
};
static const json_want_t params_wants[] = {
    { .key = "progressToken", .slot = SLOT_TOKEN },
    { .key = "progress", .slot = SLOT_PROGRESS },
    { .key = "total", .slot = SLOT_TOTAL },
    { .key = "message", .slot = SLOT_TEXT },
    { .key = "_meta", .slot = SLOT_META },
    { .key = "level", .slot = SLOT_LEVEL },
    { 0 },
};
const json_want_t relay_wants[] = {
    { .key = "jsonrpc", .slot = SLOT_JSONRPC },
    { .key = "id", .slot = SLOT_ID },
    { .key = "method", .slot = SLOT_METHOD },
    { .key = "params", .slot = SLOT_PARAMS, .inside = params_wants },
    { .key = "result", .slot = SLOT_RESULT, .inside = result_wants, .keep = true },
    { .key = "error", .slot = SLOT_ERROR, .inside = error_wants },
    { 0 },
};

static bool is_number(span_t text, uint64_t number)
{
    char room[24];
    buf_t digits = { .data = room, .size = sizeof(room) };

    buf_add_u64(&digits, number);
    return span_equal(text, buf_span(&digits));
}

static int read_error(const json_scan_t *scan, mcp_rpc_error_t *ret)
{
    span_t code = scan->slots[SLOT_CODE];
    bool fits = scan_is_integer(code) && code.length <= 11;
    int64_t number = fits ? strtoll(code.at, NULL, 10) : INT64_MAX;

    if (number < INT_MIN || number > INT_MAX || scan_kind(scan->slots[SLOT_MESSAGE]) != SCAN_STRING) {
        return -1;
    }
    ret->code = (int)number;
    ret->message = scan->slots[SLOT_MESSAGE];
    ret->data = scan->slots[SLOT_DATA];
    return 0;
}

/* An error that could not read our id has none: it is taken as ours when the HTTP status says that the
 * request was refused. */
const char *relay_read_answer(const json_scan_t *scan, uint64_t id, int status, relay_answer_t *ret)
{
    bool has_result = scan->slots[SLOT_RESULT].at, has_error = scan->slots[SLOT_ERROR].at;
    scan_kind_t id_kind = scan_kind(scan->slots[SLOT_ID]);
    bool nameless = id_kind == SCAN_NONE || id_kind == SCAN_NULL;

    if (!scan_string_is(scan->slots[SLOT_JSONRPC], "2.0") || scan->slots[SLOT_METHOD].at ||
        has_result == has_error) {
        return "It answered with something that is not a JSON-RPC response.";
    }
    if (!is_number(scan->slots[SLOT_ID], id) && !(nameless && has_error && status >= 400)) {
        return "It answered another request than the one it was sent.";
    }
    if (has_error) {
        return read_error(scan, &ret->error) ? "It answered with an error that cannot be read." : NULL;
    }
    if (scan_kind(scan->slots[SLOT_RESULT]) != SCAN_OBJECT || status != 200) {
        return "It answered with a result that cannot be read.";
    }
    ret->members = scan->members;
    ret->count = scan->member_count;
    return NULL;
}

static span_t of_kind(span_t value, scan_kind_t kind)
{
    return scan_kind(value) == kind ? value : (span_t){ 0 };
}

bool relay_read_progress(const json_scan_t *scan, uint64_t id, mcp_progress_t *ret)
{
    *ret = (mcp_progress_t){
        .progress = of_kind(scan->slots[SLOT_PROGRESS], SCAN_NUMBER),
        .total = of_kind(scan->slots[SLOT_TOTAL], SCAN_NUMBER),
        .message = of_kind(scan->slots[SLOT_TEXT], SCAN_STRING),
        .meta = of_kind(scan->slots[SLOT_META], SCAN_OBJECT),
    };
    return is_number(scan->slots[SLOT_TOKEN], id) && ret->progress.at;
}

/* MCP basic "Requests": an id is a string or a number, never null. */
bool relay_read_question(const json_scan_t *scan, relay_question_t *ret)
{
    scan_kind_t kind = scan_kind(scan->slots[SLOT_ID]);

    *ret = (relay_question_t){
        .id = scan->slots[SLOT_ID],
        .method = scan_plain_string(scan->slots[SLOT_METHOD]),
        .params = scan->slots[SLOT_PARAMS],
    };
    return (kind == SCAN_STRING || kind == SCAN_NUMBER) && ret->method.at;
}

relay_message_t relay_read_kind(const json_scan_t *scan)
{
    span_t method = scan->slots[SLOT_METHOD];

    if (!method.at) {
        return RELAY_ANSWER;
    }
    if (scan->slots[SLOT_ID].at) {
        return RELAY_QUESTION;
    }
    if (scan_string_is(method, "notifications/progress")) {
        return RELAY_PROGRESS;
    }
    return scan_string_is(method, "notifications/message") ? RELAY_LOG : RELAY_OTHER;
}

bool relay_read_log(const json_scan_t *scan, span_t *ret_level, span_t *ret_params)
{
    *ret_level = scan_plain_string(scan->slots[SLOT_LEVEL]);
    *ret_params = scan->slots[SLOT_PARAMS];
    return ret_level->at;
}
