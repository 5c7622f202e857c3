"""GET /v1/tools/list, POST /v1/tools/execute and the example client (docs/clients.md, docs/operating.md)."""

import importlib.util
import json
import subprocess
import sys

import pytest

from fake_connector import text_result, tool
from harness import ROOT, bearer, events, token
from rest_answers import get, stream, error_of, is_now, checked
from rest_lab import RestLab


@pytest.fixture(scope="module")
def agent_ids(stack):
    return [a["agent_id"] for a in stack.rest("crm_list_agents").json()["result"]["agents"]]


@pytest.fixture(scope="module")
def lab(start_module):
    return RestLab(start_module)


def test_the_list_has_its_members_and_no_others(stack):
    body = get(stack, "/v1/tools/list").json()

    assert set(body) == {"tools", "count"} and body["count"] == len(body["tools"]) == 11
    for entry in body["tools"]:
        assert set(entry) == {"name", "description", "parameters", "supports_streaming"}
        assert entry["parameters"]["type"] == "object" and isinstance(entry["supports_streaming"], bool)


def test_the_list_says_which_tools_stream(stack):
    # issue part 4: progress while analyze_agent_messages runs, and per agent in compare_agents
    streaming = {t["name"] for t in get(stack, "/v1/tools/list").json()["tools"] if t["supports_streaming"]}

    assert {"crm_compare_agents", "crm_analyze_agent_messages"} <= streaming
    assert "crm_get_leads_count" not in streaming


def test_the_list_has_the_order_of_mcp(stack):
    assert [t["name"] for t in get(stack, "/v1/tools/list").json()["tools"]] == stack.tool_names()


def test_declarations_can_be_had_by_curl(stack):
    # docs/clients.md, docs/operating.md: POST /tools/list, on the gateway with a token, on every connector without
    gateway = stack.http.post("/tools/list", headers=bearer()).json()["tools"]
    connector = stack.crm.http.post("/tools/list").json()["tools"]

    assert ["crm_" + t["name"] for t in connector] == [t["name"] for t in gateway]
    assert all(t["inputSchema"]["type"] == "object" for t in gateway + connector)


def test_the_result_is_the_structured_content_itself(stack):
    body = stack.rest("crm_get_leads_count", {"period": "all"}).json()

    assert set(body) == {"tool_name", "result", "timestamp"}
    assert body["tool_name"] == "crm_get_leads_count"
    assert isinstance(body["result"]["total_leads"], int)
    assert is_now(body["timestamp"])


def test_a_tools_own_name_is_enough_when_one_connector_has_it(stack):
    body = stack.rest("get_leads_count", {"period": "all"}).json()

    assert body["tool_name"] == "get_leads_count"
    assert body["result"] == stack.rest("crm_get_leads_count", {"period": "all"}).json()["result"]


@pytest.mark.parametrize(
    "body",
    [
        {"tool_name": "crm_list_agents"},
        {"tool_name": "crm_list_agents", "arguments": None},
        {"tool_name": "crm_list_agents", "arguments": {}},
    ],
)
def test_absent_null_and_empty_arguments_are_the_same(stack, body):
    assert stack.http.post("/v1/tools/execute", json=body, headers=bearer()).json()["result"]["agents"]


BAD_BODIES = {
    "empty": b"",
    "no JSON": b"hello",
    "no object": b"[]",
    "two values": b'{"tool_name":"crm_list_agents"} {}',
    "no tool_name": b'{"arguments":{}}',
    "tool_name no text": b'{"tool_name":5}',
    "tool_name null": b'{"tool_name":null}',
    "arguments list": b'{"tool_name":"crm_list_agents","arguments":[]}',
    "arguments text": b'{"tool_name":"crm_list_agents","arguments":"{}"}',
    "duplicate tool_name": b'{"tool_name":"crm_list_agents","tool_name":"crm_qualify_lead"}',
    "escaped key": b'{"tool_n\\u0061me":"crm_list_agents"}',
    "other case": b'{"tool_name":"crm_list_agents","Tool_Name":"crm_qualify_lead"}',
    "invalid UTF-8": b'{"tool_name":"crm_list_agents","arguments":{"query":"\xff"}}',
    "too deep": b'{"tool_name":"crm_list_agents","arguments":{"query":' + b"[" * 100 + b"]" * 100 + b"}}",
}


@pytest.mark.parametrize("body", BAD_BODIES.values(), ids=BAD_BODIES.keys())
def test_a_body_that_cannot_be_read_is_400(stack, body):
    error_of(stack.http.post("/v1/tools/execute", content=body, headers=bearer()), 400)


@pytest.mark.parametrize("name", ["no_such_tool", "", "crm_", "CRM_LIST_AGENTS", "x" * 1000, "é"])
def test_an_unknown_tool_is_404(stack, name):
    error_of(stack.rest(name), 404, "not found")


@pytest.mark.parametrize(
    "method,path",
    [
        ("GET", "/v1/tools/execute"),
        ("POST", "/v1/tools/list"),
        ("DELETE", "/v1/tools/crm_compare_agents/stream"),
        ("GET", "/tools/list"),
        ("POST", "/health"),
    ],
)
def test_a_wrong_method_is_405_and_names_the_right_one(stack, method, path):
    # RFC 9110 15.5.6
    answer = stack.http.request(method, path, headers=bearer())

    assert answer.status_code == 405 and answer.headers["allow"]
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1",
        "/v1/tools",
        "/v1/tools/",
        "/v2/tools/list",
        "/mcp/",
        "/mcp/x",
        "/v1/tools/list/",
        "/..%2fmcp",
        "/v1/tools//stream",
    ],
)
def test_unknown_paths_are_404(stack, path):
    answer = stack.http.get(path, headers=bearer())

    assert answer.status_code == 404 and answer.json()["error"]["message"]


def test_an_internal_detail_never_shows(stack):
    for name in ("crm_get_leads_count", "no_such"):
        assert "/tmp/" not in stack.rest(name, {"period": "x"}).text


@pytest.mark.parametrize(
    "result,expected",
    [
        (text_result("ignored", structuredContent={"n": 1}), {"n": 1}),
        (text_result("ignored", structuredContent=[1, 2]), [1, 2]),
        (text_result("only text"), "only text"),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}, "a\nb"),
        ({"content": []}, ""),
    ],
    ids=["structured", "structured array", "text", "two texts", "nothing"],
)
def test_the_result_is_the_structured_content_or_the_text(lab, result, expected):
    # docs/clients.md, docs/operating.md: never the MCP envelope
    gateway = lab.script(lambda r: result)

    assert gateway.rest("lab_read").json()["result"] == expected


def test_two_connectors_with_the_name_are_named(lab):
    error_of(lab.gateway.rest("shared"), 400, "lab_shared", "twin_shared")
    error_of(stream(lab.gateway, "shared"), 400, "lab_shared", "twin_shared")
    assert lab.gateway.rest("twin_shared").status_code == 200


def test_a_public_name_wins_over_a_tools_own_name(start):
    one = start.fake(tools=[tool("b_x")], on_call=lambda r: text_result("one"))
    two = start.fake(tools=[tool("x")], on_call=lambda r: text_result("two"))
    gateway = start.gateway([{"name": "a", "url": one.url}, {"name": "b", "url": two.url}])

    assert gateway.rest("b_x").json()["result"] == "two"


RPC_ERRORS = [(-32602, 400), (-32601, 502), (-32603, 502), (4711, 502)]


@pytest.mark.parametrize("code,status", RPC_ERRORS)
def test_json_rpc_errors_of_a_connector_are_statuses(lab, code, status):
    gateway = lab.script(
        lambda r: {"jsonrpc": "2.0", "id": r.id, "error": {"code": code, "message": "The ledger is closed."}}
    )

    error_of(gateway.rest("lab_read"), status)


@pytest.fixture(scope="module")
def client(stack):
    path = ROOT / "docs/examples/mcp_client.py"
    spec = importlib.util.spec_from_file_location("mcp_client", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.MCPClient(stack.base, token())


def test_the_example_client_runs_as_the_issue_shows_it(client, capsys):
    # issue part 6
    assert isinstance(client.call_tool("get_leads_count", {"period": "today"})["result"]["total_leads"], int)
    ids = [a["agent_id"] for a in client.call_tool("list_agents", {})["result"]["agents"]]
    for event in client.call_tool_streaming("compare_agents", {"agent_ids": ids[:2]}):
        print(event["stage"], event["progress"], event["message"])
    print(event["data"]["winner"])

    assert "comparing" in capsys.readouterr().out


def test_the_example_client_lists_what_the_gateway_lists(client, stack):
    assert [t["name"] for t in client.list_tools()] == stack.tool_names()


def test_the_example_client_raises_what_the_gateway_says(client):
    with pytest.raises(Exception, match="period"):
        client.call_tool("get_leads_count", {"period": "decade"})
    with pytest.raises(Exception, match="not found"):
        client.call_tool("no_such_tool", {})
    with pytest.raises(Exception, match="POST"):
        list(client.call_tool_streaming("compare_agents", {"agent_ids": [["nested"]]}))


def test_the_example_client_runs_as_a_program(stack):
    environment = {"PATH": "/usr/bin:/bin", "GUICHE_URL": stack.url, "GUICHE_TOKEN": token()}
    done = subprocess.run(
        [sys.executable, ROOT / "docs/examples/mcp_client.py"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.returncode == 0, done.stderr
    assert "winner" in done.stdout.lower()


def test_a_query_built_by_hand_works_as_the_issue_says(stack, agent_ids):
    # "Such clients build the query with f"{k}={v}", so a list arrives as its Python literal"
    arguments = {"agent_ids": agent_ids[:2]}
    query = "&".join(f"{k}={v}" for k, v in arguments.items())

    assert checked(stream(stack, "compare_agents", "?" + query))[-1]["type"] == "done"


def test_it_works_from_curl(stack, agent_ids):
    url = f"{stack.base}/v1/tools/compare_agents/stream?agent_ids={','.join(agent_ids[:2])}"
    done = subprocess.run(
        ["curl", "-sN", url, "-H", f"Authorization: Bearer {token()}"], capture_output=True, text=True, timeout=30
    )

    assert events(done.stdout)[-1]["type"] == "done"


def test_curl_lines_of_the_documentation_work_as_they_stand(stack):
    # docs/getting-started.md: -d without a Content-Type
    headers = ["-H", f"Authorization: Bearer {token()}"]
    body = '{"tool_name":"get_leads_count","arguments":{"period":"month"}}'
    done = subprocess.run(
        ["curl", "-s", f"{stack.base}/v1/tools/execute", *headers, "-d", body],
        capture_output=True,
        text=True,
        timeout=20,
    )

    assert "total_leads" in json.loads(done.stdout)["result"]
