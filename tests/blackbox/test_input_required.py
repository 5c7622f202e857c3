"""Modern connectors that end a call by asking for input (MCP 2026-07-28 basic/patterns/mrtr): put to legacy clients as questions
on the stream of their call, handed to modern clients as it is (docs/protocol.md "Questions to the user")."""

import json
import time

import pytest

from caller import Caller
from fake_connector import http, response, text_result, tool
from harness import SLOW, wait_until

CALL_SECONDS = 4 * SLOW
FORM = {"method": "elicitation/create", "params": {"message": "Which \u00e9?", "requestedSchema": {"type": "object", "properties": {}}}}
SAMPLE = {"method": "sampling/createMessage", "params": {"messages": [], "maxTokens": 5}}
ROOTS = {"method": "roots/list"}
STATES = ['"plain"', '""', '"\\u0041\\n\\"\\\\ \u20ac \\ud83d\\ude00"', '"{\\"a\\":1}"', '"' + "x" * 100_000 + '"']
META = "io.modelcontextprotocol/"


@pytest.fixture(scope="module")
def shared(start_module):
    fake = start_module.fake(tools=[tool("ask"), tool("write", read_only=False)], ttl_ms=3600_000)
    gateway = start_module.gateway([{"name": "new", "url": fake.url, "timeout": f"{CALL_SECONDS}s"}], workers=4)
    gateway.fake = fake
    return gateway.offers("new_ask")


@pytest.fixture
def new(shared):
    shared.fake.requests.clear()
    yield shared
    assert shared.alive()


def wants(requests=None, state=None, **more):
    """The result object of a round; state is raw JSON."""
    members = {"resultType": '"input_required"'}
    if requests is not None:
        members["inputRequests"] = json.dumps(requests, ensure_ascii=False)
    if state is not None:
        members["requestState"] = state
    members |= more
    return "{" + ",".join(f'"{k}":{v}' for k, v in members.items()) + "}"


def rounds(gateway, *results):
    """The connector's answers, one round after the other, then "done"; each raw."""

    def on_call(request):
        n = len(gateway.fake.calls())
        if n > len(results):
            return text_result("done")
        return http(200, "application/json", f'{{"jsonrpc":"2.0","id":{request.id},"result":{results[n - 1]}}}')

    gateway.fake.on_call = on_call
    return gateway


def params_of(gateway):
    return [c.params for c in gateway.fake.calls()]


def raw_member(request, name):
    """The bytes of a member of params, which stand before _meta."""
    _, found, rest = request.raw.partition(f'"{name}":'.encode())
    if not found:
        return None
    decoded, end = json.JSONDecoder().raw_decode(rest.decode())
    return rest.decode()[:end]


@pytest.mark.parametrize("action", [{"action": "accept", "content": {"n": 1}}, {"action": "decline"}, {"action": "cancel"}], ids=lambda a: a["action"])
def test_a_legacy_client_is_asked_and_the_call_repeated_with_its_answer(new, action):
    caller = Caller(rounds(new, wants({"form": FORM}, '"s1"')), "new_write", {"x": 1.50})
    asked = caller.question()
    caller.reply(asked, result=action)

    assert {"method": asked["method"], "params": asked["params"]} == FORM
    assert caller.text() == "done"
    first, second = new.fake.calls()
    assert second.params["inputResponses"] == {"form": action} and second.params["requestState"] == "s1"
    assert second.arguments == first.arguments == {"x": 1.5} and raw_member(second, "arguments") == '{"x": 1.5}'
    assert "inputResponses" not in first.params and "requestState" not in first.params
    assert first.id != second.id and second.headers["Mcp-Name"] == "write"


def test_several_kinds_are_asked_at_once(new):
    caller = Caller(rounds(new, wants({"a": FORM, "b \u00e9": SAMPLE, "c": ROOTS}, '"s"')), "new_ask")
    asked = {q["method"]: q for q in (caller.question() for _ in range(3))}
    for n, method in enumerate(["roots/list", "elicitation/create", "sampling/createMessage"]):
        caller.reply(asked[method], result={"n": n})

    assert caller.text() == "done"
    assert "params" not in asked["roots/list"]
    assert params_of(new)[1]["inputResponses"] == {"c": {"n": 0}, "a": {"n": 1}, "b \u00e9": {"n": 2}}


def test_answers_count_for_their_round_alone(new):
    results = [wants({f"q{n}": FORM}, f'"s{n}"') for n in range(3)]
    caller = Caller(rounds(new, *results), "new_ask")
    for n in range(3):
        caller.reply(caller.question(), result={"n": n})

    assert caller.text() == "done"
    assert [(p.get("inputResponses"), p.get("requestState")) for p in params_of(new)] == [
        (None, None),
        ({"q0": {"n": 0}}, "s0"),
        ({"q1": {"n": 1}}, "s1"),
        ({"q2": {"n": 2}}, "s2"),
    ]
    assert len({c.id for c in new.fake.calls()}) == 4


@pytest.mark.parametrize("count,ends", [(8, "done"), (9, "too often")])
def test_eight_rounds_are_enough(new, count, ends):
    caller = Caller(rounds(new, *[wants({"q": FORM}, '"s"')] * count), "new_ask")
    for _ in range(8):
        caller.reply(caller.question(), result={"action": "accept"})
    result = caller.result()

    assert ends in result["content"][0]["text"] and bool(result.get("isError")) == (count == 9)
    assert len(new.fake.calls()) == 9


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_the_state_comes_back_byte_for_byte(new, state):
    caller = Caller(rounds(new, wants({"q": FORM}, state)), "new_ask")
    caller.reply(caller.question(), result={"action": "accept"})

    assert caller.text() == "done"
    assert raw_member(new.fake.calls()[1], "requestState") == state


def test_a_state_is_not_made_up(new):
    caller = Caller(rounds(new, wants({"q": FORM}, '"first"'), wants({"q": FORM})), "new_ask")
    for _ in range(2):
        caller.reply(caller.question(), result={"action": "accept"})

    assert caller.text() == "done"
    assert [p.get("requestState") for p in params_of(new)] == [None, "first", None]


@pytest.mark.parametrize("requests", [None, {}])
def test_a_state_alone_is_sent_back_at_once(new, requests):
    caller = Caller(rounds(new, wants(requests, '"later"')), "new_ask")

    assert caller.text() == "done"
    assert params_of(new)[1]["requestState"] == "later" and "inputResponses" not in params_of(new)[1]


def test_a_round_that_asks_for_nothing_is_an_error(new):
    caller = Caller(rounds(new, *[wants()] * 9), "new_ask")

    assert "does not say" in caller.failure()
    assert len(new.fake.calls()) == 1


def test_an_error_of_the_client_ends_the_call_with_a_sentence(new):
    caller = Caller(rounds(new, wants({"a": FORM, "b": ROOTS}, '"s"')), "new_write")
    asked = [caller.question() for _ in range(2)]
    caller.reply(asked[0], error={"code": -1, "message": "User rejected \"it\""})
    text = caller.failure()

    assert 'answered with an error: "User rejected "it"".' in text and "Nothing more was done." in text
    assert len(new.fake.calls()) == 1


UNKNOWN = {
    "another method": {"a": FORM, "b": {"method": "tools/call", "params": {}}},
    "no method": {"a": FORM, "b": {"params": {}}},
    "no object": {"a": FORM, "b": 5},
    "seventeen": {str(n): FORM for n in range(17)},
    "a list": [FORM],
    "text": "x",
}


@pytest.mark.parametrize("requests", UNKNOWN.values(), ids=UNKNOWN.keys())
def test_for_what_cannot_be_asked_nobody_is_asked(new, requests):
    caller = Caller(rounds(new, wants(requests, '"s"')), "new_ask")

    assert "cannot be asked for" in caller.failure()
    assert len(new.fake.calls()) == 1


def test_elicitation_is_not_put_to_clients_before_2025_06_18(new):
    caller = Caller(rounds(new, wants({"a": FORM}, '"s"')), "new_ask", headers={"MCP-Protocol-Version": "2025-03-26"})

    assert "cannot be asked for" in caller.failure()


@pytest.mark.parametrize("accept", ["application/json", "*/*"])
def test_a_client_that_takes_no_stream_is_told_so(new, accept):
    result = rounds(new, wants({"a": FORM}, '"s"')).call("new_ask", headers={"Accept": accept})

    assert result["isError"] and "cannot be asked in mid-call" in result["content"][0]["text"]
    assert len(new.fake.calls()) == 1


def test_the_clock_of_the_call_stands_still_between_rounds(new):
    caller = Caller(rounds(new, wants({"a": FORM}, '"s"')), "new_ask")
    asked = caller.question()
    time.sleep(CALL_SECONDS + 1)
    caller.reply(asked, result={"action": "accept"})

    assert caller.text() == "done"


def test_a_client_that_leaves_between_rounds_ends_the_call(new):
    caller = Caller(rounds(new, wants({"a": FORM}, '"s"')), "new_ask")
    asked = caller.question()
    caller.hang_up()
    wait_until(lambda: new.lines(tool="new_ask", outcome="gone"), "the end of the call")
    caller.reply(asked, result={"action": "accept"})

    assert len(new.fake.calls()) == 1


def meta_of(gateway):
    return gateway.fake.calls()[0].params["_meta"]


ASKED = {"sampling": {}, "elicitation": {}, "roots": {}}
DECLARED = {
    "a stream": ({}, ASKED, "debug"),
    "json only": ({"Accept": "application/json"}, {}, None),
    "2025-03-26": ({"MCP-Protocol-Version": "2025-03-26"}, {"sampling": {}, "roots": {}}, "debug"),
}


@pytest.mark.parametrize("headers,capabilities,level", DECLARED.values(), ids=DECLARED.keys())
def test_a_legacy_client_is_declared_with_what_it_can_be_asked(new, headers, capabilities, level):
    rounds(new).call("new_ask", headers=headers)

    assert meta_of(new)[META + "clientCapabilities"] == capabilities
    assert meta_of(new).get(META + "logLevel") == level


def test_a_modern_client_is_declared_as_it_declares_itself(new):
    declared = {"elicitation": {"url": {}}, "experimental": {"x": [1]}}
    params = {"name": "new_ask", "arguments": {}, "_meta": {META + "clientCapabilities": declared}}
    rounds(new).rpc("tools/call", params, "modern")

    assert meta_of(new)[META + "clientCapabilities"] == declared and META + "logLevel" not in meta_of(new)


@pytest.mark.parametrize("state", STATES, ids=range(len(STATES)))
def test_a_modern_client_gets_the_questions_byte_for_byte(new, state):
    raw = wants({"q": FORM, "r": {"method": "x/unknown"}}, state, extra="[1.50,null]")
    answer = rounds(new, raw).rpc("tools/call", {"name": "new_ask", "arguments": {}}, "modern")
    result = answer.json()["result"]

    assert result == json.loads(raw)
    assert f'"requestState":{state}' in answer.text and '"extra":[1.50,null]' in answer.text


@pytest.mark.parametrize("responses,state", [({"q": {"action": "accept"}, "x": 5}, "s"), ("garbage", [1]), ([], 5), (0, {"a": None})])
def test_what_a_modern_client_answers_passes_as_it_is(new, responses, state):
    params = {"name": "new_ask", "arguments": {}, "inputResponses": responses, "requestState": state}
    assert rounds(new).rpc("tools/call", params, "modern").status_code == 200
    (call,) = new.fake.calls()

    assert json.loads(raw_member(call, "inputResponses")) == responses
    assert json.loads(raw_member(call, "requestState")) == state


def test_null_is_no_answer_of_a_modern_client(new):
    params = {"name": "new_ask", "arguments": {}, "inputResponses": None, "requestState": None}
    rounds(new).rpc("tools/call", params, "modern")

    assert "inputResponses" not in params_of(new)[0] and "requestState" not in params_of(new)[0]


def test_a_legacy_client_cannot_bring_answers_of_its_own(new):
    params = {"name": "new_ask", "arguments": {}, "inputResponses": {"q": {}}, "requestState": "forged"}
    rounds(new).rpc("tools/call", params)

    assert "inputResponses" not in params_of(new)[0] and "requestState" not in params_of(new)[0]


def test_an_answer_by_rest_never_holds_a_question(new):
    answer = rounds(new, wants({"q": FORM}, '"s"')).rest("new_ask")

    assert answer.status_code == 502 and "input" in answer.json()["error"]["message"], answer.text
