"""Each user's own upstream token: to one connector, and nowhere else (docs/architecture.md "Trust")."""

import json
import re

import pytest

import harness
from fake_connector import text_result, tool
from harness import bearer


@pytest.fixture(scope="module")
def qlik(start_module):
    sentence = "Missing Qlik access token. User needs to connect Qlik account."
    fake, other = (
        start_module.fake(tools=[tool("read")], on_call=lambda r: text_result("x"), ttl_ms=3_600_000) for _ in range(2)
    )
    connectors = [
        {
            "name": "qlik",
            "url": fake.url,
            "forward_headers": ["X-Qlik-Access-Token", "X-Extra"],
            "required_headers": {"X-Qlik-Access-Token": sentence},
        },
        {"name": "other", "url": other.url},
    ]
    gateway = start_module.gateway(connectors, name="qlik")
    gateway.fake, gateway.other, gateway.sentence = fake, other, sentence
    return gateway


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_forwarded_header_reaches_its_connector_and_no_other(qlik, era):
    # docs/architecture.md "Trust"
    headers = {"X-Qlik-Access-Token": "the user's own", "x-extra": "2", "X-Other": "3"}
    qlik.call("qlik_read", era=era, headers=headers)
    qlik.call("other_read", era=era, headers=headers)
    mine, others = qlik.fake.calls()[-1].headers, qlik.other.calls()[-1].headers

    assert mine["X-Qlik-Access-Token"] == "the user's own" and mine["X-Extra"] == "2"
    assert "X-Other" not in mine
    assert not {"x-qlik-access-token", "x-extra", "x-other"} & {name.lower() for name in others}


def test_discovery_carries_nobodys_header(qlik):
    assert all("X-Qlik-Access-Token" not in r.headers for r in qlik.fake.requests if r.method != "tools/call")


@pytest.mark.parametrize("headers", [{}, {"X-Qlik-Access-Token": ""}])
def test_a_call_without_a_required_header_ends_with_its_sentence(qlik, headers):
    before = len(qlik.fake.calls())

    assert qlik.call("qlik_read", headers=headers)["content"][0]["text"] == qlik.sentence
    assert qlik.rest("qlik_read", headers=headers).status_code == 400
    assert qlik.rest("qlik_read", headers=headers).json()["error"]["message"] == qlik.sentence
    assert len(qlik.fake.calls()) == before


@pytest.mark.parametrize("values,word", [(["a", "b"], "once|twice|2 times"), (["x" * 8193], "8192|8 KiB|8193")])
def test_a_forwarded_header_given_twice_or_too_long_is_the_callers_mistake(qlik, values, word):
    # docs/architecture.md "Trust": refused as the caller's mistake, and never shown
    before = len(qlik.fake.calls())
    body = json.dumps(harness.message("tools/call", {"name": "qlik_read"}, "legacy"))
    answer = qlik.http.post(
        "/mcp", content=body, headers=list(bearer().items()) + [("X-Qlik-Access-Token", v) for v in values]
    )
    text = answer.json()["result"]["content"][0]["text"]

    assert answer.status_code == 200 and re.search(word, text) and "x-qlik-access-token" in text.lower()
    assert "xxxx" not in text
    assert len(qlik.fake.calls()) == before


def test_pages_of_configured_origins_may_send_the_forwarded_headers(start):
    gateway = start.gateway(
        [{"name": "q", "url": start.fake().url, "forward_headers": ["X-Qlik-Access-Token"]}],
        cors={"origins": ["https://app.example.com"]},
    )
    answer = gateway.http.request(
        "OPTIONS", "/mcp", headers={"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    )

    assert "x-qlik-access-token" in answer.headers["access-control-allow-headers"].lower()
