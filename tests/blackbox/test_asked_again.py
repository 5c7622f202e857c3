"""Connectors that say they are spoken to wrongly: -32020 (a header that the schema wants) and -32022 (another revision). Nothing was
done then, so the call waits for the connector's new list and is sent once more (MCP 2026-07-28 basic/transports/streamable-http
"Client Behavior", basic/versioning)."""

import json
import threading
import time

import pytest

from caller import Caller
from fake_connector import http, response, sse, sse_head, text_result, tool
from harness import SLOW, wait_until

NEWS = {"inputSchema": {"type": "object", "properties": {"more": {"type": "string"}}}}


CONNECTORS = 9
SUSPECTED_EVERY = 5.5  # s: so long after its last discovery a connector is asked at once


class Lab:
    """One connector of a gateway, and its neighbour."""

    def __init__(self, gateway, name, fake, other):
        self.gateway = gateway
        self.name = name
        self.fake = fake
        self.other = other

    def call(self, tool, arguments=None, era="legacy"):
        return self.gateway.call(f"{self.name}_{tool}", arguments, era)

    def caller(self, tool, **options):
        return Caller(self.gateway, f"{self.name}_{tool}", **options)


def fakes(start, count):
    return [start.fake(tools=[tool("read"), tool("write", read_only=False)], ttl_ms=3600_000) for _ in range(count)]


@pytest.fixture(scope="module")
def shared(start_module):
    """One connector for each test, as one that has just been listed is not asked again at once."""
    all = fakes(start_module, CONNECTORS + 1)
    rows = [{"name": f"lab{n}", "url": fake.url} for n, fake in enumerate(all)]
    gateway = start_module.gateway(rows, workers=1).offers(*[f"lab{n}_read" for n in range(len(all))])
    time.sleep(SUSPECTED_EVERY)
    return iter([Lab(gateway, f"lab{n}", fake, all[-1]) for n, fake in enumerate(all[:-1])])


@pytest.fixture
def lab(shared):
    lab = next(shared)
    yield lab
    assert lab.gateway.alive()


@pytest.fixture
def own_lab(start):
    """A gateway of its own, for tests that change it."""
    fake, other = fakes(start, 2)
    gateway = start.gateway([{"name": "lab0", "url": fake.url}, {"name": "other", "url": other.url}], workers=1, timeouts={"drain": "700ms"})
    return Lab(gateway.offers("lab0_read", "other_read"), "lab0", fake, other)


def rpc_error(request, code, status=400):
    error = {"jsonrpc": "2.0", "id": request.id, "error": {"code": code, "message": "secret words"}}
    return http(status, "application/json", json.dumps(error))


def refuses_first(lab, code, then=None):
    """The first call is refused, and by then the list is another one."""

    def on_call(request):
        if len(lab.fake.calls()) > 1:
            return text_result("done")
        if then:
            then()
        return rpc_error(request, code)

    lab.fake.on_call = on_call


def change_list(lab):
    lab.fake.tools = [t | NEWS for t in lab.fake.tools]


@pytest.mark.parametrize("code,name,era", [(-32020, "write", "legacy"), (-32022, "read", "modern"), (-32022, "write", "legacy")])
def test_a_call_is_repeated_once_the_new_list_is_there(lab, code, name, era):
    refuses_first(lab, code, lambda: change_list(lab))
    result = lab.call(name, {"x": 1}, era)

    assert result["content"][0]["text"] == "done"
    first, second = lab.fake.calls()
    assert first.arguments == second.arguments == {"x": 1} and first.id != second.id
    order = [r.method for r in lab.fake.requests]
    assert "tools/list" in order[order.index("tools/call") : -1]


def test_a_connector_that_fell_back_to_the_other_era_is_called_in_that(lab):
    # MCP 2026-07-28 basic/versioning: -32022 means the revision; the connector was replaced by an older build
    refuses_first(lab, -32022, lambda: setattr(lab.fake, "legacy", True))
    result = lab.call("write", {"x": 1})
    first, second = lab.fake.calls()

    assert result["content"][0]["text"] == "done"
    assert first.headers["MCP-Protocol-Version"] == "2026-07-28"
    assert second.headers["MCP-Protocol-Version"] == "2025-11-25" and "Mcp-Method" not in second.headers


def listed(lab, request):
    return response(request, {"tools": lab.fake.tools, "ttlMs": 3600_000, "cacheScope": "public", "resultType": "complete"})


def test_a_call_is_repeated_once_also_when_the_list_is_still_the_same(lab):
    lab.fake.on_call = lambda r: rpc_error(r, -32020)
    result = lab.call("write", {"x": 1})

    assert result["isError"]
    assert result["content"][0]["text"] == f"Connector {lab.name} did not take the request (JSON-RPC error -32020). Nothing was done."
    assert len(lab.fake.calls()) == 2


def test_without_news_the_caller_is_told_after_some_seconds(lab):
    told = threading.Event()
    lab.fake.on_list = lambda r: told.wait(30 * SLOW) and listed(lab, r)
    refuses_first(lab, -32020)
    begun = time.monotonic()
    result = lab.call("write", {"x": 1}, "modern")
    told.set()

    assert result["isError"] and "Nothing was done." in result["content"][0]["text"]
    assert 4 < time.monotonic() - begun < 20 * SLOW and len(lab.fake.calls()) == 1


def test_the_deadline_of_the_call_limits_the_wait(start):
    fake = start.fake(ttl_ms=3600_000)
    gateway = start.gateway([{"name": "lab", "url": fake.url, "timeout": f"{SLOW}s"}]).offers("lab_echo")
    usual_s = 6  # without a deadline
    told = threading.Event()
    fake.on_list = lambda r: told.wait(30 * SLOW) and None
    fake.on_call = lambda r: rpc_error(r, -32020)
    begun = time.monotonic()

    assert gateway.call("lab_echo", era="modern")["isError"]
    assert time.monotonic() - begun < 0.95 * usual_s or SLOW > 1
    assert len(fake.calls()) == 1
    told.set()


def test_a_second_refusal_is_final(lab):
    lab.fake.on_call = lambda r: (change_list(lab), rpc_error(r, -32020))[1]
    result = lab.call("write")

    assert result["isError"] and "-32020" in result["content"][0]["text"] and "secret" not in result["content"][0]["text"]
    assert len(lab.fake.calls()) == 2


def test_news_of_another_connector_are_none(lab):
    told = threading.Event()

    def late(request):
        told.wait(5 * SLOW)
        change_list(lab)
        return response(request, {"tools": lab.fake.tools, "ttlMs": 3600_000, "cacheScope": "public", "resultType": "complete"})

    refuses_first(lab, -32020)
    lab.fake.on_list = late
    caller = lab.caller("write")
    wait_until(lambda: lab.fake.calls(), "the call")
    lab.other.tools = [*lab.other.tools, tool("late")]
    lab.other.on_call = lambda r: rpc_error(r, -32602, 200)  # smells of change
    lab.gateway.call(f"lab{CONNECTORS}_read")
    lab.gateway.offers(f"lab{CONNECTORS}_late")
    assert len(lab.fake.calls()) == 1, "the call waits for its own connector"
    told.set()

    assert caller.text() == "done" and len(lab.fake.calls()) == 2


@pytest.mark.parametrize("how", ["tool", "connector", "permission"])
def test_what_is_gone_by_then_is_not_found(own_lab, how):
    lab = own_lab

    # the call must not touch what belonged to the catalog before
    def vanish():
        if how == "tool":
            lab.fake.tools = [tool("read")]

    refuses_first(lab, -32022, vanish)
    caller = lab.caller("write")
    wait_until(lambda: lab.fake.calls(), "the call")
    if how == "connector":
        lab.gateway.reload(connectors=[lab.gateway.config["connectors"][1]])
    elif how == "permission":
        lab.gateway.reload(policies=[{"permission": "nobody", "allow": ["*"]}])
    text = caller.failure() if how != "permission" else caller.result()["content"][0]["text"]

    assert "not found" in text if how != "permission" else text
    wait_until(lambda: lab.gateway.lines(tool=f"{lab.name}_write"), "the log line")
    assert lab.gateway.alive()


def test_who_leaves_while_waiting_ends_the_wait(own_lab):
    lab = own_lab

    def on_call(request):
        yield sse_head()
        if lab.fake.calls()[1:]:
            yield sse({"jsonrpc": "2.0", "id": request.id, "result": text_result("done")})
            return
        yield sse({"jsonrpc": "2.0", "method": "notifications/progress", "params": {"progressToken": request.params["_meta"]["progressToken"], "progress": 1}})
        yield sse({"jsonrpc": "2.0", "id": request.id, "error": {"code": -32020, "message": "x"}})

    lab.fake.on_call = on_call
    caller = lab.caller("write", _meta={"progressToken": 1})
    caller.next()
    caller.hang_up()
    wait_until(lambda: lab.gateway.lines(tool=f"{lab.name}_write", outcome="gone"), "the end of the call")
    change_list(lab)
    lab.gateway.signal(1)
    wait_until(lambda: "more" in json.dumps(lab.gateway.rpc("tools/list").json()), "the new list")

    assert len(lab.fake.calls()) == 1


def test_a_stop_ends_the_wait(own_lab):
    lab = own_lab
    lab.fake.on_call = lambda r: rpc_error(r, -32020)
    caller = lab.caller("write")
    wait_until(lambda: lab.fake.calls(), "the call")
    time.sleep(0.1)
    lab.gateway.stop()

    assert "stopping" in caller.failure()
