"""How connectors may write their event streams: any line end, ids, one event of megabytes, more after the answer."""

import json

import pytest

from fake_connector import progress, response, sse_head, text_result, tool
from harness import events
from lab import ERAS

LINE_ENDS = {"LF": "\n", "CRLF": "\r\n", "CR": "\r"}
LARGE = "é\\" * 1_250_000  # 5 MB of UTF-8, and more as JSON


@pytest.fixture(scope="module")
def world(start_module):
    fake = start_module.fake(tools=[tool("read")], ttl_ms=3_600_000)
    gateway = start_module.gateway([{"name": "odd", "url": fake.url}]).offers("odd_read")
    gateway.call("odd_read", {})
    gateway.fake = fake
    return gateway


def with_progress(world, era):
    params = {"name": "odd_read", "arguments": {}, "_meta": {"progressToken": "t"}}
    return world.rpc("tools/call", params, era)


def written(messages, end, ids=False, name=True):
    text = "\ufeff"
    for n, message in enumerate(messages):
        text += f": comment{end}" + (f"id: {n}{end}retry: 10{end}" if ids else "") + (f"event: message{end}" if name else "")
        text += f"data: {json.dumps(message, ensure_ascii=False)}{end}{end}"
    return sse_head() + text.encode()


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("end", LINE_ENDS.values(), ids=LINE_ENDS.keys())
@pytest.mark.parametrize("ids", [False, True], ids=["without ids", "with ids"])
def test_events_are_read_whatever_ends_their_lines(world, era, end, ids):
    world.fake.on_call = lambda r: written([progress(r, 1), response(r, text_result("done"))], end, ids, name=ids)
    answer = with_progress(world, era)
    first, last = events(answer.text)

    assert first["params"] == {"progressToken": "t", "progress": 1}
    assert last["result"]["content"] == [{"type": "text", "text": "done"}]
    assert "\nid:" not in answer.text and "retry:" not in answer.text


@pytest.mark.parametrize("era", ERAS)
def test_an_event_of_megabytes_passes_whole(world, era):
    world.fake.on_call = lambda r: written([progress(r, 1), response(r, text_result(LARGE))], "\n")

    assert events(with_progress(world, era).text)[-1]["result"]["content"][0]["text"] == LARGE


@pytest.mark.parametrize("era", ERAS)
def test_what_comes_after_the_answer_is_not_handed_on(world, era):
    world.fake.on_call = lambda r: written([progress(r, 1), response(r, text_result("done")), progress(r, 2), response(r, text_result("twice"))], "\n")
    answer = with_progress(world, era)

    assert [e.get("method", "answer") for e in events(answer.text)] == ["notifications/progress", "answer"]
    assert "twice" not in answer.text
    world.fake.on_call = lambda r: text_result("the next")
    assert world.call("odd_read", {}, era)["content"][0]["text"] == "the next"
