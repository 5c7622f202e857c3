/* The tools of mcp-chatwoot: what they ask of Chatwoot, and what they make of its answers. */
#include <criterion/criterion.h>
#include <string.h>

#include "mem.h"
#include "refusal.h"
#include "test_chatwoot_kit.h"

AUTO_DEFINE(kit_t *, kit_free);

#define BASE "/api/v1/accounts/3"
#define EXPECT_ASKED(kit, n, ...) cr_expect_str_eq(kit_asked(kit, n), __VA_ARGS__)
#define EXPECT_IN(text, part) cr_expect_not_null(strstr(text, part), "%s\nhas no %s", text, part)

static const char *text_of(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

Test(chatwoot_requests, conversations_are_asked_for_with_every_filter)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"data\":{\"payload\":[]}}";
    cr_assert_not_null(kit_call(kit, "list_conversations", "{}"), "%s", kit->call.err.text);
    EXPECT_ASKED(kit, 0, "GET " BASE "/conversations?status=open&assignee_type=all&page=1");
    kit_call(kit, "list_conversations",
             "{\"status\":\"all\",\"assignee_type\":\"me\",\"inbox_id\":5,\"team_id\":6,\"labels\":[\"a "
             "b\",\"c&d\"],"
             "\"query\":\"x=\\u00e3/?\",\"page\":4}");
    EXPECT_ASKED(kit, 0,
                 "GET " BASE
                 "/conversations?status=all&assignee_type=me&page=4&inbox_id=5&team_id=6&labels=a%20b"
                 "%2Cc%26d&q=x%3D%C3%A3%2F%3F");
    cr_expect(kit->asked[0].repeatable);
    cr_expect_str_eq(kit->asked[0].token, "service key");
}

Test(chatwoot_requests, writes_go_out_once)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"id\":9,\"content\":\"Oi\",\"message_type\":1}";
    cr_assert_not_null(kit_call(kit, "send_message", "{\"conversation_id\":12,\"content\":\"Oi\"}"), "%s",
                       kit->call.err.text);
    EXPECT_ASKED(kit, 0,
                 "POST " BASE "/conversations/12/messages "
                 "{\"content\":\"Oi\",\"message_type\":\"outgoing\",\"private\":false}");
    cr_expect_not(kit->asked[0].repeatable);
    kit->status[0] = 500;
    cr_expect_null(
        kit_call(kit, "send_message", "{\"conversation_id\":12,\"content\":\"Oi\",\"private\":true}"));
    cr_expect_eq(kit->asked_count, 1);
    EXPECT_IN(kit->asked[0].body, "\"private\":true");
    EXPECT_IN(kit->call.err.text, "outcome is unknown");
}

Test(chatwoot_requests, a_header_dropped_for_its_underscores_is_sent_with_hyphens)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->status[0] = 401;
    kit->reply[0] = "{\"errors\":[\"You need to sign in or sign up before continuing.\"]}";
    kit->reply[1] = "{\"id\":9,\"content\":\"Oi\"}";
    cr_assert_not_null(kit_call(kit, "send_message", "{\"conversation_id\":12,\"content\":\"Oi\"}"), "%s",
                       kit->call.err.text);
    cr_expect_str_eq(kit->asked[0].token_name, "api_access_token");
    cr_expect_str_eq(kit->asked[1].token_name, "Api-Access-Token");
    cr_expect_str_eq(kit->asked[1].body, kit->asked[0].body);
    kit->status[0] = 0;
    kit->reply[0] = kit->reply[1];
    cr_assert_not_null(kit_call(kit, "send_message", "{\"conversation_id\":12,\"content\":\"Oi\"}"));
    cr_expect_str_eq(kit->asked[0].token_name, "Api-Access-Token", "from now on");
    cr_expect_eq(kit->asked_count, 1);
}

Test(chatwoot_requests, clearing_has_words_of_its_own)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"payload\":[]}";
    cr_assert_not_null(kit_call(kit, "set_labels", "{\"conversation_id\":12,\"clear\":true}"));
    EXPECT_ASKED(kit, 0, "POST " BASE "/conversations/12/labels {\"labels\":[]}");
    kit->reply[0] = "";
    cr_assert_not_null(
        kit_call(kit, "set_conversation_priority", "{\"conversation_id\":12,\"priority\":\"none\"}"), "%s",
        kit->call.err.text);
    EXPECT_ASKED(kit, 0, "POST " BASE "/conversations/12/toggle_priority {\"priority\":null}");
    kit->reply[0] = "null";
    cr_assert_not_null(
        kit_call(kit, "assign_conversation", "{\"conversation_id\":12,\"unassign\":\"team\"}"));
    EXPECT_ASKED(kit, 0, "POST " BASE "/conversations/12/assignments {\"team_id\":0}");
    kit->reply[0] = "{\"payload\":{\"id\":7}}";
    cr_assert_not_null(
        kit_call(kit, "update_contact", "{\"contact_id\":7,\"name\":\"A\",\"clear\":[\"email\"]}"));
    EXPECT_ASKED(kit, 0, "PUT " BASE "/contacts/7 {\"name\":\"A\",\"email\":\"\"}");
}

Test(chatwoot_requests, nothing_is_sent_for_arguments_that_contradict_each_other)
{
    static const char *const wrong[][2] = {
        { "set_labels", "{\"conversation_id\":1}" },
        { "set_labels", "{\"conversation_id\":1,\"labels\":[\"a\"],\"clear\":true}" },
        { "assign_conversation", "{\"conversation_id\":1}" },
        { "assign_conversation", "{\"conversation_id\":1,\"agent_id\":1,\"unassign\":\"agent\"}" },
        { "list_messages", "{\"conversation_id\":1,\"before\":1,\"after\":2}" },
        { "send_message", "{\"conversation_id\":1,\"content\":\" \\n\"}" },
        { "set_conversation_status",
          "{\"conversation_id\":1,\"status\":\"open\",\"snoozed_until\":\"2099-01-01\"}" },
        { "set_conversation_status",
          "{\"conversation_id\":1,\"status\":\"snoozed\",\"snoozed_until\":\"2001-01-01\"}" },
        { "update_contact", "{\"contact_id\":1}" },
        { "update_contact", "{\"contact_id\":1,\"phone_number\":\"123\"}" },
        { "create_contact", "{\"name\":\" \"}" },
        { "get_report",
          "{\"metric\":\"resolutions_count\",\"since\":\"2026-11-02\",\"until\":\"2026-11-01\"}" },
        { "get_report", "{\"metric\":\"resolutions_count\",\"since\":\"2026-11-01\",\"until\":\"2026-11-02\","
                        "\"type\":\"agent\"}" },
        { "get_report", "{\"metric\":\"resolutions_count\",\"since\":\"2026-11-01\",\"until\":\"2026-11-02\","
                        "\"type\":\"label\",\"id\":4}" },
        { "get_report", "{\"metric\":\"resolutions_count\",\"since\":\"2026-11-01\",\"until\":\"2026-11-02\","
                        "\"label\":\"vip\"}" },
        { "update_contact", "{\"contact_id\":1,\"name\":\"\",\"identifier\":\" \",\"phone_number\":\"\"}" },
        { "get_conversation", "{\"conversation_id\":0}" },
        { "get_conversation", "{\"conversation_id\":\"1/../2\"}" },
    };
    AUTO(kit_free) kit_t *kit = kit_new();

    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        cr_expect_null(kit_call(kit, wrong[i][0], wrong[i][1]), "%s %s", wrong[i][0], wrong[i][1]);
        cr_expect_eq(kit->call.err.kind, ERR_CALLER, "%s", kit->call.err.text);
        cr_expect_eq(kit->asked_count, 0, "%s %s", wrong[i][0], wrong[i][1]);
    }
}

Test(chatwoot_requests, an_agent_is_looked_up_before_a_conversation_is_assigned)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "[{\"id\":4,\"name\":\"Rita\"}]";
    kit->reply[1] = "{\"id\":4}";
    cr_assert_not_null(kit_call(kit, "assign_conversation", "{\"conversation_id\":12,\"agent_id\":4}"));
    EXPECT_ASKED(kit, 0, "GET " BASE "/agents");
    EXPECT_ASKED(kit, 1, "POST " BASE "/conversations/12/assignments {\"assignee_id\":4}");
    cr_expect_str_eq(kit->call.text, "conversation_id 12 is assigned to Rita (agent_id 4).");
    cr_expect_null(kit_call(kit, "assign_conversation", "{\"conversation_id\":12,\"agent_id\":5}"));
    cr_expect_eq(kit->asked_count, 1);
    kit->reply[1] = "null";
    cr_expect_null(kit_call(kit, "assign_conversation", "{\"conversation_id\":12,\"agent_id\":4}"));
    EXPECT_IN(kit->call.err.text, "assigned the conversation to nobody");
}

Test(chatwoot_requests, a_conversation_is_begun_on_the_newest_link_to_that_inbox)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] =
        "{\"payload\":{\"id\":7,\"contact_inboxes\":[{\"source_id\":\"old\",\"inbox\":{\"id\":2}},"
        "{\"source_id\":\"new\",\"inbox\":{\"id\":2}},{\"source_id\":\"x\",\"inbox\":{\"id\":5}}]}}";
    kit->reply[1] = "{\"id\":31,\"status\":\"open\"}";
    cr_assert_not_null(
        kit_call(kit, "create_conversation", "{\"contact_id\":7,\"inbox_id\":2,\"message\":\"Oi\"}"));
    EXPECT_ASKED(kit, 1,
                 "POST " BASE
                 "/conversations {\"source_id\":\"new\",\"inbox_id\":2,\"contact_id\":7,\"status\":\"open\","
                 "\"message\":{\"content\":\"Oi\"}}");
    cr_assert_not_null(kit_call(kit, "create_conversation", "{\"contact_id\":7,\"inbox_id\":9}"));
    EXPECT_ASKED(kit, 1, "POST " BASE "/conversations {\"inbox_id\":9,\"contact_id\":7,\"status\":\"open\"}");
}

Test(chatwoot_requests, an_empty_text_for_what_is_optional_takes_nothing_away)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"payload\":{\"id\":7}}";
    cr_assert_not_null(
        kit_call(kit, "update_contact",
                 "{\"contact_id\":7,\"name\":\"\",\"phone_number\":\"\",\"identifier\":\"c-1\"}"),
        "%s", kit->call.err.text);
    EXPECT_ASKED(kit, 0, "PUT " BASE "/contacts/7 {\"identifier\":\"c-1\"}");
}

Test(chatwoot_requests, a_report_of_a_label_looks_up_its_id)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"payload\":[{\"id\":4,\"title\":\"billing\"},{\"id\":5,\"title\":\"vip\"}]}";
    kit->reply[1] = "[]";
    cr_assert_not_null(kit_call(kit, "get_report",
                                "{\"metric\":\"resolutions_count\",\"since\":\"2026-11-20\",\"until\":"
                                "\"2026-11-20\",\"type\":\"label\",\"label\":\"VIP\"}"),
                       "%s", kit->call.err.text);
    EXPECT_ASKED(kit, 0, "GET " BASE "/labels");
    EXPECT_ASKED(kit, 1,
                 "GET "
                 "/api/v2/accounts/3/reports?metric=resolutions_count&type=label&since=1795132800&until="
                 "1795219199&id=5");
}

Test(chatwoot_requests, a_report_of_an_unknown_label_is_not_one_of_the_account)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"payload\":[{\"id\":4,\"title\":\"billing\"}]}";
    cr_assert_null(
        kit_call(kit, "get_report",
                 "{\"metric\":\"resolutions_count\",\"since\":\"2026-11-20\",\"until\":\"2026-11-20\","
                 "\"type\":\"label\",\"label\":\"vip\"}"));
    cr_expect_eq(kit->call.err.kind, ERR_CALLER);
    cr_expect_not_null(strstr(kit->call.err.text, "no label vip"), "%s", kit->call.err.text);
    cr_expect_eq(kit->asked_count, 1);
}

Test(chatwoot_requests, reports_are_of_version_2)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "[]";
    cr_assert_not_null(
        kit_call(kit, "get_report",
                 "{\"metric\":\"avg_resolution_time\",\"since\":\"2026-11-20\",\"until\":\"2026-11-20\","
                 "\"type\":\"team\",\"id\":5}"));
    EXPECT_ASKED(
        kit, 0,
        "GET "
        "/api/v2/accounts/3/reports?metric=avg_resolution_time&type=team&since=1795132800&until=1795219199"
        "&id=5");
    cr_expect_str_eq(kit->call.text,
                     "avg_resolution_time of the team, id 5, 2026-11-20 to 2026-11-20: nothing to take a "
                     "mean of.");
    cr_expect(json_is_null(json_object_get(kit->call.result, "total")));
}

Test(chatwoot_accounts, the_profile_is_asked_for_once)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->settings.account_id = 0;
    kit->reply[0] = "{\"accounts\":[{\"id\":8}]}";
    kit->reply[1] = "[]";
    cr_assert_not_null(kit_call(kit, "list_agents", "{}"), "%s", kit->call.err.text);
    EXPECT_ASKED(kit, 0, "GET /api/v1/profile");
    EXPECT_ASKED(kit, 1, "GET /api/v1/accounts/8/agents");
    kit->reply[0] = "[]";
    cr_assert_not_null(kit_call(kit, "list_agents", "{}"));
    EXPECT_ASKED(kit, 0, "GET /api/v1/accounts/8/agents");
    kit->status[0] = 401;
    cr_expect_null(kit_call(kit, "list_agents", "{}"));
    kit->status[0] = 0;
    kit->reply[0] = "{\"accounts\":[{\"id\":8}]}";
    cr_assert_not_null(kit_call(kit, "list_agents", "{}"));
    cr_expect_eq(kit->asked_count, 2, "a 401 makes it forget");
}

Test(chatwoot_accounts, a_users_token_wins_and_another_tenant_needs_one)
{
    AUTO(kit_free) kit_t *kit = kit_new();
    char *names[] = { (char *)"demo", NULL };

    kit->state.tenants = (tenants_t){ .names = names };
    kit->token_header = "of the user";
    kit->reply[0] = "{\"accounts\":[{\"id\":8}]}";
    kit->reply[1] = "[]";
    cr_assert_not_null(kit_call(kit, "list_agents", "{}"), "%s", kit->call.err.text);
    cr_expect_str_eq(kit->asked[0].token, "of the user");
    cr_expect_str_eq(kit->asked[1].token, "of the user");
    EXPECT_ASKED(kit, 1, "GET /api/v1/accounts/8/agents");
    kit->token_header = NULL;
    kit->tenant = "other";
    cr_expect_null(kit_call(kit, "list_agents", "{}"));
    cr_expect_eq(kit->call.err.kind, ERR_DENIED);
    cr_expect_eq(kit->asked_count, 0);
}

Test(chatwoot_answers, messages_show_who_wrote_when_and_for_whom)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] =
        "{\"payload\":[{\"id\":5,\"content\":\"<p>Oi</"
        "p>\",\"message_type\":0,\"created_at\":1795132800,\"sender\":"
        "{\"id\":7,\"name\":\"Ana\"}},{\"id\":6,\"content\":null,\"message_type\":1,\"private\":true,"
        "\"sender\":{\"id\":2,"
        "\"name\":\"Rita\",\"type\":\"user\"},\"status\":\"failed\",\"attachments\":[{\"file_type\":\"file\","
        "\"data_url\":"
        "\"https://x/blobs/secret/"
        "nota%20fiscal.pdf?sig=1\"},{\"file_type\":\"location\",\"fallback_title\":\"Here\"},{}]},"
        "{\"id\":7,\"content\":\"\",\"message_type\":\"incoming\",\"content_attributes\":{\"email\":{\"html_"
        "content\":"
        "{\"full\":\"<div>mail</"
        "div>\"}}}},{\"id\":8,\"content\":\"x\",\"message_type\":99,\"sender\":{\"type\":"
        "\"agent_bot\"}}]}";
    cr_assert_not_null(kit_call(kit, "list_messages", "{\"conversation_id\":12}"), "%s", kit->call.err.text);
    cr_expect_str_eq(kit->call.text, "4 messages of conversation_id 12:\n"
                                     "[2026-11-20T00:00:00Z] Ana (contact), public, message_id 5:\nOi\n"
                                     "[] Rita (agent), private note, message_id 6, NOT delivered:\n"
                                     "\n[attached: nota fiscal.pdf, file, Here, location, a file]\n"
                                     "[] incoming, public, message_id 7:\nmail\n"
                                     "[] other (bot), public, message_id 8:\nx");
}

Test(chatwoot_answers, pages_of_messages_say_how_to_go_on)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"payload\":[{\"id\":1},{\"id\":2},{\"id\":3}]}";
    json_t *latest = kit_call(kit, "list_messages", "{\"conversation_id\":1,\"limit\":2}");
    cr_expect_eq(json_integer_value(json_object_get(latest, "next_before")), 2);
    json_t *after = kit_call(kit, "list_messages", "{\"conversation_id\":1,\"limit\":2,\"after\":9}");
    EXPECT_ASKED(kit, 0, "GET " BASE "/conversations/1/messages?after=9");
    cr_expect_eq(json_integer_value(json_object_get(after, "next_after")), 2);
    json_t *before = kit_call(kit, "list_messages", "{\"conversation_id\":1,\"before\":9}");
    EXPECT_ASKED(kit, 0, "GET " BASE "/conversations/1/messages?before=9");
    cr_expect(json_is_false(json_object_get(before, "has_more")));
}

Test(chatwoot_answers, contacts_have_more_in_every_version)
{
    static const struct {
        const char *meta;
        bool has_more;
    } versions[] = {
        { "{\"count\":16,\"current_page\":1}", true },
        { "{\"count\":15,\"current_page\":1}", false },
        { "{\"count\":15,\"has_more\":true}", true },
        { "{\"has_more\":false}", false },
        { "{}", true },
    };
    AUTO(kit_free) kit_t *kit = kit_new();

    for (size_t i = 0; i < COUNT_OF(versions); i++) {
        AUTO(mem_free)
        char *reply = mem_printf("{\"meta\":%s,\"payload\":[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}",
                                 versions[i].meta);
        kit->reply[0] = reply;
        json_t *page = kit_call(kit, "search_contacts", "{\"query\":\"a\"}");
        cr_expect_eq(json_is_true(json_object_get(page, "has_more")), versions[i].has_more, "%s",
                     versions[i].meta);
        kit->reply[0] = NULL;
    }
}

Test(chatwoot_answers, a_report_weighs_its_means)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] =
        "[{\"value\":\"10.5\",\"timestamp\":1795132800,\"count\":3},{\"value\":null,\"timestamp\":1795219200,"
        "\"count\":0},{\"value\":20,\"timestamp\":1795305600,\"count\":1},{\"value\":\"x\"}]";
    cr_assert_not_null(
        kit_call(kit, "get_report",
                 "{\"metric\":\"avg_resolution_time\",\"since\":\"2026-11-20\",\"until\":\"2026-11-22\"}"));
    cr_expect_str_eq(kit->call.text,
                     "avg_resolution_time of the account, 2026-11-20 to 2026-11-22: 13 seconds on average.\n"
                     "2026-11-20: 10.5\n2026-11-22: 20");
}

Test(chatwoot_answers, a_long_canned_response_is_cut_in_a_list_and_whole_alone)
{
    AUTO(kit_free) kit_t *kit = kit_new();
    char content[801], reply[1024];

    memset(content, 'x', 800);
    content[800] = '\0';
    snprintf(reply, sizeof(reply),
             "[{\"id\":1,\"short_code\":\"long\",\"content\":\"%s\"},"
             "{\"id\":2,\"short_code\":\"b\",\"content\":\"c\"}]",
             content);
    kit->reply[0] = reply;
    cr_assert_not_null(kit_call(kit, "list_canned_responses", "{}"));
    cr_expect_not_null(
        strstr(kit->call.text, "xxx... (cut; all of it: its short code as query, with limit 1)\n/b: c"));
    cr_expect_null(strstr(kit->call.text, content));
    kit->reply[0] = reply;
    cr_assert_not_null(kit_call(kit, "list_canned_responses", "{\"query\":\"long\",\"limit\":1}"));
    cr_expect_not_null(strstr(kit->call.text, content), "%s", kit->call.text);
}

Test(chatwoot_answers, secrets_of_a_profile_are_not_shown)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] =
        "[{\"id\":4,\"name\":\"Rita\",\"access_token\":\"hidden-1\",\"pubsub_token\":\"hidden-2\"}]";
    cr_assert_not_null(kit_call(kit, "list_agents", "{}"));
    AUTO(mem_free) char *shown = json_dumps(kit->call.result, 0);
    cr_expect_null(strstr(shown, "hidden"));
    cr_expect_null(strstr(kit->call.text, "hidden"));
}

Test(chatwoot_answers, what_has_no_id_is_not_what_was_asked_for)
{
    static const char *const calls[][2] = {
        { "get_conversation", "{\"conversation_id\":1}" },
        { "get_contact", "{\"contact_id\":1}" },
        { "update_contact", "{\"contact_id\":1,\"name\":\"A\"}" },
        { "create_contact", "{\"name\":\"A\"}" },
        { "send_message", "{\"conversation_id\":1,\"content\":\"A\"}" },
    };
    AUTO(kit_free) kit_t *kit = kit_new();

    kit->reply[0] = "{\"payload\":{\"contact\":{\"name\":\"A\"}}}";
    for (size_t i = 0; i < COUNT_OF(calls); i++) {
        cr_expect_null(kit_call(kit, calls[i][0], calls[i][1]), "%s", calls[i][0]);
        cr_expect_eq(kit->call.err.kind, ERR_UPSTREAM);
    }
    EXPECT_IN(kit->call.err.text, "check before repeating");
    kit->reply[0] = "{\"payload\":[null,7,{},{\"id\":\"x\"},{\"id\":4,\"name\":\"B\"}]}";
    kit_call(kit, "list_inboxes", "{}");
    cr_expect_eq(json_array_size(json_object_get(kit->call.result, "inboxes")), 1);
    kit_call(kit, "search_contacts", "{}");
    cr_expect_eq(json_array_size(json_object_get(kit->call.result, "contacts")), 1);
}

static const char *refusal(kit_t *kit, int status, const char *body)
{
    kit->status[0] = kit->status[1] = status;
    kit->reply[0] = kit->reply[1] = body;
    cr_expect_null(kit_call(kit, "get_conversation", "{\"conversation_id\":12}"));
    return kit->call.err.text;
}

Test(chatwoot_refusals, a_401_is_told_apart_by_its_words)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    EXPECT_IN(refusal(kit, 401, "{\"error\":\"Invalid Access Token\"}"), "refused CHATWOOT_API_KEY");
    cr_expect_eq(kit->call.err.kind, ERR_UPSTREAM);
    EXPECT_IN(refusal(kit, 401, "{\"errors\":[\"You need to sign in or sign up before continuing.\"]}"),
              "nginx needs underscores_in_headers on");
    cr_expect_eq(kit->asked_count, 2, "tried under both names");
    EXPECT_IN(refusal(kit, 401, "{\"error\":\"Access to this endpoint is not authorized for bots\"}"),
              "agent bots");
    EXPECT_IN(refusal(kit, 401, "{\"error\":\"You are not authorized to access this account\"}"),
              "does not belong to Chatwoot account 3");
    EXPECT_IN(refusal(kit, 401, "{\"error\":\"You are not authorized to do this action\"}"),
              "reports need an administrator");
    cr_expect_eq(kit->call.err.kind, ERR_DENIED);
    EXPECT_IN(refusal(kit, 401, "nothing"), "Trying again will not help");
}

Test(chatwoot_refusals, other_answers_become_sentences)
{
    AUTO(kit_free) kit_t *kit = kit_new();

    cr_expect_str_eq(
        refusal(kit, 404, "{\"error\":\"Resource could not be found\"}"),
        "Chatwoot has no conversation 12 in account 3, or this account may not see it. Check the id.");
    cr_expect_eq(kit->call.err.kind, ERR_CALLER);
    cr_expect_null(strstr(refusal(kit, 404, "<html>404</html>"), "conversation 12"));
    EXPECT_IN(refusal(kit, 422, "{\"message\":\"Name is bad\",\"attributes\":[\"name\"]}"), "Name is bad");
    EXPECT_IN(refusal(kit, 200, "<html></html>"), "CHATWOOT_URL");
    EXPECT_IN(refusal(kit, 200, "{\"error\":\"inside\"}"), "inside");
    EXPECT_IN(refusal(kit, 200, "null"), "Chatwoot");
    EXPECT_IN(refusal(kit, 429, "Retry later\n"), "HTTP 429");
}

Test(chatwoot_refusals, the_detail_is_found_in_every_shape)
{
    static const char *const shapes[][2] = {
        { "{\"error\":\"a\"}", "a" },
        { "{\"message\":\"b\",\"attributes\":[]}", "b" },
        { "{\"errors\":[\"c\",\"d\"]}", "c, d" },
        { "{\"errors\":[{\"message\":\"e\"},{},7,null]}", "e" },
        { "{\"description\":\"f\",\"errors\":[]}", "f" },
    };

    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        json_auto_t *json = json_loads(shapes[i][0], 0, NULL);
        AUTO(mem_free) char *detail = refusal_detail(json);
        cr_assert_not_null(detail, "%s", shapes[i][0]);
        cr_expect_str_eq(detail, shapes[i][1]);
    }
    cr_expect_null(refusal_detail(NULL));
    json_auto_t *list = json_loads("[{\"error\":{}}]", 0, NULL);
    cr_expect_null(refusal_detail(list));
}

Test(chatwoot_tools, are_annotated_as_what_they_do)
{
    for (size_t i = 0; chatwoot_tools[i]; i++) {
        const tool_t *tool = chatwoot_tools[i];
        bool reads = strncmp(tool->name, "list_", 5) == 0 || strncmp(tool->name, "get_", 4) == 0 ||
                     strncmp(tool->name, "search_", 7) == 0;
        bool adds = strncmp(tool->name, "create_", 7) == 0 || strncmp(tool->name, "send_", 5) == 0;
        cr_expect_eq(tool->read_only, reads, "%s", tool->name);
        cr_expect_eq(tool->destructive, !reads && !adds, "%s", tool->name);
        cr_expect_eq(tool->idempotent, !adds, "%s", tool->name);
        json_error_t where;
        json_auto_t *schema = json_loads(tool->result_schema, 0, &where);
        cr_expect_not_null(schema, "%s: %s", tool->name, where.text);
        cr_expect_str_eq(text_of(schema, "type"), "object", "%s", tool->name);
    }
}
