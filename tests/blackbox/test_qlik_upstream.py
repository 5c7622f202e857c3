"""mcp-qlik when Qlik misbehaves, and how it is set up: service keys, tenants, production, readiness."""

import re
import subprocess

import jsonschema
import pytest

import harness
from harness import SLOW, bearer, wait_until
from qlik_world import CALLS, MISSING, SALES, Qlik

SECRETS = ("demo-token", "proxy-7.internal", "demo-service-key", "127.0.0.1")


@pytest.fixture(scope="module")
def shared_qlik(start_module):
    return Qlik(start_module, row={"timeout": "5s"})


# What Qlik or what stands before it may answer, and the words that say so.
WRONG = {
    "html": ({}, "web page"),
    "html of a proxy": ({"kind": "html", "status": 502}, "Trying again is safe"),
    "half": ({"times": 3}, "middle of its answer"),
    "huge": ({}, "larger than 8 MiB"),
    "redirect": ({}, "redirect"),
    "nothing": ({"times": 3, "seconds": 0.2}, "without an answer"),
    "silence": ({"kind": "nothing", "times": 3}, "did not"),
    "reset": ({"times": 3}, "Trying again is safe"),
    "garbage": ({}, "not JSON"),
    "error_in_200": ({}, "engine is restarting"),
    "a list": ({"kind": "status", "status": 200, "body": [1, 2]}, "else than its API promises"),
    "an empty object": ({"kind": "status", "status": 200, "body": {}}, "without"),
    "nothing in it": ({"kind": "status", "status": 204}, "nothing"),
    "an unknown status": ({"kind": "status", "status": 418, "body": {"errors": [{"code": "x", "title": "Teapot"}]}}, "Teapot"),
    "forbidden": ({"kind": "status", "status": 403, "body": {"errors": [{"code": "x", "title": "Forbidden", "detail": "No right to read."}]}}, "No right to read"),
    "errors of any shape": ({"kind": "status", "status": 400, "body": {"errors": {"0": 7}}}, "refused"),
    "the token said back": ({"kind": "status", "status": 400, "body": {"errors": [{"code": "x", "title": "Bad token demo-token"}]}}, "refused"),
    "the token said back with 200": ({"kind": "status", "status": 200, "body": {"errors": [{"code": "x", "title": "Bad token demo-token"}]}}, "Qlik reported an error. Trying again is safe."),
}


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_answer_becomes_one_sentence(qlik, name, era):
    fault, words = WRONG[name]
    qlik.cloud.fault(**({"kind": name} | fault))
    text = qlik.refusal("get_app", {"app_id": SALES}, era=era)

    assert words in text, text
    assert len(text) < 500 and not any(secret in text for secret in SECRETS), text
    qlik.cloud.forget()
    assert qlik.call("get_app", {"app_id": SALES}), "the next call works"


def with_leaves(value, leaf):
    if isinstance(value, dict):
        return {name: with_leaves(member, leaf) for name, member in value.items()}
    return [with_leaves(item, leaf) for item in value] if isinstance(value, list) else leaf


@pytest.mark.parametrize("tool", sorted(set(CALLS) - {"reload_app"}))
def test_members_of_another_type_break_neither_a_tool_nor_its_schema(qlik, tool):
    qlik.call(tool, CALLS[tool])
    sent = qlik.cloud.requests()[-1]
    headers = {"Authorization": "Bearer demo-token"}
    right = qlik.cloud.http.request(sent["method"], sent["path"], params=sent["query"], headers=headers, content=sent["body"]).json()
    for leaf in (None, True, 7, 1.5, "x", [], {}, [None]):
        qlik.cloud.forget()
        qlik.cloud.fault("status", times=-1, status=200, path=re.escape(sent["path"]), body=with_leaves(right, leaf))
        result = qlik.ask(tool, CALLS[tool])
        if not result.get("isError"):
            jsonschema.validate(result["structuredContent"], qlik.tools[tool]["outputSchema"])
    qlik.cloud.forget()
    qlik.call(tool, CALLS[tool])


def test_a_redirect_is_not_followed_with_the_token(qlik, start):
    elsewhere = start.standin("qlik", name="elsewhere")
    qlik.cloud.fault("redirect", location=f"{elsewhere.url}/api/v1/apps/{SALES}")
    qlik.refusal("get_app", {"app_id": SALES})
    assert elsewhere.requests() == []


def test_a_certificate_that_nobody_knows_ends_before_the_token_is_sent(start):
    cloud = start.standin("qlik", "--tls")
    connector = start.connector("qlik", {"QLIK_CLOUD_TENANT_URL": cloud})
    gateway = start.stack_with(connector)
    result = gateway.call("qlik_get_user", headers={"X-Qlik-Access-Token": "demo-token"})

    assert result["isError"] and "certificate" in result["content"][0]["text"]
    assert cloud.requests() == []


def test_a_qlik_that_is_gone_is_named_and_comes_back(start):
    qlik = Qlik(start)
    host = qlik.cloud.url.removeprefix("http://")
    qlik.cloud.stop()
    text = qlik.refusal("get_user")
    assert "cannot be reached" in text and "127.0.0.1" not in text
    start.standin("qlik", "--listen", host, name="again")
    assert qlik.call("get_user")["name"] == "Ana Souza"


def test_the_connector_is_ready_when_qlik_is(start):
    host = f"127.0.0.1:{harness.free_port()}"
    connector = start.connector("qlik", {"QLIK_CLOUD_TENANT_URL": f"http://{host}"})
    wait_until(lambda: connector.http.get("/ready").status_code == 503, "mcp-qlik to see that there is no Qlik")
    assert connector.http.get("/health").status_code == 200
    start.standin("qlik", "--listen", host)
    wait_until(lambda: connector.http.get("/ready").status_code == 200, "mcp-qlik to see Qlik")


def test_a_reading_call_waits_as_long_as_qlik_asks_and_no_longer(qlik):
    qlik.cloud.fault("status", status=429, headers={"retry-after": "1"}, path="apps")
    assert qlik.call("get_app", {"app_id": SALES})["app_id"] == SALES
    first, second = qlik.cloud.requests()
    assert 0.95 <= second["at"] - first["at"]

    qlik.cloud.forget()
    qlik.cloud.fault("status", status=429, headers={"retry-after": "60"}, path="apps")
    text = qlik.refusal("get_app", {"app_id": SALES})
    assert "60 s" in text and len(qlik.cloud.requests()) == 1


def test_a_question_that_changes_nothing_may_be_asked_again(qlik):
    qlik.cloud.fault("status", status=503, headers={"retry-after": "1"}, path="ask")
    assert qlik.call("ask_question", {"text": "sales", "app_ids": [SALES]})
    assert len(qlik.cloud.requests()) == 2


def test_limits_of_the_tenant_are_told(start):
    tight = Qlik(start, "--reads-per-minute", "3")
    for _ in range(3):
        tight.call("get_apps")
    text = tight.refusal("get_apps")
    assert "too many requests" in text and "429" in text


# The service key


def with_key(start, **env):
    return Qlik(start, env={"QLIK_API_KEY": "demo-service-key"} | env)


def whose(qlik, tenant, user=None):
    result = qlik.ask("get_user", user=user, auth=bearer(tenant=tenant))
    return result.get("structuredContent", {}).get("user_id") or result["content"][0]["text"]


def test_a_service_key_serves_its_own_tenants_and_a_users_token_wins_over_it(start):
    qlik = with_key(start, TENANTS="demo, acme")

    assert whose(qlik, "demo") == "svc-9" and whose(qlik, "acme") == "svc-9"
    assert whose(qlik, "demo", "other-token") == "bruno-2"
    assert whose(qlik, "elsewhere", "other-token") == "bruno-2"
    refused = whose(qlik, "elsewhere")
    assert "service account" in refused and "X-Qlik-Access-Token" in refused
    used = [r["headers"]["authorization"] for r in qlik.cloud.requests(path="/api/v1/users/ana-1")]
    assert used == []


def test_a_users_token_that_fails_is_not_replaced_by_the_service_key(start):
    qlik = with_key(start, TENANTS="*")
    qlik.cloud.forget()
    assert "reconnect" in qlik.refusal("get_user", user="an-old-token")
    assert {r["headers"].get("authorization") for r in qlik.cloud.requests(path="/api/v1/users/me")} <= {"Bearer an-old-token", "Bearer demo-service-key"}
    assert [r for r in qlik.cloud.requests() if r["path"].startswith("/api/v1/users/svc")] == []


def test_a_service_key_that_qlik_refuses_is_the_operators_business(start):
    qlik = Qlik(start, env={"QLIK_API_KEY": "a-key-of-last-year", "TENANTS": "*"})

    text = qlik.refusal("get_user", user=None)
    assert "QLIK_API_KEY" in text and "a-key-of-last-year" not in text
    ready = wait_until(lambda: (a := qlik.connector.http.get("/ready")).status_code == 503 and "QLIK_API_KEY" in a.text and a, "/ready to say why")
    assert "last-year" not in ready.text
    assert qlik.call("get_user")["user_id"] == "ana-1", "users with their own token are served all the same"


def test_the_key_may_come_from_a_file(start, folder):
    path = folder / "key"
    path.write_text("demo-service-key\n")
    qlik = Qlik(start, env={"QLIK_API_KEY_FILE": str(path), "TENANTS": "demo"})
    assert qlik.call("get_user", user=None)["user_id"] == "svc-9"


def test_without_a_key_the_connector_is_ready_when_qlik_answers(shared_qlik):
    ready = wait_until(lambda: (a := shared_qlik.connector.http.get("/ready")).status_code == 200 and a, "/ready")
    assert "own tokens" in ready.text


# Starting


def started(folder, **env):
    settings = {"LISTEN": f"unix:{folder / 'q.sock'}", "HOP_KEY": harness.hop_key("qlik")} | env
    return subprocess.run([harness.program("qlik")], env=settings, capture_output=True, text=True, timeout=20 * SLOW)


@pytest.mark.parametrize(
    "env,word",
    [
        ({}, "QLIK_CLOUD_TENANT_URL"),
        ({"QLIK_CLOUD_TENANT_URL": "acme.eu.qlikcloud.com"}, "QLIK_CLOUD_TENANT_URL"),
        ({"QLIK_CLOUD_TENANT_URL": "https://acme.eu.qlikcloud.com/api/v1"}, "QLIK_CLOUD_TENANT_URL"),
        ({"QLIK_CLOUD_TENANT_URL": "https://me:secret-word@acme.eu.qlikcloud.com"}, "QLIK_CLOUD_TENANT_URL"),
        ({"QLIK_CLOUD_TENANT_URL": "http://127.0.0.1:9", "ENVIRONMENT": "production"}, "https://"),
        ({"QLIK_CLOUD_TENANT_URL": "https://a.example", "ENVIRONMENT": "production", "QLIK_API_KEY": "planted-key"}, "TENANTS"),
        ({"QLIK_CLOUD_TENANT_URL": "https://a.example", "QLIK_API_KEY": "planted-key", "TENANTS": "a,,b"}, "TENANTS"),
    ],
)
def test_a_wrong_setting_ends_the_start_in_one_sentence(folder, env, word):
    ended = started(folder, **env)
    assert ended.returncode == 2 and word in ended.stderr and len(ended.stderr.splitlines()) == 1, ended
    assert "secret-word" not in ended.stderr and "planted-key" not in ended.stderr


def test_the_key_is_in_no_log_and_no_page(start):
    qlik = with_key(start, TENANTS="demo")
    qlik.call("get_user", user=None)
    pages = [qlik.connector.http.get(path).text for path in ("/metrics", "/ready", "/health")]
    assert not any("demo-service-key" in text for text in [*pages, qlik.connector.text(), qlik.gateway.text()])


def test_the_missing_sentence_is_the_one_that_was_agreed():
    assert MISSING == "Missing Qlik access token. User needs to connect Qlik account."
