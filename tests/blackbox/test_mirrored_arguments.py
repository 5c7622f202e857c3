"""Arguments that travel in headers as well (x-mcp-header), and nulls that a schema forbids.

MCP 2026-07-28 basic/transports/streamable-http "Custom Headers from Tool Parameters".
"""

import pytest
from fake_connector import tool

SCHEMA = {
    "type": "object",
    "properties": {
        "region": {"type": "string", "x-mcp-header": "Region"},
        "count": {"type": "integer", "x-mcp-header": "Count"},
        "filter": {"type": "object", "properties": {"deep": {"type": "boolean", "x-mcp-header": "Deep"}, "name": {"type": "string"}}},
        "maybe": {"type": ["string", "null"]},
    },
}
TOOLS = [tool("route", inputSchema=SCHEMA), tool("plain")]


@pytest.fixture
def fake(start):
    return start.fake(tools=TOOLS, ttl_ms=3600_000)


@pytest.fixture
def gateway(start, fake):
    return start.gateway([{"name": "lab", "url": fake.url}]).offers("lab_route")


def route(gateway, arguments, era="modern", headers=None, name="lab_route"):
    return gateway.rpc("tools/call", {"name": name, "arguments": arguments}, era, headers=headers)


def params_of(request):
    return {name: value for name, value in request.headers.items() if name.lower().startswith("mcp-param-")}


def test_a_modern_caller_s_headers_must_say_what_its_body_says(gateway, fake):
    arguments = {"region": "Zürich", "count": 42, "filter": {"deep": True}}
    headers = {"Mcp-Param-Region": "=?base64?WsO8cmljaA==?=", "mcp-param-COUNT": "42.0", "Mcp-Param-Deep": "true"}

    assert route(gateway, arguments, headers=headers).status_code == 200
    assert params_of(fake.calls()[0]) == {"Mcp-Param-Region": "=?base64?WsO8cmljaA==?=", "Mcp-Param-Count": "42", "Mcp-Param-Deep": "true"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Mcp-Param-Region": "us"}, {"Mcp-Param-Region": "=?base64?ZXU?="}, {"Mcp-Param-Region": "=?base64?Z!U=?="}, {"Mcp-Param-Region": "eu", "Mcp-Param-Count": "1"}],
)
def test_a_mismatch_is_400_and_nothing_is_done(gateway, fake, headers):
    answer = route(gateway, {"region": "eu"}, headers=headers)

    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == -32020 and answer.json()["id"] == 1
    assert fake.calls() == []


@pytest.mark.parametrize("caller", ["legacy", "rest"])
def test_callers_that_mirror_nothing_reach_the_tool_all_the_same(gateway, fake, caller):
    arguments = {"region": " eu", "count": -0.0, "filter": {"deep": False}, "maybe": None}
    if caller == "rest":
        assert gateway.rest("lab_route", arguments).status_code == 200
    else:
        assert route(gateway, arguments, caller, headers={"Mcp-Param-Region": "us", "Mcp-Param-Other": "x"}).status_code == 200

    assert params_of(fake.calls()[0]) == {"Mcp-Param-Region": "=?base64?IGV1?=", "Mcp-Param-Count": "0", "Mcp-Param-Deep": "false"}


def test_what_no_header_can_hold_is_the_caller_s_mistake(gateway, fake):
    for arguments in ({"region": {}}, {"count": 2**53}, {"region": "x" * 9000}):
        result = route(gateway, arguments, "legacy").json()["result"]
        assert result["isError"] and next(iter(arguments)) in result["content"][0]["text"]
    assert fake.calls() == []


def test_headers_nobody_declared_go_to_the_one_connector(gateway, fake):
    assert route(gateway, {}, headers={"Mcp-Param-New": "1"}, name="lab_plain").status_code == 200
    assert params_of(fake.calls()[0]) == {"Mcp-Param-New": "1"}
    many = {f"Mcp-Param-X{n}": "1" for n in range(40)}
    assert route(gateway, {}, headers=many, name="lab_plain").json()["result"]["isError"]


def test_a_legacy_connector_gets_no_such_header(start):
    fake = start.fake(tools=TOOLS, legacy=True)
    gateway = start.gateway([{"name": "lab", "url": fake.url}]).offers("lab_route")

    assert route(gateway, {"region": "eu"}, headers={"Mcp-Param-Region": "eu", "Mcp-Param-New": "1"}).status_code == 200
    assert params_of(fake.calls()[0]) == {}
    assert route(gateway, {"region": "eu"}).status_code == 400  # the caller's own mirror is checked all the same


def sent(fake):
    return [request.arguments for request in fake.calls()]


def test_a_null_that_the_schema_forbids_is_left_out_for_legacy_callers_only(gateway, fake):
    arguments = {"region": None, "maybe": None, "other": None, "filter": {"name": None, "x": [None]}}
    route(gateway, arguments, "legacy")
    route(gateway, arguments, "modern")
    gateway.rest("lab_route", arguments)

    assert sent(fake) == [{"maybe": None, "other": None, "filter": {"x": [None]}}, arguments, arguments]


def test_the_others_stay_as_they_are(gateway, fake):
    route(gateway, {"count": None, "maybe": "n\u00ff", "big": 12345678901234567890123, "region": "null"}, "legacy")

    assert sent(fake) == [{"maybe": "n\u00ff", "big": 12345678901234567890123, "region": "null"}]
