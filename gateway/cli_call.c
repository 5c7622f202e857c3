/* `guiche tools` and `guiche call`: a small MCP 2026-07-28 client for people, against the gateway or any
 * modern server. The token comes from GUICHE_TOKEN, never from the command line, where other users of the
 * machine would see it.
 */
#include <jansson.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "buf.h"
#include "envelope.h"
#include "loop.h"
#include "mem.h"
#include "percent.h"
#include "query_args.h"
#include "sse.h"
#include "web.h"

#define CLI_TIMEOUT_MS 130000
#define MAX_PAGES 100

/* One request and its answer. */
typedef struct {
    loop_t *loop;
    json_t *message; /* the JSON-RPC response; NULL: problem says why */
    int status;
    err_t problem;
} exchange_t;

typedef struct {
    const char *method, *name; /* name: NULL */
    span_t arguments, cursor;  /* raw JSON or absent */
} question_t;

static json_t *ask(const char *url, const question_t *question, err_t *err);
static void on_reply(void *self, const web_reply_t *reply, const err_t *err);

/* The cursor of the page after this one, raw JSON, into `cursor`; false: this is the last. */
static bool next_cursor(const json_t *page, buf_t *cursor)
{
    const char *text = json_string_value(json_object_get(page, "nextCursor"));

    if (!text) {
        return false;
    }
    buf_clear(cursor);
    buf_add_json_string(cursor, span_of(text));
    return true;
}

/* An array of all tools; a new reference. A server may go on for ever, and is stopped then. */
static json_t *list_tools(const char *url, err_t *err)
{
    json_t *tools = json_array();
    AUTO_BUF cursor = { 0 };
    bool more = true;

    for (int i = 0; more && i < MAX_PAGES; i++) {
        question_t question = { .method = "tools/list", .cursor = buf_span(&cursor) };
        json_auto_t *page = ask(url, &question, err);
        if (!page) {
            json_decref(tools);
            return NULL;
        }
        json_array_extend(tools, json_object_get(page, "tools"));
        more = next_cursor(page, &cursor);
    }
    if (more) {
        fputs("guiche: the list goes on and on; the rest was left out.\n", stderr);
    }
    return tools;
}

static void print_first_sentence(const char *text)
{
    const char *end = strstr(text, ". ");
    size_t length = strcspn(text, "\n");
    if (end && (size_t)(end - text) < length) {
        length = (size_t)(end - text) + 1;
    }
    AUTO(mem_free) char *line = mem_printf("    %.*s\n", (int)length, text);
    cli_print(stdout, line);
}

static bool is_listed(const json_t *names, const char *name)
{
    size_t i;
    json_t *one;
    json_array_foreach(names, i, one)
    {
        if (json_is_string(one) && strcmp(json_string_value(one), name) == 0) {
            return true;
        }
    }
    return false;
}

static void print_arguments(const json_t *schema)
{
    const char *name;
    json_t *property, *required = json_object_get(schema, "required");
    json_object_foreach(json_object_get(schema, "properties"), name, property)
    {
        AUTO(mem_free) char *word = mem_printf(is_listed(required, name) ? " %s" : " [%s]", name);
        cli_print(stdout, word);
    }
    putchar('\n');
}

static void print_tool(const json_t *tool)
{
    const char *name = json_string_value(json_object_get(tool, "name"));
    const char *description = json_string_value(json_object_get(tool, "description"));
    cli_print(stdout, name ? name : "?");
    print_arguments(json_object_get(tool, "inputSchema"));
    if (description) {
        print_first_sentence(description);
    }
}

int cli_tools(int argc, char **argv)
{
    if (argc != 1) {
        return cli_usage("tools needs a URL: guiche tools http://127.0.0.1:8080/mcp");
    }
    err_t err;
    json_auto_t *tools = list_tools(argv[0], &err);
    if (!tools) {
        return cli_failed("%s", err.text);
    }
    size_t i;
    json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        print_tool(tool);
    }
    if (json_array_size(tools) == 0) {
        fputs("guiche: no tools for this token.\n", stderr);
    }
    return 0;
}

static json_t *schema_of(const json_t *tools, const char *name)
{
    size_t i;
    json_t *tool;
    json_array_foreach(tools, i, tool)
    {
        const char *found = json_string_value(json_object_get(tool, "name"));
        if (found && strcmp(found, name) == 0) {
            return json_object_get(tool, "inputSchema");
        }
    }
    return NULL;
}

/* key=value words are the query string of the REST routes, so that both type values alike. */
static void add_to_query(buf_t *query, const char *word, const char *equals)
{
    buf_add_text(query, query->length ? "&" : "");
    percent_encode(query, (span_t){ word, (size_t)(equals - word) });
    buf_add_char(query, '=');
    percent_encode(query, span_of(equals + 1));
}

/* key:=JSON is what a query cannot say: objects, lists of objects. */
static int add_as_json(json_t *values, const char *word, const char *equals, err_t *err)
{
    json_error_t where;
    json_t *value = json_loads(equals + 1, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, &where);
    AUTO(mem_free) char *key = mem_strndup(word, (size_t)(equals - word - 1));
    if (!value) {
        return err_set(err, ERR_CALLER, "What follows %.64s:= is not JSON: %s.", key, where.text);
    }
    json_object_set_new(values, key, value);
    return 0;
}

static int read_words(int argc, char **argv, buf_t *query, json_t *values, err_t *err)
{
    for (int i = 0; i < argc; i++) {
        const char *equals = strchr(argv[i], '=');
        bool is_json = equals && equals > argv[i] + 1 && equals[-1] == ':';
        if (!equals || equals == argv[i]) {
            return err_set(err, ERR_CALLER, "\"%.64s\" is not key=value (or key:=JSON).", argv[i]);
        }
        if (!is_json) {
            add_to_query(query, argv[i], equals);
        } else if (add_as_json(values, argv[i], equals, err)) {
            return -1;
        }
    }
    return 0;
}

static int read_arguments(int argc, char **argv, const json_t *schema, buf_t *ret, err_t *err)
{
    AUTO_BUF query = { 0 };
    AUTO_BUF typed = { 0 };
    json_auto_t *values = json_object();
    if (read_words(argc, argv, &query, values, err)) {
        return -1;
    }
    AUTO(mem_free) char *text = json_dumps(schema, JSON_COMPACT | JSON_ENCODE_ANY);
    if (query_args(text, buf_span(&query), &typed, err)) {
        return -1;
    }
    json_auto_t *others = json_loadb(typed.data, typed.length, 0, NULL);
    json_object_update_missing(values, others);
    AUTO(mem_free) char *all = json_dumps(values, JSON_COMPACT);
    buf_add_text(ret, all);
    return 0;
}

static void print_block(const json_t *block)
{
    const char *text = json_string_value(json_object_get(block, "text"));
    AUTO(mem_free) char *dump = text ? NULL : json_dumps(block, JSON_INDENT(2) | JSON_ENCODE_ANY);
    cli_print(stdout, text ? text : dump ? dump : "?");
    putchar('\n');
}

static int print_result(json_t *result)
{
    bool failed = json_is_true(json_object_get(result, "isError"));
    size_t i;
    json_t *block;
    json_array_foreach(json_object_get(result, "content"), i, block)
    {
        print_block(block);
    }
    return failed ? 1 : 0;
}

static int call_tool(const char *url, const char *name, int argc, char **argv, err_t *err)
{
    json_auto_t *tools = list_tools(url, err);
    AUTO_BUF arguments = { 0 };
    json_t *schema = schema_of(tools, name);
    if (!tools) {
        return -1;
    }
    if (!schema) {
        return err_set(err, ERR_UNKNOWN,
                       "There is no tool %s for this token; guiche tools shows what there is.", name);
    }
    if (read_arguments(argc, argv, schema, &arguments, err)) {
        return -1;
    }
    question_t question = { .method = "tools/call", .name = name, .arguments = buf_span(&arguments) };
    json_auto_t *result = ask(url, &question, err);
    return result ? print_result(result) : -1;
}

int cli_call(int argc, char **argv)
{
    if (argc < 2) {
        return cli_usage("call needs a URL and a tool: guiche call URL crm_list_agents");
    }
    err_t err;
    int result = call_tool(argv[0], argv[1], argc - 2, argv + 2, &err);
    if (result < 0 && err.kind == ERR_CALLER) {
        return cli_usage("%s (key=value is typed by the tool's schema, key:=JSON takes any JSON)", err.text);
    }
    return result < 0 ? cli_failed("%s", err.text) : result;
}

static void post(web_t *web, exchange_t *exchange, const char *url, const char *method, const char *name,
                 span_t body)
{
    const char *token = getenv("GUICHE_TOKEN");
    AUTO(mem_free) char *authorization = mem_printf("Authorization: Bearer %s", token ? token : "");
    AUTO(mem_free) char *method_line = mem_printf("Mcp-Method: %s", method);
    AUTO(mem_free) char *name_line = mem_printf("Mcp-Name: %s", name ? name : "");
    const char *headers[7] = { "Content-Type: application/json",
                               "Accept: application/json, text/event-stream",
                               "MCP-Protocol-Version: 2026-07-28", method_line };
    size_t count = 4;
    if (name) {
        headers[count++] = name_line;
    }
    if (token) {
        headers[count++] = authorization;
    }
    web_request_t request = {
        .method = "POST", .url = url, .headers = headers, .body = body, .timeout_ms = CLI_TIMEOUT_MS
    };
    web_start(web, &request, on_reply, exchange);
    mem_wipe(authorization, strlen(authorization));
}

/* The result member of the answer; a new reference. */
static json_t *take_result(exchange_t *exchange, err_t *err)
{
    json_auto_t *message = exchange->message;
    json_t *result = json_object_get(message, "result");
    const char *text = json_string_value(json_object_get(json_object_get(message, "error"), "message"));
    if (!message) {
        *err = exchange->problem;
        return NULL;
    }
    if (!result) {
        err_set(err, ERR_UPSTREAM, "%s", text ? text : "The answer is no MCP response.");
        return NULL;
    }
    return json_incref(result);
}

static json_t *ask(const char *url, const question_t *question, err_t *err)
{
    AUTO_BUF body = { 0 };
    envelope_request(&body, &(envelope_request_t){ .revision = MCP_2026_07_28,
                                                   .id = 1,
                                                   .method = question->method,
                                                   .name = span_of(question->name),
                                                   .arguments = question->arguments,
                                                   .cursor = question->cursor,
                                                   .progress = question->arguments.at != NULL });
    exchange_t exchange = { .loop = loop_new() };
    web_t *web = web_new(exchange.loop);
    post(web, &exchange, url, question->method, question->name, buf_span(&body));
    loop_run(exchange.loop);
    web_free(web);
    loop_free(exchange.loop);
    return take_result(&exchange, err);
}

static bool on_event(void *self, span_t event, span_t data)
{
    (void)event;
    exchange_t *exchange = self;
    json_auto_t *message = json_loadb(data.at, data.length, 0, NULL);
    if (json_object_get(message, "id") && !json_object_get(message, "method")) {
        json_decref(exchange->message);
        exchange->message = TAKE(message);
    }
    return true;
}

static void read_stream(exchange_t *exchange, span_t body)
{
    sse_reader_t *reader = sse_reader_new(8388608);
    struct evbuffer *in = evbuffer_new();
    evbuffer_add(in, body.at, body.length);
    sse_read(reader, in, on_event, exchange, &exchange->problem);
    evbuffer_free(in);
    sse_reader_free(reader);
}

static void on_reply(void *self, const web_reply_t *reply, const err_t *err)
{
    exchange_t *exchange = self;
    loop_stop(exchange->loop);
    if (err) {
        err_set(&exchange->problem, err->kind, "No answer from that URL. %s", err->text);
        return;
    }
    err_set(&exchange->problem, ERR_UPSTREAM, "HTTP %d, and no MCP answer.", reply->status);
    if (reply->content_type.at && strncasecmp(reply->content_type.at, "text/event-stream", 17) == 0) {
        read_stream(exchange, reply->body);
    } else {
        exchange->message = json_loadb(reply->body.at, reply->body.length, 0, NULL);
    }
}
