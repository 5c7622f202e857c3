"""What goes wrong between mcp-chatwoot and Chatwoot: each ends in one sentence, writes are never repeated, and the next call works."""

import re

import pytest

import harness
from chatwoot_world import connector_of, demo
from harness import wait_until

SECONDS = 3 * harness.SLOW
READ = ("chatwoot_get_conversation", {"conversation_id": 1})
WRITE = ("chatwoot_send_message", {"conversation_id": 1, "content": "once only"})


@pytest.fixture(scope="module")
def upstream(start_module):
    return start_module.standin("chatwoot")


@pytest.fixture(scope="module")
def connector(start_module, upstream):
    return connector_of(start_module, upstream, {"CALL_TIMEOUT": f"{SECONDS}s"})


@pytest.fixture(scope="module")
def gateway(start_module, connector):
    return start_module.stack_with(connector)


@pytest.fixture(autouse=True)
def fresh(upstream, gateway):
    gateway.call(*READ)  # the account is known, so that a fault meets the request itself
    upstream.forget()
    yield
    upstream.forget()
    assert not gateway.call(*READ).get("isError"), "the next call works"


def failure(gateway, call):
    result = gateway.call(*call)
    assert result["isError"] is True, result
    text = result["content"][0]["text"]
    assert text.endswith(".") and len(text) < 500, text
    assert not re.search(r"127\.0\.0\.1|localhost|<html|proxy-7|Traceback|chatwoot-demo", text), text
    return text


WRONG = {
    "html": "Chatwoot",
    "half": "middle of its answer",
    "huge": "larger than",
    "redirect": "redirect",
    "reset": "Chatwoot",
    "garbage": "not JSON",
    "error_in_200": "(reported an error: Something went wrong|something else than its API)",
    "nothing": "(in time|did not finish|closed the connection)",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_read_that_goes_wrong_says_so(gateway, upstream, kind):
    upstream.fault(kind, times=-1, path="/conversations/")
    assert re.search(WRONG[kind], failure(gateway, READ))


@pytest.mark.parametrize("kind", WRONG)
def test_a_write_that_goes_wrong_is_not_repeated(gateway, upstream, kind):
    upstream.fault(kind, times=-1, path="/messages")
    text = failure(gateway, WRITE)
    assert len(upstream.requests(method="POST")) == 1
    if kind != "redirect":
        assert re.search("outcome is unknown|not known", text), text


def test_a_write_that_was_done_and_not_answered_is_not_done_again(gateway, upstream):
    upstream.fault("half", after=True, path="/messages")
    text = failure(gateway, ("chatwoot_send_message", {"conversation_id": 1, "content": "done but not answered"}))
    assert "check before repeating" in text
    upstream.http.delete("/_demo/fault")
    found = gateway.call("chatwoot_list_conversations", {"query": "done but not answered"})["structuredContent"]
    assert found["count"] == 1
    assert sum(r["method"] == "POST" for r in upstream.requests()) == 1


@pytest.mark.parametrize("status", [500, 502, 503, 504, 302, 418])
def test_other_statuses_end_in_a_sentence(gateway, upstream, status):
    upstream.fault("html", status=status, times=-1, path="/conversations/")
    assert "Chatwoot" in failure(gateway, READ)


def test_a_limit_is_plain_text_without_retry_after(start, connector):
    upstream = start.standin("chatwoot", "--search-limit", "2", "--report-limit", "1", name="limited")
    gateway = start.stack_with(connector_of(start, upstream, name="limited"))
    search = ("chatwoot_search_contacts", {"query": "ana"})
    for _ in range(2):
        assert not gateway.call(*search).get("isError")
    assert re.search(r"too many requests \(HTTP 429\).*Trying again is safe", failure(gateway, search))
    report = ("chatwoot_get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-02"})
    assert not gateway.call(*report).get("isError")
    assert "429" in failure(gateway, report)


def test_a_limit_with_retry_after_is_waited_for_by_reads_and_reported_by_writes(gateway, upstream):
    upstream.fault("status", status=429, headers={"Retry-After": "0"}, body="Retry later", path="/conversations/")
    assert not gateway.call(*READ).get("isError")
    upstream.fault("status", status=429, headers={"Retry-After": "0"}, body="Retry later", path="/messages")
    assert "Nothing was changed" in failure(gateway, WRITE)
    assert len(upstream.requests(method="POST")) == 1


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"error": "Something a person can read"}, "Something a person can read"),
        ({"message": "Email has already been taken", "attributes": ["email"]}, "Email has already been taken"),
        ({"errors": ["First", "Second"]}, "First, Second"),
        ({"description": "d", "errors": [{"field": "f", "message": "Bad field", "code": "c"}]}, "d"),
        ({"errors": [{"field": "f", "message": "Bad field", "code": "c"}]}, "Bad field"),
        ({"error": "<html>proxy-7</html>"}, r"HTTP 422"),
        ([1, 2], r"HTTP 422"),
    ],
)
def test_errors_of_every_shape_are_read(gateway, upstream, body, expected):
    upstream.fault("status", status=422, body=body, path="/messages")
    assert re.search(expected, failure(gateway, WRITE))


def test_a_401_without_a_reason_names_the_likely_ones(gateway, upstream):
    upstream.fault("status", status=401, body={}, path="/conversations/")
    text = failure(gateway, READ)
    assert all(words in text for words in ("wrong or reset token", "underscores_in_headers", "foreign account", "missing right"))


def test_a_404_of_a_proxy_is_not_taken_for_an_unknown_id(gateway, upstream):
    upstream.fault("html", status=404, path="/conversations/")
    assert "no conversation 1" not in failure(gateway, READ)


SHAPES = [
    ("chatwoot_list_conversations", {}, [[], {}, {"data": {}}, {"data": {"payload": {}}}, {"data": {"payload": [1, None, "x", {}]}}, "text", 7]),
    ("chatwoot_list_messages", {"conversation_id": 1}, [{}, {"payload": 3}, {"payload": [None, {}, {"id": "x"}, {"id": 5, "content": 7, "sender": [], "attachments": {"a": 1}}]}]),
    ("chatwoot_search_contacts", {"query": "a"}, [{}, {"payload": [None, {"id": -1, "contact_inboxes": [3]}], "meta": []}]),
    ("chatwoot_list_agents", {}, [{}, [None, 1, {"id": {}}]]),
    ("chatwoot_get_report", {"metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-02"}, [{}, [None, {"value": "12.5", "timestamp": 1}, {"value": "x"}, {"value": 1e308, "timestamp": 1e308}, {"value": 1e308, "timestamp": 2}, {"value": 1e308, "timestamp": 3}]]),
    ("chatwoot_send_message", {"conversation_id": 1, "content": "x"}, [[], {}, {"id": "x"}]),
    ("chatwoot_create_contact", {"name": "x"}, [[], {"payload": []}, {"payload": {"contact": []}}]),
]


@pytest.mark.parametrize("tool, arguments, bodies", SHAPES, ids=[s[0] for s in SHAPES])
def test_json_of_another_shape_harms_nobody(gateway, upstream, connector, tool, arguments, bodies):
    for body in bodies:
        upstream.fault("status", status=200, body=body, path="/api/v./accounts/")
        result = gateway.call(tool, arguments)
        assert result["content"][0]["text"], (tool, body)
        upstream.http.delete("/_demo/fault")
    assert connector.alive()


def test_nobody_is_home(start):
    port = harness.free_port()
    connector = connector_of(start, f"http://127.0.0.1:{port}", {"CHATWOOT_ACCOUNT_ID": "1"}, name="nobody")
    gateway = start.stack_with(connector)
    assert "cannot be reached" in failure(gateway, READ)
    assert "Nothing was changed" in failure(gateway, WRITE)
    wait_until(lambda: connector.http.get("/ready").status_code == 503, "not ready")
    assert "127.0.0.1" not in connector.http.get("/ready").text


def is_ready(connector):
    return connector.http.get("/ready").status_code == 200


def test_a_call_that_finds_nobody_home_is_seen_in_ready_at_once(start):
    standin = start.standin("chatwoot")
    connector = connector_of(start, standin)
    gateway = start.stack_with(connector)
    wait_until(lambda: is_ready(connector), "the first probe")
    standin.stop()
    assert "cannot be reached" in gateway.call(*READ)["content"][0]["text"]
    wait_until(lambda: not is_ready(connector), "readiness that follows the call", seconds=20)  # the next turn is in 30 s


def test_a_service_account_refused_in_a_call_is_seen_in_ready_at_once(start):
    standin = start.standin("chatwoot")
    connector = connector_of(start, standin)
    gateway = start.stack_with(connector)
    wait_until(lambda: is_ready(connector), "the first probe")
    standin.fault("status", times=-1, status=401, body={"error": "Invalid Access Token"})
    user = gateway.call(*READ, headers={"X-Chatwoot-Access-Token": "of-a-user-who-left"})
    assert user["isError"] and is_ready(connector), "a user's own token says nothing of the service account"
    assert "CHATWOOT_API_KEY" in gateway.call(*READ)["content"][0]["text"]
    wait_until(lambda: not is_ready(connector), "readiness that follows the call", seconds=20)
    standin.forget()
    wait_until(lambda: is_ready(connector), "readiness that comes back", seconds=20)


def test_a_refusal_is_logged_with_the_id_chatwoot_knows_it_by_unless_that_holds_the_token(gateway, upstream, connector):
    for id in ("5d6f1c2a-7be0-4a55-9d4e-000000000001", demo.ADMIN, "a b"):
        upstream.fault("status", status=500, headers={"X-Request-Id": id}, body={"error": "x"}, path="/conversations/")
        failure(gateway, READ)
    lines = connector.lines(message="the upstream refused")
    assert [line.get("trace_id") for line in lines if line["status"] == 500][-1] == "5d6f1c2a-7be0-4a55-9d4e-000000000001"
    assert lines[-1]["request_id"] and lines[-1]["upstream"] == "Chatwoot"
    assert demo.ADMIN not in connector.text()


def test_a_certificate_nobody_knows_is_refused(start):
    upstream = start.standin("chatwoot", "--tls", name="tls")
    gateway = start.stack_with(connector_of(start, upstream, name="tls"))
    assert "certificate is not trusted" in failure(gateway, READ)
    assert upstream.requests() == []


def test_a_profile_that_is_none_is_named(start, upstream):
    gateway = start.stack_with(connector_of(start, upstream, {"CHATWOOT_API_KEY": demo.OTHER}, name="strange"))
    upstream.fault("status", status=200, body={"accounts": "all"}, path="profile", times=-1)
    assert "CHATWOOT_URL may not be the address of a Chatwoot" in failure(gateway, ("chatwoot_list_inboxes", {}))
    upstream.forget().fault("status", status=200, body={"accounts": [{"id": 2, "status": "suspended"}]}, path="profile", times=-1)
    assert "no active Chatwoot account" in failure(gateway, ("chatwoot_list_inboxes", {}))


@pytest.mark.parametrize("url", ["ftp://x", "http://user:password@host", "http://host/?a=b", "chatwoot"])
def test_an_address_that_is_none_stops_the_start(start, url):
    connector = start.connector("chatwoot", env={"CHATWOOT_URL": url}, wait=False)
    wait_until(lambda: not connector.alive(), "its end")
    assert "CHATWOOT_URL must be an address" in connector.text() and "password" not in connector.text()
    start.started.remove(connector)
