/* analyze_agent_messages, by the rules and by a model that is a socket in this test. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "crm_call.h"
#include "mem.h"
#include "model.h"

static crm_bench_t *bench;
static char *agent;

static void setup(void)
{
    bench = crm_bench_new(true);
    agent = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Diego Rocha'");
}

static void teardown(void)
{
    free(agent);
    crm_bench_free(bench);
}

TestSuite(analyze, .init = setup, .fini = teardown);

static const char *string(const json_t *object, const char *name)
{
    const char *value = json_string_value(json_object_get(object, name));

    cr_assert_not_null(value, "%s", name);
    return value;
}

static double score(const json_t *result, const char *dimension)
{
    return json_number_value(json_object_get(json_object_get(result, dimension), "score"));
}

static json_t *analyze(const char *more)
{
    json_t *result =
        crm_callf(bench, crm_tool("analyze_agent_messages"), "demo", "{\"agent_id\":\"%s\"%s}", agent, more);

    cr_assert_not_null(result, "%s", bench->call.err.text);
    return result;
}

Test(analyze, rules_judge_the_latest_messages_and_quote_them)
{
    json_t *result = analyze(",\"sample_size\":30");

    cr_assert_str_eq(string(result, "method"), "rubric");
    cr_assert_eq(json_integer_value(json_object_get(result, "messages_analyzed")), 30);
    cr_assert_lt(score(result, "tone"), 5, "Diego is rude");
    json_t *example = json_array_get(json_object_get(json_object_get(result, "tone"), "examples"), 0);
    char sql[256];
    snprintf(sql, sizeof(sql), "SELECT text FROM messages WHERE id = '%s'", string(example, "message_id"));
    AUTO(mem_free) char *text = crm_sql_text(bench, sql);
    cr_assert_str_eq(string(example, "quote"), text);
    cr_assert_str_eq(bench->call.stages, "starting processing analyzing");
}

Test(analyze, careful_agents_score_higher)
{
    double rude = score(analyze(""), "tone");

    free(agent);
    agent = crm_sql_text(bench, "SELECT id FROM agents WHERE name = 'Ana Souza'");
    cr_assert_gt(score(analyze(""), "tone"), rude + 2);
}

Test(analyze, no_messages_are_zeros_and_no_error)
{
    json_t *result = analyze(",\"end_date\":\"2001-01-01\"");

    cr_assert_eq(json_integer_value(json_object_get(result, "messages_analyzed")), 0);
    cr_assert_eq(score(result, "grammar"), 0);
    cr_assert(strstr(string(result, "note"), "no messages"));
}

Test(analyze, messages_of_deleted_contacts_and_of_customers_are_not_read)
{
    crm_sql(bench, "UPDATE contacts SET deleted_at = created_at");
    cr_assert_eq(json_integer_value(json_object_get(analyze(""), "messages_analyzed")), 0);
}

Test(analyze, sample_size_is_limited)
{
    cr_assert_null(crm_callf(bench, crm_tool("analyze_agent_messages"), "demo",
                             "{\"agent_id\":\"%s\",\"sample_size\":0}", agent));
    cr_assert_null(crm_callf(bench, crm_tool("analyze_agent_messages"), "demo",
                             "{\"agent_id\":\"%s\",\"sample_size\":100000}", agent));
    cr_assert(strstr(bench->call.err.text, "sample_size"));
}

typedef struct {
    int fd;
    const char *reply; /* the whole HTTP answer */
    char request[200000];
} server_t;

static void *serve(void *self)
{
    server_t *server = self;
    size_t length = 0;
    ssize_t got;
    int fd = accept(server->fd, NULL, NULL);

    while ((got = read(fd, server->request + length, sizeof(server->request) - 1 - length)) > 0) {
        length += (size_t)got;
        server->request[length] = '\0';
        const char *body = strstr(server->request, "\r\n\r\n");
        const char *size = strcasestr(server->request, "content-length:");
        if (body && size && strlen(body + 4) >= strtoul(size + 15, NULL, 10)) {
            break;
        }
    }
    got = write(fd, server->reply, strlen(server->reply));
    (void)got;
    close(fd);
    return NULL;
}

static json_t *analyze_with(server_t *server, const char *reply)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(address);
    char url[64];
    pthread_t thread;

    server->reply = reply;
    server->fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert_eq(bind(server->fd, (struct sockaddr *)&address, sizeof(address)), 0);
    cr_assert_eq(listen(server->fd, 1), 0);
    getsockname(server->fd, (struct sockaddr *)&address, &size);
    snprintf(url, sizeof(url), "http://127.0.0.1:%d/v1/", ntohs(address.sin_port));
    bench->settings.llm_url = url;
    bench->settings.llm_api_key = "sk-secret";
    bench->settings.llm_model = "judge-1";
    bench->state.web = web_new(bench->call.loop);
    pthread_create(&thread, NULL, serve, server);
    json_t *result = analyze(",\"sample_size\":10");
    pthread_join(thread, NULL);
    close(server->fd);
    return result;
}

#define HTTP_OK "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"

Test(analyze, model_judges_when_it_is_set)
{
    server_t *server = NEW(server_t);
    json_t *result = analyze_with(server, HTTP_OK
                                  "{\"choices\":[{\"message\":{\"content\":\"```json\\n{\\\"grammar\\\":{"
                                  "\\\"score\\\":3.25,\\\"examples\\\":[{\\\"message\\\":2,\\\"finding\\\":"
                                  "\\\"Slang\\\"},{\\\"message\\\":99,\\\"finding\\\":\\\"made "
                                  "up\\\"}]},\\\"tone\\\":{\\\"score\\\":2},\\\"brand\\\":{\\\"score\\\":1,"
                                  "\\\"examples\\\":null}}\\n```\"}}]}");

    cr_assert_str_eq(string(result, "method"), "model");
    cr_assert_float_eq(score(result, "grammar"), 3.3, 1e-9);
    json_t *examples = json_object_get(json_object_get(result, "grammar"), "examples");
    cr_assert_eq(json_array_size(examples), 1, "an example nobody wrote is dropped");
    cr_assert_str_eq(string(json_array_get(examples, 0), "finding"), "Slang");
    cr_assert(strstr(server->request, "POST /v1/chat/completions"));
    cr_assert(strstr(server->request, "Authorization: Bearer sk-secret"));
    cr_assert(strstr(server->request, "judge-1"));
    free(server);
}

Test(analyze, failing_model_falls_back_to_the_rules_and_says_so)
{
    static const char *const replies[] = {
        "HTTP/1.1 500 Oops\r\nContent-Length: 6\r\nConnection: close\r\n\r\nsecret",
        HTTP_OK "no json",
        HTTP_OK "{\"choices\":[]}",
        HTTP_OK "{\"choices\":[{\"message\":{\"content\":\"{\\\"grammar\\\":{\\\"score\\\":11}}\"}}]}",
        HTTP_OK "{\"choices\":[{\"message\":{\"content\":[]}}]}",
        "",
    };

    for (size_t i = 0; i < COUNT_OF(replies); i++) {
        server_t *server = NEW(server_t);
        json_t *result = analyze_with(server, replies[i]);
        cr_assert_str_eq(string(result, "method"), "rubric", "%zu", i);
        cr_assert(strstr(string(result, "note"), "fixed rules instead"), "%s", string(result, "note"));
        cr_assert_null(strstr(string(result, "note"), "secret"));
        web_free(TAKE(bench->state.web));
        free(server);
    }
}

Test(analyze, without_time_for_the_model_the_rules_judge)
{
    bench->settings.llm_url = "http://127.0.0.1:9";
    bench->settings.llm_api_key = "k";
    bench->settings.llm_model = "m";
    bench->state.web = web_new(bench->call.loop);
    bench->call.left_ms = 2000;
    cr_assert(strstr(string(analyze(""), "note"), "no time left"));
}

Test(model, request_carries_messages_as_data_and_cuts_long_ones)
{
    char *large = mem_alloc(200001);
    memset(large, 'a', 200000);
    message_t messages[] = { { "1", "Hi \"there\"", 0 }, { "2", large, 0 } };
    json_auto_t *request = model_request("m", messages, 2);
    AUTO(mem_free) char *text = json_dumps(request, 0);

    cr_assert_lt(strlen(text), 50000);
    cr_assert_str_eq(string(request, "model"), "m");
    cr_assert(strstr(text, "Hi \\\\\\\"there"));
    free(large);
}
