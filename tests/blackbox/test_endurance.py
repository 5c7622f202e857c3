"""What must not grow: memory and descriptors under slow readers, failing connectors and reloads."""

import json
import os
import pathlib
import re
import signal
import socket
import threading
import time

import httpx
import pytest

from fake_connector import progress, response, sse, sse_head, text_result, tool
from harness import SLOW, bearer, events, exchange, message, message_headers, token, wait_until


def resident_mib(process):
    if SLOW > 1:
        return 0  # sanitizers keep freed memory
    pages = int(pathlib.Path(f"/proc/{process.popen.pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / 2**20


def descriptors(process):
    return len(os.listdir(f"/proc/{process.popen.pid}/fd"))


def flood(request):
    """Progress without end, and as fast as it is taken: 64 KiB each."""
    yield sse_head()
    for i in range(1600):
        yield sse(progress(request, i + 1, message="x" * 65536))
    yield sse(response(request, text_result("done")))


@pytest.mark.parametrize("path", ["/mcp", "/v1/tools/one_echo/stream"])
def test_a_client_that_does_not_read_makes_the_connector_wait(start, path):
    # docs/architecture.md "One call": back-pressure both ways
    fake = start.fake(on_call=flood)
    gateway = start.gateway([{"name": "one", "url": fake.url}], workers=1)
    before = resident_mib(gateway)
    params = {"name": "one_echo", "_meta": {"progressToken": 1}}
    body = json.dumps(message("tools/call", params, "legacy") if path == "/mcp" else {})
    headers = (
        message_headers("tools/call", params, "legacy") | bearer() | {"Host": "127.0.0.1", "Content-Length": len(body)}
    )
    lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    with socket.create_connection(("127.0.0.1", gateway.port)) as client:
        client.sendall(f"POST {path} HTTP/1.1\r\n{lines}\r\n{body}".encode())
        time.sleep(1.5)
        assert resident_mib(gateway) - before < 16
        assert gateway.rpc("ping").status_code == 200
        received, end = 0, b""
        client.settimeout(30 * SLOW)
        while not end.endswith(b"\r\n0\r\n\r\n") and (piece := client.recv(1 << 20)):
            received += len(piece)
            end = (end + piece)[-8:]
        assert received > 100 << 20
    assert resident_mib(gateway) - before < 32


def test_failing_calls_leave_no_descriptor_behind(start):
    fake = start.fake(
        tools=[tool("read"), tool("write", read_only=False)], on_call=lambda r: b"garbage", ttl_ms=3_600_000
    )
    gateway = start.gateway([{"name": "one", "url": fake.url}])
    for name in ("one_read", "one_write") * 5:
        gateway.call(name)
    before = descriptors(gateway)
    for name in ("one_read", "one_write") * 100:
        gateway.call(name)
    fake.stop()
    for _ in range(100):
        gateway.call("one_write")

    wait_until(lambda: descriptors(gateway) <= before + 4, "the connections to be closed")


def test_reloads_leave_nothing_behind(start):
    fake = start.fake(on_call=lambda r: text_result("x"))
    gateway = start.gateway([{"name": "one", "url": fake.url}])
    for round in range(60):
        if round == 20:
            descriptors_before, mib_before = descriptors(gateway), resident_mib(gateway)
        gateway.reload(connectors=[{"name": f"c{round}", "prefix": "one_", "url": fake.url}])
        gateway.call("one_echo")

    wait_until(lambda: descriptors(gateway) <= descriptors_before + 4, "connections of removed connectors to close")
    assert resident_mib(gateway) - mib_before < 8


def test_clients_that_vanish_leave_nothing_behind(start):
    gateway = start.gateway(
        [{"name": "one", "url": start.fake(on_call=lambda r: time.sleep(0.2) or text_result("x")).url}]
    )
    gateway.call("one_echo")
    before = descriptors(gateway)
    request = f"POST /v1/tools/one_echo/stream HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {bearer()['Authorization']}\r\nContent-Length: 2\r\n\r\n{{}}"
    for i in range(60):
        client = socket.create_connection(("127.0.0.1", gateway.port))
        client.sendall(request.encode()[: None if i % 3 else 40])
        if i % 2:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")  # a reset instead of an end
        client.close()

    wait_until(lambda: descriptors(gateway) <= before + 4, "the connections to be closed")
    assert not gateway.call("one_echo").get("isError")


def test_pipelined_calls_are_answered_in_their_order(start):
    # RFC 9112 9.3.2
    fake = start.fake(
        on_call=lambda r: time.sleep(0.3 / (1 + r.arguments["n"])) or text_result(f"answer {r.arguments['n']}")
    )
    gateway = start.gateway([{"name": "one", "url": fake.url}])
    requests = b""
    for n in range(5):
        body = json.dumps(message("tools/call", {"name": "one_echo", "arguments": {"n": n}}, "legacy", id=n))
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {bearer()['Authorization']}\r\n"
        head += "Connection: close\r\n" if n == 4 else ""
        requests += f"{head}Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
    received = exchange(gateway.port, requests).decode()

    assert re.findall(r"answer (\d)", received) == ["0", "1", "2", "3", "4"]


def test_a_stream_can_be_followed_by_another_request_on_its_connection(start):
    def on_call(request):
        yield sse_head()
        for i in range(3):
            yield sse(progress(request, i + 1))
        yield sse(response(request, text_result("done")))

    gateway = start.gateway([{"name": "one", "url": start.fake(on_call=on_call).url}], workers=1)
    for _ in range(3):
        params = {"name": "one_echo", "_meta": {"progressToken": 1}}
        assert "done" in gateway.rpc("tools/call", params).text
        assert gateway.rpc("ping").json()["result"] == {}
        assert gateway.http.get("/v1/tools/one_echo/stream", headers=bearer()).status_code == 200


def test_a_connector_that_is_killed_in_mid_call_and_comes_back(start):
    crm = start.crm()
    gateway = start.gateway([{"name": "crm", "url": crm.url}])
    ids = [a["agent_id"] for a in gateway.rest("crm_list_agents").json()["result"]["agents"]][:5]
    answers = []
    callers = [
        threading.Thread(target=lambda: answers.append(gateway.call("crm_compare_agents", {"agent_ids": ids})))
        for _ in range(20)
    ]
    for caller in callers:
        caller.start()
    crm.kill()
    start.started.remove(crm)
    for caller in callers:
        caller.join()
    assert len(answers) == 20 and all(a["content"][0]["text"] for a in answers)
    start.crm(database=crm.database)

    assert not gateway.call("crm_list_agents").get("isError")


@pytest.mark.parametrize(
    "url", ["http://no-such-host.invalid:8000/mcp", "http://192.0.2.1:8000/mcp", "unix:/tmp/no/such.sock"]
)
def test_a_connector_that_cannot_be_found_holds_up_neither_start_nor_stop(start, url):
    gateway = start.gateway([{"name": "lost", "url": url}, {"name": "here", "url": start.fake().url}], wait=False)
    wait_until(lambda: gateway.tool_names() == ["here_echo"], "the other connector", 9)  # a connector is given 10 s to be listed
    began = time.monotonic()
    gateway.signal(signal.SIGTERM)

    assert gateway.popen.wait(20 * SLOW) == 0 and time.monotonic() - began < 9 * SLOW


def test_a_large_answer_arrives_whole(start):
    text = "é" * 500_000  # 3 MB as JSON
    gateway = start.gateway([{"name": "one", "url": start.fake(on_call=lambda r: text_result(text)).url}])

    for era in ("legacy", "modern"):
        assert gateway.call("one_echo", era=era)["content"][0]["text"] == text
    assert gateway.rest("one_echo").json()["result"] == text
    stream = gateway.http.get("/v1/tools/one_echo/stream", headers=bearer())
    assert events(stream.text)[-1]["data"]["result"] == text


def test_large_arguments_arrive_whole(start):
    text = "é" * 500_000  # 3 MB as JSON
    fake = start.fake(on_call=lambda r: text_result(str(len(r.arguments["text"]))))
    gateway = start.gateway([{"name": "one", "url": fake.url}])

    assert gateway.call("one_echo", {"text": text})["content"][0]["text"] == "500000"


def test_above_the_cap_of_connections_a_client_is_told_to_come_back(start):
    gateway = start.gateway(limits={"connections": 20}, workers=1)
    gateway.http.close()
    # Idle ones would make room: these are in the middle of a request, and know that their heads have been read.
    busy = [socket.create_connection(("127.0.0.1", gateway.port), timeout=10) for _ in range(20)]
    for connection in busy:
        head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token()}\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
    received = exchange(gateway.port, b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    for connection in busy:
        connection.close()

    assert received.startswith(b"HTTP/1.1 503")
    wait_until(lambda: httpx.get(f"{gateway.base}/health").status_code == 200, "the connections to be free again")
