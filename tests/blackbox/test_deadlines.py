"""Calls that take long: deadlines, progress that extends them, and clients that hang up (docs/architecture.md "One call", docs/architecture.md "Failures, deadlines, repeats")."""

import json
import re
import socket
import time

import pytest

from fake_connector import hang, progress, response, sse, sse_head, text_result, tool
from harness import SLOW, bearer, events, message, message_headers, rpc_body, wait_until
from lab import ERAS, CALL_SECONDS, LONGEST_SECONDS, named, three_steps


def half_then_silence(request):
    yield b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"jsonrpc"'
    time.sleep(30)


@pytest.mark.parametrize("silent", named(before_the_head=lambda r: hang(), in_mid_answer=half_then_silence))
@pytest.mark.parametrize("era", ERAS)
def test_a_call_that_hangs_ends_at_its_deadline_with_advice(lab, silent, era):
    # docs/architecture.md "Failures, deadlines, repeats": at the end of a deadline the text says what to do.
    began = time.monotonic()
    text = lab.script(silent).text("read", era)

    assert CALL_SECONDS * 0.9 <= time.monotonic() - began < CALL_SECONDS + 10 * SLOW
    assert "Narrow the request" in text and "progress" in text and "Trying again is safe" in text


def test_a_write_that_hangs_is_not_repeated_and_its_outcome_is_unknown(lab):
    text = lab.script(lambda r: hang()).text("write")

    assert "outcome is unknown" in text
    assert len(lab.fake.calls()) == 1


def test_a_deadline_is_504_over_rest(lab):
    answer = lab.script(lambda r: hang()).rest("read")

    assert answer.status_code == 504 and answer.json()["error"]["message"]


def test_a_tool_can_have_a_deadline_of_its_own(start):
    fake = start.fake(tools=[tool("quick"), tool("other")], on_call=lambda r: hang())
    gateway = start.gateway(
        [{"name": "own", "url": fake.url, "timeout": "30s", "tool_timeouts": {"own_quick": "500ms"}}]
    )
    began = time.monotonic()

    assert gateway.call("own_quick")["isError"] is True
    assert time.monotonic() - began < 15


def test_the_deadline_is_told_to_a_connector_of_ours(start):
    # docs/architecture.md "Trust": Guiche-Timeout-Ms, the time left
    fake = start.fake()
    gateway = start.gateway([{"name": "crm", "url": fake.url, "timeout": "17s"}])
    gateway.call("crm_echo")

    assert 8000 < int(fake.calls()[0].headers["Guiche-Timeout-Ms"]) <= 17000, "the usual one is 25 s"


@pytest.mark.parametrize("token", ["t", 0, 7, "ä"])
@pytest.mark.parametrize("era", ERAS)
def test_progress_is_relayed_under_the_clients_own_token(lab, era, token):
    # MCP basic/utilities/progress
    answer = lab.script(three_steps).with_progress("read", era, token)
    messages = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]

    assert answer.headers["content-type"].startswith("text/event-stream")
    assert [m.get("method") for m in messages] == ["notifications/progress"] * 3 + [None]
    assert [m["params"]["progressToken"] for m in messages[:3]] == [token] * 3
    assert [m["params"]["progress"] for m in messages[:3]] == [1, 2, 3]
    assert messages[0]["params"]["total"] == 3 and messages[0]["params"]["message"] == "step 1"
    assert messages[3]["id"] == 1 and messages[3]["result"]["content"][0]["text"] == "done"
    assert ("resultType" in messages[3]["result"]) == (era == "modern")


def test_a_stream_carries_no_event_ids_and_is_not_buffered(lab):
    # clients reconnect by GET when they see an event id; MCP 2026-07-28 basic/transports/streamable-http "Receiving"
    answer = lab.script(three_steps).with_progress("read", "modern")

    assert not [line for line in answer.text.splitlines() if line.startswith("id:")]
    assert answer.headers["x-accel-buffering"] == "no"


def test_the_clients_token_stays_with_the_gateway(lab):
    # two clients may use the same one
    lab.script(three_steps).with_progress("read", "modern", "mine")

    assert lab.fake.calls()[0].params["_meta"]["progressToken"] != "mine"


def test_who_asks_for_no_progress_gets_none(lab):
    def on_call(request):
        assert "progressToken" not in request.params.get("_meta", {})
        return sse_head() + sse(
            {"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": 1, "progress": 1}},
            response(request, text_result("done")),
        )

    answer = lab.script(on_call).gateway.rpc("tools/call", {"name": "lab_read"})

    assert answer.headers["content-type"].startswith("application/json")
    assert answer.json()["result"]["content"][0]["text"] == "done"


def test_an_answer_without_events_is_json_though_progress_was_asked_for(lab):
    # docs/architecture.md "One call": JSON unless an event is really emitted before the result
    answer = lab.script(lambda r: text_result("at once")).with_progress("read", "legacy")

    assert answer.headers["content-type"].startswith("application/json")


def test_foreign_and_stale_messages_on_a_stream_are_dropped(lab):
    def on_call(request):
        yield sse_head()
        foreign = progress(request, 1)
        foreign["params"]["progressToken"] = "not ours"
        yield sse(foreign)
        yield sse({"jsonrpc": "2.0", "id": 99, "method": "sampling/createMessage", "params": {}})
        yield sse({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"})
        yield sse(progress(request, 1))
        yield sse(response(request, text_result("done")))

    answer = lab.script(on_call).with_progress("read", "legacy")

    assert answer.text.count("notifications/progress") == 1
    assert "sampling" not in answer.text and "list_changed" not in answer.text


def test_progress_only_ever_grows(lab):
    # MCP basic/utilities/progress: the value MUST increase.
    def on_call(request):
        yield sse_head()
        for value in (1, 1, 0.5, 2):
            yield sse(progress(request, value))
        yield sse(response(request, text_result("done")))

    answer = lab.script(on_call).with_progress("read", "modern")
    values = [e["params"]["progress"] for e in events(answer.text)[:-1]]

    assert values == sorted(set(values)) and values[-1] == 2


def test_only_the_first_of_two_responses_counts(lab):
    def on_call(request):
        yield sse_head()
        yield sse(progress(request, 1))
        yield sse(response(request, text_result("first")), response(request, text_result("second")))

    answer = lab.script(on_call).with_progress("read", "legacy")

    assert json.loads(rpc_body(answer))["result"]["content"][0]["text"] == "first"
    assert "second" not in answer.text


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r", b"\n"])
def test_every_line_end_of_sse_is_read(lab, line_end):
    # WHATWG HTML "Server-sent events": CR, LF and CRLF end a line
    lab.script(lambda r: sse_head() + sse(progress(r, 1), response(r, text_result("done"))).replace(b"\n", line_end))
    answer = lab.with_progress("read", "legacy")

    assert json.loads(rpc_body(answer))["result"]["content"][0]["text"] == "done"


def test_an_event_may_arrive_in_pieces_and_on_several_data_lines(lab):
    def on_call(request):
        body = json.dumps(response(request, text_result("done"))).replace(', "result"', ',\n"result"')
        yield sse_head()
        for byte in b"".join(b"data: " + line.encode() + b"\n" for line in body.split("\n")) + b"\n":
            yield bytes([byte])

    assert lab.script(on_call).call("read")["content"][0]["text"] == "done"


def slowly(request, seconds=0.3 * CALL_SECONDS, steps=4):
    yield sse_head()
    for i in range(steps):
        time.sleep(seconds)
        yield sse(progress(request, i + 1, steps))
    yield sse(response(request, text_result("done")))


@pytest.mark.parametrize("era", ERAS)
def test_each_progress_event_extends_the_deadline(lab, era):
    # docs/architecture.md "Failures, deadlines, repeats": 2.4 s of work against a deadline of 2 s
    answer = lab.script(slowly).with_progress("read", era)

    assert json.loads(rpc_body(answer))["result"]["content"][0]["text"] == "done"


def test_each_progress_event_extends_the_deadline_of_a_rest_stream(lab):
    answer = lab.script(slowly).stream("read")

    assert events(answer.text)[-1]["type"] == "done"


def test_without_progress_events_the_deadline_is_the_short_one(lab):
    began = time.monotonic()
    answer = lab.script(lambda r: slowly(r, seconds=2 * LONGEST_SECONDS)).with_progress("read", "legacy")

    assert json.loads(rpc_body(answer))["result"]["isError"] is True
    assert time.monotonic() - began < 0.95 * LONGEST_SECONDS


def test_progress_does_not_extend_a_deadline_for_ever(lab):
    # docs/architecture.md "Failures, deadlines, repeats": up to 120 s, here LONGEST_SECONDS
    began = time.monotonic()
    answer = lab.script(lambda r: slowly(r, seconds=0.1 * CALL_SECONDS, steps=300)).with_progress("read", "legacy")
    result = json.loads(rpc_body(answer))["result"]
    took = time.monotonic() - began

    assert result["isError"] is True
    assert LONGEST_SECONDS * 0.9 < took < LONGEST_SECONDS + 10 * SLOW
    assert LONGEST_SECONDS * 0.9 < int(re.search(r"within (\d+) s", result["content"][0]["text"])[1]) < took + 1


@pytest.mark.parametrize("era", ERAS)
def test_a_stream_that_dies_after_progress_ends_with_one_response(lab, era):
    # docs/architecture.md "One call": a stream that ends without a response gets one closing error event from us.
    def on_call(request):
        yield sse_head() + sse(progress(request, 1))

    answer = lab.script(on_call).with_progress("read", era)
    messages = events(answer.text)

    assert [m.get("method") for m in messages] == ["notifications/progress", None]
    assert messages[-1]["id"] == 1 and messages[-1]["result"]["isError"] is True


class Watched:
    """A gateway of patience before a connector that notes whether the call's connection is closed within some time."""

    def __init__(self, start, seconds):
        self.noticed = []
        self.fake = start.fake(on_call=lambda r: self.noticed.append(r.hung_up(seconds)) or text_result("too late"))
        self.gateway = start.gateway([{"name": "one", "url": self.fake.url}])

    def hang_up_in_mid_call(self, path, body, headers):
        """What the connector notes of it."""
        headers = {"Host": "127.0.0.1", "Content-Length": len(body)} | bearer() | headers
        lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        with socket.create_connection(("127.0.0.1", self.gateway.port)) as client:
            client.sendall(f"POST {path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
            wait_until(self.fake.calls, "the call")
        wait_until(lambda: self.noticed, "the connector to finish")
        return self.noticed

    def call(self, era):
        params = {"name": "one_echo", "arguments": {}}
        return self.hang_up_in_mid_call("/mcp", json.dumps(message("tools/call", params, era)), message_headers("tools/call", params, era))


def test_a_modern_client_that_hangs_up_cancels_the_call(start):
    # MCP 2026-07-28 basic/utilities/cancellation: closing the response is the cancellation.
    assert Watched(start, seconds=15).call("modern") == [True]


def test_a_legacy_client_that_hangs_up_has_not_cancelled_the_call(start):
    # MCP 2025-11-25 basic/transports: disconnection SHOULD NOT be interpreted as the client cancelling its request.
    assert Watched(start, seconds=0.7).call("legacy") == [False]


def test_cancelled_by_a_bare_id_cancels_nothing(lab):
    # every SDK counts 0, 1, 2...: without sessions an id says nothing about whose call it is
    def on_call(request):
        lab.gateway.rpc("notifications/cancelled", {"requestId": 1}, id=None)
        return text_result("done")

    assert lab.script(on_call).call("write")["content"][0]["text"] == "done"


def test_a_late_answer_is_not_given_to_the_next_caller(start):
    def on_call(request):
        if request.arguments["n"] == 1:
            time.sleep(CALL_SECONDS + 0.3)
        return text_result(str(request.arguments["n"]))

    fake = start.fake(on_call=on_call)
    gateway = start.gateway([{"name": "slow", "url": fake.url, "timeout": f"{CALL_SECONDS}s"}], workers=1)

    assert gateway.call("slow_echo", {"n": 1})["isError"] is True
    for n in range(2, 8):
        assert gateway.call("slow_echo", {"n": n})["content"][0]["text"] == str(n)
        time.sleep(0.1)


def test_a_rest_client_that_hangs_up_ends_the_call(start):
    assert Watched(start, seconds=15).hang_up_in_mid_call("/v1/tools/one_echo/stream", "{}", {}) == [True]


@pytest.mark.parametrize("era", ERAS)
def test_progress_of_the_crm_reaches_mcp_clients(stack, era):
    ids = [a["agent_id"] for a in stack.rest("crm_list_agents").json()["result"]["agents"]][:3]
    params = {"name": "crm_compare_agents", "arguments": {"agent_ids": ids}, "_meta": {"progressToken": "p"}}
    found = events(stack.rpc("tools/call", params, era).text)

    assert len(found) >= 4 and all(e["params"]["progressToken"] == "p" for e in found[:-1])
    assert "winner" in found[-1]["result"]["structuredContent"]
