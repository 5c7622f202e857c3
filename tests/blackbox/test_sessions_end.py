"""When the gateway opens another session with a legacy connector, and that it ends those it needs no longer by DELETE (MCP 2025-11-25
basic/transports "Session Management"; docs/protocol.md "Sessions of connectors")."""

import json
import threading
import time

import pytest

from caller import Caller
from fake_connector import http, sse_head, text_result, tool
from harness import SLOW, bearer, wait_until
from session_connector import SessionConnector
from telling_connector import TellingConnector

TOKEN = "X-User-Token"
FIXED = {"headers": {"X-Key": "fixed-secret"}}
PATIENT = f"{120 * SLOW}s"  # of calls, which wait for what the tests do meanwhile
MEANWHILE = 0.5  # for a DELETE to come that is not to come
SOON = 15 * SLOW  # the drain has 30 s, the ends of sessions 2 of them


@pytest.fixture
def old(start):
    return before(start)


def before(start, row=None, workers=2, **options):
    fake = start.session_connector(tools=[tool("echo"), tool("wait")], **options)
    gateway = start.gateway([{"name": "old", "url": fake.url, "timeout": PATIENT} | (row or {})], workers=workers)
    gateway.fake = fake
    return gateway.offers("old_echo")


def used(gateway):
    return [c.headers.get("Mcp-Session-Id") for c in gateway.fake.calls()]


def ok(gateway, name="old_echo", **options):
    result = gateway.call(name, {"x": 1}, **options)
    assert not result.get("isError"), result
    return result


def have_asked_again(gateway):
    """From the beginning: one that says that we are wrong about it is asked who it is."""
    asked = lambda: len(gateway.fake.notes("server/discover"))
    before, answers = asked(), gateway.fake.on_call

    def once(request):
        gateway.fake.on_call = answers
        error = {"code": -32020, "message": "no"}
        return http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": request.id, "error": error}))

    gateway.fake.on_call = once
    ok(gateway)
    assert asked() > before


def test_a_connector_without_a_stream_keeps_its_session(start):
    # 404 to the GET could mean that the session is lost; but there was no stream in it before, and it can be listed in
    class NoStream(SessionConnector):
        def answer_get(self, handler):
            self.send_raw(handler, http(404, "text/plain", "Cannot GET /mcp"))

    fake = NoStream(tools=[tool("echo")])
    start.started.append(fake)
    gateway = start.gateway([{"name": "old", "url": fake.url}]).offers("old_echo")
    wait_until(lambda: len(fake.notes("tools/list")) >= 2, "it to be asked again")
    time.sleep(MEANWHILE)

    assert len(fake.opened()) == 1 and fake.deletes == []
    gateway.fake = fake
    ok(gateway)


def test_a_session_whose_stream_is_not_known_any_more_is_replaced(start):
    # a restarted connector that looks at the id for streams alone
    class Restarted(SessionConnector):
        streamed = 0

        def answer_get(self, handler):
            self.streamed += 1
            opens = self.streamed == 1
            self.send_raw(handler, sse_head() + b": open\n\n" if opens else http(404, "text/plain", "who?"))

    fake = Restarted(tools=[tool("echo")])
    start.started.append(fake)
    start.gateway([{"name": "old", "url": fake.url}]).offers("old_echo")
    wait_until(lambda: fake.deletes, "the end of the session")

    assert fake.ended() == ["session-1"] and list(fake.sessions) == ["session-2"]


def replace_session(gateway):
    """A connector that fails to be listed for a moment is opened anew."""
    last = gateway.fake.opened()[-1:]
    gateway.fake.on_list = lambda r: http(503, "text/plain", "not now")
    body = {"code": -32020, "message": "no"}
    answers = gateway.fake.on_call
    gateway.fake.on_call = lambda r: http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "error": body}))
    gateway.call("old_echo")
    wait_until(lambda: gateway.connector_status("old")["stale_since"], "the connector to fail")
    gateway.fake.on_list, gateway.fake.on_call = None, answers
    wait_until(lambda: not gateway.connector_status("old")["stale_since"], "it to be listed again")
    assert gateway.fake.opened()[-1:] != last


def the_living(gateway):
    (id,) = gateway.fake.sessions
    return id


@pytest.mark.parametrize("both", [False, True], ids=["legacy", "both eras"])
def test_asking_again_opens_no_further_session(start, both):
    gateway = before(start, both=both)
    ok(gateway)
    for _ in range(4):
        have_asked_again(gateway)
        ok(gateway)

    assert len(gateway.fake.opened()) == 1 and set(used(gateway)) == {"session-1"}
    assert gateway.fake.deletes == []


def test_a_session_that_another_has_replaced_is_ended_once(old):
    for _ in range(3):
        replace_session(old)
    wait_until(lambda: len(old.fake.ended()) == len(old.fake.opened()) - 1, "the others to be ended")
    time.sleep(MEANWHILE)

    given = [f"session-{n + 1}" for n in range(len(old.fake.opened()))]
    assert sorted([*old.fake.ended(), the_living(old)]) == sorted(given)
    ok(old)
    assert used(old)[-1] == the_living(old)


def test_a_call_that_is_under_way_keeps_its_session(old):
    entered, leave = threading.Event(), threading.Event()

    def wait(request):
        if request.name == "echo":
            return text_result("echo")
        entered.set()
        leave.wait(100 * SLOW)
        return text_result("waited")

    old.fake.on_call = wait
    caller = Caller(old, "old_wait")
    assert entered.wait(30 * SLOW)
    replace_session(old)
    time.sleep(MEANWHILE)
    assert "session-1" not in old.fake.ended() and "session-1" in old.fake.sessions
    leave.set()

    assert caller.text() == "waited"
    wait_until(lambda: "session-1" in old.fake.ended(), "the end of the session")


class Telling(TellingConnector):
    """Its calls may be asked something on the stream of their session, and its list can fail."""

    def __init__(self, **options):
        self.deletes = []
        self.fails = False
        super().__init__(legacy=True, **options)

    def dispatch(self, request):
        if request.method == "tools/list" and self.fails:
            return http(503, "text/plain", "not now")
        return super().dispatch(request)

    def answer_delete(self, handler):
        self.deletes.append(handler.headers["Mcp-Session-Id"])
        self.send_raw(handler, http(200, "text/plain", ""))


def test_a_question_on_the_stream_of_a_session_that_was_replaced_is_still_heard(start):
    entered, ask, leave = threading.Event(), threading.Event(), threading.Event()

    def on_call(request):
        entered.set()
        assert ask.wait(100 * SLOW)
        fake.ask("sampling/createMessage", "q1", messages=[], maxTokens=1)
        assert leave.wait(100 * SLOW)
        return text_result("asked")

    fake = Telling(tools=[tool("wait")], on_call=on_call)
    start.started.append(fake)
    gateway = start.gateway([{"name": "old", "url": fake.url, "timeout": PATIENT}])
    wait_until(lambda: fake.session_streams(), "the stream")
    first = fake.sessions[-1]
    caller = Caller(gateway, "old_wait")
    assert entered.wait(30 * SLOW)

    fake.fails = True
    fake.tell("tools/list_changed")
    wait_until(lambda: gateway.connector_status("old")["stale_since"], "the connector to fail")
    fake.fails = False
    wait_until(lambda: len(fake.session_streams()) == 2, "the stream of the next session")
    ask.set()
    question = caller.question()
    caller.reply(question, result={"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"})
    wait_until(lambda: [r for r in fake.requests if r.id == "q1" and r.headers["Mcp-Session-Id"] == first], "its answer")
    assert first not in fake.deletes
    leave.set()

    assert caller.text() == "asked"
    wait_until(lambda: first in fake.deletes, "the end of the session")
    wait_until(lambda: len(fake.session_streams()) == 1, "the end of its stream")


def test_a_reload_that_removes_the_connector_ends_its_session(start):
    gateway = before(start, FIXED)
    ok(gateway)
    gateway.reload(limits={"body": "1MiB"})
    ok(gateway)
    time.sleep(MEANWHILE)
    assert gateway.fake.deletes == [], "another reload does not"
    gateway.reload(connectors=[])
    (headers,) = wait_until(lambda: gateway.fake.deletes, "the DELETE")

    assert headers["Mcp-Session-Id"] == "session-1" and headers["X-Key"] == "fixed-secret"
    assert headers["MCP-Protocol-Version"] == "2025-11-25" and "Content-Type" not in headers


def test_a_session_is_ended_with_the_credential_that_opened_it(start):
    gateway = before(start, FIXED)
    row = gateway.config["connectors"][0]
    gateway.reload(connectors=[row | {"headers": {"X-Key": "other"}}])
    (headers,) = wait_until(lambda: gateway.fake.deletes, "the DELETE")

    assert (headers["Mcp-Session-Id"], headers["X-Key"]) == ("session-1", "fixed-secret")
    assert gateway.fake.sessions[the_living(gateway)].headers["X-Key"] == "other"


def test_a_session_that_a_call_has_lost_is_ended_too(old):
    # a 400 may be about the session, or about something else: then it lives on at the connector
    error = {"code": -32010, "message": "That order is closed."}
    old.fake.on_call = lambda r: http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "error": error}))
    assert old.call("old_echo")["isError"]
    wait_until(lambda: {"session-1", "session-2"} <= set(old.fake.ended()), "discovery's and the call's to be ended")

    old.fake.on_call = lambda r: text_result("again")
    ok(old)


# When the gateway stops.


def stop(gateway):
    begun = time.monotonic()
    gateway.stop()
    return time.monotonic() - begun


def all_have_ended(gateway):
    """The gateway has not waited for ever until they were answered."""
    wait_until(lambda: not gateway.fake.sessions and len(gateway.fake.deletes) >= len(gateway.fake.opened()), "the end of all sessions")


@pytest.mark.parametrize("both", [False, True], ids=["legacy", "both eras"])
def test_a_gateway_that_stops_ends_its_sessions(start, both):
    gateway = before(start, FIXED, both=both)
    ok(gateway)
    stop(gateway)

    all_have_ended(gateway)
    assert len(gateway.fake.deletes) == len(gateway.fake.opened())
    assert {d["X-Key"] for d in gateway.fake.deletes} == {"fixed-secret"}
    assert "fixed-secret" not in gateway.text()


def test_sessions_of_workers_are_ended_too(start):
    gateway = before(start, workers=1)
    gateway.fake.forget()
    ok(gateway)
    wait_until(lambda: len(gateway.fake.sessions) == 2, "that of discovery")
    stop(gateway)

    wait_until(lambda: not gateway.fake.sessions, "the end of all sessions")


def test_a_call_is_answered_before_its_session_is_ended(old):
    entered = threading.Event()

    def on_call(request):
        entered.set()
        time.sleep(1)
        return text_result("in time" if "session-1" in old.fake.sessions else "too late")

    old.fake.on_call = on_call
    caller = Caller(old, "old_echo")
    assert entered.wait(30 * SLOW)
    old.signal(15)

    assert caller.text() == "in time"
    old.stop()
    all_have_ended(old)


def hang(headers):
    time.sleep(20)
    yield b""


ODD_ENDS = {
    "405": lambda h: http(405, "text/plain", "no"),
    "404": lambda h: http(404, "text/plain", "who?"),
    "500": lambda h: http(500, "text/plain", "oh"),
    "closes": lambda h: b"",
    "hangs": hang,
    "no HTTP": lambda h: b"\r\n\r\nno\r\n",
}


@pytest.mark.parametrize("answer", ODD_ENDS.values(), ids=ODD_ENDS.keys())
def test_what_a_connector_answers_to_delete_harms_nothing(start, answer):
    gateway = before(start, FIXED)
    gateway.fake.on_delete = answer
    replace_session(gateway)
    wait_until(lambda: gateway.fake.deletes, "a DELETE")
    ok(gateway)
    assert stop(gateway) < SOON

    ended = gateway.fake.ended()
    assert len(ended) == len(set(ended)), "once each"
    assert not [line for level in ("warn", "error") for line in gateway.lines(level=level) if "session" in json.dumps(line)]
    assert "secret" not in gateway.text() and "session-" not in gateway.text()


def test_a_connector_that_is_gone_does_not_hold_up_the_stop(old):
    old.fake.stop()

    assert stop(old) < SOON


# Each user's own.


def as_user(subject, value):
    return {"auth": bearer(subject=subject), "headers": {TOKEN: value}}


@pytest.mark.parametrize("end", ["reload", "stop"])
def test_a_users_session_is_left_to_the_servers_timeout(start, end):
    # ending it would need the user's token, which is held no longer than a call
    gateway = before(start, {"forward_headers": [TOKEN]} | FIXED)
    ok(gateway, **as_user("anna", "a-secret"))
    ok(gateway, **as_user("bob", "b-secret"))
    assert {"a-secret", "b-secret"} <= {r.headers.get(TOKEN) for r in gateway.fake.sessions.values()}
    if end == "stop":
        stop(gateway)
    else:
        gateway.reload(connectors=[])
    wait_until(lambda: gateway.fake.deletes, "the end of discovery's session")
    time.sleep(MEANWHILE)

    assert [(d["Mcp-Session-Id"], d.get(TOKEN)) for d in gateway.fake.deletes] == [("session-1", None)]
    assert "secret" not in gateway.text()
