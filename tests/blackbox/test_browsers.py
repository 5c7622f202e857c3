"""Pages in browsers: Host, Origin, CORS (docs/architecture.md "Trust")."""

import hashlib
import json

import pytest

from door import AUDIENCE, API_KEY, Door, OLD_SECRET
from harness import JWT_SECRET, bearer, message


@pytest.fixture(scope="module")
def door(start_module):
    api_key = {
        "name": "nightly",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "tenant_id": "acme",
        "permissions": ["crm.read", "x"],
    }
    return Door(start_module, auth={"hs256_secret": [JWT_SECRET, OLD_SECRET], "api_keys": [api_key]})


@pytest.fixture(scope="module")
def browser_door(start_module):
    return Door(start_module, name="browser", public_url=AUDIENCE, cors={"origins": ["https://app.example.com"]})


def ping(door, **headers):
    headers = {k.replace("_", "-"): v for k, v in headers.items()}
    return door.gateway.http.post(
        "/mcp", content=json.dumps(message("ping", None, "legacy")), headers=bearer() | headers
    )


@pytest.mark.parametrize(
    "host", ["evil.example.com", "127.0.0.1.evil.example.com", "localhost.evil.com", "0.0.0.0", "169.254.169.254"]
)
def test_a_foreign_host_name_on_loopback_is_403(browser_door, host):
    # docs/architecture.md "One call"; DNS rebinding (MCP basic/transports "Security Warning")
    for port in ("", f":{browser_door.gateway.port}"):
        assert ping(browser_door, Host=host + port).status_code == 403


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]", "mcp.example.com"])
def test_loopback_names_and_the_public_host_pass(browser_door, host):
    for port in ("", f":{browser_door.gateway.port}"):
        assert ping(browser_door, Host=host + port).status_code == 200


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.com",
        "http://app.example.com",
        "https://app.example.com.evil.com",
        "https://app.example.com:8443",
        "null",
        "https://mcp.example.com.evil.com",
        "file://",
    ],
)
def test_a_foreign_origin_is_403(browser_door, origin):
    # MCP 2025-11-25 basic/transports "Security Warning"
    answer = ping(browser_door, Origin=origin)

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert answer.json()["error"]["message"] and "id" not in answer.json()


@pytest.mark.parametrize("origin", ["https://app.example.com", "https://mcp.example.com"])
def test_our_own_and_configured_origins_pass(browser_door, origin):
    assert ping(browser_door, Origin=origin).status_code == 200


def test_an_origin_of_ours_may_read_the_answer(browser_door):
    answer = ping(browser_door, Origin="https://app.example.com")

    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "origin" in answer.headers["vary"].lower()
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()


def preflight(door, origin, path="/mcp"):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,mcp-method",
    }
    return door.gateway.http.request("OPTIONS", path, headers=headers)


@pytest.mark.parametrize("path", ["/mcp", "/v1/tools/execute", "/v1/tools/list", "/v1/tools/crm_echo/stream"])
def test_a_preflight_is_answered_without_a_token(browser_door, path):
    # Fetch "CORS-preflight request"; docs/architecture.md "Trust": max-age 300
    answer = preflight(browser_door, "https://app.example.com", path)
    allowed = answer.headers["access-control-allow-headers"].lower()

    assert answer.status_code in (200, 204) and answer.content == b""
    assert answer.headers["access-control-allow-origin"] == "https://app.example.com"
    assert "POST" in answer.headers["access-control-allow-methods"]
    assert answer.headers["access-control-max-age"] == "300"
    assert all(
        name in allowed for name in ("authorization", "content-type", "mcp-protocol-version", "mcp-method", "mcp-name")
    )


def test_a_preflight_lets_mirrored_arguments_through(browser_door):
    # MCP 2026-07-28 basic/transports/streamable-http "Custom Headers from Tool Parameters": their names are the tools' own
    asked = "authorization,mcp-param-region, Mcp-Param-X y, x-evil,mcp-param-tenant"
    headers = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": asked}
    answer = browser_door.gateway.http.request("OPTIONS", "/mcp", headers=headers)
    allowed = [name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")]

    assert allowed[-2:] == ["mcp-param-region", "mcp-param-tenant"]
    assert "x-evil" not in allowed and "Mcp-Param-X y" not in allowed


def test_a_preflight_of_a_foreign_origin_gets_nothing(browser_door):
    answer = preflight(browser_door, "https://evil.example.com")

    assert not [name for name in answer.headers if name.startswith("access-control-allow")]


def test_credentials_never_go_with_any_origin(browser_door):
    for origin in ("https://app.example.com", "https://evil.example.com"):
        answer = ping(browser_door, Origin=origin)
        assert answer.headers.get("access-control-allow-origin") != "*"


def test_without_cors_no_other_origin_passes(door):
    assert ping(door, Origin="https://app.example.com").status_code == 403
    assert ping(door).status_code == 200


@pytest.mark.parametrize("path", ["/v1/tools/execute", "/v1/tools/list"])
def test_foreign_pages_are_kept_from_the_rest_routes_too(browser_door, path):
    # docs/architecture.md "One call": the gate checks Origin and Host, whatever the route
    method = "POST" if path.endswith("execute") else "GET"
    body = json.dumps({"tool_name": "crm_echo", "arguments": {}}) if method == "POST" else None
    for headers in ({"Origin": "https://evil.example.com"}, {"Host": "evil.example.com"}):
        assert (
            browser_door.gateway.http.request(method, path, content=body, headers=bearer() | headers).status_code == 403
        )
