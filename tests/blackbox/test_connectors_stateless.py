"""No connector keeps anything that a restart would lose: one is stopped or killed between two calls of one agent, and the agent
does not notice."""

import pytest

from connectors_world import CASES, ids
from harness import bearer, wait_until

ERAS = ["legacy", "modern"]


class Agent:
    """One agent that stays: its session of the legacy era, its token, its upstream credentials."""

    def __init__(self, gateway, case):
        self.gateway, self.case, self.user = gateway, case, case.users[0]
        self.auth = bearer(tenant=self.user.tenant)
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "agent", "version": "1"}}
        assert gateway.rpc("initialize", hello, auth=self.auth).status_code == 200

    def call(self, era):
        result = self.gateway.call(self.case.tool, self.case.arguments, era, headers=self.user.headers, auth=self.auth)
        assert not result.get("isError"), result
        return result


@pytest.mark.parametrize("how", ["stopped", "killed"])
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_a_restart_between_two_calls_is_not_noticed(start, case, how):
    upstream = case.start_upstream(start)
    connector = case.start_on(start, upstream)
    gateway = start.gateway([connector.row()]).offers(case.tool)
    agent = Agent(gateway, case)
    before = {era: agent.call(era) for era in ERAS}
    tools = gateway.tool_names()

    if how == "stopped":
        connector.stop()
    else:
        start.started.remove(connector)
        connector.kill()
    case.start_on(start, upstream)

    assert {era: agent.call(era) for era in ERAS} == before
    assert gateway.tool_names() == tools
    assert not [line for line in gateway.lines(message="request") if line.get("outcome") not in (None, "ok")]


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_calls_that_go_on_through_restarts_succeed_or_say_what_to_do(start, case):
    """An agent that calls without a pause: a call that meets the moment without a connector says that trying again is safe."""
    upstream = case.start_upstream(start)
    connector = case.start_on(start, upstream)
    gateway = start.gateway([connector.row()]).offers(case.tool)
    agent = Agent(gateway, case)
    texts = []

    def works():
        result = gateway.call(case.tool, case.arguments, headers=agent.user.headers, auth=agent.auth)
        texts.append((bool(result.get("isError")), result["content"][0]["text"]))
        return not result.get("isError")

    for _ in range(2):
        connector.stop()
        works()
        connector = case.start_on(start, upstream)
        wait_until(works, "calls to work again")
    failed = [text for is_error, text in texts if is_error]
    assert all("again" in text or "safe" in text for text in failed), failed
