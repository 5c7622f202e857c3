"""What must never be written down, shown, or handed on (docs/architecture.md "Trust")."""

import hashlib
import json

import pytest

from door import API_KEY, Door, OLD_SECRET
from fake_connector import text_result, tool
from harness import HOP_SECRET, JWT_SECRET, bearer, hop_key, token


@pytest.fixture(scope="module")
def door(start_module):
    api_key = {
        "name": "nightly",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "tenant_id": "acme",
        "permissions": ["crm.read", "x"],
    }
    return Door(start_module, auth={"hs256_secret": [JWT_SECRET, OLD_SECRET], "api_keys": [api_key]})


PLANTED = {
    "client token": token(marker="planted"),
    "refused token": token(secret="not the secret of this gateway at all"),
    "forwarded": "planted-qlik-token-5f3a",
    "api key": API_KEY,
    "unknown api key": "planted-unknown-api-key",
    "cookie": "planted-cookie",
    "query": "planted-query-value",
}


def test_secrets_are_in_no_log_no_metric_no_status_and_no_error(start):
    fake = start.fake(
        tools=[tool("read"), tool("fail")], on_call=lambda r: text_result("x") if r.name == "read" else b"garbage"
    )
    crm = start.crm(env={"LOG_LEVEL": "debug"})
    gateway = start.gateway(
        [
            {"name": "crm", "url": crm.url},
            {"name": "qlik", "url": fake.url, "forward_headers": ["X-Qlik-Access-Token"]},
        ],
        log_level="debug",
        auth={
            "hs256_secret": JWT_SECRET,
            "api_keys": [
                {
                    "name": "n",
                    "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
                    "tenant_id": "t",
                    "permissions": ["*"],
                }
            ],
        },
    )
    answers = []
    for secret in ("client token", "refused token", "api key", "unknown api key"):
        headers = {
            "Authorization": f"Bearer {PLANTED[secret]}",
            "X-Qlik-Access-Token": PLANTED["forwarded"],
            "Cookie": PLANTED["cookie"],
        }
        for name in ("qlik_read", "qlik_fail", "crm_get_leads_count", "no_such_tool"):
            for era in ("legacy", "modern"):
                answers.append(gateway.rpc("tools/call", {"name": name, "arguments": {}}, era, auth=headers))
            answers.append(gateway.rest(name, {}, auth=headers))
        answers.append(gateway.http.get(f"/v1/tools/qlik_read/stream?x={PLANTED['query']}", headers=headers))
        answers.append(gateway.http.post(f"/mcp?u={PLANTED['query']}", content=b"{", headers=headers))
        answers.append(gateway.http.get(f"/nowhere?u={PLANTED['query']}", headers=headers))
    answers += [gateway.http.get(path, headers=bearer()) for path in ("/metrics", "/status")]
    answers.append(crm.http.get("/metrics"))

    written = gateway.text() + crm.text() + "".join(a.text + str(a.headers) for a in answers)
    hop_tokens = [r.headers["Guiche-Principal"] for r in fake.calls()]
    for secret in [*PLANTED.values(), JWT_SECRET, HOP_SECRET, hop_key("crm"), *hop_tokens]:
        assert secret not in written
        assert secret.split(".")[-1] not in written
    assert len(gateway.lines(message="request")) > 40


def test_the_clients_token_reaches_no_connector(door):
    mine = token(marker="mine")
    door.principal(mine)
    (request,) = door.fake.calls()

    assert mine not in str(request.headers) + json.dumps(request.body)
    assert "Authorization" not in request.headers


def test_processes_show_no_secret_in_their_arguments(door):
    arguments = open(f"/proc/{door.gateway.popen.pid}/cmdline").read()

    assert JWT_SECRET not in arguments and HOP_SECRET not in arguments
