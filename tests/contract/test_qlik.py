"""Every request that a tool of mcp-qlik can send, against Qlik's own OpenAPI files, one API at a time.

Qlik publishes no file of its ML API that we could keep here: predict is tested against the stand-in only.
"""

import pytest

import harness

APP = "116dbfae-7fb9-4983-8e23-5ccd8c508722"
TOKEN = {"X-Qlik-Access-Token": "a-token"}
RELOAD = {"id": "5be59decca62aa00097268a4", "appId": APP, "tenantId": "t", "userId": "u", "type": "external", "status": "QUEUED", "creationTime": "2026-11-20T10:00:00Z"}

# tool: (file, the calls that between them use every argument)
LISTS = {"limit": 100, "cursor": "abc+/="}
CALLS = {
    "get_apps": ("items", [{}, {"name": "a&b"} | LISTS]),
    "list_items": ("items", [{}, {"resource_type": "automl-deployment", "space_id": "personal", "query": "x y"} | LISTS]),
    "list_spaces": ("spaces", [{}, {"name": "fin", "type": "managed"} | LISTS]),
    "get_app": ("apps", [{"app_id": APP}]),
    "describe_app_data": ("apps", [{"app_id": APP}, {"app_id": APP, "table": "T", "query": "f", "limit": 5, "offset": 5}]),
    "recommend_analysis": ("apps", [{"app_id": APP, "text": "sales by region"}, {"app_id": APP, "text": "sales", "limit": 20}]),
    "reload_app": ("reloads", [{"app_id": APP}, {"app_id": APP, "partial": True, "wait": True}]),
    "get_reload": ("reloads", [{"reload_id": RELOAD["id"]}]),
    "list_reloads": ("reloads", [{"app_id": APP}, {"app_id": APP, "status": "FAILED"} | LISTS]),
    "ask_question": ("questions", [{"text": "sales"}, {"text": "sales", "app_ids": [APP, "other"]}]),
    "list_data_files": (
        "data-files",
        [{}, {"name_pattern": "*.csv", "all_spaces": True, "connection_id": APP, "folder_path": "a/b", "app_id": "*"} | LISTS],
    ),
    "get_user": ("users", [{}]),  # its second request is the address that Qlik names
}
NOT_IN_ANY_FILE = {"predict"}

WRONG = {
    "items": ("GET", "/api/v1/items?limit=101", None),
    "spaces": ("GET", "/api/v1/spaces?limit=ten", None),
    "apps": ("POST", f"/api/v1/apps/{APP}/insight-analyses/actions/recommend", {"text": 7, "fields": 7}),
    "reloads": ("POST", "/api/v1/reloads", {"partial": True}),
    "questions": ("POST", "/api/v1/questions/actions/ask", {"lang": "en"}),
    "data-files": ("GET", "/api/v1/data-files?connectionId=none", None),
    "users": ("POST", "/api/v1/users/me", None),
}


@pytest.fixture(scope="module", params=sorted(WRONG))
def api(request):
    return request.param


@pytest.fixture(scope="module")
def mock(prism, api):
    return prism(f"qlik-{api}.openapi.json")


@pytest.fixture(scope="module")
def gateway(start, mock, api):
    connector = start(harness.Connector, "qlik", {"QLIK_CLOUD_TENANT_URL": mock.url}, name=f"qlik-{api}")
    return start(harness.Gateway, [connector.row()], name=f"gateway-{api}").offers("qlik_get_user")


def is_right(exchange):
    """Accepted; or refused by Prism only because its own filler does not fit the file (a oneOf that overlaps)."""
    complaints = [v for problem in exchange.violations for v in problem.get("validation", [problem])]
    return not exchange.undeclared and all(v.get("location", ["request"])[0] == "response" for v in complaints)


def asked_by_tools(mock):
    """Without those of the readiness probe, which go to the users API whatever the mock speaks, and carry no token."""
    return [x for x in mock.take() if "authorization" in x.headers]


def test_each_request_of_each_tool_is_accepted(gateway, mock, api):
    mock.prepare("GET", "/api/v1/reloads/[^/]+", RELOAD | {"status": "SUCCEEDED"})
    mock.prepare("POST", "/api/v1/reloads", RELOAD, 201)
    mock.take()
    tools = [name for name, (file, _) in CALLS.items() if file == api]
    for tool in tools:
        for arguments in CALLS[tool][1]:
            gateway.call(f"qlik_{tool}", arguments, headers=TOKEN)
            sent = asked_by_tools(mock)
            assert sent and all(is_right(x) for x in sent), f"{tool} {arguments}: {[str(x) for x in sent]}"


def test_a_wrong_request_is_refused(mock, api):
    method, path, body = WRONG[api]
    exchange = mock.ask(method, path, body, {"authorization": "Bearer a-token"})
    assert not exchange.accepted, str(exchange)


def test_every_tool_and_every_argument_is_in_the_table(gateway):
    listed = {t["name"].removeprefix("qlik_"): t["inputSchema"]["properties"] for t in gateway.rpc("tools/list").json()["result"]["tools"]}
    assert set(listed) == {*CALLS, *NOT_IN_ANY_FILE}
    for tool, (_, calls) in CALLS.items():
        assert {name for call in calls for name in call} == set(listed[tool]), tool
