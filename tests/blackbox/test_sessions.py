"""Sessions that the gateway keeps with legacy connectors (MCP 2025-11-25 basic/transports "Session Management"; docs/protocol.md
"Sessions of connectors"): whose they are, what happens when one is lost, and what callers read when none can be opened."""

import json
import socket
import threading
import time

import pytest

from caller import Caller
from fake_connector import http, text_result, tool
from harness import SLOW, bearer, message, message_headers, wait_until
from lab import ERAS
from session_connector import is_modern, lost

TOKEN = "X-User-Token"
WAITS = 6  # seconds of a call, also with sanitizers: a session has 10 to be opened


@pytest.fixture
def old(start):
    return before(start)


def before(start, row=None, workers=1, **options):
    """A gateway with one worker, so that its sessions are one set."""
    fake = start.session_connector(tools=[tool("echo"), tool("write", read_only=False)], **options)
    gateway = start.gateway([{"name": "old", "url": fake.url, "list_refresh": "1h"} | (row or {})], workers=workers)
    gateway.fake = fake
    return gateway.offers("old_echo")


def used(gateway):
    return [c.headers.get("Mcp-Session-Id") for c in gateway.fake.calls()]


def ok(gateway, name="old_echo", **options):
    result = gateway.call(name, {"x": 1}, **options)
    assert not result.get("isError"), result
    return result


def failure(gateway, name="old_echo", **options):
    result = gateway.call(name, {"x": 1}, **options)
    assert result.get("isError"), result
    return result["content"][0]["text"]


@pytest.mark.parametrize("era", ERAS)
def test_everybody_shares_the_session_that_discovery_opened(old, era):
    for subject in ("anna", "bob"):
        ok(old, era=era, auth=bearer(subject=subject))

    assert used(old) == ["session-1"] * 2 and len(old.fake.opened()) == 1


REFUSALS = {
    "404": lost,
    "404 text": lambda r: http(404, "text/plain", "Session not found"),
    "404 empty": lambda r: http(404, "application/json", ""),
    "400 -32000": lambda r: http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Bad Request: No valid session ID provided"}})),
    "400 text": lambda r: http(400, "text/plain", "Bad Request: No valid session ID provided"),
}


@pytest.mark.parametrize("name", ["old_echo", "old_write"])
@pytest.mark.parametrize("refuse", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_lost_session_is_opened_anew_and_the_call_repeated_once(old, refuse, name):
    # what was refused for its session was not begun: writing tools may be repeated too
    old.fake.refuse = refuse
    old.fake.forget()
    ok(old, name)

    assert used(old)[0] == "session-1" and len(used(old)) == 2
    assert used(old)[1] in old.fake.sessions
    order = [r.method for r in old.fake.requests if r.headers.get("Mcp-Session-Id") == used(old)[1] or r.method == "initialize"]
    assert order.index("notifications/initialized") < order.index("tools/call")


def test_the_session_that_was_opened_anew_is_kept(old):
    old.fake.forget()
    for _ in range(3):
        ok(old)

    assert len(used(old)) == 4 and len(set(used(old)[1:])) == 1


def test_a_second_loss_needs_one_new_session_only(old):
    # own session and discovery's are both gone after a restart: the call must not try each of them in turn
    for _ in range(3):
        old.fake.forget()
        old.fake.requests.clear()
        ok(old)
        assert len(used(old)) == 2


def test_a_session_that_is_lost_twice_in_one_call_is_an_error(old):
    old.fake.dispatch = lambda r, before=old.fake.dispatch: lost(r) if r.method == "tools/call" else before(r)
    text = failure(old, "old_write")

    assert text.startswith("Connector old does not know the session that it opened a moment ago. Nothing was done")
    assert len(used(old)) == 2


def test_a_400_that_a_new_session_does_not_mend_is_told_as_it_is(old):
    error = {"code": -32010, "message": "That order is closed."}
    old.fake.on_call = lambda r: http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "error": error}))

    assert "That order is closed." in failure(old)
    assert len(used(old)) == 2


def test_calls_that_come_together_share_one_handshake(old):
    opening = threading.Event()

    def slowly(request):
        opening.wait(10 * SLOW)
        return old.fake.open(request)

    old.fake.forget()
    old.fake.on_initialize = slowly
    old.fake.requests.clear()
    callers = [Caller(old, "old_echo", {"n": n}) for n in range(12)]
    wait_until(lambda: old.fake.opened(), "the handshake")
    time.sleep(0.5)  # for the others to come, too
    opening.set()

    for caller in callers:
        caller.text()
    assert len(old.fake.opened()) <= 2, "one for all calls, one of discovery"
    assert len({id for id in used(old) if id in old.fake.sessions}) == 1


def test_who_cannot_wait_longer_is_told_while_the_others_wait_on(start):
    gateway = before(start, {"timeout": f"{WAITS}s"})
    fake = gateway.fake
    opening = threading.Event()

    def slowly(request):
        opening.wait(20 * SLOW)
        return fake.open(request)

    fake.forget()
    fake.on_initialize = slowly
    first = Caller(gateway, "old_echo")
    wait_until(lambda: fake.opened()[1:], "the handshake")
    time.sleep(WAITS / 2)
    second = Caller(gateway, "old_echo")
    text = first.failure()
    opening.set()

    assert "Nothing was done" in text and "old" in text
    assert second.text()


@pytest.mark.parametrize("leave", [True, False], ids=["caller leaves", "gateway stops"])
def test_a_handshake_that_nobody_waits_for_ends(old, leave):
    opening = threading.Event()
    old.fake.forget()
    old.fake.on_initialize = lambda r: opening.wait(20) and None
    body = json.dumps(message("tools/call", {"name": "old_echo", "arguments": {}}, "legacy")).encode()
    head = {"Host": "127.0.0.1", "Content-Length": len(body)} | message_headers("tools/call", {}, "legacy") | bearer()
    lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
    caller = socket.create_connection(("127.0.0.1", old.port))
    caller.sendall(f"POST /mcp HTTP/1.1\r\n{lines}\r\n".encode() + body)
    wait_until(lambda: [r for r in old.fake.opened()[1:]], "the handshake")
    caller.close()
    if leave:
        wait_until(lambda: old.lines(tool="old_echo", outcome="gone"), "the end of the call")
        opening.set()
        old.fake.on_initialize = None
        ok(old)
    else:
        old.signal(15)
        opening.set()
        old.stop()


def test_a_view_may_go_while_a_session_is_being_opened(start):
    # the caller that began the handshake is gone, and so is the configuration it was begun with
    gateway = before(start, {"timeout": f"{WAITS}s"})
    fake = gateway.fake
    opening = threading.Event()

    def slowly(request):
        opening.wait(20 * SLOW)
        return fake.open(request)

    fake.forget()
    fake.on_initialize = slowly
    first = Caller(gateway, "old_echo")
    wait_until(lambda: fake.opened()[1:], "the handshake")
    time.sleep(WAITS / 3)
    gateway.reload(limits={"body": "1MiB"})
    second = Caller(gateway, "old_echo")
    first.failure()
    time.sleep(0.05)
    opening.set()

    assert second.text() and gateway.alive()


FAILURES = {
    "refused": (lambda r: http(200, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32603, "message": "secret"}})), "refuses to initialize"),
    "unknown revision": (lambda r: http(200, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "result": {"protocolVersion": "1999-01-01"}})), "no revision"),
    "401": (lambda r: http(401, "text/plain", "secret"), "refused the credentials"),
    "500": (lambda r: http(500, "text/plain", "secret"), "HTTP status 500"),
    "closed": (lambda r: b"", "closed"),
}


@pytest.mark.parametrize("answer,reason", FAILURES.values(), ids=FAILURES.keys())
def test_a_handshake_that_fails_is_a_sentence(old, answer, reason):
    old.fake.forget()
    old.fake.on_initialize = answer
    text = failure(old, "old_write")

    assert "Connector old" in text and reason in text and "Nothing was done" in text and "secret" not in text
    assert len(used(old)) == 1


def test_after_a_failed_handshake_the_next_call_tries_again(old):
    old.fake.forget()
    old.fake.on_initialize = FAILURES["500"][0]
    failure(old)
    old.fake.on_initialize = None

    ok(old)


def test_a_connector_that_keeps_no_sessions_any_more_is_called_without(old):
    old.fake.forget()
    old.fake.refuse = lambda r: lost(r) if r.headers.get("Mcp-Session-Id") else http(200, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "result": text_result("free")}))
    old.fake.keeps, keeps = False, old.fake.keeps
    old.fake.dispatch = lambda r, before=old.fake.dispatch: lost(r) if r.headers.get("Mcp-Session-Id") and r.method == "tools/call" else before(r)

    ok(old)
    assert keeps and used(old)[1] is None


def test_a_stateless_connector_is_not_opened_for_each_call(start):
    gateway = before(start, keeps=False)
    for era in ERAS:
        ok(gateway, era=era)

    assert used(gateway) == [None, None] and len(gateway.fake.opened()) == 1


def test_a_restarted_connector_serves_the_next_call(old):
    ok(old)
    old.fake.stop()
    old.fake.forget()
    old.fake.start()

    wait_until(lambda: not old.call("old_write").get("isError"), "the connector")


def test_a_reload_keeps_sessions_but_for_other_credentials(start):
    gateway = before(start, {"headers": {"X-Key": "one"}})
    gateway.fake.forget()
    ok(gateway)
    own = used(gateway)[-1]
    gateway.reload(limits={"body": "1MiB"})
    ok(gateway)
    assert used(gateway)[-1] == own

    row = gateway.config["connectors"][0] | {"headers": {"X-Key": "two"}}
    gateway.reload(connectors=[row])
    wait_until(lambda: [r for r in gateway.fake.opened() if r.headers.get("X-Key") == "two"], "a session by the new key")
    wait_until(lambda: ok(gateway) and gateway.fake.sessions[used(gateway)[-1]].headers.get("X-Key") == "two", "a call in that session")


# Each user's own.


@pytest.fixture
def per_user(start):
    return before(start, {"forward_headers": [TOKEN]})


def as_user(subject, value=None, tenant="demo"):
    return {"auth": bearer(subject=subject, tenant=tenant), "headers": {TOKEN: value} if value else {}}


def test_users_with_headers_of_their_own_never_share_a_session(per_user):
    users = [as_user("anna", "a-secret"), as_user("bob", "b-secret"), as_user("anna", "other-secret"), as_user("bob", "a-secret"), as_user("anna", "a-secret", "elsewhere"), as_user("anna")]
    for user in users:
        ok(per_user, **user)
    first = used(per_user)
    for user in users:
        ok(per_user, **user)

    assert len(set(first)) == len(users) and "session-1" not in first, "discovery's is nobody's"
    assert used(per_user)[len(users) :] == first, "the same user has the same one"
    for user, id in zip(users, first):
        assert per_user.fake.sessions[id].headers.get(TOKEN) == user["headers"].get(TOKEN)


def test_names_that_look_alike_are_not_taken_for_each_other(per_user):
    for user in (as_user("b c", "v", "a"), as_user("c", "v", "a b"), as_user(f"b {TOKEN}: v", tenant="a"), as_user("b", "v", "a")):
        ok(per_user, **user)

    assert len(set(used(per_user))) == 4


@pytest.mark.parametrize("name", ["old_echo", "old_write"])
def test_a_users_lost_session_is_opened_anew_with_their_own_headers(per_user, name):
    ok(per_user, **as_user("anna", "a-secret"))
    ok(per_user, **as_user("bob", "b-secret"))
    bobs = used(per_user)[-1]
    del per_user.fake.sessions[used(per_user)[0]]
    ok(per_user, name, **as_user("anna", "a-secret"))
    ok(per_user, **as_user("bob", "b-secret"))

    anew = used(per_user)[3]
    assert per_user.fake.sessions[anew].headers[TOKEN] == "a-secret"
    assert used(per_user)[-1] == bobs


def test_notes_in_a_users_session_carry_their_headers(per_user):
    ok(per_user, **as_user("anna", "a-secret"))
    (note,) = [n for n in per_user.fake.notes("notifications/initialized") if n.headers.get("Mcp-Session-Id") == used(per_user)[0]]

    assert note.headers[TOKEN] == "a-secret"


def test_what_users_bring_is_in_no_log_and_no_status(per_user):
    ok(per_user, **as_user("anna", "very-secret-value"))
    per_user.fake.forget()
    ok(per_user, **as_user("anna", "very-secret-value"))
    per_user.fake.on_initialize = FAILURES["500"][0]
    per_user.fake.forget()
    failure(per_user, **as_user("anna", "very-secret-value"))

    wait_until(lambda: len(per_user.lines(tool="old_echo")) == 3, "the log lines")
    assert "very-secret-value" not in per_user.text() + json.dumps(per_user.status()) + per_user.http.get("/metrics", headers=bearer()).text
    assert not [id for id in per_user.fake.sessions if id in per_user.text() + json.dumps(per_user.status())]


# Both eras at one URL.


def test_each_era_of_client_goes_over_its_own_wire(start):
    gateway = before(start, both=True)
    for era in ERAS:
        ok(gateway, era=era)
    legacy, modern = gateway.fake.calls()

    assert not is_modern(legacy) and legacy.headers["Mcp-Session-Id"] == "session-1" and legacy.headers["MCP-Protocol-Version"] == "2025-11-25"
    assert "Mcp-Method" not in legacy.headers
    assert is_modern(modern) and "Mcp-Session-Id" not in modern.headers and modern.headers["Mcp-Method"] == "tools/call"


def test_a_lost_session_does_not_trouble_the_modern_wire(start):
    gateway = before(start, both=True)
    ok(gateway)  # finds out that it speaks to legacy clients too
    gateway.fake.forget()
    ok(gateway, era="modern")
    assert len(gateway.fake.opened()) == 1
    ok(gateway)

    assert len(used(gateway)) == 4
