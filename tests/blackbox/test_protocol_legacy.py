"""What clients of 2025-11-25 and before get from /mcp. They survive little besides HTTP 200 (docs/clients.md), so statuses
are checked as closely as bodies."""

import json
import re

import pytest

from harness import bearer, exchange, message, token

LEGACY = ["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25"]
HEADER_REVISIONS = ["2025-03-26", "2025-06-18", "2025-11-25"]
CLIENT = {"capabilities": {}, "clientInfo": {"name": "mcp", "version": "0.1.0"}}


def initialize(stack, version, **more):
    return stack.rpc("initialize", {"protocolVersion": version} | CLIENT, **more)


def post(stack, body, **headers):
    body = body if isinstance(body, (bytes, str)) else json.dumps(body)
    headers = {"Content-Type": "application/json"} | bearer() | {k.replace("_", "-"): v for k, v in headers.items()}
    return stack.http.post("/mcp", content=body, headers=headers)


@pytest.mark.parametrize("version", LEGACY)
def test_initialize_answers_the_revision_that_was_asked_for(stack, version):
    # MCP 2025-11-25 basic/lifecycle "Version Negotiation"
    answer = initialize(stack, version)
    result = answer.json()["result"]

    assert answer.status_code == 200
    assert answer.headers["content-type"].split(";")[0] == "application/json"
    assert result["protocolVersion"] == version
    assert result["serverInfo"]["name"] and result["serverInfo"]["version"]
    assert "tools" in result["capabilities"]


@pytest.mark.parametrize("version", ["2026-07-28", "2099-01-01", "1.0", ""])
def test_initialize_answers_the_latest_legacy_revision_when_it_does_not_know_the_wanted_one(stack, version):
    # MCP 2025-11-25 basic/lifecycle "Version Negotiation"; never a modern one: no client of this era could go on.
    assert initialize(stack, version).json()["result"]["protocolVersion"] == "2025-11-25"


def test_initialize_shows_nothing_that_belongs_to_the_modern_era(stack):
    result = initialize(stack, "2025-11-25").json()["result"]

    assert not {"resultType", "ttlMs", "cacheScope", "supportedVersions"} & set(result)


def test_initialize_advertises_nothing_that_is_not_served(stack):
    # MCP 2025-11-25 server/tools "Capabilities": what is declared must be answered.
    capabilities = initialize(stack, "2025-11-25").json()["result"]["capabilities"]

    assert set(capabilities) == {"tools"}
    assert not capabilities["tools"].get("listChanged")


@pytest.mark.parametrize("params", [None, {}, {"protocolVersion": 7} | CLIENT, {"protocolVersion": None} | CLIENT])
def test_initialize_without_a_version_is_a_json_rpc_error_at_200(stack, params):
    answer = stack.rpc("initialize", params)

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32602
    assert "protocolVersion" in answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["initialize", "ping", "tools/list", "tools/call"])
def test_no_session_is_ever_begun(stack, method):
    # with an Mcp-Session-Id CrewAI needs two requests more per call
    params = {"initialize": {"protocolVersion": "2025-11-25"} | CLIENT, "tools/call": {"name": "crm_list_agents"}}
    answer = stack.rpc(method, params.get(method), headers={"Mcp-Session-Id": "left-over"})

    assert "result" in answer.json()
    assert "mcp-session-id" not in answer.headers


def test_ping_answers_an_empty_result(stack):
    answer = stack.rpc("ping")

    assert answer.json() == {"jsonrpc": "2.0", "id": 1, "result": {}}


@pytest.mark.parametrize(
    "body",
    [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 1, "reason": "timeout"}},
        {"jsonrpc": "2.0", "method": "notifications/roots/list_changed"},
        {"jsonrpc": "2.0", "method": "notifications/of_the_future", "params": {"a": [1]}},
        {"jsonrpc": "2.0", "id": 7, "result": {}},
        {"jsonrpc": "2.0", "id": "x", "error": {"code": -1, "message": "no"}},
    ],
    ids=["initialized", "cancelled", "roots", "unknown", "response", "error response"],
)
def test_notifications_and_responses_are_accepted_with_202_and_no_body(stack, body):
    # MCP 2025-11-25 basic/transports "Sending Messages to the Server"
    answer = post(stack, body, MCP_Protocol_Version="2025-11-25")

    assert answer.status_code == 202
    assert answer.content == b""


@pytest.mark.parametrize("id", [0, 1, -1, 2**53 - 1, 2**63 - 1, "", "0", "a", 'ä"\\\n', "x" * 500])
def test_the_id_comes_back_with_its_type(stack, id):
    # JSON-RPC 2.0 "Response object"; SDKs count from 0.
    assert stack.rpc("ping", id=id).json()["id"] == id
    assert type(stack.rpc("ping", id=id).json()["id"]) is type(id)


def test_the_id_comes_back_byte_for_byte(stack):
    answer = post(stack, b'{"jsonrpc":"2.0","id":"\\u0041\\/","method":"ping"}')

    assert b'"id":"\\u0041\\/"' in answer.content


@pytest.mark.parametrize("id", ["null", "true", "1.5", "[1]", "{}", "1e2"])
def test_an_id_that_is_neither_string_nor_integer_is_refused(stack, id):
    # MCP 2025-11-25 basic "Requests"; an answer that cannot carry the id carries none, never null.
    answer = post(stack, '{"jsonrpc":"2.0","id":%s,"method":"ping"}' % id)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600
    assert "id" not in answer.json()


@pytest.mark.parametrize("version", HEADER_REVISIONS)
def test_each_revision_named_by_the_header_is_served(stack, version):
    assert "result" in post(stack, message("tools/list", None, "legacy"), MCP_Protocol_Version=version).json()


def test_without_a_version_header_2025_03_26_is_assumed(stack):
    # MCP 2025-11-25 basic/transports "Protocol Version Header": that revision knows no structuredContent.
    answer = post(stack, message("tools/call", {"name": "crm_list_agents"}, "legacy"))

    assert answer.status_code == 200
    assert "structuredContent" not in answer.json()["result"]
    assert answer.json()["result"]["content"][0]["type"] == "text"


@pytest.mark.parametrize("version", ["2025-01-01", "latest", "2025-11-25, 2025-06-18", "2099-12-31"])
def test_an_unknown_version_header_is_400(stack, version):
    # MCP 2025-11-25 basic/transports "Protocol Version Header"
    answer = post(stack, message("tools/list", None, "legacy"), MCP_Protocol_Version=version)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600
    assert "2025-11-25" in answer.json()["error"]["message"]


def test_initialize_does_not_mind_which_version_header_comes_with_it(stack):
    # mcp-remote sends one, and Mcp-Method too: the body decides.
    answer = initialize(stack, "2025-06-18", headers={"MCP-Protocol-Version": "2025-06-18", "Mcp-Method": "initialize"})

    assert answer.json()["result"]["protocolVersion"] == "2025-06-18"


def test_mcp_method_headers_do_not_make_a_request_modern(stack):
    answer = stack.rpc("tools/list", None, headers={"Mcp-Method": "something/else", "Mcp-Name": "x"})

    assert answer.status_code == 200
    assert "resultType" not in answer.json()["result"]


@pytest.mark.parametrize(
    "method", ["no/such", "server/discover", "resources/list", "prompts/list", "Tools/List", "tools/list "]
)
def test_an_unknown_method_is_a_json_rpc_error_at_200(stack, method):
    # JSON-RPC 2.0 "Error object"; at 200, or the transports of old SDKs die (docs/architecture.md "Failures, deadlines, repeats")
    answer = stack.rpc(method)

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32601
    assert answer.json()["id"] == 1


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "PATCH", "HEAD"])
@pytest.mark.parametrize("path", ["/mcp", "/"])
def test_other_methods_are_405_and_name_what_is_allowed(stack, method, path):
    # MCP 2025-11-25 basic/transports: a server without a stream of its own answers 405.
    answer = stack.http.request(method, path, headers=bearer() | {"Accept": "text/event-stream"})

    assert answer.status_code == 405
    assert answer.headers["allow"].startswith("POST")


def test_a_get_says_which_transport_to_use(stack):
    # whoever forgets `transport` in CrewAI's adapter sends this GET and sees nothing else.
    answer = stack.http.get("/mcp", headers=bearer() | {"Accept": "text/event-stream"})

    assert "streamable-http" in answer.text


def test_the_root_is_the_same_endpoint_as_mcp(stack):
    body = json.dumps(message("ping", None, "legacy"))

    assert stack.http.post("/", content=body, headers=bearer()).json()["result"] == {}


@pytest.mark.parametrize("query", ["?u=anna", "?u=anna&x=%20%00", "?", "?a=1?b=2"])
def test_a_query_string_on_mcp_is_ignored(stack, query):
    # docs/architecture.md "The catalog": clients that cache lists by URL can be told apart
    answer = stack.http.post("/mcp" + query, content=json.dumps(message("ping", None, "legacy")), headers=bearer())

    assert answer.json()["result"] == {}


def test_the_list_is_one_page_in_the_same_order_each_time(stack):
    # no client of this era follows nextCursor
    first, second = (stack.rpc("tools/list").json()["result"] for _ in range(2))

    assert first == second
    assert set(first) == {"tools"}
    assert len(first["tools"]) == 11


def test_a_cursor_that_nobody_gave_out_is_invalid(stack):
    # MCP 2025-11-25 server/utilities/pagination "Error Handling"
    answer = stack.rpc("tools/list", {"cursor": "made-up"})

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32602


@pytest.mark.parametrize("params", [None, {}, {"cursor": None}, {"_meta": {}}])
def test_an_absent_or_null_cursor_is_the_first_page(stack, params):
    assert stack.rpc("tools/list", params).json()["result"]["tools"]


@pytest.mark.parametrize("version", [None] + HEADER_REVISIONS)
def test_every_tool_can_be_taken_by_every_client_of_its_revision(stack, version):
    # CrewAI rewrites other names and then does not find its tool; one bad tool loses the whole list on most clients
    headers = {"MCP_Protocol_Version": version} if version else {}
    tools = post(stack, message("tools/list", None, "legacy"), **headers).json()["result"]["tools"]

    for tool in tools:
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", tool["name"]) and len(tool["name"]) <= 64
        assert tool["inputSchema"]["type"] == "object"
        assert tool["description"]
        assert tool.get("outputSchema", {"type": "object"})["type"] == "object"


def members_of_tools(stack, version):
    tools = post(stack, message("tools/list", None, "legacy"), MCP_Protocol_Version=version).json()["result"]["tools"]
    return {key for tool in tools for key in tool}


def test_tools_lose_what_2025_03_26_does_not_know(stack):
    # schema 2025-03-26 Tool: name, description, inputSchema, annotations
    assert members_of_tools(stack, "2025-03-26") <= {"name", "description", "inputSchema", "annotations"}


def test_tools_of_2025_11_25_keep_their_output_schema_and_annotations(stack):
    assert {"outputSchema", "annotations"} <= members_of_tools(stack, "2025-11-25")


def test_a_result_has_text_first_and_the_same_as_structured_content(stack):
    # CrewAI shows its model the first block only
    result = stack.call("crm_get_leads_count", {"period": "all"})

    assert result["content"][0]["type"] == "text" and result["content"][0]["text"]
    assert isinstance(result["structuredContent"]["total_leads"], int)
    assert not {"resultType", "ttlMs", "cacheScope"} & set(result)
    assert not result.get("isError")


def test_structured_content_keeps_the_promise_of_the_output_schema(stack):
    # MCP 2025-11-25 server/tools "Output Schema": Python clients validate, and raise.
    tools = {t["name"]: t for t in stack.rpc("tools/list").json()["result"]["tools"]}
    schema = tools["crm_get_leads_count"]["outputSchema"]
    result = stack.call("crm_get_leads_count", {"period": "month"})["structuredContent"]

    assert set(schema.get("required", [])) <= set(result)


def test_an_unknown_tool_is_a_result_whose_text_says_not_found(stack):
    # docs/architecture.md "Failures, deadlines, repeats": CrewAI repeats a failed call three times, unless its text says so.
    result = stack.call("crm_no_such_tool")

    assert result["isError"] is True
    assert "not found" in result["content"][0]["text"]
    assert "crm_no_such_tool" in result["content"][0]["text"]


@pytest.mark.parametrize(
    "params", [None, {}, {"name": None}, {"name": 5}, {"name": ["crm_list_agents"]}, {"arguments": {}}]
)
def test_a_call_without_a_name_is_a_json_rpc_error_at_200(stack, params):
    # docs/architecture.md "Failures, deadlines, repeats": legacy, only malformed protocol is a JSON-RPC error, and at 200.
    answer = stack.rpc("tools/call", params)

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32602
    assert "name" in answer.json()["error"]["message"]


@pytest.mark.parametrize("arguments", [[], "x", 5, True])
def test_arguments_that_are_no_object_are_a_json_rpc_error_at_200(stack, arguments):
    answer = stack.rpc("tools/call", {"name": "crm_list_agents", "arguments": arguments})

    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32602
    assert "arguments" in answer.json()["error"]["message"]


@pytest.mark.parametrize("arguments", [{"arguments": None}, {"arguments": {}}, {}])
def test_null_empty_and_absent_arguments_are_the_same(stack, arguments):
    # CrewAI sends and deletes nulls as it likes
    result = stack.rpc("tools/call", {"name": "crm_list_agents"} | arguments).json()["result"]

    assert result["structuredContent"]["agents"]


def test_an_empty_array_is_refused(stack):
    answer = post(stack, "[]")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600


def test_a_batch_is_answered_by_an_array(stack):
    # MCP 2025-03-26 basic "Batching", and what an absent version header stands for
    answer = post(stack, [message("ping", None, "legacy"), message("ping", None, "legacy", 2)])

    assert answer.status_code == 200
    assert sorted(element["id"] for element in answer.json()) == [1, 2]
    assert all(element["result"] == {} for element in answer.json())


def test_a_batch_calls_tools_beside_each_other(stack):
    calls = [message("tools/call", {"name": "crm_list_agents"}, "legacy", n) for n in range(5)]
    wrong = message("tools/call", {"name": "crm_nothing", "arguments": {}}, "legacy", "wrong")
    answer = post(stack, [*calls, message("notifications/initialized", None, "legacy", None), wrong])
    results = {element["id"]: element["result"] for element in answer.json()}

    assert answer.status_code == 200
    assert set(results) == {0, 1, 2, 3, 4, "wrong"}
    assert all(results[n]["content"] and not results[n].get("isError") for n in range(5))
    assert results["wrong"]["isError"] and "not found" in results["wrong"]["content"][0]["text"].lower()
    assert "structuredContent" not in results[0], "2025-03-26 does not know it"


def test_a_batch_of_a_later_revision_is_refused_with_a_sentence(stack):
    answer = post(stack, [message("ping", None, "legacy")], MCP_Protocol_Version="2025-06-18")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600
    assert "batch" in answer.json()["error"]["message"].lower()
    assert "id" not in answer.json()


def test_a_batch_with_a_modern_message_in_it_is_refused(stack):
    # what a modern message is never part of
    answer = post(stack, [message("tools/list", None, "modern")], MCP_Protocol_Version="2026-07-28")

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32600


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*", "text/html", ""])
def test_any_accept_header_gets_its_answer(stack, accept):
    # JSON unless a stream is needed
    answer = stack.rpc("ping", headers={"Accept": accept})

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/json")


def test_four_requests_ride_on_one_connection(stack):
    # CrewAI's native client sends a whole call over one connection
    one = json.dumps(message("ping", None, "legacy"))
    request = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token()}\r\nContent-Type: application/json\r\nContent-Length: {len(one)}\r\n\r\n{one}"
    last = request.replace("Host:", "Connection: close\r\nHost:")
    received = exchange(stack.port, (request * 3 + last).encode(), seconds=20)

    assert received.count(b"HTTP/1.1 200") == 4
    assert received.count(b'"result":{}') == 4


def test_every_answer_names_its_request_id(stack):
    ids = {stack.rpc("ping").headers["x-request-id"] for _ in range(5)}

    assert len(ids) == 5


def test_everything_served_is_safe_to_look_at_in_a_browser(stack):
    # docs/architecture.md "Trust": nosniff and a strict CSP on everything served
    for answer in (stack.rpc("ping"), stack.http.get("/health"), stack.http.get("/nowhere"), stack.http.get("/mcp")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["content-security-policy"]
