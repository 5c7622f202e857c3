"""A connector that refuses the gateway's credentials: callers and operators read whose key is wrong (docs/operating.md)."""

import pytest

from fake_connector import http, tool
from harness import HOP_SECRET, wait_until

REMEDY = "Its operator sets HOP_KEY to what `guiche hop-key crm` prints."
SENTENCE = f"Connector crm does not accept this gateway's key. Nothing was done; trying again does not help. {REMEDY}"


def refusal(status):
    return lambda request: http(status, "application/json", "{}")


def test_a_call_after_the_secret_has_changed_says_so(start):
    gateway = start.gateway([{"name": "crm", "url": start.crm().url}]).offers("crm_list_agents")
    gateway.reload(hop_secret=HOP_SECRET + " changed")
    reason = wait_until(lambda: gateway.connector_status("crm").get("last_error"), "discovery to fail")
    answer = gateway.rest("crm_list_agents")

    assert answer.status_code == 502 and answer.json()["error"]["message"] == SENTENCE
    assert gateway.line_of(answer.headers["x-request-id"])["error"] == SENTENCE
    for era in ("legacy", "modern"):
        assert gateway.call("crm_list_agents", era=era)["content"][0]["text"] == SENTENCE
    assert reason == f"It does not accept this gateway's key. {REMEDY}"
    wait_until(lambda: gateway.lines(message="connector cannot be listed", connector="crm", reason=reason), "the log line")


def test_a_connector_started_with_a_wrong_key_is_named_in_status_and_log(start):
    crm = start.crm(env={"HOP_KEY": "0" * 64})
    gateway = start.gateway([{"name": "crm", "url": crm.url}], wait=False)
    reason = wait_until(lambda: gateway.connector_status("crm").get("last_error"), "discovery to fail")

    assert reason.endswith(REMEDY)
    wait_until(lambda: gateway.lines(message="connector cannot be listed", reason=reason), "the log line")


@pytest.mark.parametrize("status", [401, 403])
def test_another_server_refuses_credentials_that_are_not_a_hop_key(start, status):
    fake = start.fake(tools=[tool("write", read_only=False)], on_call=refusal(status))
    gateway = start.gateway([{"name": "qlik", "url": fake.url, "trust": "none"}])
    text = gateway.call("qlik_write")["content"][0]["text"]

    assert f"refused the credentials it was given (HTTP {status}). Nothing was done" in text
    assert "HOP_KEY" not in text and "again" not in text
    assert len(fake.calls()) == 1


def test_another_server_that_refuses_to_be_listed_is_not_told_of_a_key(start):
    fake = start.fake()
    fake.dispatch = refusal(401)
    gateway = start.gateway([{"name": "qlik", "url": fake.url, "trust": "none"}], wait=False)
    reason = wait_until(lambda: gateway.connector_status("qlik").get("last_error"), "discovery to fail")

    assert reason == "It refused the credentials it was given (HTTP 401)."
