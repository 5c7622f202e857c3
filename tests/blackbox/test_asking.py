"""Legacy connectors that ask their client in mid-call: what the user is asked, and what of the answers comes back
(MCP 2025-11-25 client/elicitation, client/sampling, client/roots; docs/protocol.md "Questions to the user")."""

import json
import re
import threading
import time

import httpx
import pytest

from caller import SECONDS, Caller
from fake_connector import progress, response, sse, sse_head, text_result, tool
from harness import SLOW, bearer, wait_until
from session_connector import asking, question

CALL_SECONDS = 3 * SLOW
FORM = {"message": "Which size? \u00e9\u2028", "requestedSchema": {"type": "object", "properties": {"n": {"type": "integer", "default": 3}}}}


@pytest.fixture(scope="module")
def shared(start_module):
    """Four workers, so that most answers come in at another one than the call."""
    fake = start_module.session_connector(tools=[tool("ask"), tool("write", read_only=False)], ttl_ms=3600_000)
    row = {"name": "old", "url": fake.url, "timeout": f"{int(CALL_SECONDS * 1000)}ms"}
    gateway = start_module.gateway([row], workers=4)
    gateway.fake = fake
    return gateway.offers("old_ask")


@pytest.fixture
def old(shared):
    for record in (shared.fake.requests, shared.fake.answers):
        record.clear()
    yield shared
    assert shared.alive()


def ask(gateway, *questions, **options):
    gateway.fake.on_call = asking(gateway.fake, *questions)
    return Caller(gateway, "old_ask", **options)


@pytest.mark.parametrize("action", [{"action": "accept", "content": {"n": 4, "t": "\u00e9\"\\"}}, {"action": "decline"}, {"action": "cancel"}], ids=lambda a: a["action"])
@pytest.mark.parametrize("id", [0, 7, -1, "a b", "\u00e9\"\\", ""])
def test_a_question_reaches_the_user_and_the_answer_its_connector(old, id, action):
    caller = ask(old, question(id, **FORM))
    asked = caller.question()
    caller.reply(asked, result=action)

    assert asked["method"] == "elicitation/create" and asked["params"] == FORM
    assert isinstance(asked["id"], str) and len(asked["id"]) >= 32, "of our own, and not to be guessed"
    assert json.loads(caller.text()) == [{"jsonrpc": "2.0", "id": id, "result": action}]
    (posted,) = old.fake.answers
    assert posted.headers["Mcp-Session-Id"] in old.fake.sessions and posted.headers["MCP-Protocol-Version"] == "2025-11-25"
    assert type(posted.body["id"]) is type(id)


@pytest.mark.parametrize("method", ["sampling/createMessage", "roots/list", "elicitation/create"])
def test_what_legacy_clients_can_be_asked_they_are_asked(old, method):
    caller = ask(old, question(1, method, x=[1.50, None, {"y": "\u20ac"}]))
    asked = caller.question()
    caller.reply(asked, result={"roots": [], "model": "m", "n": 1})

    assert asked["method"] == method and asked["params"] == {"x": [1.50, None, {"y": "\u20ac"}]}
    assert json.loads(caller.text())[0]["result"] == {"roots": [], "model": "m", "n": 1}


def test_an_error_of_the_client_goes_to_a_legacy_connector_as_it_is(old):
    error = {"code": -1, "message": "User rejected \"it\"\n\u00e9", "data": {"why": [1, None]}}
    caller = ask(old, question(1, **FORM))
    caller.reply(caller.question(), error=error)

    assert json.loads(caller.text()) == [{"jsonrpc": "2.0", "id": 1, "error": error}]


@pytest.mark.parametrize("answer", [{}, {"result": 5}, {"result": None}, {"error": "no"}, {"error": {}}, {"result": []}])
def test_an_answer_that_cannot_be_read_becomes_an_error(old, answer):
    caller = ask(old, question(1, **FORM))
    asked = caller.question()
    if not answer:
        caller.reply(asked, error={"message": "no code"})
    else:
        httpx.post(old.url, json={"jsonrpc": "2.0", "id": asked["id"], **answer}, headers=caller.headers, timeout=60)
        caller.reply(asked, error={"code": -5, "message": "or this"})  # when the first was refused at the door
    (posted,) = json.loads(caller.text())

    assert posted["id"] == 1 and isinstance(posted["error"]["code"], int) and posted["error"]["message"]


def test_what_a_client_cannot_be_asked_is_refused_at_once(old):
    caller = ask(old, question(1, "tools/list"), question("p", "ping"), question(3, "no/such"))
    answers = json.loads(caller.text())

    assert [a.get("error", {}).get("code") for a in answers] == [-32601, None, -32601]
    assert answers[1] == {"jsonrpc": "2.0", "id": "p", "result": {}}


def test_several_questions_at_once_are_told_apart(old):
    caller = ask(old, question(1, **FORM), question("1", "roots/list"), question(2, "sampling/createMessage", m=1))
    asked = [caller.question() for _ in range(3)]
    for n, one in reversed(list(enumerate(asked))):
        caller.reply(one, result={"n": n})

    assert [(a["id"], a["result"]["n"]) for a in json.loads(caller.text())] == [(1, 0), ("1", 1), (2, 2)]


def test_sixteen_questions_may_be_open_and_the_rest_is_refused(old):
    caller = ask(old, *[question(n, **FORM) for n in range(20)])
    asked = [caller.question() for _ in range(16)]
    wait_until(lambda: len(old.fake.answers) == 4, "the refusals")
    for one in asked:
        caller.reply(one, result={"action": "decline"})
    answers = json.loads(caller.text())

    assert ["error" in a for a in answers] == [False] * 16 + [True] * 4


def test_a_question_may_follow_an_answer(old):
    def more(request):
        yield sse(question("next", **FORM))
        old.fake.answer_to("next")

    old.fake.on_call = asking(old.fake, question("first", **FORM), then=more)
    caller = Caller(old, "old_ask")
    for _ in range(2):
        caller.reply(caller.question(), result={"action": "accept"})

    assert caller.text()


def test_a_flood_of_requests_is_not_answered_for_ever(old):
    def on_call(request):
        yield sse_head()
        yield sse(*[question(n, "ping") for n in range(2000)])
        yield sse(response(request, text_result("done")))

    old.fake.on_call = on_call

    assert old.call("old_ask")["content"][0]["text"] == "done"
    wait_until(lambda: len(old.fake.answers) == 64, "the answers")
    wait_until(lambda: [l for l in old.lines(connector="old") if "asks too much" in l["message"]], "the log line")


@pytest.mark.parametrize("id", [None, [1], {"a": 1}, True])
def test_a_request_whose_id_is_none_is_dropped(old, id):
    # MCP basic "Requests": string or integer, never null
    def on_call(request):
        yield sse_head()
        yield sse(question(id, **FORM), question("p", "ping"), response(request, text_result("done")))

    old.fake.on_call = on_call
    caller = Caller(old, "old_ask")

    assert caller.text() == "done"
    wait_until(lambda: old.fake.answers, "the answer to the ping")
    assert [a.body["id"] for a in old.fake.answers] == ["p"]


CANNOT = {
    "a client of JSON": lambda g: g.call("old_ask", headers={"Accept": "application/json"}),
    "a client of any type": lambda g: g.call("old_ask", headers={"Accept": "*/*"}),
    "a modern client": lambda g: g.call("old_ask", era="modern"),
}


@pytest.mark.parametrize("call", CANNOT.values(), ids=CANNOT.keys())
def test_who_cannot_be_asked_is_answered_by_the_connector_itself(old, call):
    old.fake.on_call = asking(old.fake, question(5, **FORM))
    (posted,) = json.loads(call(old)["content"][0]["text"])

    assert posted["id"] == 5 and posted["error"]["code"] == -32601


def test_a_caller_by_rest_cannot_be_asked(old):
    old.fake.on_call = asking(old.fake, question(5, **FORM))
    answer = old.rest("old_ask")

    assert answer.status_code == 200 and "-32601" in answer.text


def test_elicitation_is_unknown_to_clients_of_2025_03_26(old):
    caller = ask(old, question(1, **FORM), question(2, "roots/list"), headers={"MCP-Protocol-Version": "2025-03-26"})
    asked = caller.question()
    caller.reply(asked, result={"roots": []})

    assert asked["method"] == "roots/list"
    assert ["error" in a for a in json.loads(caller.text())] == [True, False]


def test_nobody_else_can_answer(old):
    caller = ask(old, question(1, **FORM))
    asked = caller.question()
    for stranger in (bearer(subject="mallory"), bearer(tenant="other")):
        caller.reply(asked, auth=stranger, result={"action": "accept", "content": {"by": "stranger"}})
    assert not old.fake.answers
    caller.reply(asked, result={"action": "decline"})

    assert json.loads(caller.text())[0]["result"] == {"action": "decline"}


def test_only_the_first_answer_counts_and_none_after_the_end(old):
    def wait(request):
        time.sleep(0.3)
        yield b""

    old.fake.on_call = asking(old.fake, question(1, **FORM), then=wait)
    caller = Caller(old, "old_ask")
    asked = caller.question()
    for n in (1, 2):
        caller.reply(asked, result={"n": n})
    text = caller.text()
    caller.reply(asked, result={"n": 3})

    assert json.loads(text)[0]["result"] == {"n": 1} and len(old.fake.answers) == 1


def test_forged_ids_harm_nobody(old):
    caller = ask(old, question(1, **FORM))
    asked = caller.question()
    for id in ("w99-00", "w-1-00", "w0-", "w", "", "w0-" + "0" * 32, "w4294967296-0", "w1-" + "x" * 5000, 5, None, asked["id"] + "0", asked["id"][:-1]):
        answer = httpx.post(old.url, json={"jsonrpc": "2.0", "id": id, "result": {}}, headers=caller.headers, timeout=60)
        assert answer.status_code in (202, 400)
    caller.reply(asked, result={"ok": True})

    assert json.loads(caller.text())[0]["result"] == {"ok": True}


def test_many_calls_are_asked_at_once_whichever_worker_gets_the_answer(old):
    def on_call(request):
        yield sse_head()
        yield sse(question(request.id, n=request.arguments["n"]))
        yield sse(response(request, text_result(json.dumps(old.fake.answer_to(request.id)["result"]))))

    old.fake.on_call = on_call
    callers = [Caller(old, "old_ask", {"n": n}) for n in range(24)]
    asked = [c.question() for c in callers]
    for caller, one in zip(callers, asked):
        caller.reply(one, result={"n": one["params"]["n"]})

    assert [json.loads(c.text())["n"] for c in callers] == list(range(24))
    assert len({one["id"].split("-")[0] for one in asked}) > 1, "several workers have asked"


def test_while_the_user_is_asked_the_clock_of_the_call_stands_still(old):
    caller = ask(old, question(1, **FORM))
    asked = caller.question()
    time.sleep(CALL_SECONDS + 0.7)
    caller.reply(asked, result={"action": "accept"})

    assert json.loads(caller.text())[0]["result"] == {"action": "accept"}


def test_when_the_user_has_answered_the_clock_runs_again(old):
    hung = threading.Event()

    def hang(request):
        hung.wait(20 * SLOW)
        yield b""

    old.fake.on_call = asking(old.fake, question(1, **FORM), then=hang)
    caller = Caller(old, "old_ask")
    asked = caller.question()
    time.sleep(CALL_SECONDS)
    caller.reply(asked, result={"action": "accept"})
    answered = time.monotonic()
    text = caller.failure()
    hung.set()

    assert time.monotonic() - answered < CALL_SECONDS + 10 * SLOW
    told = int(re.search(r"did not finish .* within (\d+) s", text)[1])
    assert CALL_SECONDS - 1 <= told < 2 * CALL_SECONDS, "the time in which the user was asked is not told"
    cancellation(old)


def cancellation(old):
    """Of the call of this test: one of an earlier call may come late."""
    id = old.fake.calls()[0].id
    notes = wait_until(lambda: [n for n in old.fake.notes("notifications/cancelled") if n.params["requestId"] == id], "the cancellation")
    assert len(notes) == 1
    return notes[0]


def test_a_client_that_leaves_while_it_is_asked_has_cancelled(old):
    caller = ask(old, question(1, **FORM))
    caller.question()
    caller.hang_up()

    assert cancellation(old).headers["Mcp-Session-Id"] in old.fake.sessions


def test_a_question_after_the_client_has_left_is_refused(old):
    # 2025-11-25 basic/transports: leaving is no cancellation, so the call goes on; but nobody is there to ask
    gone, refusals = threading.Event(), []

    def on_call(request):
        yield sse_head()
        yield sse(progress(request, 1))
        gone.wait(SECONDS)
        yield sse(question("late", **FORM))
        refusals.append(old.fake.answer_to("late"))
        yield sse(response(request, text_result("done")))

    old.fake.on_call = on_call
    caller = Caller(old, "old_ask", _meta={"progressToken": 1})
    caller.next()
    caller.hang_up()
    wait_until(lambda: old.lines(tool="old_ask", outcome="gone"), "the end of the call")
    gone.set()

    wait_until(lambda: refusals, "the refusal")
    assert refusals[0]["error"]["code"] == -32601


def test_a_call_that_runs_into_its_deadline_without_a_client_is_cancelled_at_the_connector(old):
    hung = threading.Event()

    def on_call(request):
        yield sse_head()
        yield sse(progress(request, 1))
        hung.wait(20 * SLOW)

    old.fake.on_call = on_call
    caller = Caller(old, "old_ask", _meta={"progressToken": 1})
    caller.next()
    caller.hang_up()
    cancellation(old)
    hung.set()


def test_log_messages_in_masses_do_not_stall_a_call(old):
    # a client that reads slowly pauses the connector; without progress asked for it must go on as well
    def on_call(request):
        yield sse_head()
        for _ in range(200):
            yield sse({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x" * 50_000}})
        yield sse(response(request, text_result("done")))

    old.fake.on_call = on_call
    body = json.dumps({"jsonrpc": "2.0", "id": 41, "method": "tools/call", "params": {"name": "old_ask", "arguments": {}}})
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"} | bearer()
    with httpx.stream("POST", old.url, content=body, headers=headers, timeout=30) as answer:
        pieces = answer.iter_raw(4096)
        next(pieces)
        time.sleep(0.3)  # meanwhile the sockets fill up
        rest = b"".join(pieces)

    assert b'"done"' in rest[-300:]


def test_a_stop_ends_calls_that_wait_for_the_user(start):
    fake = start.session_connector(tools=[tool("ask")])
    gateway = start.gateway([{"name": "old", "url": fake.url}], timeouts={"drain": "500ms"}).offers("old_ask")
    fake.on_call = asking(fake, question(1, **FORM))
    caller = Caller(gateway, "old_ask")
    caller.question()
    gateway.stop()

    assert "stopping" in caller.failure()
    wait_until(lambda: fake.notes("notifications/cancelled"), "the cancellation")
