"""Streams of legacy connectors that end before their answer and are read on by GET (MCP 2025-11-25 basic/transports
"Resumability and Redelivery"; docs/protocol.md "Sessions of connectors"). A call is never sent twice for it."""

import json
import threading
import time

import pytest

from caller import Caller
from fake_connector import http, progress, response, sse, sse_head, text_result, tool
from harness import SLOW, wait_until
from lab import ERAS
from session_connector import question

CALL_SECONDS = 4 * SLOW


@pytest.fixture(scope="module")
def shared(start_module):
    fake = start_module.session_connector(tools=[tool("read"), tool("write", read_only=False)], ttl_ms=3600_000)
    modern = start_module.fake(tools=[tool("read")], ttl_ms=3600_000)
    timeout = f"{CALL_SECONDS}s"
    gateway = start_module.gateway([{"name": "old", "url": fake.url, "timeout": timeout}, {"name": "new", "url": modern.url, "timeout": timeout}])
    gateway.fake, gateway.modern = fake, modern
    return gateway.offers("old_read", "new_read")


@pytest.fixture
def old(shared):
    shared.fake.on_get = None
    for record in (shared.fake.requests, shared.fake.gets, shared.fake.answers):
        record.clear()
    yield shared
    assert shared.alive()


def primed(id, retry=50):
    """An event without data: an id to go on from, and how long to wait (SEP-1699)."""
    return f"id: {id}\nretry: {retry}\ndata: \n\n".encode()


def breaks_off(old, *pieces):
    """Calls are answered by these pieces of a stream, which then ends; what comes by GET is on_get's."""
    ended = []

    def on_call(request):
        old.fake.call = request
        yield sse_head()
        for piece in pieces:
            yield piece(request) if callable(piece) else piece
        ended.append(time.monotonic())

    old.fake.on_call = on_call
    return ended


def goes_on(old, *pieces):
    def on_get(headers):
        old.fake.got_at = time.monotonic()
        yield sse_head()
        for piece in pieces or (lambda r: sse(response(r, text_result("at last"))),):
            yield piece(old.fake.call) if callable(piece) else piece

    old.fake.on_get = on_get


def answer(request):
    return sse(response(request, text_result("at last")))


def failure(gateway, name, era="legacy"):
    result = gateway.call(name, {}, era)
    assert result.get("isError"), result
    return result["content"][0]["text"]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", ["read", "write"])
def test_a_stream_that_ends_is_read_on_from_its_last_event(old, name, era):
    ended = breaks_off(old, primed("event-1", 300))
    goes_on(old)
    result = old.call(f"old_{name}", era=era)
    (get,) = old.fake.gets

    assert result["content"][0]["text"] == "at last"
    assert get["Last-Event-ID"] == "event-1" and get["Mcp-Session-Id"] in old.fake.sessions
    assert "text/event-stream" in get["Accept"] and get["MCP-Protocol-Version"] == "2025-11-25"
    assert old.fake.got_at - ended[0] >= 0.25, "not before the time it asked for"
    assert len(old.fake.calls()) == 1


def test_it_is_read_on_as_often_as_it_ends(old):
    breaks_off(old, primed("1"))
    ids = iter(range(2, 60))

    def on_get(headers):
        yield sse_head()
        n = next(ids)
        yield primed(n, 1) if n < 25 else answer(old.fake.call)

    old.fake.on_get = on_get

    assert old.call("old_read")["content"][0]["text"] == "at last"
    assert [g["Last-Event-ID"] for g in old.fake.gets] == [str(n) for n in range(1, 25)]
    assert len(old.fake.calls()) == 1


def test_an_event_that_breaks_off_is_asked_for_again(old):
    # its id does not count before it is whole, and half of it is not glued to what comes next
    breaks_off(old, primed("whole"), lambda r: b"id: half\nevent: message\n" + b"data: " + json.dumps(response(r, text_result("HALF"))).encode()[:-20])
    goes_on(old)

    assert old.call("old_read")["content"][0]["text"] == "at last"
    assert [g["Last-Event-ID"] for g in old.fake.gets] == ["whole"]


def test_progress_and_questions_may_come_on_the_second_stream(old):
    breaks_off(old, primed("1"), lambda r: sse(progress(r, 1)))

    def asks(request):
        return sse(progress(request, 2), question("q"))

    def waits(request):
        return sse(response(request, text_result(json.dumps(old.fake.answer_to("q")["result"]))))

    goes_on(old, asks, waits)
    caller = Caller(old, "old_read", _meta={"progressToken": 5})
    assert [caller.next()["params"]["progress"] for _ in range(2)] == [1, 2]
    caller.reply(caller.question(), result={"action": "accept"})

    assert json.loads(caller.text()) == {"action": "accept"}


NOT_RESUMED = {
    "405": lambda h: http(405, "text/plain", "POST only"),
    "404": lambda h: http(404, "application/json", "{}"),
    "200 json": lambda h: http(200, "application/json", '{"jsonrpc":"2.0","id":1,"result":{}}'),
    "401": lambda h: http(401, "text/plain", ""),
}


@pytest.mark.parametrize("refuse", NOT_RESUMED.values(), ids=NOT_RESUMED.keys())
def test_a_stream_that_cannot_be_read_on_leaves_the_outcome_unknown(old, refuse):
    breaks_off(old, primed("1"))
    old.fake.on_get = refuse
    text = failure(old, "old_write")

    assert "in mid-call. It ended its stream without an answer. The outcome is unknown" in text
    assert len(old.fake.gets) == 1 and len(old.fake.calls()) == 1


def test_a_connector_that_dies_meanwhile_leaves_the_outcome_unknown(old):
    breaks_off(old, primed("1"))
    old.fake.on_get = lambda headers: b""
    text = failure(old, "old_write")

    assert "in mid-call" in text or "did not finish" in text
    assert "The outcome is unknown" in text and "Nothing was done" not in text
    assert len(old.fake.calls()) == 1


def test_streams_that_bring_nothing_new_are_not_read_on_for_ever(old):
    breaks_off(old, primed("same", 0))
    goes_on(old, b": nothing\n\n")
    text = failure(old, "old_write")

    assert "The outcome is unknown" in text
    assert 3 < len(old.fake.gets) <= 21 and len(old.fake.calls()) == 1


def test_a_server_cannot_make_us_spin(old):
    breaks_off(old, primed("0", 0))
    ids = iter(range(1, 10**6))

    def on_get(headers):
        yield sse_head() + primed(next(ids), 0)

    old.fake.on_get = on_get
    assert "The outcome is unknown" in failure(old, "old_write")
    assert len(old.fake.gets) <= CALL_SECONDS * 1000 / 50


def test_the_deadline_of_the_call_holds_while_it_waits(old):
    breaks_off(old, primed("1", 99_000_000))
    goes_on(old)
    begun = time.monotonic()
    text = failure(old, "old_write")

    assert "did not finish" in text and "The outcome is unknown" in text
    assert time.monotonic() - begun < CALL_SECONDS + 10 * SLOW
    assert len(old.fake.calls()) == 1


def test_the_deadline_of_the_call_holds_on_the_second_stream(old):
    hung = threading.Event()

    def on_get(headers):
        yield sse_head()
        hung.wait(20 * SLOW)

    breaks_off(old, primed("1"))
    old.fake.on_get = on_get
    text = failure(old, "old_write")
    hung.set()

    assert "did not finish" in text and "The outcome is unknown" in text


def test_an_answer_to_a_question_between_two_streams_starts_the_clock_again(old):
    # the pause before the second stream may not outlast the deadline that is back in force
    breaks_off(old, primed("1", 99_000_000), lambda r: sse(question("q")))
    caller = Caller(old, "old_write")
    asked = caller.question()
    time.sleep(0.3)
    caller.reply(asked, result={"action": "accept"})
    text = caller.failure()

    assert "The outcome is unknown" in text


@pytest.mark.parametrize("id", ["a\x01b", "a\tb", "\x7f", "x" * 300, ""])
def test_ids_that_no_header_can_hold_are_none(old, id):
    breaks_off(old, primed("good"), primed(id))
    goes_on(old)

    assert "without an answer" in failure(old, "old_write")
    assert not old.fake.gets


def test_ids_cannot_smuggle_headers(old):
    breaks_off(old, b"id: a\rX-Evil: 1\r\rretry: 50\ndata: \n\n")
    goes_on(old)
    old.call("old_read")

    assert all("X-Evil" not in g for g in old.fake.gets)


def test_a_stream_without_ids_is_not_read_on(old):
    breaks_off(old, lambda r: sse({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": 1}}))
    goes_on(old)

    assert "without an answer" in failure(old, "old_write")
    assert not old.fake.gets


def test_the_modern_era_knows_no_resumption(old):
    # MCP 2026-07-28 basic/transports/streamable-http: no event ids, no GET
    def on_call(request):
        yield sse_head()
        yield primed("1")

    old.modern.on_call = on_call

    assert "without an answer" in failure(old, "new_read", "modern")
    assert [r.method for r in old.modern.requests if r.method == "tools/call"] == ["tools/call"]


def test_a_client_that_has_left_does_not_keep_its_connector_from_ending(old):
    breaks_off(old, primed("1", 200), lambda r: sse(progress(r, 1)))
    goes_on(old)
    caller = Caller(old, "old_read", _meta={"progressToken": 1})
    caller.next()
    caller.hang_up()
    wait_until(lambda: old.lines(tool="old_read", outcome="gone"), "the end of the call")

    wait_until(lambda: old.fake.gets, "the second stream")
