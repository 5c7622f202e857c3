"""SIGHUP, SIGTERM and sockets: no call is lost, nothing is half changed (docs/architecture.md "Trust", docs/configuration.md, docs/clients.md, docs/operating.md)."""

import json
import signal
import socket
import threading
import time

import httpx
import pytest

import harness
from fake_connector import hang, text_result, tool
from harness import JWT_SECRET, SLOW, bearer, wait_until


def test_a_reload_adds_and_removes_connectors(start):
    first, second = start.fake(tools=[tool("a")]), start.fake(tools=[tool("b")])
    gateway = start.gateway([{"name": "one", "url": first.url}])
    gateway.reload(connectors=[{"name": "one", "url": first.url}, {"name": "two", "url": second.url}])
    gateway.offers("one_a", "two_b")
    gateway.reload(connectors=[{"name": "two", "url": second.url}])

    wait_until(lambda: gateway.tool_names() == ["two_b"], "the connector to be gone")
    assert "not found" in gateway.call("one_a")["content"][0]["text"]
    assert not gateway.call("two_b").get("isError")


def test_a_call_ends_on_the_configuration_it_began_with(start):
    # docs/configuration.md: calls finish on what they started with; a removed connector drains.
    entered, leave = threading.Event(), threading.Event()

    def on_call(request):
        entered.set()
        leave.wait(60)
        return text_result("finished")

    fake = start.fake(on_call=on_call)
    gateway = start.gateway([{"name": "old", "url": fake.url}])
    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(
            httpx.Client(base_url=gateway.base, timeout=60).post(
                "/v1/tools/execute", json={"tool_name": "old_echo"}, headers=bearer()
            )
        )
    )
    caller.start()
    assert entered.wait(30)
    gateway.reload(connectors=[])
    wait_until(lambda: gateway.tool_names() == [], "the connector to be gone")
    leave.set()
    caller.join(60)

    assert answers[0].json()["result"] == "finished"


def test_a_bad_file_changes_nothing_and_says_what_is_wrong(start):
    # docs/configuration.md
    fake = start.fake()
    gateway = start.gateway([{"name": "one", "url": fake.url}])
    said = gateway.reload(connectors=[{"name": "one", "url": fake.url, "wibble": 1}])

    assert "wibble" in said[0]
    assert gateway.tool_names() == ["one_echo"]
    assert not gateway.call("one_echo").get("isError")


def test_a_file_that_is_gone_changes_nothing(start):
    gateway = start.gateway([{"name": "one", "url": start.fake().url}])
    gateway.path.unlink()
    gateway.signal(signal.SIGHUP)
    wait_until(lambda: "not reloaded" in gateway.text(), "the refusal")

    assert gateway.tool_names() == ["one_echo"]


def test_secrets_are_rotated_by_a_reload(start):
    # docs/architecture.md "Trust", docs/configuration.md: token caches are emptied
    gateway = start.gateway([{"name": "one", "url": start.fake().url}])
    new = "the secret after the rotation, for HS256"
    old_token, new_token = bearer(), bearer(secret=new)
    assert gateway.rpc("ping", auth=old_token).status_code == 200
    gateway.reload(auth={"hs256_secret": [new, JWT_SECRET]})
    wait_until(lambda: gateway.rpc("ping", auth=new_token).status_code == 200, "the new secret")
    assert gateway.rpc("ping", auth=old_token).status_code == 200
    gateway.reload(auth={"hs256_secret": new})

    wait_until(lambda: gateway.rpc("ping", auth=old_token).status_code == 401, "the old secret to be refused")
    assert all(gateway.rpc("ping", auth=old_token).status_code == 401 for _ in range(20))  # on every worker


def test_limits_are_reloaded(start):
    # docs/configuration.md: SIGHUP reloads auth, policies, connectors, limits and log level.
    gateway = start.gateway([{"name": "one", "url": start.fake().url}])
    body = json.dumps(harness.message("ping", None, "legacy")) + " " * 5000
    assert gateway.http.post("/mcp", content=body, headers=bearer()).status_code == 200
    gateway.reload(limits={"body": "1KiB"})

    wait_until(lambda: gateway.http.post("/mcp", content=body, headers=bearer()).status_code == 413, "the new limit")


def test_the_log_level_is_reloaded(start):
    gateway = start.gateway([{"name": "one", "url": start.fake().url}])
    gateway.line_of(gateway.rpc("ping").headers["x-request-id"])
    gateway.config["log_level"] = "error"
    gateway.write_config()
    gateway.signal(signal.SIGHUP)

    wait_until(lambda: is_quiet(gateway), "the new level")


def is_quiet(gateway):
    request_id = gateway.rpc("ping").headers["x-request-id"]
    time.sleep(0.2)
    return not gateway.lines(request_id=request_id)


@pytest.mark.parametrize("setting", [{"listen": "127.0.0.1:1"}, {"workers": 3}, {"admin_listen": "127.0.0.1:1"}, {"redis": "redis://127.0.0.1"}])
def test_what_needs_a_restart_says_so(start, setting):
    # docs/configuration.md: listen, workers and redis need a restart and the reload says so.
    gateway = start.gateway([{"name": "one", "url": start.fake().url}])
    gateway.reload(**setting)
    (name,) = setting

    wait_until(lambda: [l for l in gateway.text().splitlines() if "restart" in l and name in l], "the sentence")
    assert gateway.rpc("ping").status_code == 200


def test_many_reloads_under_load_lose_no_call(start):
    fake = start.fake(on_call=lambda r: text_result("x"))
    gateway = start.gateway([{"name": "one", "url": fake.url}])
    failures, stop = [], threading.Event()

    def load():
        with httpx.Client(base_url=gateway.base, timeout=60) as client:
            while not stop.is_set():
                answer = client.post("/v1/tools/execute", json={"tool_name": "one_echo"}, headers=bearer())
                if answer.status_code != 200:
                    failures.append(answer.text)

    threads = [threading.Thread(target=load) for _ in range(3)]
    for thread in threads:
        thread.start()
    reloads = 0
    while reloads < 20 or (len(fake.calls()) <= 20 and reloads < 1000):  # a busy machine takes its time
        gateway.signal(signal.SIGHUP)
        reloads += 1
        time.sleep(0.03)
    stop.set()
    for thread in threads:
        thread.join()

    assert failures == []
    assert len(fake.calls()) > 20


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_the_open_call_first(start, number):
    # docs/clients.md, docs/operating.md: drain 30 s on SIGTERM or SIGINT; an aborted call hangs CrewAI's adapter for ever
    entered, leave = threading.Event(), threading.Event()

    def on_call(request):
        entered.set()
        leave.wait(60)
        return text_result("finished")

    gateway = start.gateway([{"name": "one", "url": start.fake(on_call=on_call).url}])
    answers = []
    caller = threading.Thread(
        target=lambda: answers.append(
            httpx.Client(base_url=gateway.base, timeout=60).post(
                "/v1/tools/execute", json={"tool_name": "one_echo"}, headers=bearer()
            )
        )
    )
    caller.start()
    assert entered.wait(30)
    gateway.signal(number)
    wait_until(lambda: "stopping" in gateway.text(), "the stop to begin")
    assert not takes_new_work(gateway)
    assert gateway.alive()
    leave.set()
    caller.join(60)

    assert answers[0].json()["result"] == "finished"
    assert answers[0].headers["connection"].lower() == "close"
    assert gateway.popen.wait(20 * SLOW) == 0


def takes_new_work(gateway):
    """Whether a load balancer would send it more: /ready answers 200."""
    try:
        return httpx.get(f"{gateway.base}/ready", timeout=1).status_code == 200
    except httpx.TransportError:
        return False


def test_a_stop_waits_no_longer_than_the_drain(start):
    fake = start.fake(on_call=lambda r: hang())
    gateway = start.gateway([{"name": "one", "url": fake.url}], timeouts={"drain": "500ms"})
    caller = threading.Thread(
        target=lambda: suppressed(
            lambda: httpx.post(
                f"{gateway.base}/v1/tools/execute", json={"tool_name": "one_echo"}, headers=bearer(), timeout=60
            )
        )
    )
    caller.start()
    wait_until(fake.calls, "the call")
    began = time.monotonic()
    gateway.signal(signal.SIGTERM)
    code = gateway.popen.wait(30 * SLOW)
    took = time.monotonic() - began
    caller.join(20)

    assert code == 0 and took < 2 + 6 * SLOW  # without a setting it would be 30 s


@pytest.mark.parametrize("read_only,advice", [(True, "Nothing was changed; try again."), (False, "check before repeating")])
def test_calls_still_open_at_the_end_of_the_drain_are_answered(start, read_only, advice):
    # docs/operating.md: a call that is cut without an answer hangs CrewAI for ever.
    fake = start.fake(tools=[tool("slow", read_only, _meta={"guiche/streams": True})], on_call=lambda r: hang())
    gateway = start.gateway([{"name": "crm", "url": fake.url, "trust": "none"}], timeouts={"drain": "2s"})
    asks = {
        "legacy": lambda: gateway.rpc("tools/call", {"name": "crm_slow", "arguments": {}}, "legacy"),
        "modern": lambda: gateway.rpc("tools/call", {"name": "crm_slow", "arguments": {}}, "modern"),
        "progress": lambda: gateway.rpc("tools/call", {"name": "crm_slow", "_meta": {"progressToken": 1}}, "legacy"),
        "rest": lambda: gateway.rest("crm_slow"),
        "stream": lambda: gateway.http.post("/v1/tools/crm_slow/stream", json={}, headers=bearer()),
    }
    answers = {}
    callers = [threading.Thread(target=lambda k=k, ask=ask: answers.update({k: ask()})) for k, ask in asks.items()]
    for caller in callers:
        caller.start()
    wait_until(lambda: len(fake.calls()) == len(asks), "the calls")
    began = time.monotonic()
    gateway.signal(signal.SIGTERM)
    code = gateway.popen.wait(30 * SLOW)
    took = time.monotonic() - began
    for caller in callers:
        caller.join(20)

    assert code == 0 and took < 4 + 6 * SLOW
    assert set(answers) == set(asks)
    texts = [json.loads(harness.rpc_body(answers[k]))["result"]["content"][0]["text"] for k in ("legacy", "modern", "progress")]
    assert answers["rest"].status_code == 504
    texts.append(answers["rest"].json()["error"]["message"])
    last = harness.events(answers["stream"].text)[-1]
    assert last["type"] == "error"
    texts.append(last["message"])
    for text in texts:
        assert text.startswith("The gateway is stopping and cannot wait longer for connector crm.") and advice in text
    for answer in answers.values():
        assert gateway.line_of(answer.headers["x-request-id"])["outcome"] == "timeout"
    assert len([line for line in gateway.lines(message="request") if line.get("tool") == "crm_slow"]) == len(asks)


def test_a_call_that_comes_when_nothing_waits_any_more_is_refused(start):
    fake = start.fake(on_call=lambda r: hang())
    gateway = start.gateway([{"name": "one", "url": fake.url}], timeouts={"drain": "5s"}, workers=1)
    body = json.dumps({"tool_name": "one_echo"}).encode()
    head = {"Host": "localhost", "Content-Type": "application/json", "Content-Length": len(body), "Expect": "100-continue"} | bearer()
    lines = ["POST /v1/tools/execute HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    caller = threading.Thread(target=lambda: gateway.rest("one_echo"))
    caller.start()
    wait_until(fake.calls, "the call")
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as half:
        half.sendall("\r\n".join([*lines, "", ""]).encode())
        assert b" 100 " in half.recv(65536)  # its head has been read
        gateway.signal(signal.SIGTERM)
        caller.join(30)  # it is answered when the patience ends, and the connections are cut soon after
        half.sendall(body)
        answer = half.recv(65536)

    assert b" 502 " in answer.splitlines()[0] and b"The gateway is stopping. Nothing was done" in answer
    assert len(fake.calls()) == 1
    assert gateway.popen.wait(30 * SLOW) == 0


def test_ready_says_that_the_gateway_is_stopping(start):
    # docs/operating.md: on the admin port at once, on the main port to whoever had begun to ask
    admin = harness.free_port()
    gateway = start.gateway(
        [{"name": "one", "url": start.fake(on_call=lambda r: hang()).url}],
        admin_listen=f"127.0.0.1:{admin}",
        timeouts={"drain": "20s"},
    )
    ready = f"http://127.0.0.1:{admin}/ready"
    assert httpx.get(ready).status_code == 200
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=30) as half:
        half.sendall(b"GET /ready HTTP/1.1\r\nHost: x\r\n")
        time.sleep(1)  # nothing says that a worker has read it
        gateway.signal(signal.SIGTERM)
        wait_until(lambda: "stopping" in gateway.text(), "the stop to begin")
        answer = httpx.get(ready)
        assert answer.status_code == 503 and answer.json()["error"]["code"] == "stopping"
        assert answer.json()["error"]["message"] == "The gateway is stopping."
        time.sleep(0.2)
        half.sendall(b"\r\n")
        said = half.recv(65536)

    assert b" 503 " in said.splitlines()[0] and b"stopping" in said
    assert gateway.popen.wait(30 * SLOW) == 0


def suppressed(function):
    try:
        return function()
    except httpx.HTTPError:
        return None


def test_an_idle_gateway_and_an_idle_connector_stop_at_once(start):
    crm = start.crm()
    gateway = start.gateway([{"name": "crm", "url": crm.url}])
    gateway.call("crm_list_agents")  # leaves an idle connection everywhere
    for process in (gateway, crm):
        began = time.monotonic()
        process.signal(signal.SIGTERM)
        assert process.popen.wait(30 * SLOW) == 0
        assert time.monotonic() - began < 2 + 6 * SLOW  # the drain would be 30 s


def test_a_connector_answers_its_open_call_before_it_stops(start):
    crm = start.crm()
    gateway = start.gateway([{"name": "crm", "url": crm.url}])
    ids = [a["agent_id"] for a in gateway.rest("crm_list_agents").json()["result"]["agents"]][:5]
    answers = []
    caller = threading.Thread(target=lambda: answers.append(gateway.rest("crm_compare_agents", {"agent_ids": ids})))
    caller.start()
    time.sleep(0.005)
    crm.signal(signal.SIGTERM)
    caller.join(60)

    assert crm.popen.wait(30 * SLOW) == 0
    assert answers[0].status_code in (200, 502)  # answered, or not taken any more: never half
    assert answers[0].json()


def test_a_catalog_that_changes_during_a_drain_harms_nothing(start):
    # One worker has ended, another still answers: what discovery learns meanwhile must not reach the one that is gone.
    entered, leave = threading.Event(), threading.Event()

    def on_call(request):
        entered.set()
        leave.wait(60)
        return text_result("finished")

    slow = start.fake(on_call=on_call, ttl_ms=1000)
    other = start.fake(tools=[tool("a")], ttl_ms=1000)
    gateway = start.gateway([{"name": "one", "url": slow.url}, {"name": "two", "url": other.url}], workers=4)
    answers = []
    caller = threading.Thread(target=lambda: answers.append(gateway.rest("one_echo")))
    caller.start()
    assert entered.wait(30)
    other.tools.append(tool("b"))
    gateway.signal(signal.SIGTERM)
    time.sleep(4)
    leave.set()
    caller.join(60)

    assert answers[0].status_code == 200
    assert gateway.popen.wait(30 * SLOW) == 0
