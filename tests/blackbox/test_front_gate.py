"""The front door, of the gateway and of a connector alike: what is not framed strictly is refused, answered once, closed, and
nothing behind it becomes a request; slow, broken and too many clients get a clear status or a close while others are served."""

import contextlib
import json
import os
import resource
import socket
import struct
import threading
import time

import httpx
import pytest

from fake_connector import text_result, tool
from harness import SLOW, bearer, message, message_headers, token, wait_until

HOST = "Host: 127.0.0.1"
POST = f"POST /mcp HTTP/1.1\r\n{HOST}\r\n"
CHUNKED = f"{POST}Transfer-Encoding: chunked\r\n\r\n"
BEHIND = f"GET /health?smuggled HTTP/1.1\r\n{HOST}\r\n\r\n"
PATIENCE = 2  # seconds: headers, body and idle of the impatient gateway


def connect(server):
    """A socket to a gateway (its port) or a connector (its unix socket)."""
    if hasattr(server, "port"):
        return socket.create_connection(("127.0.0.1", server.port), timeout=20 * SLOW)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(20 * SLOW)
    connection.connect(str(server.socket))
    return connection


def receive(connection):
    """All that comes until the other side closes; "reset" when it did so without reading what we sent."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            received += piece
    return received


def exchange(server, data):
    with connect(server) as connection:
        with contextlib.suppress(ConnectionError):
            connection.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))
        return receive(connection)


def status_of(received):
    return int(received.split(b" ", 2)[1]) if received else 0


def refused(received, status):
    """One answer, in our own form, that says it is the last."""
    assert status_of(received) == status, received[:300]
    head, body = received.split(b"\r\n\r\n", 1)
    error = json.loads(body)["error"]
    assert received.count(b"\r\nDate: ") == 1 and b"\r\nConnection: close" in head
    assert f"X-Request-Id: {error['request_id']}".encode() in head
    assert error["code"] and error["message"].endswith(".")
    return error


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.fixture(scope="module", params=["gateway", "mcp-crm"])
def server(request, stack):
    return stack if request.param == "gateway" else stack.crm


def case(name, data, status=400):
    return pytest.param(data, status, id=name)


# RFC 9112 3, 5, 6, 7; whatever two servers might read in two ways. Every row is followed by a request that must not be answered.
FRAMING = [
    case("two lengths", f"{POST}Content-Length: 3\r\nContent-Length: 30\r\n\r\nabc"),
    case("two equal lengths", f"{POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc"),
    case("a list of lengths", f"{POST}Content-Length: 3, 3\r\n\r\nabc"),
    case("length -1", f"{POST}Content-Length: -1\r\n\r\n"),
    case("length +3", f"{POST}Content-Length: +3\r\n\r\nabc"),
    case("length 0x3", f"{POST}Content-Length: 0x3\r\n\r\nabc"),
    case("length 3 NUL", f"{POST}Content-Length: 3\0\r\n\r\nabc"),
    case("no length", f"{POST}Content-Length: \r\n\r\nabc"),
    case("length with a blank before the colon", f"{POST}Content-Length : 3\r\n\r\nabc"),
    case("length and chunks", f"{POST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    case("chunks and length", f"{POST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n"),
    case("chunked with a blank before the colon", f"{POST}Transfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc"),
    case("chunked, identity", f"{POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"),
    case("chunked twice", f"{POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    case("identity", f"{POST}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n"),
    case("xchunked", f"{POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
    case("VT chunked", f"{POST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n"),
    case("gzip, chunked", f"{POST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
    case("chunked in HTTP/1.0", f"POST /mcp HTTP/1.0\r\n{HOST}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    case("chunk 0x3", f"{CHUNKED}0x3\r\nabc\r\n0\r\n\r\n"),
    case("chunk +3", f"{CHUNKED}+3\r\nabc\r\n0\r\n\r\n"),
    case("chunk after a blank", f"{CHUNKED} 3\r\nabc\r\n0\r\n\r\n"),
    case("chunk 3 junk", f"{CHUNKED}3 junk\r\nabc\r\n0\r\n\r\n"),
    case("chunk extension", f"{CHUNKED}3;a=b\r\nabc\r\n0\r\n\r\n"),
    case("chunk longer than it says", f"{CHUNKED}3\r\nabcd\r\n0\r\n\r\n"),
    case("empty line between chunks", f"{CHUNKED}3\r\nabc\r\n\r\n0\r\n\r\n"),
    case("bare LF in chunks", f"{CHUNKED}3\nabc\n0\n\n"),
    case("trailer", f"{CHUNKED}0\r\nA: b\r\n\r\n"),
    case("chunk over the limit", f"{CHUNKED}fffffff\r\n", 413),
    case("bare LF", f"GET /health HTTP/1.1\n{HOST}\n\n"),
    case("bare LF in a header", f"GET /health HTTP/1.1\r\n{HOST}\r\nA: b\n\r\n"),
    case("bare CR in a header", f"GET /health HTTP/1.1\r\n{HOST}\r\nA: b\rC: d\r\n\r\n"),
    case("folded line", f"GET /health HTTP/1.1\r\n{HOST}\r\nA: b\r\n c\r\n\r\n"),
    case("folded first line", f"GET /health HTTP/1.1\r\n {HOST}\r\n\r\n"),
    case("NUL in a value", f"GET /health HTTP/1.1\r\n{HOST}\r\nA: b\0c\r\n\r\n"),
    case("NUL at the start of a line", f"GET /health HTTP/1.1\r\n{HOST}\r\n\0\r\n\r\n"),
    case("empty name", f"GET /health HTTP/1.1\r\n{HOST}\r\n: b\r\n\r\n"),
    case("blank in a name", f"GET /health HTTP/1.1\r\n{HOST}\r\nA b: c\r\n\r\n"),
    case("no colon", f"GET /health HTTP/1.1\r\n{HOST}\r\nnonsense\r\n\r\n"),
    case("no Host", "GET /health HTTP/1.1\r\n\r\n"),
    case("two Hosts", f"GET /health HTTP/1.1\r\n{HOST}\r\n{HOST}\r\n\r\n"),
    case("Host that is none", "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n"),
    case("HEAD with a body", f"HEAD /health HTTP/1.1\r\n{HOST}\r\nContent-Length: 3\r\n\r\n"),
    case("HEAD with chunks", f"HEAD /health HTTP/1.1\r\n{HOST}\r\nTransfer-Encoding: chunked\r\n\r\n"),
    case("leading CRLF", f"\r\nGET /health HTTP/1.1\r\n{HOST}\r\n\r\n"),
    case("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    case("HTTP/1.2", f"GET /health HTTP/1.2\r\n{HOST}\r\n\r\n", 505),
    case("HTTP/2.0", f"GET /health HTTP/2.0\r\n{HOST}\r\n\r\n", 505),
    case("HTTP/0.9", "GET /health\r\n\r\n"),
    case("blank in the target", f"GET /he alth HTTP/1.1\r\n{HOST}\r\n\r\n"),
    case("two blanks", f"GET  /health HTTP/1.1\r\n{HOST}\r\n\r\n"),
    case("raw byte in the target", f"GET /health?\xe9 HTTP/1.1\r\n{HOST}\r\n\r\n"),
    case("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
    case("an unknown method", f"BREW /health HTTP/1.1\r\n{HOST}\r\nContent-Length: 3\r\n\r\nabc", 405),
    case("TRACE", f"TRACE /health HTTP/1.1\r\n{HOST}\r\n\r\n", 405),
    case("CONNECT", f"CONNECT 127.0.0.1:80 HTTP/1.1\r\n{HOST}\r\n\r\n", 405),
    case("an expectation", f"{POST}Expect: wonders\r\nContent-Length: 3\r\n\r\nabc", 417),
    case("a body over the limit", f"{POST}Content-Length: 10485760\r\n\r\n", 413),
    case("2,000 headers", f"{POST}" + "A: b\r\n" * 2000 + "\r\n", 431),
    case("a header of 1 MB", f"{POST}A: " + "b" * (1 << 20) + "\r\n\r\n", 431),
    case("a request line of 1 MB", "GET /" + "a" * (1 << 20), 431),
]


@pytest.mark.parametrize("data, status", FRAMING)
def test_what_is_not_framed_strictly_is_refused_and_nothing_follows(server, data, status):
    refused(exchange(server, data + BEHIND), status)


@pytest.mark.parametrize("data, status", [c for c in FRAMING if c.values[1] == 400][::6])
def test_it_is_refused_behind_a_good_request_too(server, data, status):
    received = exchange(server, BEHIND + data + BEHIND)

    first, second = received.split(b"HTTP/1.1 ", 2)[1:]
    assert first.startswith(b"200 ")
    refused(b"HTTP/1.1 " + second, status)


def test_each_refusal_is_one_log_line_without_what_was_sent(stack):
    error = refused(exchange(stack, f"GET /health HTTP/1.1\r\nA: topsecret\r\n\r\n{BEHIND}"), 400)

    assert stack.line_of(error["request_id"])["status"] == 400
    assert "topsecret" not in stack.text()


PING = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "ping"})


def test_a_chunked_request_byte_by_byte_is_read(stack):
    pieces = f"5\r\n{PING[:5]}\r\n{len(PING) - 5:X}\r\n{PING[5:]}\r\n0\r\n\r\n"
    head = f"{POST}Authorization: Bearer {token()}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"

    with connect(stack) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in (head + pieces).encode():
            connection.sendall(bytes([byte]))
        assert receive(connection).endswith(b'"result":{}}')


def test_plain_and_pipelined_requests_are_served(server):
    get = f"GET /health HTTP/1.1\r\n{HOST}\r\n"
    head = f"HEAD /health HTTP/1.1\r\n{HOST}\r\n\r\n"
    options = f"OPTIONS * HTTP/1.1\r\n{HOST}\r\n\r\n"
    last = f"{get}Connection: close\r\n\r\n"
    old = "GET /health HTTP/1.0\r\n\r\n"

    answers = exchange(server, f"{get}\r\n{head}{options}{last}").split(b"HTTP/1.1 ")[1:]
    assert len(answers) == 4 and answers[0].rstrip().endswith(b"}") and answers[1].endswith(b"\r\n\r\n") and b"ok" in answers[3]
    assert status_of(exchange(server, old)) == 200


def test_a_request_is_refused_by_its_token_before_the_body_comes(server):
    # what the answer would have been with the whole body, but for the connection
    whole = exchange(server, f"{POST}Content-Length: {len(PING)}\r\nConnection: close\r\n\r\n{PING}")

    for framing in ("Content-Length: 4000000", "Transfer-Encoding: chunked"):
        early = exchange(server, f"{POST}{framing}\r\n\r\n")
        assert status_of(early) == status_of(whole) == 401
        assert b"WWW-Authenticate: " in early and b"Connection: close" in early
        assert same_error(early) == same_error(whole)
    assert status_of(exchange(server, f"{POST}Authorization: Bearer none\r\nContent-Length: 4000000\r\n\r\n{BEHIND}")) == 401


def same_error(received):
    found = json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]
    return {k: v for k, v in found.items() if k != "request_id"}


@pytest.mark.parametrize("route", ["/v1/tools/execute", "/v1/tools/crm_list_agents/stream", "/"])
def test_every_route_of_the_gateway_refuses_early(stack, route):
    received = exchange(stack, f"POST {route} HTTP/1.1\r\n{HOST}\r\nContent-Length: 1000000\r\n\r\n{{")

    assert status_of(received) == 401 and received.count(b"HTTP/1.1 ") == 1
    assert "token is missing" in json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]["message"]


def test_a_token_that_is_good_is_asked_for_its_body(stack):
    head = f"{POST}Authorization: Bearer {token()}\r\nContent-Length: {len(PING)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"

    with connect(stack) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(PING.encode())
        assert receive(connection).endswith(b'"result":{}}')


# slow, broken, half gone


class Impatient:
    """A gateway with short deadlines before a connector that answers, waits or says a lot."""

    def __init__(self, start):
        self.fake = start.fake(tools=[tool("big"), tool("wait"), tool("echo")], on_call=self.answer, ttl_ms=3_600_000)
        self.release = threading.Event()
        self.gone = threading.Event()
        self.gateway = start.gateway(
            [{"name": "lab", "url": self.fake.url, "timeout": f"{60 * SLOW}s"}],
            timeouts={"headers": f"{PATIENCE}s", "body": f"{PATIENCE}s", "idle": f"{PATIENCE}s"},
        ).offers("lab_echo")

    def answer(self, request):
        if request.name == "big":
            return text_result("x" * (7 << 20))
        if request.name == "wait":
            while not self.release.is_set() and not self.gone.is_set():
                if request.hung_up(0.1):
                    self.gone.set()
        return text_result("done")

    def request(self, name, era="legacy", extra=""):
        params = {"name": f"lab_{name}", "arguments": {}}
        body = json.dumps(message("tools/call", params, era))
        lines = "".join(f"{k}: {v}\r\n" for k, v in (message_headers("tools/call", params, era) | bearer()).items())
        return f"{POST}{lines}{extra}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@pytest.fixture(scope="module")
def impatient(start_module):
    return Impatient(start_module)


@pytest.fixture(autouse=True)
def others_are_served(request):
    """Around every test: who calls meanwhile and afterwards is served by the same processes."""
    yield
    for name in {"stack", "impatient"} & set(request.fixturenames):
        found = request.getfixturevalue(name)
        gateway = getattr(found, "gateway", found)
        # on a new connection: one that is kept may be closed, for being idle, at the moment it is used
        assert httpx.get(f"{gateway.base}/health", timeout=10 * SLOW).status_code == 200 and gateway.alive()


def drip(connection, data, every=0.3):
    """One byte at a time until the other side has had enough; seconds that took, and what it said."""
    began = time.monotonic()
    connection.settimeout(every)
    for byte in data:
        try:
            connection.sendall(bytes([byte]))
            if connection.recv(1, socket.MSG_PEEK) is not None:
                break
        except TimeoutError:
            continue
        except ConnectionError:
            break
    connection.settimeout(20 * SLOW)
    return time.monotonic() - began, receive(connection)


SLOW_PARTS = {
    "headers": ("", f"GET /health HTTP/1.1\r\n{HOST}\r\nA: {'b' * 200}"),
    "body": (f"{POST}Authorization: Bearer {token()}\r\nContent-Length: 200\r\n\r\n", "x" * 200),
    "chunked body": (f"{POST}Authorization: Bearer {token()}\r\nTransfer-Encoding: chunked\r\n\r\n", "c8\r\n" + "x" * 200),
}


@pytest.mark.parametrize("part", SLOW_PARTS)
def test_a_byte_now_and_then_does_not_extend_a_deadline(impatient, part):
    begin, slow = SLOW_PARTS[part]
    with connect(impatient.gateway) as connection:
        connection.sendall(begin.encode())
        seconds, received = drip(connection, slow.encode())

    refused(received, 408)
    assert seconds < 10 * PATIENCE * SLOW, "all of it would have taken a minute"


def test_a_connection_that_says_nothing_is_closed(impatient):
    with connect(impatient.gateway) as connection:
        assert receive(connection) == b""


def test_a_client_that_reads_a_byte_now_and_then_is_given_up(impatient):
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(20 * SLOW)
    connection.connect(("127.0.0.1", impatient.gateway.port))
    connection.sendall(impatient.request("big"))
    for _ in range(4 * PATIENCE * SLOW):
        assert connection.recv(1)
        time.sleep(1)
    rest = receive(connection)  # what the kernel had taken
    connection.close()

    assert len(rest) < 7 << 20
    assert not impatient.gateway.lines(level="error")


RESETS = {
    "before a byte": lambda lab: b"",
    "in the request line": lambda lab: b"POST /mc",
    "in the headers": lambda lab: POST.encode(),
    "before the body": lambda lab: lab.request("echo").split(b"\r\n\r\n")[0] + b"\r\n\r\n",
    "in the body": lambda lab: lab.request("echo")[:-5],
    "before the answer": lambda lab: lab.request("big"),
    "behind a pipelined request": lambda lab: lab.request("echo") * 3,
}


@pytest.mark.parametrize("leave", [reset, socket.socket.close], ids=["reset", "close"])
@pytest.mark.parametrize("phase", RESETS)
def test_clients_may_vanish_in_every_phase(impatient, phase, leave):
    for pause in (0, 0, 0.01, 0.05):
        connection = connect(impatient.gateway)
        connection.sendall(RESETS[phase](impatient))
        time.sleep(pause)
        leave(connection)

    wait_until(lambda: httpx.get(f"{impatient.gateway.base}/health").status_code == 200, "an answer")
    assert not impatient.gateway.lines(level="error")


@pytest.mark.parametrize("behind", [b"", BEHIND.encode()], ids=["alone", "with a request behind it"])
@pytest.mark.parametrize("leave", [reset, socket.socket.close], ids=["reset", "close"])
def test_a_hang_up_reaches_the_connector(impatient, leave, behind):
    # MCP 2026-07-28 basic/transports/streamable-http: closing the connection cancels the request
    impatient.release.clear()
    impatient.gone.clear()
    connection = connect(impatient.gateway)
    connection.sendall(impatient.request("wait", "modern") + behind)
    wait_until(lambda: impatient.fake.calls() and impatient.fake.calls()[-1].name == "wait", "the call")
    if behind:
        time.sleep(0.1)
        connection.sendall(behind)
    leave(connection)

    assert impatient.gone.wait(20 * SLOW)
    impatient.fake.requests.clear()


def test_a_request_behind_a_pending_one_waits_for_it(impatient):
    impatient.release.clear()
    impatient.gone.clear()
    with connect(impatient.gateway) as connection:
        connection.sendall(impatient.request("wait") + BEHIND.encode())
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        impatient.release.set()
        connection.settimeout(20 * SLOW)
        received = receive(connection)

    answers = received.split(b"HTTP/1.1 ")[1:]
    assert len(answers) == 2 and b"done" in answers[0] and answers[1].endswith(b'{"status":"ok"}')
    impatient.fake.requests.clear()


def test_a_half_closed_socket_is_a_client_that_has_gone(impatient):
    # as nginx sees it, too: nobody knows whether the other half is still read
    impatient.release.clear()
    impatient.gone.clear()
    with connect(impatient.gateway) as connection:
        connection.sendall(impatient.request("wait", "modern"))
        wait_until(lambda: impatient.fake.calls(), "the call")
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection) == b""
    assert impatient.gone.wait(20 * SLOW)
    impatient.fake.requests.clear()


# too many, too much


def rss(process):
    """Megabytes; a sanitizer's are not the program's."""
    with open(f"/proc/{process.popen.pid}/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE") / (1 << 20)


def gives_memory_back(process, before):
    if SLOW > 1:
        return
    seen = []
    try:
        wait_until(lambda: seen.append(rss(process)) or seen[-1] < 1.2 * before + 2, "less memory")
    except AssertionError:
        raise AssertionError(f"{before:.1f} MB before, {seen[0]:.1f} MB then, {seen[-1]:.1f} MB at last") from None


def cpu_seconds(process):
    with open(f"/proc/{process.popen.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def comes_to_rest(process):
    """It does not spin: that would never end, but the work that a crowd makes does."""

    def rests():
        cpu = cpu_seconds(process)
        time.sleep(0.5)
        return cpu_seconds(process) - cpu < 0.1 * SLOW

    return wait_until(rests, "a gateway that does not spin")


def held_bytes(gateway):
    text = gateway.http.get("/metrics", headers=bearer()).text
    return int(text.split("\nguiche_held_bytes ")[1].split()[0])


def take_descriptors(wanted):
    """How many of them this process may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(wanted, hard - 200)


class Crowd:
    """Connections that say `word` and nothing more. Who must not look idle meanwhile, on a machine that may be slow, is
    `between`."""

    def __init__(self, port, count, word=b"", between=lambda: None):
        self.sockets = []
        for n in range(count):
            one = socket.socket()
            one.setblocking(False)
            one.connect_ex(("127.0.0.1", port))
            self.sockets.append(one)
            if n % 50 == 0:
                between()
        for n, one in enumerate(self.sockets if word else []):
            with contextlib.suppress(OSError):
                one.send(word)
            if n % 50 == 0:
                between()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for one in self.sockets:
            one.close()


def serve_small(start, **config):
    """A gateway that may have 1,024 descriptors."""
    fake = start.fake(tools=[tool("echo")], ttl_ms=3_600_000)
    return start.gateway(
        [{"name": "lab", "url": fake.url}],
        wrapper=["prlimit", "--nofile=1024:1024"],
        timeouts={"headers": "2s", "idle": "30s"},
        **config,
    ).offers("lab_echo")


BUSY = f"{POST}Authorization: Bearer {token()}\r\nContent-Length: 2\r\n\r\n{{".encode()
WORDS = {"silent": b"", "half a request": b"GET /health HTTP/1.1\r\n", "nonsense": b"x\r\n\r\n", "half a body": BUSY}


@pytest.mark.parametrize("word", WORDS.values(), ids=WORDS)
def test_five_thousand_connections_harm_nobody_with_1024_descriptors(start, word):
    count = take_descriptors(5000)
    gateway = serve_small(start)
    kept = httpx.Client(base_url=gateway.base, timeout=10 * SLOW)
    call = {"content": json.dumps(message("tools/call", {"name": "lab_echo", "arguments": {}}, "legacy"))}
    call["headers"] = message_headers("tools/call", {"name": "lab_echo"}, "legacy") | bearer()

    def is_served():
        assert kept.post("/mcp", **call).status_code == 200

    is_served()
    before = rss(gateway)

    with Crowd(gateway.port, count, word, is_served):
        for _ in range(20):
            is_served()
            time.sleep(0.02)
        comes_to_rest(gateway)
        if word != BUSY:  # whoever asks is served, whoever says nothing whole makes room
            assert httpx.get(f"{gateway.base}/health", timeout=10 * SLOW).status_code == 200
    wait_until(lambda: httpx.get(f"{gateway.base}/health").status_code == 200, "an answer to a new connection")
    gives_memory_back(gateway, before)
    assert not gateway.lines(level="error")
    assert len(gateway.lines(level="warn")) <= 2, "told once a minute"


def test_descriptors_that_run_out_are_told_once_and_never_spun_on(start):
    count = take_descriptors(3000)
    gateway = serve_small(start, limits={"connections": 5000})
    kept = httpx.Client(base_url=gateway.base, timeout=10 * SLOW)

    def is_served():
        assert kept.get("/health").status_code == 200

    is_served()
    with Crowd(gateway.port, count, BUSY, is_served) as crowd:
        said = set()

        def is_said():
            is_served()
            for one in crowd.sockets:
                with contextlib.suppress(OSError):
                    said.add(one.recv(4096)[:12])
            return b"HTTP/1.1 503" in said

        wait_until(is_said, "a refusal")
        comes_to_rest(gateway)
    wait_until(lambda: httpx.get(f"{gateway.base}/health").status_code == 200, "an answer to a new connection")
    warnings = [l["msg"] if "msg" in l else str(l) for l in gateway.lines(level="warn")]
    assert 1 <= len(warnings) <= 2, warnings


def test_connections_of_one_address_leave_room_for_others(start):
    gateway = start.gateway(limits={"connections_per_address": 3}, wait=False)
    wait_until(lambda: gateway.http.get("/health").status_code == 200, "the gateway")

    with Crowd(gateway.port, 2, b"GET / HTTP/1.1\r\n"):
        wait_until(lambda: status_of(exchange(gateway, BEHIND.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))) == 503, "a refusal")
        other = socket.create_connection(("127.0.0.1", gateway.port), 20, ("127.0.0.2", 0))
        other.sendall(BEHIND.encode())
        assert other.recv(20).startswith(b"HTTP/1.1 200")
        other.close()


def test_large_bodies_in_flight_are_bounded(start):
    gateway = start.gateway(limits={"in_flight": "1MiB"}, wait=False)
    wait_until(lambda: gateway.http.get("/health").status_code == 200, "the gateway")
    head = f"{POST}Authorization: Bearer {token()}\r\nContent-Length: 2000000\r\n\r\n"

    with connect(gateway) as first:
        first.sendall(head.encode() + b" " * 900_000)
        wait_until(lambda: held_bytes(gateway) >= 900_000, "the first body")
        answer = exchange(gateway, head.encode() + b" " * 900_000)
        refused(answer, 503)
        assert b"Retry-After: 1" in answer
        assert gateway.rpc("ping").status_code == 200
    wait_until(lambda: gateway.rpc("ping", headers={"X-Filler": "x"}).status_code == 200, "room")


def test_bodies_of_ten_megabytes_leave_no_memory_behind(stack):
    before = rss(stack)
    for _ in range(5):
        refused(exchange(stack, f"{POST}Content-Length: 10485760\r\n\r\n".encode() + b"x" * 10485760), 413)

    gives_memory_back(stack, before)


def sixty_four_megabytes(request):
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n"
    for _ in range(64):
        yield b" " * (1 << 20)


def nothing_at_all(request):
    time.sleep(3)
    yield b""


@pytest.mark.parametrize("on_call", [sixty_four_megabytes, nothing_at_all])
def test_a_connector_that_says_too_much_or_nothing_is_one_clear_error(start, on_call):
    fake = start.fake(tools=[tool("echo")], on_call=on_call, ttl_ms=3_600_000)
    gateway = start.gateway([{"name": "lab", "url": fake.url, "timeout": "1s"}]).offers("lab_echo")
    before = rss(gateway)

    for _ in range(2):
        result = gateway.call("lab_echo")
        assert result["isError"] is True and result["content"][0]["text"]
    gives_memory_back(gateway, before)


# stopping


def test_ready_turns_503_before_the_port_closes(start):
    gateway = start.gateway(timeouts={"drain_delay": "5s"}, wait=False)
    wait_until(lambda: gateway.http.get("/health").status_code == 200, "the gateway")
    gateway.signal(15)

    answer = wait_until(lambda: (a := httpx.get(f"{gateway.base}/ready")).json().get("error", {}).get("code") == "stopping" and a, "503")
    assert answer.status_code == 503 and answer.headers["Connection"] == "close"
    answer = httpx.post(gateway.url, content=PING, headers=bearer() | {"Content-Type": "application/json"}, timeout=60)
    assert answer.json()["result"] == {} and answer.headers["Connection"] == "close"
    wait_until(lambda: not gateway.alive(), "the end")
