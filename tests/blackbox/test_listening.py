"""Changes of connectors, told to the clients that listen: in both eras of connectors, at once, and to nobody else.

MCP 2026-07-28 basic/patterns/subscriptions; 2025-11-25 basic/transports "Listening for Messages from the Server".
"""

import contextlib
import ctypes
import hashlib
import json
import os
import pathlib
import socket
import threading
import time
from resource import RLIMIT_NOFILE, getrlimit, setrlimit

import pytest

import harness
from fake_connector import text_result, tool
from telling_connector import Listener, TellingConnector

ERAS = ["modern", "legacy"]


@pytest.fixture
def telling(start):
    """Starts connectors, and a gateway that hears them."""

    def begin(*connectors, state=None, **options):
        start.started.extend(connectors)
        rows = [{"name": f"c{i}", "url": c.url, "list_refresh": "1h"} for i, c in enumerate(connectors)]
        gateway = start.gateway(rows, **options)
        for i, c in enumerate(connectors):
            wanted = state or ("stream" if c.legacy else "listen")
            harness.wait_until(lambda i=i, wanted=wanted: gateway.connector_status(f"c{i}")["watched"] == wanted, f"c{i} to be watched by {wanted}")
        return gateway

    return begin


def changes(listener):
    return listener.heard("tools/list_changed")


def expect_once(seconds, take):
    """take(n) says how long it took. A machine may stand still for a while, but not each time."""
    taken = []
    for n in range(5):
        taken.append(take(n))
        if taken[-1] < seconds * harness.SLOW:
            return
        time.sleep(1)
    raise AssertionError(f"never within {seconds * harness.SLOW} s: {taken}")


@pytest.mark.parametrize("era", ERAS)
def test_a_changed_list_is_told_within_half_a_second(telling, era):
    connector = TellingConnector(tools=[tool("a")], legacy=era == "legacy")
    gateway = telling(connector)
    listeners = [Listener(gateway, toolsListChanged=True) for _ in range(6)]  # on both workers

    def tell(n):
        told = time.monotonic()
        connector.change("a", f"b{n}")
        for listener in listeners:
            harness.wait_until(lambda listener=listener: len(changes(listener)) > n, "the change")
            assert changes(listener)[n]["params"]["_meta"]["io.modelcontextprotocol/subscriptionId"] == "l1"
        for _ in range(4):  # of either worker
            assert gateway.tool_names(headers={"Connection": "close"}) == ["c0_a", f"c0_b{n}"], "who is told finds the new list"
        return max(listener.times[-1] for listener in listeners) - told

    expect_once(0.5, tell)


@contextlib.contextmanager
def one_worker_stands_still(gateway):
    """By ptrace(2), which stops one thread. Workers are the threads that were made last."""
    attach, detach, of_threads = 16, 17, 0x40000000
    worker = max(map(int, os.listdir(f"/proc/{gateway.popen.pid}/task")))
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long, ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p]
    if trace(attach, worker, None, None):
        pytest.skip(f"ptrace: {os.strerror(ctypes.get_errno())}")
    os.waitpid(worker, of_threads)
    try:
        yield
    finally:
        trace(detach, worker, None, None)


def test_nobody_is_told_before_every_worker_has_the_new_list(telling):
    # docs/protocol.md "Who is told": the client may ask on a connection of another worker
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector)
    listeners = [Listener(gateway, toolsListChanged=True) for _ in range(12)]  # on both workers
    with one_worker_stands_still(gateway):
        connector.change("a", "b")
        harness.wait_until(lambda: len([r for r in connector.requests if r.method == "tools/list"]) > 1, "the new list")
        time.sleep(0.5)
        told = [listener for listener in listeners if changes(listener)]
    assert not told
    for listener in listeners:
        harness.wait_until(lambda listener=listener: changes(listener), "the change")


@pytest.mark.parametrize("era", ERAS)
def test_what_is_told_without_a_change_is_told_on(telling, era):
    connector = TellingConnector(tools=[tool("a")], prompts=[{"name": "p"}], legacy=era == "legacy")
    gateway = telling(connector)
    tools = Listener(gateway, toolsListChanged=True)
    prompts = Listener(gateway, promptsListChanged=True)
    connector.tell("tools/list_changed")
    harness.wait_until(lambda: changes(tools), "the change")
    connector.tell("prompts/list_changed")
    harness.wait_until(lambda: prompts.heard("prompts/list_changed"), "the change")
    assert len(changes(tools)) == 1 and len(tools.messages) == 2
    assert len(prompts.messages) == 2, "only what it asked for"


@pytest.mark.parametrize("changed", [True, False])
def test_who_sees_nothing_of_it_hears_nothing(telling, changed):
    one, other = TellingConnector(tools=[tool("a")]), TellingConnector(tools=[tool("a")])
    gateway = telling(one, other)
    sees = Listener(gateway, harness.bearer(permissions=["c0.read"]), toolsListChanged=True)
    does_not = Listener(gateway, harness.bearer(permissions=["c1.read"]), toolsListChanged=True)
    if changed:
        one.change("a", "b")
    else:
        one.tell("tools/list_changed")
    harness.wait_until(lambda: changes(sees), "the change")
    other.tell("tools/list_changed")  # what comes after it has come
    harness.wait_until(lambda: changes(does_not), "its own change")
    assert len(changes(does_not)) == 1 and len(changes(sees)) == 1


def test_a_new_tool_that_one_may_not_call_is_not_told(telling):
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector, policies=[{"permission": "all", "allow": ["*"]}, {"permission": "some", "allow": ["c0_z*"]}])
    everything = Listener(gateway, harness.bearer(permissions=["all"]), toolsListChanged=True)
    nothing = Listener(gateway, harness.bearer(permissions=["some"]), toolsListChanged=True)
    connector.change("a", "b")
    harness.wait_until(lambda: changes(everything), "the change")
    connector.change("a", "b", "z")
    harness.wait_until(lambda: changes(nothing), "the change that it sees")
    assert len(changes(nothing)) == 1


def test_a_flood_of_changes_becomes_a_few(telling):
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector)
    listener = Listener(gateway, toolsListChanged=True)
    begun = time.monotonic()
    for _ in range(500):
        connector.tell("tools/list_changed")
        time.sleep(0.002)
    connector.change("a", "last")
    harness.wait_until(lambda: "c0_last" in gateway.tool_names(), "the last change")
    harness.wait_until(lambda: changes(listener), "that it is told")
    seconds = time.monotonic() - begun
    told = len(changes(listener))
    lists = len([r for r in connector.requests if r.method == "tools/list"])
    assert lists < 20 * (1 + seconds), (lists, seconds)
    assert told <= lists
    assert gateway.call("c0_a") is not None, "it serves as before"


@pytest.mark.parametrize("era", ERAS)
def test_a_connector_that_starts_again_is_heard_again(telling, era):
    connector = TellingConnector(tools=[tool("a")], legacy=era == "legacy")
    gateway = telling(connector)
    listener = Listener(gateway, toolsListChanged=True)
    connector.stop()
    connector.sessions.clear()
    connector.tools = [tool("a"), tool("meanwhile")]
    harness.wait_until(lambda: gateway.connector_status("c0")["watched"] == "polled", "the end of the stream to be seen")
    connector.start()
    harness.wait_until(lambda: "c0_meanwhile" in gateway.tool_names(), "what changed while nobody listened", 60)
    harness.wait_until(lambda: changes(listener), "that it is told")
    harness.wait_until(lambda: connector.streams, "the stream to be opened again", 60)
    connector.change("a", "later")
    harness.wait_until(lambda: "c0_later" in gateway.tool_names(), "the next change")


@pytest.mark.parametrize("era", ERAS)
def test_a_connector_that_refuses_is_asked_now_and_then(start, era):
    connector = TellingConnector(tools=[tool("a")], legacy=era == "legacy", refuses=True)
    connector.ttl_ms = 100
    start.started.append(connector)
    gateway = start.gateway([{"name": "c0", "url": connector.url, "list_refresh": "5s"}])
    listener = Listener(gateway, toolsListChanged=True)
    harness.wait_until(lambda: connector.gets or [r for r in connector.requests if r.method == "subscriptions/listen"], "the attempt")
    assert gateway.connector_status("c0")["watched"] == "polled"
    connector.tools.append(tool("b"))
    harness.wait_until(lambda: changes(listener), "the change to be found", 40)


def test_a_connector_of_both_eras_is_told_once(telling):
    connector = TellingConnector(tools=[tool("a")], both=True)
    gateway = telling(connector)
    gateway.call("c0_a", era="legacy")  # for whose sake the session is opened
    harness.wait_until(lambda: connector.session_streams(), "the stream of the session")
    listener = Listener(gateway, toolsListChanged=True)
    connector.tell("tools/list_changed")
    harness.wait_until(lambda: changes(listener), "the change")
    time.sleep(0.3)
    assert len(changes(listener)) == 1


def test_a_ping_on_the_stream_of_a_session_is_answered(telling):
    connector = TellingConnector(legacy=True)
    telling(connector)
    connector.ask("ping", "p1")
    harness.wait_until(lambda: [r for r in connector.requests if r.id == "p1" and r.body.get("result") == {}], "the answer")
    answer = next(r for r in connector.requests if r.id == "p1")
    assert answer.headers["Mcp-Session-Id"] == connector.sessions[-1]


def test_nonsense_on_the_streams_harms_nothing(telling):
    modern, legacy = TellingConnector(tools=[tool("a")]), TellingConnector(tools=[tool("a")], legacy=True)
    gateway = telling(modern, legacy)
    listener = Listener(gateway, toolsListChanged=True)
    for connector in (modern, legacy):
        for stream in connector.streams:
            stream.queue.put(b'data: not json\n\ndata: []\n\ndata: {"method":7}\n\ndata: {"jsonrpc":"2.0","id":99,"result":{}}\n\n:\n\ndata: {"jsonrpc":"2.0","method":"notifications/resources/updated","params":{"uri":5}}\n\n')
            stream.queue.put(b'data: {"jsonrpc":"2.0","id":"q","method":"sampling/createMessage","params":{}}\n\n')
        connector.change("a", "b")
    harness.wait_until(lambda: {"c0_b", "c1_b"} <= set(gateway.tool_names()), "the changes")
    harness.wait_until(lambda: changes(listener), "the changes to be told")


# Resources.


def resource(uri):
    return {"uri": uri, "name": uri}


def subscribed(connector):
    """What the connector was asked to tell of, in either era."""
    if connector.legacy:
        uris = []
        for request in connector.requests:
            if request.method == "resources/subscribe":
                uris.append(request.params["uri"])
            elif request.method == "resources/unsubscribe":
                uris.remove(request.params["uri"])
        return uris
    listens = connector.listens()
    return listens[-1].filter.get("resourceSubscriptions", []) if listens else []


@pytest.mark.parametrize("era", ERAS)
def test_a_resource_is_subscribed_to_while_somebody_listens(telling, era):
    connector = TellingConnector(resources=[resource("x://one"), resource("x://two")], legacy=era == "legacy")
    gateway = telling(connector)
    first = Listener(gateway, resourceSubscriptions=["x://one"])
    second = Listener(gateway, resourceSubscriptions=["x://one", "x://two"])
    harness.wait_until(lambda: sorted(subscribed(connector)) == ["x://one", "x://two"], "the subscriptions")
    harness.wait_until(lambda: len(connector.streams) == 1, "one stream")
    connector.tell("resources/updated", uri="x://two")
    harness.wait_until(lambda: second.heard("resources/updated"), "the update")
    connector.tell("resources/updated", uri="x://one")
    harness.wait_until(lambda: first.heard("resources/updated"), "the update")
    assert [m["params"]["uri"] for m in first.heard("resources/updated")] == ["x://one"]
    second.close()
    harness.wait_until(lambda: subscribed(connector) == ["x://one"], "the end of one subscription")
    first.close()
    harness.wait_until(lambda: subscribed(connector) == [], "the end of the other")


def test_a_resource_that_one_may_not_read_is_not_told(telling):
    connector = TellingConnector(resources=[resource("x://one"), resource("x://two")])
    gateway = telling(connector, policies=[{"permission": "one", "allow": ["x://one"]}, {"permission": "two", "allow": ["x://two"]}])
    listener = Listener(gateway, harness.bearer(permissions=["one"]), resourceSubscriptions=["x://one", "x://two", "x://none"])
    assert listener.acknowledged() == {"resourceSubscriptions": ["x://one"]}
    harness.wait_until(lambda: subscribed(connector) == ["x://one"], "the subscription")
    connector.tell("resources/updated", uri="x://two")
    connector.tell("resources/updated", uri="x://one")
    harness.wait_until(lambda: listener.heard("resources/updated"), "the update")
    assert [m["params"]["uri"] for m in listener.heard("resources/updated")] == ["x://one"]


def test_a_uri_that_two_have_is_told_under_the_public_one(telling):
    one, other = TellingConnector(resources=[resource("x://same")]), TellingConnector(resources=[resource("x://same")])
    gateway = telling(one, other)
    listener = Listener(gateway, resourceSubscriptions=["guiche://c1/x://same"])
    harness.wait_until(lambda: subscribed(other) == ["x://same"], "the subscription")
    one.tell("resources/updated", uri="x://same")
    other.tell("resources/updated", uri="x://same")
    harness.wait_until(lambda: listener.heard("resources/updated"), "the update")
    assert [m["params"]["uri"] for m in listener.heard("resources/updated")] == ["guiche://c1/x://same"]


def listen_without_reading(gateway, **wanted):
    body = json.dumps(harness.message("subscriptions/listen", {"notifications": wanted}, "modern"))
    headers = harness.message_headers("subscriptions/listen", {}, "modern") | harness.bearer() | {"Host": f"127.0.0.1:{gateway.port}", "Content-Length": str(len(body))}
    connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=20 * harness.SLOW)
    connection.sendall(("POST /mcp HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items()) + "\r\n" + body).encode())
    return connection


def test_comings_and_goings_of_others_hold_up_no_subscription(telling):
    connector = TellingConnector(resources=[resource("x://wanted")])
    gateway = telling(connector)
    connector.acknowledges_after = 0.3
    over = threading.Event()

    def is_told():
        connector.tell("resources/updated", [s for s in connector.listens() if "x://wanted" in s.filter.get("resourceSubscriptions", [])], uri="x://wanted")
        return listener.heard("resources/updated")

    def come_and_go():
        others = []
        while not over.wait(0.03):
            others.append(listen_without_reading(gateway, resourceSubscriptions=[f"x://other-{time.monotonic()}"]))
            if len(others) > 3:
                others.pop(0).close()

    thread = threading.Thread(target=come_and_go)
    thread.start()
    try:
        time.sleep(0.2)
        listener = Listener(gateway, resourceSubscriptions=["x://wanted"])
        harness.wait_until(is_told, "the update, meanwhile")
    finally:
        over.set()
        thread.join()


def test_resources_of_a_connector_with_headers_of_users_are_not_listened_to(start):
    connector = TellingConnector(resources=[resource("x://one")])
    start.started.append(connector)
    gateway = start.gateway([{"name": "c0", "url": connector.url, "forward_headers": ["X-User"]}])
    listener = Listener(gateway, resourcesListChanged=True, resourceSubscriptions=["x://one"])
    assert listener.acknowledged() == {"resourcesListChanged": True}


# Life.


def test_a_listen_ends_when_its_token_does(telling):
    gateway = telling(TellingConnector())
    short = Listener(gateway, harness.bearer(ttl=6), toolsListChanged=True)
    long = Listener(gateway, toolsListChanged=True)
    assert short.ended.wait(30 * harness.SLOW) and short.result()["resultType"] == "complete"
    assert not long.ended.is_set()


def test_a_reload_that_refuses_the_key_ends_the_listen(telling):
    def keys(*names):
        return [{"name": n, "sha256": hashlib.sha256(n.encode()).hexdigest(), "tenant_id": "demo", "permissions": ["*"]} for n in names]

    gateway = telling(TellingConnector(), auth={"hs256_secret": harness.JWT_SECRET, "api_keys": keys("key-one", "key-two")})
    one = Listener(gateway, {"Authorization": "Bearer key-one"}, toolsListChanged=True)
    two = Listener(gateway, {"Authorization": "Bearer key-two"}, toolsListChanged=True)
    gateway.reload(auth={"hs256_secret": harness.JWT_SECRET, "api_keys": keys("key-two")})
    assert one.ended.wait(30 * harness.SLOW) and one.result() is not None
    assert not two.ended.is_set()


def test_a_reload_that_changes_the_policy_is_told(telling):
    gateway = telling(TellingConnector(tools=[tool("a"), tool("b")]), policies=[{"permission": "some", "allow": ["c0_a"]}, {"permission": "others", "allow": ["c0_b"]}])
    some = Listener(gateway, harness.bearer(permissions=["some"]), toolsListChanged=True)
    others = Listener(gateway, harness.bearer(permissions=["others"]), toolsListChanged=True)
    gateway.reload(policies=[{"permission": "some", "allow": ["c0_*"]}, {"permission": "others", "allow": ["c0_b"]}])
    harness.wait_until(lambda: changes(some), "the change")
    assert not changes(others)


def test_another_credential_of_the_gateway_opens_another_stream(telling):
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector)
    row = {"name": "c0", "url": connector.url, "list_refresh": "1h"}
    gateway.reload(connectors=[row | {"headers": {"X-Key": "new"}}])
    harness.wait_until(lambda: [s.request.headers.get("X-Key") for s in connector.listens()] == ["new"], "the new stream alone")
    harness.wait_until(lambda: gateway.connector_status("c0")["watched"] == "listen", "the status")
    connector.change("a", "b")
    harness.wait_until(lambda: "c0_b" in gateway.tool_names(), "the change")


def test_a_stream_that_is_no_longer_wanted_is_no_longer_shown(telling):
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector)
    silent = {"tools": {}}
    connector.capabilities = lambda: silent
    gateway.reload(connectors=[{"name": "c0", "url": connector.url, "list_refresh": "1h", "headers": {"X-Key": "asked from the beginning"}}])
    harness.wait_until(lambda: not connector.streams, "the end of the stream")
    harness.wait_until(lambda: gateway.connector_status("c0")["watched"] == "polled", "the status")


def test_stopping_ends_every_listen_at_once(telling):
    gateway = telling(TellingConnector())
    listeners = [Listener(gateway, toolsListChanged=True) for _ in range(8)]
    begin = time.monotonic()
    gateway.signal(harness.signal.SIGTERM)
    for listener in listeners:
        assert listener.ended.wait(15 * harness.SLOW)
        assert listener.result()["_meta"]["io.modelcontextprotocol/subscriptionId"] == "l1"
    gateway.popen.wait(20 * harness.SLOW)
    assert time.monotonic() - begin < 3 + 6 * harness.SLOW  # the drain would be 30 s


def test_how_many_listen_is_counted(telling, start):
    admin = harness.free_port()
    gateway = telling(TellingConnector(), admin_listen=f"127.0.0.1:{admin}")
    listeners = [Listener(gateway, toolsListChanged=True) for _ in range(3)]

    def gauges():
        page = harness.httpx.get(f"http://127.0.0.1:{admin}/metrics").text
        return {line.split()[0]: line.split()[1] for line in page.splitlines() if line.startswith(("guiche_listens ", "guiche_watches "))}

    harness.wait_until(lambda: gauges() == {"guiche_listens": "3", "guiche_watches": "1"}, "the gauges")
    for listener in listeners:
        listener.close()
    harness.wait_until(lambda: gauges()["guiche_listens"] == "0", "the gauge to fall")


def test_too_many_resources_are_refused_in_a_sentence(telling):
    gateway = telling(TellingConnector())
    answer = gateway.rpc("subscriptions/listen", {"notifications": {"resourceSubscriptions": [f"x://{i}" for i in range(101)]}}, "modern")
    assert "100 resources" in answer.json()["error"]["message"]


@pytest.fixture
def many_descriptors():
    """The usual soft limit is 1024."""
    before = getrlimit(RLIMIT_NOFILE)
    setrlimit(RLIMIT_NOFILE, (before[1], before[1]))
    yield
    setrlimit(RLIMIT_NOFILE, before)


def open_idle(gateway, count, connections):
    """Listens that nobody reads beyond their acknowledgement."""
    for _ in range(count):
        connections.append(listen_without_reading(gateway, toolsListChanged=True))
    for connection in connections[-count:]:
        received = b""
        while b"acknowledged" not in received:
            received += connection.recv(65536)


def resident_kb(gateway):
    status = pathlib.Path(f"/proc/{gateway.popen.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def test_a_thousand_idle_listens_take_little_memory(telling, many_descriptors):
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector)
    connections = []
    open_idle(gateway, 20, connections)
    before = resident_kb(gateway)
    open_idle(gateway, 1000, connections)
    taken = resident_kb(gateway) - before
    print(f"{taken / 1000:.1f} KB for each listen")
    if harness.SLOW == 1:
        assert taken < 20 * 1024

    def tell(n):
        told = time.monotonic()
        connector.change("a", f"b{n}")
        for connection in connections:
            received = b""
            while b"list_changed" not in received:
                received += connection.recv(65536)
        return time.monotonic() - told

    expect_once(1, tell)  # with a thousand answers to be read
    for connection in connections:
        connection.close()


def test_who_does_not_read_holds_up_nobody(telling):
    connector = TellingConnector(tools=[tool("a")])
    gateway = telling(connector)
    silent = []
    open_idle(gateway, 5, silent)
    listener = Listener(gateway, toolsListChanged=True)
    before = resident_kb(gateway)
    for i in range(30):
        connector.change("a", f"b{i}")
        harness.wait_until(lambda i=i: f"c0_b{i}" in gateway.tool_names(), "the change")
    harness.wait_until(lambda: len(changes(listener)) >= 10, "most of the changes")
    if harness.SLOW == 1:
        assert resident_kb(gateway) - before < 8 * 1024
    for connection in silent:
        connection.close()


def test_a_question_on_the_stream_of_a_session_reaches_the_one_call(telling):
    """TypeScript servers ask there when they do not say which call they ask for."""
    asked = threading.Event()

    def on_call(request):
        connector.ask("sampling/createMessage", "q1", messages=[], maxTokens=1)
        assert asked.wait(30 * harness.SLOW)
        return text_result("asked")

    connector = TellingConnector(tools=[tool("a")], legacy=True, on_call=on_call)
    gateway = telling(connector)
    opened = gateway.rpc("initialize", {"protocolVersion": "2025-11-25", "capabilities": {"sampling": {}}, "clientInfo": {"name": "t", "version": "1"}})
    assert opened.status_code == 200
    with gateway.http.stream("POST", "/mcp", content=json.dumps(harness.message("tools/call", {"name": "c0_a", "arguments": {}}, "legacy", 7)), headers=harness.message_headers("tools/call", {"name": "c0_a"}, "legacy") | harness.bearer()) as stream:
        for line in stream.iter_lines():
            if not line.startswith("data:"):
                continue
            message = json.loads(line[5:])
            if message.get("method") == "sampling/createMessage":
                answer = {"jsonrpc": "2.0", "id": message["id"], "result": {"role": "assistant", "content": {"type": "text", "text": "x"}, "model": "m"}}
                assert harness.httpx.post(gateway.url, json=answer, headers=harness.message_headers("x", {}, "legacy") | harness.bearer()).status_code == 202
                harness.wait_until(lambda: [r for r in connector.requests if r.id == "q1"], "the answer to arrive")
                asked.set()
            if message.get("id") == 7:
                assert message["result"]["content"][0]["text"] == "asked"
    assert asked.is_set()
