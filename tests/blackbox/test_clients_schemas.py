"""Schemas that break clients (odd_schemas.py), behind the gateway: each client lists every tool that is good for it.

Without the gateway's care any one of them costs a client the whole list: docs/protocol.md "Tool schemas".
"""

import pathlib
import sys

import pytest
from fake_connector import tool
from harness import SLOW, token
from odd_schemas import GOOD_LEGACY, GOOD_MODERN, odd_tools

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "clients"))
import clients  # noqa: E402
from clients import LIST, call  # noqa: E402

pytestmark = pytest.mark.clients

MODERN = ("py_sdk2", "py_sdk2_modern", "ts_client2_auto", "ts_client2_modern")


@pytest.fixture(scope="module")
def fake(start_module):
    return start_module.fake(tools=list(odd_tools(tool)), ttl_ms=3600_000)


@pytest.fixture(scope="module")
def gateway(start_module, fake):
    return start_module.gateway([{"name": "odd", "url": fake.url}]).offers("odd_plain")


@pytest.mark.parametrize("client", clients.CLIENTS)
def test_each_client_lists_every_good_tool_and_calls_one(gateway, client):
    good = GOOD_MODERN if client in MODERN else GOOD_LEGACY

    report = clients.run(client, gateway.url, token(), [LIST, call("odd_plain", {"a": "x"})], patience=60 * SLOW)

    assert report.tools == [f"odd_{name}" for name in good]
    assert report.calls[0]["text"] == '{"a": "x"}'
