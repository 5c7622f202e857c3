"""Callers without MCP: the client of docs/examples, curl, and programs that put a query together by hand."""

import importlib.util
import json
import os
import re
import subprocess
import sys
import time

import pytest

from harness import ROOT, SLOW, bearer, token, utc_day
from odd_connector import DEADLINE, FAULTS, TOOLS, start_odd

pytestmark = pytest.mark.clients

EXAMPLE = ROOT / "docs/examples/mcp_client.py"
STATUS_OF_FAULT = {name: 502 for name in FAULTS} | {"odd_hangs": 504}
EVENT_KEYS = {"type", "stage", "progress", "message", "data", "timestamp"}


@pytest.fixture(scope="module")
def world(start_module):
    return start_odd(start_module)


@pytest.fixture(scope="module")
def example():
    spec = importlib.util.spec_from_file_location("mcp_client", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def client_of(example, gateway, **options):
    return example.MCPClient(gateway.base, token(**options))


def curl(gateway, path, *options, auth=None):
    """(status, body); auth is the value of the header, "" for none."""
    auth = bearer()["Authorization"] if auth is None else auth
    command = ["curl", "-sS", "--max-time", "30", "-w", "\n%{http_code}", *options, gateway.base + path]
    if auth:
        command[1:1] = ["-H", f"Authorization: {auth}"]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.defpath}, timeout=60)
    assert done.returncode == 0, done.stderr
    body, _, status = done.stdout.rpartition("\n")
    return int(status), body


def events_of(body):
    assert all(line == "" or line.startswith(("data: ", ":")) for line in body.splitlines()), body
    return [json.loads(line[6:]) for line in body.splitlines() if line.startswith("data: ")]


def execute(gateway, name, arguments=None, **options):
    body = json.dumps({"tool_name": name, "arguments": arguments or {}})
    return curl(gateway, "/v1/tools/execute", "-H", "Content-Type: application/json", "-d", body, **options)


def agent_ids(client):
    return [agent["agent_id"] for agent in client.call_tool("list_agents", {})["result"]["agents"]]


# ---- the example, on the CRM


def test_the_example_runs_as_it_stands(stack):
    environment = {"PATH": os.defpath, "GUICHE_URL": stack.url, "GUICHE_TOKEN": token()}
    done = subprocess.run([sys.executable, EXAMPLE], env=environment, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert "crm_compare_agents" in done.stdout
    assert re.search(r"^leads today: \d+$", done.stdout, re.MULTILINE)
    assert re.search(r"^done 1 ", done.stdout, re.MULTILINE)
    assert re.search(r"^winner: \{.*'name': 'Ana Souza'", done.stdout, re.MULTILINE)


def test_the_sentences_that_other_programs_use_work(stack, example):
    client = client_of(example, stack)

    total = client.call_tool("get_leads_count", {"period": "today"})["result"]["total_leads"]
    ids = agent_ids(client)
    seen = []
    for event in client.call_tool_streaming("compare_agents", {"agent_ids": ids[:2]}):
        seen.append((event["stage"], event["progress"], event["message"]))
        assert set(event) == EVENT_KEYS
    winner = event["data"]["winner"]

    assert isinstance(total, int) and (total > 0 or utc_day() != stack.crm.made_on)
    assert winner["agent_id"] in ids[:2] and winner["name"]
    stages = [stage for stage, _, _ in seen]
    assert stages[0] == "starting" and stages[-1] == "done" and stages.count("processing") == 2
    progresses = [progress for _, progress, _ in seen if progress is not None]
    assert progresses == sorted(progresses) and progresses[0] == 0 and progresses[-1] == 1
    assert [message for stage, _, message in seen if stage == "processing"] == [
        f"{agent['name']}: {agent['sessions']} sessions ({n} of 2)" for n, agent in enumerate(event["data"]["agents"], 1)
    ]


def test_the_example_lists_what_the_token_may_use(stack, example):
    tools = client_of(example, stack, permissions=["crm.read"]).list_tools()
    names = [each["name"] for each in tools]

    assert "crm_list_agents" in names and "crm_qualify_lead" not in names
    assert {name for name in names if next(t for t in tools if t["name"] == name)["supports_streaming"]} == {
        "crm_analyze_agent_messages",
        "crm_compare_agents",
    }
    assert all(t["parameters"]["type"] == "object" and t["description"] for t in tools)


def test_the_example_passes_headers_on(stack, example):
    client = example.MCPClient(stack.base, "not this one", headers=bearer())

    assert client.call_tool("list_pipelines", {})["tool_name"] == "list_pipelines"


@pytest.mark.parametrize("write", [lambda ids: str(ids), lambda ids: ",".join(ids), json.dumps, lambda ids: "&agent_ids=".join(ids)])
def test_a_list_in_a_query_is_understood_as_python_json_commas_or_repetition(stack, example, write):
    ids = agent_ids(client_of(example, stack))[:3]

    # What f"{k}={v}" makes; httpx escapes no more than it must.
    answer = stack.http.get(f"/v1/tools/compare_agents/stream?agent_ids={write(ids)}", headers=bearer())

    assert answer.status_code == 200, answer.text
    last = events_of(answer.text)[-1]
    assert [agent["agent_id"] for agent in last["data"]["agents"]] == ids
    assert last["data"]["result"]["winner"] == last["data"]["winner"]


# ---- curl, on the CRM


def test_curl_lists_and_calls(stack):
    status, body = curl(stack, "/v1/tools/list")
    listed = json.loads(body)
    assert status == 200 and listed["count"] == len(listed["tools"]) == 11

    status, body = execute(stack, "crm_get_leads_count", {"period": "all"})
    answer = json.loads(body)
    assert status == 200 and answer["tool_name"] == "crm_get_leads_count" and answer["timestamp"]
    assert answer["result"]["total_leads"] == sum(answer["result"]["by_status"].values()) > 300


def test_curl_streams_with_ids_between_commas(stack, example):
    ids = agent_ids(client_of(example, stack))[:2]

    status, body = curl(stack, f"/v1/tools/crm_compare_agents/stream?agent_ids={ids[0]},{ids[1]}", "-N")

    events = events_of(body)
    assert status == 200
    assert [e["type"] for e in events] == ["progress"] * (len(events) - 1) + ["done"]
    assert events[-1]["data"]["winner"]["agent_id"] in ids


def test_curl_streams_by_post(stack, example):
    ids = agent_ids(client_of(example, stack))[:2]
    body = json.dumps({"agent_ids": ids})
    path = "/v1/tools/compare_agents/stream"

    status, text = curl(stack, path, "-N", "-H", "Content-Type: application/json", "-d", body)

    assert status == 200 and events_of(text)[-1]["type"] == "done"


def test_the_call_that_a_newcomer_pastes_works(stack):
    """The line that ./dev run prints. It names no revision, and the oldest has no structuredContent."""
    request = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_get_leads_count","arguments":{"period":"month"}}}'
    status, body = curl(stack, "/mcp", "-H", "Content-Type: application/json", "-d", request)

    assert status == 200 and re.match(r"\d+ leads: ", json.loads(body)["result"]["content"][0]["text"])


def test_a_stream_of_a_failing_call_ends_with_one_error_event(stack, example):
    ids = agent_ids(client_of(example, stack))[:1] + ["nobody"]
    status, body = curl(stack, f"/v1/tools/compare_agents/stream?agent_ids={','.join(ids)}", "-N")

    assert status == 200
    events = events_of(body)
    assert [e["type"] for e in events].count("error") == 1 and events[-1]["type"] == "error"
    assert "nobody" in events[-1]["message"]
    with pytest.raises(example.GatewayError, match="nobody"):
        list(client_of(example, stack).call_tool_streaming("compare_agents", {"agent_ids": ids}))


# ---- what goes wrong


def test_curl_gets_the_tool_s_answer_and_its_error(world):
    status, body = execute(world, "odd_echo", {"a": 1})
    assert (status, json.loads(body)["result"]) == (200, {"got": {"a": 1}})

    status, body = execute(world, "odd_refuses")
    assert status == 502 and json.loads(body)["error"]["message"] == "There is no order 7 here."


@pytest.mark.parametrize(
    "auth, name, status, sentence",
    [
        (bearer(permissions=["reader"])["Authorization"], "odd_writes", 403, "permission"),
        (bearer()["Authorization"], "odd_nothing", 404, "not found"),
        (bearer(ttl=-10)["Authorization"], "odd_echo", 401, "expired"),
        ("", "odd_echo", 401, "[Tt]oken"),
    ],
)
def test_curl_is_refused_with_a_status_and_a_sentence(world, auth, name, status, sentence):
    before = len(world.odd.calls())
    got, body = execute(world, name, auth=auth)
    error = json.loads(body)["error"]

    assert got == status
    assert re.search(sentence, error["message"]) and error["code"] and error["request_id"]
    assert len(world.odd.calls()) == before


@pytest.mark.parametrize("name", FAULTS)
def test_curl_is_told_of_a_broken_connector(world, name):
    status, body = execute(world, name)

    assert status == STATUS_OF_FAULT[name]
    assert re.search(FAULTS[name], json.loads(body)["error"]["message"])
    assert "HALF" not in body


@pytest.mark.parametrize("name", FAULTS)
def test_a_stream_over_a_broken_connector_ends_with_an_error_event(world, example, name):
    status, body = curl(world, f"/v1/tools/{name}/stream", "-N")
    events = events_of(body)

    assert status == 200
    assert [e["type"] for e in events if e["type"] != "progress"] == ["error"]
    assert re.search(FAULTS[name], events[-1]["message"]) and events[-1]["stage"] == "error"
    assert "HALF" not in body
    assert all(set(e) == EVENT_KEYS for e in events)


def test_curl_sees_progress_as_it_comes(world):
    status, body = curl(world, "/v1/tools/odd_steps/stream", "-N")
    events = events_of(body)

    assert status == 200
    assert (events[-2]["progress"], events[-2]["message"], events[-2]["stage"]) == (0.5, "half way", "processing")
    assert events[-1]["type"] == "done" and events[-1]["data"]["result"] == "all the way"


@pytest.mark.parametrize("name, status", [*STATUS_OF_FAULT.items(), ("odd_refuses", 502), ("odd_nothing", 404)])
def test_the_example_raises_the_gateway_s_sentence(world, example, name, status):
    with pytest.raises(example.GatewayError) as raised:
        client_of(example, world).call_tool(name, {})

    assert raised.value.status == status and raised.value.request_id
    assert re.search(FAULTS.get(name, "no order 7|not found"), raised.value.message)


def test_the_example_says_when_a_token_is_not_enough(world, example):
    with pytest.raises(example.GatewayError) as expired:
        client_of(example, world, ttl=-10).list_tools()
    with pytest.raises(example.GatewayError) as denied:
        client_of(example, world, permissions=["reader"]).call_tool("odd_writes", {})

    assert expired.value.status == 401 and "expired" in expired.value.message
    assert denied.value.status == 403 and "permission" in denied.value.message


def test_the_example_says_when_nobody_is_there(example):
    with pytest.raises(example.GatewayError, match="does not answer"):
        example.MCPClient("http://127.0.0.1:9", "token").list_tools()


def test_the_tools_are_the_same_as_those_of_mcp(world):
    _, body = curl(world, "/v1/tools/list")

    assert [each["name"] for each in json.loads(body)["tools"]] == TOOLS == world.tool_names()


def test_a_call_that_hangs_ends_at_the_deadline_and_not_at_curl_s(world):
    since = time.monotonic()
    execute(world, "odd_hangs")

    assert 0.9 * DEADLINE < time.monotonic() - since < DEADLINE + 10 * SLOW
