"""A service account belongs to the tenants it was given for; another tenant brings credentials of their own. In every connector
that has one (connectors_world.CASES); the CRM's rows carry the tenant instead: test_crm_tenants.py."""

import subprocess

import pytest

import harness
from connectors_world import User, World, ids, with_credentials
from harness import SLOW, bearer


@pytest.fixture(scope="module")
def serving(start_module):
    return World(start_module, with_credentials(), with_service=True)


def some_value(name, schema):
    """A value that the schema takes, so that a call gets past its arguments."""
    if "anyOf" in schema:
        schema = schema["anyOf"][0]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "object")
    if kind == "array":
        return [some_value(name, schema.get("items", {"type": "string"}))] * max(1, schema.get("minItems", 0))
    formats = {"uuid": "116dbfae-7fb9-4983-8e23-5ccd8c508722", "date": "2026-11-20", "email": "a@example.com"}
    plain = {"string": formats.get(schema.get("format"), "x"), "integer": schema.get("minimum", 1), "number": 1.5, "boolean": True, "object": {"a": 1}}
    return plain[kind]


def valid_arguments(tool):
    schema = tool["inputSchema"]
    return {name: some_value(name, schema["properties"][name]) for name in schema.get("required", [])}


@pytest.mark.parametrize("case", with_credentials(), ids=ids)
def test_a_service_account_serves_its_own_tenant(serving, case):
    assert case.service_sees in serving.text(case, User({}, ""))


@pytest.mark.parametrize("case", with_credentials(), ids=ids)
def test_no_tool_uses_a_service_account_for_another_tenant(serving, case):
    upstream = serving.upstreams[case.name]
    tools = [t for t in serving.gateway.rpc("tools/list").json()["result"]["tools"] if t["name"].startswith(f"{case.name}_")]
    assert len(tools) > 5
    upstream.forget()
    for each in tools:
        result = serving.gateway.call(each["name"], valid_arguments(each), auth=bearer(tenant="elsewhere"))
        assert result.get("isError") is True, (each["name"], result)
        if each["name"] == case.tool:
            text = result["content"][0]["text"]
            assert "service account" in text and all(header in text for header in case.users[0].headers)
    assert upstream.requests() == []


@pytest.mark.parametrize("case", with_credentials(), ids=ids)
def test_another_tenant_brings_credentials_of_their_own(serving, case):
    user = case.users[0]
    text = serving.text(case, User(user.headers, user.sees, tenant="elsewhere"))
    assert user.sees in text


@pytest.mark.parametrize("case", [c for c in with_credentials() if len(c.users[0].headers) > 1], ids=ids)
def test_half_of_the_credentials_are_not_filled_up_from_the_service_account(serving, case):
    for header, value in case.users[0].headers.items():
        result = serving.gateway.call(case.tool, case.arguments, headers={header: value})
        assert result["isError"] is True
        assert "belong together" in result["content"][0]["text"] and value not in result["content"][0]["text"]


@pytest.mark.parametrize("case", with_credentials(), ids=ids)
def test_production_does_not_start_with_a_service_account_of_nobody(folder, case):
    env = {case.url: "https://upstream.example.com", "ENVIRONMENT": "production", "HOP_KEY": harness.hop_key(case.name)}
    env |= {"LISTEN": f"unix:{folder / 'c.sock'}"} | case.settings | case.service
    ended = subprocess.run([harness.program(case.name)], env=env, capture_output=True, text=True, timeout=20 * SLOW)

    assert ended.returncode == 2 and "TENANTS" in ended.stderr and len(ended.stderr.splitlines()) == 1, ended
    assert not any(secret in ended.stderr for name, secret in case.service.items() if "USERNAME" not in name)
