"""What a connector gets to see of a call, how often, and over which connection (docs/architecture.md "One call", docs/architecture.md "Trust", docs/architecture.md "Failures, deadlines, repeats")."""

import json
import random
import threading
import time

import httpx
import pytest

from fake_connector import text_result
from harness import bearer, message, message_headers
from lab import ERAS


def no_head(request):
    yield b""


def test_a_whole_call_as_crewai_makes_it_costs_a_connector_one_request(lab):
    # docs/architecture.md "One call": a new connection with initialize, initialized, tools/call and tools/list; one of them touches a connector.
    lab.script(lambda r: text_result("done"))
    lab.call("write")  # the first call of a legacy client also finds out whether a server that is not ours answers initialize
    lab.fake.requests.clear()
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "mcp", "version": "0.1.0"}}
    lab.gateway.rpc("initialize", client, id=0)
    lab.gateway.rpc("notifications/initialized", id=None)
    lab.call("write")
    lab.gateway.rpc("tools/list", id=2)

    assert [r.method for r in lab.fake.requests] == ["tools/call"]


@pytest.mark.parametrize("era", ERAS)
def test_arguments_arrive_byte_for_byte(lab, era):
    # docs/architecture.md "One call": values are copied, not re-encoded
    seen = []
    lab.script(lambda r: seen.append(r.body) or text_result("x"))
    arguments = {
        "big": 12345678901234567890123,
        "float": 1.10,
        "text": 'é\\u00e9 "\n',
        "null": None,
        "nested": {"a": [[]]},
    }
    lab.gateway.call("lab_read", arguments, era)

    assert seen[0]["params"]["arguments"] == arguments
    assert seen[0]["params"]["name"] == "read"


@pytest.mark.parametrize("era", ERAS)
def test_a_modern_connector_gets_modern_headers_and_metadata_whoever_calls(lab, era):
    lab.script(lambda r: text_result("x")).call("read", era)
    (request,) = lab.fake.calls()

    assert request.headers["MCP-Protocol-Version"] == "2026-07-28"
    assert request.headers["Mcp-Method"] == "tools/call" and request.headers["Mcp-Name"] == "read"
    assert request.params["_meta"]["io.modelcontextprotocol/protocolVersion"] == "2026-07-28"
    assert isinstance(request.params["_meta"]["io.modelcontextprotocol/clientCapabilities"], dict)


def test_another_server_is_told_nothing_about_who_asks(lab):
    # docs/architecture.md "Trust": any other server gets none of these; never the client's Authorization.
    lab.script(lambda r: text_result("x"))
    lab.gateway.call(
        "lab_read",
        headers={
            "Cookie": "a=b",
            "X-Forwarded-For": "1.2.3.4",
            "traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01",
        },
    )
    (request,) = lab.fake.calls()
    names = {name.lower() for name in request.headers}

    assert not {"authorization", "cookie", "x-forwarded-for"} & names
    assert not [name for name in names if name.startswith("guiche-")]
    assert "demo" not in str(request.headers) and "tester" not in str(request.headers)


def test_unknown_members_of_a_message_are_not_forwarded(lab):
    # docs/architecture.md "One call": the envelope is written anew from the members we know.
    lab.script(lambda r: text_result("x"))
    lab.gateway.rpc("tools/call", {"name": "lab_read", "arguments": {}, "task": {"ttl": 1}, "unknown": 1})
    (request,) = lab.fake.calls()

    assert set(request.body) == {"jsonrpc", "id", "method", "params"}
    assert set(request.params) <= {"name", "arguments", "_meta"}


def test_a_read_is_tried_once_more_when_its_connection_is_gone(lab):
    # docs/architecture.md "Failures, deadlines, repeats": what still races: read-only and idempotent tools are tried once more.
    def on_call(request):
        return no_head(request) if len(lab.fake.calls()) == 1 else text_result("second time lucky")

    lab.script(lambda r: text_result("warm")).call("read")

    assert lab.script(on_call).call("read")["content"][0]["text"] == "second time lucky"
    assert len(lab.fake.calls()) == 2


def test_a_read_is_not_tried_for_ever(lab):
    lab.script(no_head).text("read")

    assert len(lab.fake.calls()) <= 2


def test_a_write_is_not_tried_again_when_its_connection_is_gone(lab):
    lab.script(lambda r: text_result("warm")).call("write")
    text = lab.script(no_head).text("write")

    assert len(lab.fake.calls()) == 1
    assert "outcome is unknown" in text and "check before repeating" in text


def test_connections_are_kept_and_used_again(lab):
    ports = set()
    lab.script(lambda r: ports.add(r.connection.getpeername()[1]) or text_result("x"))
    for _ in range(10):
        lab.call("read")

    assert len(ports) <= 2  # one per worker


def test_idle_connections_that_the_connector_closed_are_not_used(lab):
    lab.script(lambda r: text_result("x")).call("write")
    lab.fake.cut()
    time.sleep(0.2)
    for _ in range(3):
        assert not lab.call("write").get("isError")


def test_answers_of_many_callers_are_never_mixed_up(start):
    fake = start.fake(on_call=lambda r: time.sleep(random.random() / 200) or text_result(json.dumps(r.arguments)))
    gateway = start.gateway([{"name": "echo", "url": fake.url}])
    wrong = []
    callers = [threading.Thread(target=call_and_compare, args=(gateway, number, wrong)) for number in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert wrong == [] and len(fake.calls()) == 8 * 40


def call_and_compare(gateway, number, wrong):
    with httpx.Client(base_url=gateway.base, timeout=30) as client:
        for i in range(40):
            mine, era = {"caller": number, "i": i}, ERAS[i % 2]
            params = {"name": "echo_echo", "arguments": mine}
            headers = message_headers("tools/call", params, era) | bearer()
            answer = client.post(
                "/mcp", content=json.dumps(message("tools/call", params, era, id=i)), headers=headers
            ).json()
            if answer["id"] != i or json.loads(answer["result"]["content"][0]["text"]) != mine:
                wrong.append(answer)


def test_a_trace_goes_on_through_the_gateway_to_a_connector_of_ours(start):
    # docs/architecture.md "Trust": traceparent; W3C Trace Context 3.2
    fake = start.fake(on_call=lambda r: text_result("x"))
    gateway = start.gateway([{"name": "crm", "url": fake.url}])
    trace = "0af7651916cd43dd8448eb211c80319c"
    gateway.call("crm_echo", headers={"traceparent": f"00-{trace}-b7ad6b7169203331-01"})
    sent = fake.calls()[-1].headers["traceparent"]

    assert sent.split("-")[1] == trace and sent.split("-")[2] != "b7ad6b7169203331"


def test_what_a_caller_got_wrong_is_answered_and_not_logged(stack):
    # It quotes arguments, which are customers' data.
    answer = stack.rest("crm_list_agents", {"Maria da Silva": 1})

    assert answer.status_code == 400 and "Maria" in answer.json()["error"]["message"]
    line = stack.line_of(answer.headers["x-request-id"])
    assert line["outcome"] == "caller" and "error" not in line
    assert "Maria" not in stack.text()


def test_an_unknown_argument_in_a_query_is_answered_with_those_there_are(stack):
    answer = stack.http.get("/v1/tools/crm_compare_agents/stream?periode=today", headers=bearer())

    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith('Unknown argument "periode"; this takes agent_ids')
