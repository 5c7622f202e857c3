"""Connectors of either era behind one gateway, ours and others: how they are opened and spoken to."""

import json

import pytest

from fake_connector import http
from harness import events, message, message_headers
from lab import ERAS, three_steps


@pytest.fixture
def old(start):
    fake = start.fake(legacy=True, on_call=lambda r: {"content": [{"type": "text", "text": "old"}]})
    gateway = start.gateway([{"name": "old", "url": fake.url}])
    gateway.fake = fake
    return gateway


@pytest.mark.parametrize("era", ERAS)
def test_a_legacy_connector_serves_clients_of_both_eras(old, era):
    # docs/architecture.md "The catalog": both eras of client see the whole catalog.
    result = old.call("old_echo", era=era)

    assert old.tool_names(era) == ["old_echo"]
    assert result["content"][0]["text"] == "old"
    assert result.get("resultType") == ("complete" if era == "modern" else None)


def test_a_legacy_connector_is_opened_and_spoken_to_as_its_revision_asks(old):
    # MCP 2025-11-25 basic/lifecycle, basic/transports "Protocol Version Header"
    old.call("old_echo", era="modern")
    methods = [r.method for r in old.fake.requests]
    call = old.fake.calls()[0]

    assert (
        methods.index("initialize")
        < methods.index("notifications/initialized")
        < methods.index("tools/list")
        < methods.index("tools/call")
    )
    assert call.headers["MCP-Protocol-Version"] == "2025-11-25"
    assert "Mcp-Method" not in call.headers
    assert not [k for k in call.params.get("_meta", {}) if k.startswith("io.modelcontextprotocol/")]
    assert old.connector_status("old")["era"] == "legacy"


def test_a_legacy_list_has_a_lifetime_too(old):
    result = old.rpc("tools/list", None, "modern").json()["result"]

    assert isinstance(result["ttlMs"], int) and result["cacheScope"] == "private"


def test_progress_of_a_legacy_connector_is_relayed(old):
    old.fake.on_call = three_steps
    params = {"name": "old_echo", "_meta": {"progressToken": "t"}}
    answer = old.rpc("tools/call", params, "modern")

    assert [e["params"]["progress"] for e in events(answer.text)[:-1]] == [1, 2, 3]
    assert events(answer.text)[-1]["result"]["resultType"] == "complete"


def test_a_session_that_a_legacy_connector_wants_is_kept_for_it(start):
    # MCP 2025-11-25 basic/transports "Session Management"
    fake = start.fake(legacy=True)
    dispatch = fake.dispatch

    def with_session(request):
        if request.method == "initialize":
            return http(200, "application/json", json.dumps(dispatch(request)), "Mcp-Session-Id: s-1")
        if request.headers.get("Mcp-Session-Id") != "s-1" and request.method != "server/discover":
            return http(400, "text/plain", "no session")
        return dispatch(request)

    fake.dispatch = with_session
    gateway = start.gateway([{"name": "old", "url": fake.url}])
    answer = gateway.rpc("tools/call", {"name": "old_echo", "arguments": {}})

    assert not answer.json()["result"].get("isError"), answer.text
    assert "mcp-session-id" not in answer.headers


def rpc_error(code, id=None):
    return {"jsonrpc": "2.0", "id": id, "error": {"code": code, "message": "x"}}


REFUSALS = {
    "404 page": lambda r: http(404, "text/html", "<html>"),
    "400 text": lambda r: http(400, "text/plain", "Bad Request: No valid session ID provided"),
    "400 error": lambda r: http(400, "application/json", json.dumps(rpc_error(-32600))),
    "405": lambda r: http(405, "application/json", "{}"),
    "406": lambda r: http(406, "application/json", "{}"),
    "-32601": lambda r: rpc_error(-32601, r.id),
    "-32602": lambda r: rpc_error(-32602, r.id),
    "-32000": lambda r: rpc_error(-32000, r.id),
}


@pytest.mark.parametrize("refuse", REFUSALS.values(), ids=REFUSALS.keys())
def test_a_server_that_does_not_know_discover_is_opened_by_initialize(start, refuse):
    # MCP 2026-07-28 basic/versioning "Backward Compatibility": anything but a modern error is a reason to try
    fake = start.fake(legacy=True)
    dispatch = fake.dispatch
    fake.dispatch = lambda r: refuse(r) if r.method == "server/discover" else dispatch(r)
    gateway = start.gateway([{"name": "old", "url": fake.url}])

    assert gateway.tool_names() == ["old_echo"]
    assert gateway.connector_status("old")["era"] == "legacy"
    assert not gateway.call("old_echo").get("isError")


@pytest.mark.parametrize("status", [401, 403, 503])
def test_a_refusal_that_says_nothing_about_the_era_is_no_reason_to_try_the_other(start, status):
    fake = start.fake()
    fake.dispatch = lambda r: http(status, "text/plain", "no")
    gateway = start.gateway([{"name": "no", "url": fake.url}, {"name": "good", "url": start.fake().url}])

    assert "initialize" not in [r.method for r in fake.requests]
    assert gateway.connector_status("no")["state"] == "down" and gateway.connector_status("no")["last_error"]


def choosing(start, version):
    """A legacy connector that answers initialize with this revision."""
    fake = start.fake(legacy=True)
    dispatch = fake.dispatch

    def chosen(request):
        answer = dispatch(request)
        if request.method == "initialize":
            answer["result"]["protocolVersion"] = version
        return answer

    fake.dispatch = chosen
    return fake


@pytest.mark.parametrize("version", ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"])
def test_a_legacy_connector_is_spoken_to_in_the_revision_it_chose(start, version):
    # MCP 2025-11-25 basic/lifecycle "Version Negotiation"
    fake = choosing(start, version)
    gateway = start.gateway([{"name": "old", "url": fake.url}])

    assert not gateway.call("old_echo", era="modern").get("isError")
    assert fake.calls()[0].headers["MCP-Protocol-Version"] == version
    assert gateway.connector_status("old")["revision"] == version


def test_a_connector_of_an_unknown_revision_is_named_in_the_status(start):
    odd, good = choosing(start, "1999-01-01"), start.fake()
    gateway = start.gateway([{"name": "odd", "url": odd.url}, {"name": "good", "url": good.url}])

    assert gateway.connector_status("odd")["last_error"]
    assert gateway.tool_names() == ["good_echo"]


@pytest.mark.parametrize("era", ERAS)
def test_a_connector_of_ours_is_an_mcp_server_by_itself(start, era):
    # issue, step 1: called directly by clients of both eras
    crm = start.crm(args=("--no-auth", "demo"))
    listed = directly(crm, "tools/list", None, era).json()["result"]["tools"]
    result = directly(crm, "tools/call", {"name": "get_leads_count", "arguments": {"period": "all"}}, era).json()[
        "result"
    ]

    assert "get_leads_count" in [t["name"] for t in listed] and len(listed) == 11
    assert result["structuredContent"]["total_leads"] > 0
    assert directly(crm, "no/such", None, era).status_code == (404 if era == "modern" else 200)
    assert crm.http.get("/mcp").status_code == 405


@pytest.mark.parametrize("era,method", [("legacy", "initialize"), ("modern", "server/discover")])
def test_a_connector_of_ours_is_opened_as_its_client_is_used_to(start, era, method):
    crm = start.crm(args=("--no-auth", "demo"))
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
    result = directly(crm, method, client if era == "legacy" else None, era).json()["result"]

    assert result.get("protocolVersion") == ("2025-06-18" if era == "legacy" else None)
    assert result.get("supportedVersions") == (["2026-07-28"] if era == "modern" else None)


def directly(crm, method, params, era):
    body = json.dumps(message(method, params, era))
    return crm.http.post("/mcp", content=body, headers=message_headers(method, params, era))
