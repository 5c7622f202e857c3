"""Servers as people write them with the official SDKs, run by the gateway (`command:`) and called by clients of both eras."""

import concurrent.futures
import sys

import pytest

from harness import ROOT, events, wait_until

sys.path.insert(0, str(ROOT / "tests/clients"))
import clients  # noqa: E402

pytestmark = pytest.mark.clients
SERVERS = {
    "py_sdk1": ("legacy", [clients.BUILD / "py_sdk1/bin/python", clients.HERE / "stdio_server_sdk1.py"]),
    "py_sdk2": ("modern", [clients.BUILD / "py_sdk2/bin/python", clients.HERE / "stdio_server_sdk2.py"]),
    "ts": ("legacy", [clients.BUILD / "node/bin/node", clients.HERE / "ts/stdio_server.mjs"]),
}


@pytest.fixture(scope="module", params=SERVERS)
def weather(request, start_module):
    era, command = SERVERS[request.param]
    name = request.param
    gateway = start_module.gateway([{"name": "weather", "command": list(map(str, command))}], name=name, allow_commands=True, wait=False)
    wait_until(lambda: gateway.http.get("/ready").status_code == 200, "the gateway", 90)
    assert gateway.connector_status("weather")["era"] == era
    yield gateway.offers("weather_forecast", "weather_fail")
    assert not gateway.lines(message="process of a connector is down"), "one process served all"


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_calls_are_answered(weather, era):
    result = weather.call("weather_forecast", {"city": "Rio", "days": 2}, era)
    assert result["structuredContent"]["days"] == ["sun 0", "sun 1"], result


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_progress_comes_before_the_answer(weather, era):
    params = {"name": "weather_forecast", "arguments": {"city": "Rio", "days": 3}, "_meta": {"progressToken": "t"}}
    found = events(weather.rpc("tools/call", params, era).text)
    assert [(e["params"]["progressToken"], e["params"]["progress"]) for e in found if e.get("method") == "notifications/progress"] == [("t", 1), ("t", 2), ("t", 3)]
    assert "result" in found[-1]


def test_a_failure_is_told_in_the_servers_words(weather):
    # the newer Python SDK keeps the exception's text to itself
    result = weather.call("weather_fail")
    assert result["isError"] is True
    assert any(words in result["content"][0]["text"] for words in ("No such city.", "Error executing tool fail"))


def test_calls_at_once_do_not_mix(weather):
    def one(n):
        return weather.call("weather_forecast", {"city": f"city {n}", "days": 1})["structuredContent"]["city"]

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(one, range(40))) == [f"city {n}" for n in range(40)]
