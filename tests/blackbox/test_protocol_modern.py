"""What clients of 2026-07-28 get from /mcp, and how the two eras are told apart on one endpoint."""

import json
import subprocess

import pytest


from harness import ROOT, bearer, exchange, message, message_headers

VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
CALL = {"name": "crm_list_agents", "arguments": {}}


def modern(stack, method, params=None, **options):
    return stack.rpc(method, params, "modern", **options)


def send(stack, body, headers):
    """Exactly this body and these headers (and a token)."""
    body = body if isinstance(body, (bytes, str)) else json.dumps(body)
    return stack.http.post("/mcp", content=body, headers=list(bearer().items()) + list(headers))


def without(headers, name):
    return [(k, v) for k, v in headers.items() if k.lower() != name.lower()]


def with_header(headers, name, *values):
    return without(headers, name) + [(name, value) for value in values]


def refusal(answer):
    return answer.status_code, answer.json()["error"]["code"]


def test_discover_says_all_that_a_client_needs(stack):
    # MCP 2026-07-28 server/discover; fastmcp takes a server that leaves one of these out for a legacy one.
    answer = modern(stack, "server/discover")
    result = answer.json()["result"]

    assert answer.status_code == 200
    assert result["supportedVersions"] == ["2026-07-28"]
    assert set(result["capabilities"]) == {"tools"}
    assert result["resultType"] == "complete"
    assert isinstance(result["ttlMs"], int) and result["ttlMs"] >= 0
    assert result["cacheScope"] in ("public", "private")
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]


def test_the_list_is_one_page_with_its_lifetime_and_scope(stack):
    # MCP 2026-07-28 server/utilities/caching; private: what is listed depends on the caller's permissions (docs/architecture.md "The catalog").
    result = modern(stack, "tools/list").json()["result"]

    assert len(result["tools"]) == 11
    assert result["resultType"] == "complete"
    assert isinstance(result["ttlMs"], int) and result["ttlMs"] >= 0
    assert result["cacheScope"] == "private"
    assert "nextCursor" not in result
    assert result["_meta"]["io.modelcontextprotocol/serverInfo"]["name"]


def test_the_list_is_the_same_each_time_and_for_both_eras(stack):
    names = [t["name"] for t in modern(stack, "tools/list").json()["result"]["tools"]]

    assert names == [t["name"] for t in modern(stack, "tools/list").json()["result"]["tools"]]
    assert names == stack.tool_names("legacy")


def test_a_call_is_answered_complete(stack):
    answer = modern(stack, "tools/call", CALL)
    result = answer.json()["result"]

    assert answer.status_code == 200
    assert result["resultType"] == "complete"
    assert result["structuredContent"]["agents"]
    assert result["content"][0]["type"] == "text"


@pytest.mark.parametrize("id", [0, 1, -5, 2**53 - 1, "server-discover-probe-1", "", "ä"])
@pytest.mark.parametrize("method,params", [("server/discover", None), ("tools/call", CALL), ("no/such", None)])
def test_the_id_comes_back_with_its_type(stack, method, params, id):
    answered = modern(stack, method, params, id=id).json()["id"]

    assert answered == id and type(answered) is type(id)


@pytest.mark.parametrize("method", ["no/such", "initialize", "ping", "logging/setLevel", "resources/subscribe"])
def test_a_method_this_revision_does_not_know_is_404_with_a_json_rpc_error(stack, method):
    # MCP 2026-07-28 basic/transports/streamable-http: unknown method; initialize and ping are none of it any more.
    answer = modern(stack, method)

    assert refusal(answer) == (404, -32601)
    assert answer.json()["id"] == 1


def test_an_unknown_tool_is_invalid_params_at_200(stack):
    # MCP 2026-07-28 server/tools "Error Handling"
    answer = modern(stack, "tools/call", {"name": "crm_no_such_tool"})

    assert refusal(answer) == (200, -32602)
    assert "crm_no_such_tool" in answer.json()["error"]["message"]


def test_a_wrong_argument_is_a_result_with_is_error(stack):
    # MCP 2026-07-28 server/tools "Error Handling": input errors are tool results.
    result = modern(stack, "tools/call", {"name": "crm_get_leads_count", "arguments": {"period": "decade"}}).json()[
        "result"
    ]

    assert result["isError"] is True and result["resultType"] == "complete"
    assert "period" in result["content"][0]["text"]


def test_a_cursor_that_nobody_gave_out_is_invalid(stack):
    # MCP 2026-07-28 server/utilities/pagination "Error Handling"
    assert modern(stack, "tools/list", {"cursor": "made-up"}).json()["error"]["code"] == -32602


def test_no_session_is_ever_begun_and_none_is_looked_at(stack):
    # MCP 2026-07-28 basic/transports/streamable-http "Earlier revisions"
    answer = modern(stack, "tools/list", headers={"Mcp-Session-Id": "left-over", "Last-Event-ID": "7"})

    assert answer.status_code == 200
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("name", ["notifications/cancelled", "notifications/of_the_future"])
def test_notifications_are_accepted_with_202_and_no_body(stack, name):
    answer = modern(stack, name, {"requestId": 1}, id=None)

    assert answer.status_code == 202 and answer.content == b""


def test_a_modern_body_without_the_version_header_is_a_header_mismatch(stack):
    # MCP 2026-07-28 basic/transports/streamable-http "Protocol Version Header"
    headers = without(message_headers("tools/list", None, "modern"), "MCP-Protocol-Version")

    assert refusal(send(stack, message("tools/list", None, "modern"), headers)) == (400, -32020)


@pytest.mark.parametrize(
    "values", [["2025-11-25"], ["2026-07-29"], [""], ["2026-07-28", "2026-07-28"], ["2026-07-28, 2026-07-28"]]
)
def test_a_version_header_that_differs_from_the_body_is_a_header_mismatch(stack, values):
    headers = with_header(message_headers("tools/list", None, "modern"), "MCP-Protocol-Version", *values)

    assert refusal(send(stack, message("tools/list", None, "modern"), headers)) == (400, -32020)


@pytest.mark.parametrize(
    "values", [[], ["tools/call"], ["Tools/List"], ["tools/list", "tools/list"], ["tools/list, x"]]
)
def test_a_method_header_that_is_missing_differs_or_occurs_twice_is_a_header_mismatch(stack, values):
    # MCP 2026-07-28 basic/transports/streamable-http "Standard Headers", "Case Sensitivity"
    headers = with_header(message_headers("tools/list", None, "modern"), "Mcp-Method", *values)
    answer = send(stack, message("tools/list", None, "modern"), headers)

    assert refusal(answer) == (400, -32020)
    assert "Mcp-Method" in answer.json()["error"]["message"]
    assert answer.json()["id"] == 1


@pytest.mark.parametrize(
    "values",
    [
        [],
        ["crm_get_leads_count"],
        ["CRM_LIST_AGENTS"],
        ["crm_list_agents", "crm_list_agents"],
        ["=?base64?Y3JtX2xpc3RfYWdlbnR?="],
        ["=?base64?!!!?="],
    ],
)
def test_a_name_header_that_is_missing_differs_or_is_malformed_is_a_header_mismatch(stack, values):
    # MCP 2026-07-28 basic/transports/streamable-http "Standard Headers", "Value Encoding"
    headers = with_header(message_headers("tools/call", CALL, "modern"), "Mcp-Name", *values)
    answer = send(stack, message("tools/call", CALL, "modern"), headers)

    assert refusal(answer) == (400, -32020)
    assert "Mcp-Name" in answer.json()["error"]["message"]


def test_a_name_header_is_decoded_before_it_is_compared(stack):
    # MCP 2026-07-28 basic/transports/streamable-http "Value Encoding"
    headers = with_header(message_headers("tools/call", CALL, "modern"), "Mcp-Name", "=?base64?Y3JtX2xpc3RfYWdlbnRz?=")

    assert "result" in send(stack, message("tools/call", CALL, "modern"), headers).json()


def test_white_space_around_a_header_value_does_not_count(stack):
    # RFC 9110 5.5
    body = json.dumps(message("tools/call", CALL, "modern"))
    headers = (
        message_headers("tools/call", CALL, "modern")
        | bearer()
        | {"Host": "127.0.0.1", "Content-Length": str(len(body))}
    )
    lines = "".join(f"{k}: \t {v}\t \r\n" for k, v in headers.items())
    received = exchange(stack.port, f"POST /mcp HTTP/1.1\r\nConnection: close\r\n{lines}\r\n{body}".encode(), seconds=20)

    assert received.startswith(b"HTTP/1.1 200") and b'"result"' in received


def test_header_names_may_be_written_in_any_case(stack):
    headers = [(k.upper(), v) for k, v in message_headers("tools/call", CALL, "modern").items()]

    assert "result" in send(stack, message("tools/call", CALL, "modern"), headers).json()


def test_a_name_header_where_none_is_needed_is_ignored(stack):
    # the TypeScript SDK sends it on any request with params.name.
    answer = modern(stack, "tools/list", {"name": "x"}, headers={"Mcp-Name": "something else"})

    assert answer.status_code == 200 and "result" in answer.json()


def test_a_version_that_is_not_served_says_which_is(stack):
    # MCP 2026-07-28 basic/versioning: 400, -32022 {supported, requested}
    body = message("tools/list", {"_meta": {VERSION: "2030-01-01"}}, "modern")
    headers = message_headers("tools/list", None, "modern") | {"MCP-Protocol-Version": "2030-01-01"}
    answer = send(stack, body, headers.items())

    assert refusal(answer) == (400, -32022)
    assert answer.json()["error"]["data"] == {"supported": ["2026-07-28"], "requested": "2030-01-01"}
    assert answer.json()["id"] == 1


def test_a_legacy_version_in_a_modern_body_is_not_served(stack):
    body = message("tools/list", {"_meta": {VERSION: "2025-11-25"}}, "modern")
    headers = message_headers("tools/list", None, "modern") | {"MCP-Protocol-Version": "2025-11-25"}

    assert refusal(send(stack, body, headers.items())) == (400, -32022)


@pytest.mark.parametrize("capabilities", [None, "x", []])
def test_a_modern_request_without_client_capabilities_is_400_and_invalid_params(stack, capabilities):
    # MCP 2026-07-28 basic "Per-request metadata"
    body = message("tools/list", None, "modern")
    body["params"]["_meta"][CAPABILITIES] = capabilities
    if capabilities is None:
        del body["params"]["_meta"][CAPABILITIES]
    answer = send(stack, body, message_headers("tools/list", None, "modern").items())

    assert refusal(answer) == (400, -32602)
    assert CAPABILITIES in answer.json()["error"]["message"]


@pytest.mark.parametrize("version", [7, None, {}, ["2026-07-28"]])
def test_a_modern_version_of_the_wrong_type_is_400(stack, version):
    body = message("tools/list", None, "modern")
    body["params"]["_meta"][VERSION] = version
    answer = send(stack, body, message_headers("tools/list", None, "modern").items())

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] in (-32602, -32020)


@pytest.mark.parametrize("method", ["tools/list", "tools/call", "initialize", "ping"])
def test_a_modern_header_without_modern_metadata_is_400_and_invalid_params(stack, method):
    # MCP 2026-07-28 basic "Per-request metadata": the header alone makes a request modern, initialize included
    body = message(method, CALL if method == "tools/call" else None, "legacy")
    headers = message_headers(method, CALL, "modern")

    assert refusal(send(stack, body, headers.items())) == (400, -32602)


def test_client_info_may_be_left_out(stack):
    body = message("tools/list", None, "modern")
    del body["params"]["_meta"]["io.modelcontextprotocol/clientInfo"]

    assert "result" in send(stack, body, message_headers("tools/list", None, "modern").items()).json()


def test_a_response_is_refused_in_the_modern_era(stack):
    # MCP 2026-07-28 basic/transports/streamable-http "Sending Messages": clients send no responses.
    answer = send(stack, {"jsonrpc": "2.0", "id": 1, "result": {}}, [("MCP-Protocol-Version", "2026-07-28")])

    assert refusal(answer) == (400, -32600)


def test_a_notification_of_a_version_that_is_not_served_is_400(stack):
    # MCP 2026-07-28 basic/versioning: unsupported versions are 400, whatever the message
    body = message("notifications/cancelled", {"_meta": {VERSION: "2030-01-01"}}, "modern", id=None)
    headers = message_headers("notifications/cancelled", None, "modern") | {"MCP-Protocol-Version": "2030-01-01"}

    assert send(stack, body, headers.items()).status_code == 400


def test_the_checks_come_in_the_order_of_the_specification(stack):
    # MCP 2026-07-28 basic/transports/streamable-http "Server Validation": header, version, method
    body = message("no/such", {"_meta": {VERSION: "2030-01-01"}}, "modern")
    headers = message_headers("no/such", None, "modern")

    assert refusal(send(stack, body, headers.items())) == (400, -32020)
    headers["MCP-Protocol-Version"] = "2030-01-01"
    assert refusal(send(stack, body, headers.items())) == (400, -32022)


def test_a_refusal_carries_the_id_of_the_request(stack):
    # MCP 2026-07-28 basic "Responses": the same id, left out only when it cannot be read.
    headers = with_header(message_headers("tools/list", None, "modern"), "Mcp-Method", "x")

    assert send(stack, message("tools/list", None, "modern", id="mine"), headers).json()["id"] == "mine"


VALIDATOR = """
import json, sys
import mcp.types as types
for line in sys.stdin:
    name, value = json.loads(line)
    getattr(types, name).model_validate(value)
    print(name)
"""


def sdk_accepts(samples):
    """The official Python SDK 2.x reads each (type, value)."""
    python = ROOT / "build/clients/py_sdk2/bin/python"
    lines = "".join(json.dumps(sample) + "\n" for sample in samples)
    done = subprocess.run([python, "-c", VALIDATOR], input=lines, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == [name for name, _ in samples]


@pytest.mark.clients
def test_the_official_types_take_every_message(stack):
    call = {"name": "crm_get_leads_count", "arguments": {"period": "all"}}
    wrong = {"name": "crm_get_leads_count", "arguments": {}}
    client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}

    sdk_accepts(
        [
            ("DiscoverResult", modern(stack, "server/discover").json()["result"]),
            ("ListToolsResult", modern(stack, "tools/list").json()["result"]),
            ("ListToolsResult", stack.rpc("tools/list").json()["result"]),
            ("InitializeResult", stack.rpc("initialize", client).json()["result"]),
            ("CallToolResult", stack.call(call["name"], call["arguments"], "modern")),
            ("CallToolResult", stack.call(call["name"], call["arguments"], "legacy")),
            ("CallToolResult", stack.call(wrong["name"], {}, "modern")),
            ("JSONRPCResponse", modern(stack, "tools/list").json()),
            ("JSONRPCError", modern(stack, "no/such").json()),
            ("JSONRPCError", stack.rpc("no/such").json()),
        ]
    )
