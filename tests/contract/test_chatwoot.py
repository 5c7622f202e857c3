"""Every request that a tool of mcp-chatwoot can send, against Chatwoot's own OpenAPI file.

Where that file and Chatwoot's source say different things, we follow the source; each such place is in DIFFERENCES.
"""

import json

import pytest

import harness

SPEC = "chatwoot-4.10.openapi.json"
KEY = {"api_access_token": "a key"}


ACCOUNT = "/api/v1/accounts/3"
LINK = {"source_id": "s-1", "inbox": {"id": 2, "name": "E-mail", "channel_type": "Channel::Email"}}
CONTACT = {"id": 7, "name": "Ana Souza", "contact_inboxes": [LINK]}
PERIOD = {"since": "2026-11-01", "until": "2026-11-20"}
METRICS = ("conversations_count", "incoming_messages_count", "outgoing_messages_count", "resolutions_count", "avg_first_response_time", "avg_resolution_time")

CALLS = [
    ("list_conversations", {}),
    ("list_conversations", {"contact_id": 7}),
    *[("list_conversations", {"status": s}) for s in ("open", "resolved", "pending", "snoozed", "all")],
    *[("list_conversations", {"assignee_type": a}) for a in ("me", "unassigned", "assigned", "all")],
    ("list_conversations", {"inbox_id": 2, "team_id": 5, "labels": ["vip", "billing"], "query": "a b&c=d/ã", "page": 3}),
    ("get_conversation", {"conversation_id": 12}),
    ("list_messages", {"conversation_id": 12, "limit": 5, "max_text": 500}),
    ("send_message", {"conversation_id": 12, "content": "Olá 😀"}),
    ("send_message", {"conversation_id": 12, "content": "nota", "private": True}),
    ("create_conversation", {"contact_id": 7, "inbox_id": 2}),
    *[("create_conversation", {"contact_id": 7, "inbox_id": 2, "message": "Oi", "status": s}) for s in ("open", "resolved", "pending")],
    *[("set_conversation_status", {"conversation_id": 12, "status": s}) for s in ("open", "resolved", "pending", "snoozed")],
    ("set_conversation_status", {"conversation_id": 12, "status": "snoozed", "snoozed_until": "2099-01-01"}),
    *[("set_conversation_priority", {"conversation_id": 12, "priority": p}) for p in ("urgent", "high", "medium", "low")],
    ("assign_conversation", {"conversation_id": 12, "agent_id": 4}),
    ("assign_conversation", {"conversation_id": 12, "team_id": 5}),
    ("assign_conversation", {"conversation_id": 12, "unassign": "agent"}),
    ("assign_conversation", {"conversation_id": 12, "unassign": "team"}),
    ("set_labels", {"conversation_id": 12, "labels": ["vip", "billing"]}),
    ("set_labels", {"conversation_id": 12, "clear": True}),
    ("search_contacts", {"query": "ana&x=1", "page": 2}),
    ("search_contacts", {"page": 2}),
    ("get_contact", {"contact_id": 7}),
    ("create_contact", {"name": "Ana", "email": "ana@example.com", "phone_number": "+5511999990001", "identifier": "c-1", "custom_attributes": {"plan": "gold"}, "inbox_id": 2}),
    ("update_contact", {"contact_id": 7, "name": "Ana", "email": "ana@example.com", "phone_number": "+5511999990001", "identifier": "c-1", "custom_attributes": {"plan": "gold"}}),
    ("update_contact", {"contact_id": 7, "clear": ["email", "phone_number"]}),
    *[(f"list_{what}", {"query": "a", "limit": 5, "offset": 0}) for what in ("inboxes", "agents", "teams", "canned_responses")],
    *[("get_report", {"metric": m} | PERIOD) for m in METRICS],
    *[("get_report", {"metric": METRICS[0], "type": t, "id": 4} | PERIOD) for t in ("agent", "inbox", "team")],
]

# (tool, arguments, what Prism says of the request, why we send it all the same)
DIFFERENCES = [
    ("list_messages", {"conversation_id": 12, "before": 900}, "undeclared before", "app/finders/message_finder.rb"),
    ("list_messages", {"conversation_id": 12, "after": 900}, "undeclared after", "app/finders/message_finder.rb"),
    ("set_conversation_priority", {"conversation_id": 12, "priority": "none"}, "refused priority", "the enum of Conversation has no `none`: it would be a 500"),
    ("get_report", {"metric": METRICS[0], "type": "label", "label": "vip"} | PERIOD, "refused labels", "config/routes.rb has the labels of an account, and a report wants a label's id"),
    ("create_contact", {"name": "Ana"}, "refused inbox_id", "contacts_controller.rb: without inbox_id there is no link to an inbox, which is what Chatwoot's own screens send"),
    ("create_conversation", {"contact_id": 7, "inbox_id": 9}, "refused source_id", "contact_inbox_builder.rb makes one of the contact's e-mail or phone number"),
]


@pytest.fixture(scope="module")
def mock(prism):
    mock = prism(SPEC)
    mock.prepare("GET", "/api/v1/profile", {"id": 1, "accounts": [{"id": 3, "status": "active"}]})
    mock.prepare("GET", ACCOUNT + r"/contacts/\d+", {"payload": CONTACT})
    mock.prepare("PUT", ACCOUNT + r"/contacts/\d+", {"payload": CONTACT})
    mock.prepare("POST", ACCOUNT + "/contacts", {"payload": {"contact": CONTACT}})  # the file: payload is a list
    mock.prepare("GET", ACCOUNT + "/agents", [{"id": 4, "name": "Rita"}])
    mock.prepare("GET", ACCOUNT + "/teams", [{"id": 5, "name": "suporte"}])
    mock.prepare("GET", ACCOUNT + "/conversations/12", {"id": 12, "status": "open"})  # Prism's own filler has the id 0
    mock.prepare("POST", ACCOUNT + "/conversations/12/messages", {"id": 900, "content": "x"})
    mock.prepare("POST", ACCOUNT + "/conversations", {"id": 12, "status": "open"})
    return mock


@pytest.fixture(scope="module")
def connector(mock, start):
    env = {"CHATWOOT_URL": mock.url, "CHATWOOT_API_KEY": "the key of the tests"}
    connector = start(harness.Connector, "chatwoot", env, args=("--no-auth", "demo"))
    harness.wait_until(lambda: connector.http.get("/ready").status_code == 200, "the probe")
    return connector


@pytest.fixture
def call(connector, mock):
    """One call of a tool; returns its result and the requests it made."""

    def call(tool, arguments):
        mock.take()
        message = harness.message("tools/call", {"name": tool, "arguments": arguments}, "legacy")
        answer = connector.http.post("/mcp", content=json.dumps(message), headers=harness.message_headers("tools/call", None, "legacy"))
        exchanges = [x for x in mock.take() if x.path != "/api"]
        return answer.json()["result"], exchanges

    return call


def declared(connector):
    message = harness.message("tools/list", None, "legacy")
    answer = connector.http.post("/mcp", content=json.dumps(message), headers=harness.message_headers("tools/list", None, "legacy"))
    return {t["name"]: set(t["inputSchema"]["properties"]) for t in answer.json()["result"]["tools"]}


@pytest.mark.parametrize("tool, arguments", CALLS, ids=[f"{t} {' '.join(map(str, a.values()))}"[:60] for t, a in CALLS])
def test_every_request_is_one_the_file_knows(call, tool, arguments):
    result, exchanges = call(tool, arguments)
    assert not result.get("isError"), result
    assert exchanges
    for exchange in exchanges:
        assert exchange.accepted and not exchange.undeclared, str(exchange)
        assert exchange.headers["api_access_token"] == "the key of the tests"
        assert exchange.path == "/api/v1/profile" or "/accounts/3/" in exchange.path


def test_every_argument_of_every_tool_is_among_the_calls(connector):
    used = {}
    for tool, arguments, *_ in CALLS + DIFFERENCES:
        used.setdefault(tool, set()).update(arguments)
    assert used == declared(connector)


@pytest.mark.parametrize("tool, arguments, verdict, why", DIFFERENCES, ids=[f"{d[0]}: {d[2]}" for d in DIFFERENCES])
def test_where_the_file_differs_from_the_source_the_source_is_right(call, tool, arguments, verdict, why):
    _, exchanges = call(tool, arguments)
    kind, name = verdict.split()
    if kind == "undeclared":
        assert exchanges[-1].accepted and exchanges[-1].undeclared == [name], str(exchanges[-1])
    else:
        assert not exchanges[-1].accepted and name in str(exchanges[-1].violations), str(exchanges[-1])
        assert len(exchanges[-1].violations) == 1
    assert all(x.accepted and not x.undeclared for x in exchanges[:-1])


@pytest.mark.parametrize(
    "what, method, path, body, headers",
    [
        ("a status that is none", "GET", "/api/v1/accounts/1/conversations?status=bogus", None, KEY),
        ("a page that is no number", "GET", "/api/v1/accounts/1/conversations?page=one", None, KEY),
        ("a message without text", "POST", "/api/v1/accounts/1/conversations/1/messages", {"private": True}, KEY),
        ("no key", "GET", "/api/v1/profile", None, {}),
        ("a path that is not there", "GET", "/api/v1/accounts/1/nothing", None, KEY),
    ],
)
def test_the_mock_refuses_what_is_wrong(mock, what, method, path, body, headers):
    exchange = mock.ask(method, path, body, headers)
    assert not exchange.accepted, f"{what}: {exchange}"


def test_the_mock_accepts_what_is_right(mock):
    exchange = mock.ask("GET", "/api/v1/accounts/1/conversations?status=open&page=2", None, KEY)
    assert exchange.accepted and not exchange.undeclared, str(exchange)


def test_names_that_no_operation_declares_are_seen(mock):
    exchange = mock.ask("POST", "/api/v1/accounts/1/conversations/1/messages?x=1", {"content": "a", "y": 2}, KEY)
    assert exchange.accepted and exchange.undeclared == ["x", "y"], str(exchange)
