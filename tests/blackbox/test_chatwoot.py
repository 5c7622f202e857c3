"""mcp-chatwoot before the stand-in of Chatwoot: every tool, through gateway and connector."""

import re

import pytest

import harness
from chatwoot_world import connector_of


@pytest.fixture(scope="module")
def upstream(start_module):
    return start_module.standin("chatwoot")


@pytest.fixture(scope="module")
def gateway(start_module, upstream):
    return start_module.stack_with(connector_of(start_module, upstream))


@pytest.fixture
def ask(gateway):
    def ask(tool, arguments=None, **options):
        result = gateway.call(f"chatwoot_{tool}", arguments, **options)
        assert not result.get("isError"), result["content"][0]["text"]
        return result["structuredContent"], result["content"][0]["text"]

    return ask


@pytest.fixture
def refuse(gateway):
    def refuse(tool, arguments=None, **options):
        result = gateway.call(f"chatwoot_{tool}", arguments, **options)
        assert result.get("isError"), result
        return result["content"][0]["text"]

    return refuse


def test_all_tools_are_offered(gateway):
    assert len([n for n in gateway.tool_names() if n.startswith("chatwoot_")]) == 18


def test_open_conversations_come_in_pages_of_25(ask):
    first, text = ask("list_conversations")
    assert first["count"] == 25 and first["has_more"] and first["next_page"] == 2 and first["total"] == 29
    assert "ask again with page 2" in text
    second, text = ask("list_conversations", {"page": 2})
    assert second["count"] == 4 and not second["has_more"] and second["next_page"] is None
    ids = [c["conversation_id"] for page in (first, second) for c in page["conversations"]]
    assert len(set(ids)) == 29 and 20 not in ids  # that one is resolved


def test_a_page_behind_the_last_one_is_told_from_nothing_at_all(ask):
    assert ask("list_conversations", {"page": 9})[1] == "Nothing on this page: there are only 29 conversations."
    assert ask("list_agents", {"offset": 900})[1] == "Nothing on this page: there are only 3 agents."
    assert ask("list_agents", {"query": "nobody"})[1] == "0 agents found."


def test_conversations_are_filtered(ask, refuse):
    labelled, text = ask("list_conversations", {"labels": ["vip", "nothing"]})
    assert [c["conversation_id"] for c in labelled["conversations"]] == [1]
    assert "Ana Souza (contact_id 1)" in text and "Rita Agente (agent_id 2)" in text and "labels vip" in text
    assert "last message (incoming): 1 attachment" in text
    assert [c["conversation_id"] for c in ask("list_conversations", {"status": "resolved"})[0]["conversations"]] == [20]
    assert [c["conversation_id"] for c in ask("list_conversations", {"team_id": 1})[0]["conversations"]] == [1]
    assert ask("list_conversations", {"assignee_type": "me"})[0]["count"] == 0
    assert {c["inbox_id"] for c in ask("list_conversations", {"inbox_id": 3})[0]["conversations"]} == {3}
    of_ana = ask("list_conversations", {"contact_id": 1, "status": "snoozed"})[0]
    assert of_ana["conversations"] and {c["contact"]["contact_id"] for c in of_ana["conversations"]} == {1} and not of_ana["has_more"]
    assert "contact 999" in refuse("list_conversations", {"contact_id": 999})
    assert [c["conversation_id"] for c in ask("list_conversations", {"query": "S0042"})[0]["conversations"]] == [1]


def test_a_conversation_is_shown_with_its_last_real_message(ask):
    shown, text = ask("get_conversation", {"conversation_id": 1})
    assert shown["contact"] == {"contact_id": 1, "name": "Ana Souza", "email": "ana@example.com", "phone_number": "+5511999990001"}
    assert shown["assignee"] == {"agent_id": 2, "name": "Rita Agente"} and shown["team"] == {"team_id": 1, "name": "suporte"}
    assert shown["priority"] == "high" and shown["labels"] == ["vip"] and shown["last_message"]["direction"] == "incoming"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown["created_at"])
    assert text.startswith("conversation_id 1, open, priority high, with Ana Souza (contact_id 1)")


def test_messages_are_plain_text_with_sender_time_privacy_and_attachments(ask):
    shown, text = ask("list_messages", {"conversation_id": 1})
    html, note, photo, activity = shown["messages"][-4:]
    assert html["text"] == "Bom dia,\no pedido S0042 não chegou & eu preciso dele."
    assert html["sender"] == {"type": "contact", "id": 1, "name": "Ana Souza"} and html["private"] is False
    assert note["private"] is True and note["sender"]["name"] == "Rita Agente" and note["sender"]["type"] == "agent"
    assert photo["attachments"] == [{"name": "foto da caixa.png", "type": "image", "size_bytes": 2048}]
    assert activity["direction"] == "activity" and activity["sender"] is None
    assert "private note" in text and "[attached: foto da caixa.png, image]" in text
    assert "signed-secret" not in text + str(shown)


def test_messages_are_paged_backwards_and_forwards(ask):
    latest, _ = ask("list_messages", {"conversation_id": 1})
    assert latest["count"] == 20 and latest["has_more"] and latest["next_after"] is None
    before, text = ask("list_messages", {"conversation_id": 1, "before": latest["next_before"]})
    assert before["messages"][-1]["message_id"] < latest["messages"][0]["message_id"]
    assert f"before {before['next_before']}" in text
    first, _ = ask("list_messages", {"conversation_id": 1, "before": before["next_before"]})
    assert first["count"] == 8 and not first["has_more"]
    after, _ = ask("list_messages", {"conversation_id": 1, "after": first["messages"][0]["message_id"], "limit": 30})
    assert after["count"] == 30 and after["next_after"] == after["messages"][-1]["message_id"]
    rest, _ = ask("list_messages", {"conversation_id": 1, "after": after["next_after"], "limit": 30})
    assert rest["count"] == 17 and not rest["has_more"]
    assert after["messages"][-1]["message_id"] < rest["messages"][0]["message_id"]


def test_a_long_message_is_cut_and_can_be_had_whole(ask):
    sent, _ = ask("send_message", {"conversation_id": 5, "content": "ã" * 3000, "private": True})
    assert sent["message"]["truncated"]
    cut, text = ask("list_messages", {"conversation_id": 5})
    assert cut["messages"][-1]["text"] == "ã" * 1000 and "larger max_text" in text
    whole, _ = ask("list_messages", {"conversation_id": 5, "max_text": 10000})
    assert whole["messages"][-1]["text"] == "ã" * 3000 and not whole["messages"][-1]["truncated"]


def test_before_and_after_do_not_go_together(refuse):
    assert refuse("list_messages", {"conversation_id": 1, "before": 5, "after": 2}) == "Give before or after, not both."


def test_a_message_is_sent_once_and_read_again(ask, upstream):
    upstream.forget()
    sent, text = ask("send_message", {"conversation_id": 3, "content": "Olá **Carla** 😀 <agora>"})
    assert sent["message"]["text"] == "Olá **Carla** 😀 <agora>" and sent["message"]["private"] is False
    assert text.startswith("Sent to conversation_id 3.")
    assert len(upstream.requests(method="POST")) == 1
    assert ask("list_messages", {"conversation_id": 3})[0]["messages"][-1]["message_id"] == sent["message"]["message_id"]
    noted, text = ask("send_message", {"conversation_id": 3, "content": "só para nós", "private": True})
    assert noted["message"]["private"] is True and text.startswith("Private note added")


def test_an_empty_message_is_not_sent(refuse, upstream):
    upstream.forget()
    assert "nothing to send" in refuse("send_message", {"conversation_id": 3, "content": " \n "})
    assert upstream.requests() == []


def test_status_is_set_and_put_off(ask, refuse):
    assert ask("set_conversation_status", {"conversation_id": 6, "status": "resolved"})[0] == {"conversation_id": 6, "status": "resolved", "snoozed_until": None}
    assert ask("get_conversation", {"conversation_id": 6})[0]["status"] == "resolved"
    snoozed, text = ask("set_conversation_status", {"conversation_id": 6, "status": "snoozed", "snoozed_until": "2099-01-02T03:04:05-03:00"})
    assert snoozed["snoozed_until"] == "2099-01-02T06:04:05.000Z" and "until 2099-01-02" in text
    assert "in the past" in refuse("set_conversation_status", {"conversation_id": 6, "status": "snoozed", "snoozed_until": "2020-01-02"})
    assert "with status snoozed only" in refuse("set_conversation_status", {"conversation_id": 6, "status": "open", "snoozed_until": "2099-01-02"})
    assert "YYYY-MM-DD" in refuse("set_conversation_status", {"conversation_id": 6, "status": "snoozed", "snoozed_until": "tomorrow"})


def test_priority_is_set_and_taken_away(ask, upstream):
    assert ask("set_conversation_priority", {"conversation_id": 7, "priority": "urgent"})[1] == "conversation_id 7 has the priority urgent."
    assert ask("get_conversation", {"conversation_id": 7})[0]["priority"] == "urgent"
    ask("set_conversation_priority", {"conversation_id": 7, "priority": "none"})
    assert ask("get_conversation", {"conversation_id": 7})[0]["priority"] is None


def test_a_conversation_is_assigned_and_taken_away(ask, refuse):
    agent, text = ask("assign_conversation", {"conversation_id": 8, "agent_id": 2})
    assert agent["agent"] == {"agent_id": 2, "name": "Rita Agente"} and "Rita Agente (agent_id 2)" in text
    team, _ = ask("assign_conversation", {"conversation_id": 8, "team_id": 2})
    assert team["team"] == {"team_id": 2, "name": "vendas"}
    shown, _ = ask("get_conversation", {"conversation_id": 8})
    assert shown["assignee"]["agent_id"] == 2 and shown["team"]["team_id"] == 2
    assert ask("assign_conversation", {"conversation_id": 8, "unassign": "agent"})[0]["agent"] is None
    assert ask("assign_conversation", {"conversation_id": 8, "unassign": "team"})[1] == "conversation_id 8 is assigned to no team."
    shown, _ = ask("get_conversation", {"conversation_id": 8})
    assert shown["assignee"] is None and shown["team"] is None
    assert "exactly one" in refuse("assign_conversation", {"conversation_id": 8, "agent_id": 2, "team_id": 1})
    assert "exactly one" in refuse("assign_conversation", {"conversation_id": 8})


def test_an_unknown_agent_does_not_unassign(ask, refuse, upstream):
    ask("assign_conversation", {"conversation_id": 9, "agent_id": 1})
    upstream.forget()
    assert refuse("assign_conversation", {"conversation_id": 9, "agent_id": 77}) == "Chatwoot has no agent 77 in this account. list_agents shows those there are."
    assert upstream.requests(method="POST") == []
    assert ask("get_conversation", {"conversation_id": 9})[0]["assignee"]["agent_id"] == 1


def test_labels_are_replaced_and_cleared_by_a_word_of_its_own(ask, refuse):
    assert ask("set_labels", {"conversation_id": 10, "labels": ["vip", "billing"]})[0]["labels"] == ["billing", "vip"]
    assert ask("set_labels", {"conversation_id": 10, "labels": ["bug"]})[1] == "conversation_id 10 has the labels bug."
    assert "clear: true" in refuse("set_labels", {"conversation_id": 10, "labels": []})
    assert "not both" in refuse("set_labels", {"conversation_id": 10, "labels": ["a"], "clear": True})
    assert ask("get_conversation", {"conversation_id": 10})[0]["labels"] == ["bug"]
    assert ask("set_labels", {"conversation_id": 10, "clear": True})[0]["labels"] == []


def test_contacts_are_searched_and_paged(ask):
    found, text = ask("search_contacts", {"query": "ana@"})
    assert [c["name"] for c in found["contacts"]] == ["Ana Souza"] and not found["has_more"]
    assert "Ana Souza (contact_id 1), ana@example.com, +5511999990001" in text
    first, text = ask("search_contacts")
    assert first["count"] == 15 and first["has_more"] and "page 2" in text
    second, _ = ask("search_contacts", {"page": 2})
    assert not second["has_more"] and not {c["contact_id"] for c in first["contacts"]} & {c["contact_id"] for c in second["contacts"]}
    assert ask("search_contacts", {"query": "no one of that name"})[1] == "0 contacts found."


def test_a_contact_is_shown(ask):
    shown, text = ask("get_contact", {"contact_id": 1})
    assert shown["custom_attributes"] == {"plan": "gold"} and shown["inboxes"][0]["inbox_id"] == 1
    assert "plan: gold" in text and "reached through Site (inbox_id 1)" in text


def test_a_contact_is_made_once_and_changed(ask, refuse):
    made, text = ask("create_contact", {"name": "Davi Nunes", "email": "davi@example.com", "phone_number": "+5521988887777", "custom_attributes": {"plan": "free"}, "inbox_id": 3})
    assert made["inboxes"][0]["inbox_id"] == 3 and text.startswith("Created Davi Nunes")
    assert "already been taken" in refuse("create_contact", {"name": "Davi", "email": "davi@example.com"})
    id = made["contact_id"]
    changed, _ = ask("update_contact", {"contact_id": id, "name": "Davi N.", "custom_attributes": {"city": "Rio"}})
    assert changed["name"] == "Davi N." and changed["custom_attributes"] == {"plan": "free", "city": "Rio"} and changed["email"] == "davi@example.com"
    cleared, _ = ask("update_contact", {"contact_id": id, "clear": ["phone_number"]})
    assert cleared["phone_number"] is None and cleared["email"] == "davi@example.com"
    assert "Nothing to change" in refuse("update_contact", {"contact_id": id})
    assert "not both" in refuse("update_contact", {"contact_id": id, "email": "x@example.com", "clear": ["email"]})
    assert "+5511987654321" in refuse("update_contact", {"contact_id": id, "phone_number": "11 98765"})


def test_a_conversation_is_begun_on_the_contacts_own_link(ask, upstream):
    link = ask("get_contact", {"contact_id": 1})[0]["inboxes"][0]
    upstream.forget()
    begun, text = ask("create_conversation", {"contact_id": 1, "inbox_id": link["inbox_id"], "message": "Seu pedido saiu."})
    assert begun["message_sent"] and begun["status"] == "open" and "the message was sent" in text
    (sent,) = upstream.requests(method="POST")
    assert link["source_id"] in sent["body"]
    assert ask("list_messages", {"conversation_id": begun["conversation_id"]})[0]["messages"][0]["text"] == "Seu pedido saiu."


def test_a_conversation_is_begun_where_there_is_no_link_yet(ask, refuse):
    begun, _ = ask("create_conversation", {"contact_id": 3, "inbox_id": 2})
    assert not begun["message_sent"]
    assert ask("list_messages", {"conversation_id": begun["conversation_id"]})[1] == f"0 messages in conversation_id {begun['conversation_id']}."
    assert "contact phone number" in refuse("create_conversation", {"contact_id": 18, "inbox_id": 4})
    assert "no inbox 99 in account 1" in refuse("create_conversation", {"contact_id": 3, "inbox_id": 99})


def test_the_whole_lists_are_searched_and_paged_here(ask):
    inboxes, text = ask("list_inboxes")
    assert [i["name"] for i in inboxes["inboxes"]] == ["Site", "E-mail", "API", "WhatsApp", "Facebook"] and "Site (inbox_id 1), WebWidget" in text
    page, text = ask("list_inboxes", {"limit": 2})
    assert page["count"] == 2 and page["has_more"] and page["next_offset"] == 2 and "offset 2" in text
    assert [i["inbox_id"] for i in ask("list_inboxes", {"limit": 4, "offset": 4})[0]["inboxes"]] == [5]
    assert [i["inbox_id"] for i in ask("list_inboxes", {"query": "whats"})[0]["inboxes"]] == [4]
    assert [a["agent_id"] for a in ask("list_agents", {"query": "RITA@"})[0]["agents"]] == [2]
    assert [t["name"] for t in ask("list_teams")[0]["teams"]] == ["suporte", "vendas"]
    canned, text = ask("list_canned_responses", {"query": "prazo"})
    assert canned["canned_responses"][0]["content"] == "O prazo de entrega é de 5 dias." and text.endswith("/prazo: O prazo de entrega é de 5 dias.")


def test_a_report_sums_days(ask, refuse):
    report, text = ask("get_report", {"metric": "conversations_count", "since": "2026-11-01", "until": "2026-11-06"})
    assert report["total"] == 6 and len(report["points"]) == 6 and report["points"][1] == {"time": "2026-11-02T00:00:00Z", "value": 1}
    assert text.startswith("conversations_count of the account, 2026-11-01 to 2026-11-06: 6 in all.\n2026-11-02: 1")
    mean, text = ask("get_report", {"metric": "avg_first_response_time", "since": "2026-11-01", "until": "2026-11-03", "type": "agent", "id": 2})
    assert mean["total"] == round((60.5 + 2 * 121) / 3) and mean["unit"] == "seconds" and "seconds on average" in text
    assert "no agent 77" in refuse("get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-03", "type": "agent", "id": 77})
    assert "needs the id" in refuse("get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-03", "type": "team"})
    vip, text = ask("get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-03", "type": "label", "label": "VIP"})
    assert vip["id"] == 11 and text.startswith("resolutions_count of the label")
    assert "no label none" in refuse("get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-03", "type": "label", "label": "none"})
    assert "after since" in refuse("get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-10-03"})
    assert "366 days" in refuse("get_report", {"metric": "resolutions_count", "since": "2020-11-01", "until": "2026-10-03"})


def test_what_is_not_there_is_named(refuse):
    assert refuse("get_conversation", {"conversation_id": 999}) == "Chatwoot has no conversation 999 in account 1, or this account may not see it. Check the id."
    assert "no contact 19 " in refuse("get_contact", {"contact_id": 19})  # of the other account
    assert "no team 3 " in refuse("list_conversations", {"team_id": 3})


def test_an_empty_text_takes_nothing_from_a_contact(ask):
    contact = ask("create_contact", {"name": "Íris Prado", "identifier": "erp-77", "phone_number": "", "custom_attributes": {}})[0]
    changed = ask("update_contact", {"contact_id": contact["contact_id"], "name": "", "identifier": "", "phone_number": "+5511999990077"})[0]
    assert (changed["name"], changed["identifier"], changed["phone_number"]) == ("Íris Prado", "erp-77", "+5511999990077")


def test_null_and_empty_arguments_count_as_absent(ask):
    assert ask("list_conversations", {"labels": [], "query": None, "team_id": None, "page": None})[0]["count"] == 25


def test_the_docs_page_has_the_tables_that_mcp_chatwoot_prints():
    import subprocess

    page = (harness.ROOT / "docs/connectors/chatwoot.md").read_text()
    printed = subprocess.run([harness.program("chatwoot"), "--markdown"], check=True, capture_output=True, text=True).stdout
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(rows) > 60
    assert [row for row in rows if row not in page] == []
