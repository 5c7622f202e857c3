"""The clients people use, against the gateway with a connector that misbehaves on request.

Each client walks one session through everything that can go wrong (`session`): a fault that broke the session would
show in all that follows it, and a CrewAI process costs seconds to start. What each client can survive, and shows of an
error, is in docs/clients.md.
"""

import collections
import json
import pathlib
import re
import signal
import sys
import time

import pytest

from fake_connector import text_result, tool
from harness import SLOW, token, wait_until
from odd_connector import DEADLINE, FAULTS, TOOLS, start_odd

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "clients"))
import clients  # noqa: E402
from clients import LIST, PAUSE, call, wait  # noqa: E402

pytestmark = pytest.mark.clients

CREWAI = [name for name in clients.CLIENTS if name.startswith("crewai")]
SDKS = [name for name in clients.CLIENTS if name not in CREWAI]
REVISIONS = {
    "py_sdk1": "2025-11-25",
    "py_sdk2": "2026-07-28",
    "py_sdk2_legacy": "2025-11-25",
    "py_sdk2_modern": "2026-07-28",
    "ts_sdk1": "2025-11-25",
    "ts_client2": "2025-11-25",
    "ts_client2_auto": "2026-07-28",
    "ts_client2_modern": "2026-07-28",
}
MODERN = [name for name, revision in REVISIONS.items() if revision == "2026-07-28"]


@pytest.fixture(scope="module")
def world(start_module):
    return start_odd(start_module)


class Session:
    """The report of one run, and what it cost the connector."""

    def __init__(self, client, report, requests):
        self.client = client
        self.report = report
        self.requests = requests
        self.calls = {line["name"]: line for line in report.calls}  # the last one of each name

    def costs(self, name):
        return len([r for r in self.requests if r.name == name])


def walk(world, client):
    sdk = client in SDKS
    steps = [LIST, call("odd_echo", {"a": [1, "ü"]}), call("odd_steps", progress=sdk), call("odd_bursts", progress=sdk)]
    steps += [call("odd_refuses"), call("odd_writes")]
    steps += [call(name, progress=sdk and name == "odd_dies_sse") for name in FAULTS]
    if sdk:
        steps.append(call("odd_nothing"))
    steps.append(call("odd_echo", {"still": "there"}))
    before = len(world.odd.requests)
    report = clients.run(client, world.url, token(["reader"]), steps, patience=20 * SLOW)
    return Session(client, report, world.odd.requests[before:])


@pytest.fixture(scope="module", params=list(clients.CLIENTS))
def session(request, world):
    return walk(world, request.param)


def is_error(session, line):
    """Whether the client shows the result as an error. The adapter has no eye for it: there the text must do."""
    return line["isError"] in ((None,) if session.client == "crewai_adapter" else (True,))


def test_the_session_is_opened_in_the_revision_the_client_wants_and_every_tool_is_there(session):
    assert session.report.tools == TOOLS
    if session.client in REVISIONS:
        assert session.report.connect["protocolVersion"] == REVISIONS[session.client]
    if session.client == "crewai_native":
        seen_as = session.report.connect["seen_as"]
        assert [name.rpartition("_mcp_")[2] for name in seen_as] == TOOLS  # no name was bent on the way


def test_a_call_brings_the_answer(session):
    answer = session.report.calls[0]

    assert json.loads(answer["text"]) == {"a": [1, "ü"]}
    if session.client in SDKS:
        assert answer["structuredContent"] == {"got": {"a": [1, "ü"]}}
        assert answer["isError"] is False


def test_progress_reaches_the_client_before_the_answer(session):
    answer = session.calls["odd_steps"]

    assert answer["text"] == "all the way"
    wanted = [{"progress": 1, "total": 2, "message": "half way"}] if session.client in SDKS else []
    assert answer["progress"] == wanted


def test_progress_that_comes_in_one_piece_with_the_answer_reaches_the_client_too(session):
    # Once ended the gateway's life: the exchange with the connector is over before its first event is handed on.
    answer = session.calls["odd_bursts"]

    assert answer["text"] == "at once"
    assert [step["message"] for step in answer["progress"]] == (["step 1", "step 2", "step 3"] if session.client in SDKS else [])


def test_a_tool_s_own_error_reaches_the_model_as_text(session):
    answer = session.calls["odd_refuses"]

    assert answer["text"] == "There is no order 7 here."
    assert is_error(session, answer)


def test_a_denied_tool_is_a_result_that_names_the_permission_and_the_connector_is_not_asked(session):
    answer = session.calls["odd_writes"]

    assert is_error(session, answer)
    assert "odd_writes" in answer["text"] and "permission" in answer["text"]
    assert session.costs("writes") == 0


def test_a_tool_that_is_not_there_is_told_in_the_words_of_the_era(session):
    if session.client in CREWAI:
        assert "odd_nothing" not in session.calls  # see test_crewai_is_told_of_a_tool_that_has_gone
        return
    answer = session.calls["odd_nothing"]
    if session.client in MODERN:
        assert answer["error"]["code"] == -32602
        assert "not found" in answer["error"]["message"]
    else:
        assert answer["isError"] is True and "not found" in answer["text"]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_connector_is_a_whole_answer_that_says_so(session, fault):
    answer = session.calls[fault]

    assert is_error(session, answer), answer
    assert re.search(FAULTS[fault], answer["text"]), answer["text"]
    assert "HALF" not in answer["text"]
    assert answer["seconds"] < DEADLINE + 10 * SLOW


def test_the_session_goes_on_after_all_that(session):
    report = session.report

    assert not report.hung, report.lines[-1]
    assert json.loads(report.calls[-1]["text"]) == {"still": "there"}
    assert "error" not in report.one("close")
    assert not report.one("close").get("onerror")


def test_a_call_is_sent_to_the_connector_once_however_it_ends(session):
    # Discovery may look at a connector again that fails: that is no call.
    costs = collections.Counter(r.name for r in session.requests if r.method == "tools/call")
    called = collections.Counter(line["name"].removeprefix("odd_") for line in session.report.calls)
    for never_sent in ("writes", "gone_tool", "nothing"):
        called.pop(never_sent, None)

    assert costs == called


@pytest.mark.parametrize("client", CREWAI)
def test_one_crewai_call_costs_the_connector_exactly_one_request(start, client):
    """For CrewAI's own client a call is a session: initialize, initialized, tools/call and tools/list. Three of the four
    are the gateway's to answer."""
    fake = start.fake(ttl_ms=3600_000)
    gateway = start.gateway([{"name": "odd", "url": fake.url}]).offers("odd_echo")
    gateway.call("odd_echo", {})  # finds out, once, whether a modern server that is not ours answers initialize too
    discovery = len(fake.requests)

    clients.run(client, gateway.url, token(), [LIST, *[call("odd_echo", {"n": n}) for n in range(3)]])

    assert [(r.method, r.arguments) for r in fake.requests[discovery:]] == [("tools/call", {"n": n}) for n in range(3)]
    if client == "crewai_native":
        session = ["initialize", "notifications/initialized", "tools/call", "tools/list"]
        wait_until(lambda: [line.get("method") for line in gateway.lines(message="request") if line["path"] == "/mcp"][-4:] == session, "the log")


# ---- tokens


@pytest.mark.parametrize("client", clients.CLIENTS)
def test_an_expired_token_ends_the_attempt_to_connect(world, client):
    report = clients.run(client, world.url, token(ttl=-10), [LIST], patience=20 * SLOW, connect_timeout=3)
    failed = next(line for line in report.lines if "error" in line)

    assert not report.hung
    assert report.of("list") == [] or "tools" not in report.of("list")[0]
    # py_sdk2_modern sends nothing before its first step
    assert failed["do"] == ("list" if client == "py_sdk2_modern" else "connect")
    if client in ("py_sdk1", "ts_sdk1", "ts_client2", "ts_client2_auto", "ts_client2_modern"):
        assert failed["error"]["status"] == 401
    if client in ("ts_sdk1", "ts_client2"):
        assert "expired" in failed["error"]["message"]


def run_past_expiry(world, client):
    """Calls once with a token that lives, and once more when it has expired."""
    seconds = 8  # in which every client has connected and called, also on a machine that is busy
    steps = [call("odd_echo", {"n": 1}), wait(seconds), call("odd_echo", {"n": 2})]
    report = clients.run(client, world.url, lambda: token(ttl=seconds), steps, patience=15 * SLOW)
    wait_until(lambda: world.lines(message="request")[-1]["status"] == 401, "the refusal in the log")
    return report


@pytest.mark.parametrize("client", [name for name in clients.CLIENTS if name != "crewai_adapter"])
def test_a_token_that_expires_in_mid_session_is_an_error_and_not_a_hang(world, client):
    report = run_past_expiry(world, client)

    assert not report.hung
    assert json.loads(report.calls[0]["text"]) == {"n": 1}
    assert report.calls[1]["error"]


def test_a_401_to_a_call_hangs_crewai_s_adapter(world):
    # docs/clients.md: the one hang there is. 401 stays; crews are to use tokens that outlive them.
    report = run_past_expiry(world, "crewai_adapter")

    assert json.loads(report.calls[0]["text"]) == {"n": 1}
    assert report.hung and len(report.calls) == 1


# ---- changes between list and call


@pytest.mark.parametrize("client", CREWAI)
def test_crewai_is_told_of_a_tool_that_has_gone(start, client):
    """CrewAI repeats a failed call three times unless its text says "not found"."""
    fake = start.fake(tools=[tool("stays"), tool("goes")], ttl_ms=200)
    gateway = start.gateway([{"name": "odd", "url": fake.url}])
    gateway.offers("odd_stays", "odd_goes")

    def remove():
        fake.tools = [tool("stays")]
        wait_until(lambda: gateway.tool_names() == ["odd_stays"], "the shorter list", 20)

    report = clients.run(client, gateway.url, token(), [LIST, PAUSE, call("odd_goes"), call("odd_stays", {"a": 1})], pauses=[remove], patience=30 * SLOW)

    assert "not found" in report.calls[0]["text"]
    assert json.loads(report.calls[1]["text"]) == {"a": 1}
    assert len(gateway.lines(message="request", method="tools/call", tool="odd_goes")) == 1
    assert [r.name for r in fake.calls()] == ["stays"]


@pytest.mark.parametrize("client", ["crewai_adapter", "crewai_native", "py_sdk1", "ts_client2_auto"])
def test_a_connector_that_restarts_between_calls_is_used_again(start, client):
    fake = start.fake(ttl_ms=3600_000)
    gateway = start.gateway([{"name": "odd", "url": fake.url}]).offers("odd_echo")
    steps = [call("odd_echo", {"n": 1}), PAUSE, call("odd_echo", {"n": 2}), PAUSE, call("odd_echo", {"n": 3})]

    report = clients.run(client, gateway.url, token(), steps, pauses=[fake.stop, fake.start], patience=20 * SLOW)

    assert json.loads(report.calls[0]["text"]) == {"n": 1}
    assert "odd failed to take the call" in report.calls[1]["text"]
    assert json.loads(report.calls[2]["text"]) == {"n": 3}


@pytest.mark.parametrize("client", ["crewai_adapter", "py_sdk1", "ts_client2_auto"])
def test_a_call_that_is_open_when_the_gateway_is_told_to_stop_is_answered(start, client):
    """An aborted call would hang the adapter forever."""

    def stop_then_answer(request):
        gateway.signal(signal.SIGTERM)
        time.sleep(0.5)
        return text_result("in time")

    fake = start.fake(on_call=stop_then_answer)
    gateway = start.gateway([{"name": "odd", "url": fake.url}]).offers("odd_echo")

    # LIST, because the Python SDK 1.x lists after a call unless it did before.
    report = clients.run(client, gateway.url, token(), [LIST, call("odd_echo")], patience=20 * SLOW)

    assert report.calls[0]["text"] == "in time"
