"""Clients that do at random whatever clients do wrong, many at once, while the configuration is reloaded and in the end the
gateway is stopped in the middle of it all. Every answer that comes whole must be the right one, none may come in part unless
its reader was at fault, and afterwards nothing is left: no connection, no held byte, no descriptor.

GUICHE_CHAOS_SEED and GUICHE_CHAOS_SECONDS repeat a run or make it longer. The seed decides what each client does; when it gets
to do it is the machine's.
"""

import contextlib
import json
import os
import random
import re
import socket
import struct
import threading
import time

import httpx
import pytest

from fake_connector import progress, response, sse, sse_head, text_result, tool
from harness import SLOW, free_port, message, message_headers, token, wait_until

SEED = int(os.environ.get("GUICHE_CHAOS_SEED", "1"))
SECONDS = float(os.environ.get("GUICHE_CHAOS_SECONDS", "7"))
CLIENTS = 40
PATIENCE = 30 * SLOW
HOST = "Host: 127.0.0.1\r\n"
BEARER = f"Authorization: Bearer {token()}\r\n"
LARGE = 300_000
IDLE_S = 1  # of the gateway; headers and bodies get as long


# the connector


def steps(request):
    yield sse_head()
    for i in range(request.arguments["steps"]):
        if "progressToken" in request.params["_meta"]:
            yield sse(progress(request, i + 1, message="x" * request.arguments["length"]))
        time.sleep(request.arguments["pause"])
    yield sse(response(request, text_result(request.arguments["mark"])))


def answer(request):
    mark = request.arguments["mark"]
    match request.name:
        case "slow":
            time.sleep(request.arguments["pause"])
        case "large":
            mark += "x" * LARGE
        case "steps":
            return steps(request)
        case "dies":
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"
    return text_result(mark)


# one client


class Refused(Exception):
    """The gateway said that there is no room, or closed the connection before it had read anything whole; or this machine was
    so slow that a whole request took longer than its deadline."""


class Wire:
    """A connection, and answers read off it strictly."""

    def __init__(self, port, receive_bytes=None):
        self.socket = socket.socket()
        if receive_bytes:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(PATIENCE)
        self.socket.connect(("127.0.0.1", port))
        self.received = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.socket.close()

    def reset(self):
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def half_close(self):
        with self, contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)
            while self.more():
                pass

    def send(self, data):
        """What the other side no longer takes shows in what it answers."""
        with contextlib.suppress(ConnectionError):
            self.socket.sendall(data)

    def more(self):
        try:
            piece = self.socket.recv(65536)
        except ConnectionError:
            piece = b""
        self.received += piece
        return piece

    def until(self, end):
        """Up to and with `end`; None when the connection ends before the first byte."""
        while end not in self.received:
            if not self.more():
                assert not self.received, f"half an answer: {self.received[:200]} ... {self.received[-100:]}"
                return None
        taken, self.received = self.received.split(end, 1)
        return taken + end

    def exactly(self, length):
        while len(self.received) < length:
            assert self.more(), f"{len(self.received)} bytes of {length}: {self.received[:200]}"
        taken, self.received = self.received[:length], self.received[length:]
        return taken

    def chunks(self):
        body = b""
        while True:
            line = self.until(b"\r\n")
            assert line is not None, "a stream without its end"
            piece = self.exactly(int(line, 16) + 2)
            assert piece.endswith(b"\r\n")
            if len(piece) == 2:
                return body
            body += piece[:-2]

    def answer(self):
        """(status, body, last) of the next answer, or None when the connection is over."""
        head = self.until(b"\r\n\r\n")
        while head and head.startswith(b"HTTP/1.1 100 "):
            head = self.until(b"\r\n\r\n")
        if head is None:
            return None
        assert re.match(rb"HTTP/1\.1 \d{3} [A-Z]", head), head[:200]
        length = re.search(rb"\r\nContent-Length: (\d+)\r\n", head)
        body = self.exactly(int(length[1])) if length else self.chunks()
        return int(head[9:12]), body, b"\r\nConnection: close\r\n" in head


class Client:
    def __init__(self, world, number):
        self.world = world
        self.dice = random.Random(f"{SEED}-{number}")
        self.name = f"c{number}"
        self.count = 0

    def run(self):
        acts = [getattr(self, n) for n in ACTS]
        while not self.world.over.is_set():
            act = self.dice.choice(acts)
            try:
                act()
                self.world.count(act.__name__)
            except (Refused, ConnectionError) as refusal:
                self.world.count(type(refusal).__name__)
                if isinstance(refusal, ConnectionRefusedError):
                    if not self.world.stopping.is_set():
                        self.world.problems.append("nobody listens any more")
                    return
                time.sleep(0.02)
            except Exception as problem:
                self.world.problems.append(f"{self.name} {act.__name__}: {problem!r}")

    def wire(self, **options):
        return Wire(self.world.gateway.port, **options)

    def mark(self):
        self.count += 1
        return f"{self.name}-{self.count}"

    def call(self, name, era=None, framing="length", extra="", token=None, **arguments):
        """The bytes of a call, and its mark."""
        mark = self.mark()
        params = {"name": f"lab_{name}", "arguments": {"mark": mark} | arguments}
        if token:
            params["_meta"] = {"progressToken": token}
        era = era or self.dice.choice(["legacy", "modern"])
        body = json.dumps(message("tools/call", params, era, mark)).encode()
        lines = "".join(f"{k}: {v}\r\n" for k, v in message_headers("tools/call", params, era).items())
        head = f"POST /mcp HTTP/1.1\r\n{HOST}{BEARER}{lines}{extra}"
        if framing == "length":
            return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body, mark
        cut = self.dice.randint(1, len(body) - 1)
        chunks = b"%x\r\n%s\r\n%X\r\n%s\r\n0\r\n\r\n" % (cut, body[:cut], len(body) - cut, body[cut:])
        return f"{head}Transfer-Encoding: chunked\r\n\r\n".encode() + chunks, mark

    def any_call(self, **options):
        name = self.dice.choice(["echo", "echo", "slow", "large"])
        return self.call(name, pause=self.dice.choice([0, 0.02, 0.2]), **options)

    def check_room(self, found):
        if found is None:
            raise Refused
        status, body, last = found
        if status in (408, 503):
            code = json.loads(body)["error"]["code"]
            assert last and code in ("too_many_connections", "too_much_in_flight", "timeout"), found
            raise Refused

    def check(self, found, mark, may_fail=False):
        """The answer of a call on a healthy connection; whether it is the last one there."""
        self.check_room(found)
        status, body, last = found
        said = json.loads(body)
        assert status == 200, found
        assert said["id"] == mark, (mark, body[:200])
        self.check_result(said["result"], mark, may_fail)
        return last

    def check_result(self, result, mark, may_fail=False):
        text = result["content"][0]["text"]
        if result.get("isError"):
            assert may_fail or (self.world.stopping.is_set() and "stopp" in text), text
        else:
            assert text.rstrip("x") == mark, (mark, text[:100])

    # what clients do

    def keep_alive(self):
        with self.wire() as wire:
            for n in range(self.dice.randint(1, 6)):
                request, mark = self.any_call(framing=self.dice.choice(["length", "chunked"]))
                wire.send(request)
                if self.check(wire.answer(), mark):
                    return
                if self.dice.random() < 0.2:
                    time.sleep(self.dice.random() * 0.3)

    def pipeline(self):
        calls = [self.any_call() for _ in range(self.dice.randint(2, 5))]
        with self.wire() as wire:
            wire.send(b"".join(request for request, _ in calls))
            for _, mark in calls:
                self.check(wire.answer(), mark)

    def pipeline_and_leave(self):
        wire = self.wire()
        wire.send(b"".join(self.any_call()[0] for _ in range(5)))
        time.sleep(self.dice.choice([0, 0.005, 0.05]))
        self.dice.choice([wire.reset, wire.socket.close])()

    def pieces(self):
        request, mark = self.any_call(framing=self.dice.choice(["length", "chunked"]))
        with self.wire() as wire:
            wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while request:
                length = self.dice.choice([1, 7, 100, 400])
                wire.send(request[:length])
                request = request[length:]
                time.sleep(self.dice.choice([0, 0, 0.001]))
            self.check(wire.answer(), mark)

    def part(self):
        """Of a request, and then one of the ways to go, or none at all."""
        request, _ = self.any_call(framing=self.dice.choice(["length", "chunked"]))
        wire = self.wire()
        wire.send(request[: self.dice.randint(0, len(request) - 1)])
        time.sleep(self.dice.choice([0, 0.001, 0.02]))
        self.dice.choice([wire.reset, wire.socket.close, wire.half_close, lambda: self.world.hold(wire.socket)])()

    def leave(self):
        """While the answer is pending, or is being sent."""
        request, _ = self.any_call()
        wire = self.wire()
        wire.send(request)
        if self.dice.random() < 0.5:
            time.sleep(self.dice.choice([0, 0.001, 0.01, 0.1]))
        else:
            wire.socket.recv(self.dice.choice([1, 1000]))
        self.dice.choice([wire.reset, wire.socket.close, wire.half_close])()

    def read_slowly(self):
        request, mark = self.call("large")
        with self.wire(receive_bytes=4096) as wire:
            wire.send(request)
            for _ in range(self.dice.randint(1, 10)):
                wire.received += wire.socket.recv(self.dice.choice([1, 500, 4000]))
                time.sleep(self.dice.random() * 0.1)
            if self.dice.random() < 0.5:
                self.check(wire.answer(), mark)

    def never_read(self):
        wire = self.wire(receive_bytes=4096)
        wire.send(b"".join(self.call("large")[0] for _ in range(3)))
        self.world.hold(wire.socket)

    def stream(self):
        request, mark = self.call("steps", token=self.mark(), steps=self.dice.randint(0, 4), length=self.dice.choice([1, 60000]), pause=self.dice.choice([0, 0.02]))
        wire = self.wire()
        with wire:
            wire.send(request)
            if self.dice.random() < 0.3:
                time.sleep(self.dice.random() * 0.05)
                wire.reset()
                return
            found = wire.answer()
            if found is None or found[0] != 200:
                self.check(found, mark)
                return
            last = found[1].rstrip(b"\n").split(b"\n")[-1]
            said = json.loads(last.removeprefix(b"data: "))
            assert said["id"] == mark, last[:200]
            self.check_result(said["result"], mark)

    def dead_connector(self):
        request, mark = self.call("dies")
        with self.wire() as wire:
            wire.send(request)
            self.check(wire.answer(), mark, may_fail=True)

    def expect_status(self, data, *statuses):
        with self.wire() as wire:
            wire.send(data)
            found = wire.answer()
            self.check_room(found)
            assert found[0] in statuses, found
            assert wire.answer() is None or not found[2], "nothing comes behind the last answer"

    def nonsense(self):
        self.expect_status(self.dice.choice([b"\x00\xff\r\n", b"GET /health HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", b"GET / HTTP/3.7\r\n\r\n" * 20]), 400, 505)

    def large_head(self):
        self.expect_status(f"GET /health HTTP/1.1\r\n{HOST}A: {'a' * 200_000}\r\n\r\n".encode(), 431)

    def large_body(self):
        self.expect_status(f"POST /mcp HTTP/1.1\r\n{HOST}{BEARER}Content-Length: 10000000\r\n\r\n".encode() + b" " * 1_000_000, 413)

    def no_token(self):
        self.expect_status(f"POST /mcp HTTP/1.1\r\n{HOST}Content-Length: 4000000\r\n\r\n".encode() + b" " * self.dice.choice([0, 10, 500_000]), 401)

    def good_large_body(self):
        request, mark = self.call("echo", filler="y" * 500_000)
        with self.wire() as wire:
            wire.send(request)
            self.check(wire.answer(), mark)

    def continue_100(self):
        request, mark = self.call("echo", extra="Expect: 100-continue\r\n")
        head, body = request.split(b"\r\n\r\n", 1)
        with self.wire() as wire:
            wire.send(head + b"\r\n\r\n")
            time.sleep(0.001)
            wire.send(body)
            self.check(wire.answer(), mark)

    def old(self):
        with self.wire() as wire:
            wire.send(b"GET /health HTTP/1.0\r\n\r\n")
            found = wire.answer()
            self.check_room(found)
            assert found == (200, b'{"status":"ok"}', True) and wire.answer() is None

    def crowd(self):
        for _ in range(self.dice.randint(5, 40)):
            one = self.wire().socket
            if self.dice.random() < 0.5:
                one.send(b"GET /")
            self.world.hold(one)


ACTS = [n for n, f in vars(Client).items() if callable(f) and not n.startswith("_")]
ACTS = [n for n in ACTS if n not in ("run", "wire", "mark", "call", "any_call", "check_room", "check", "check_result", "expect_status")]
ACTS += ["keep_alive"] * 6 + ["pipeline", "stream", "leave", "part"] * 2


# all of them


class World:
    def __init__(self, start, workers):
        self.admin = free_port()
        names = ["echo", "slow", "large", "steps", "dies"]
        self.fake = start.fake(tools=[tool(n) for n in names], on_call=answer, ttl_ms=3_600_000)
        self.gateway = start.gateway(
            [{"name": "lab", "url": self.fake.url, "timeout": f"{20 * SLOW}s"}],
            workers=workers,
            admin_listen=f"127.0.0.1:{self.admin}",
            timeouts={"headers": f"{IDLE_S}s", "body": f"{IDLE_S}s", "idle": f"{IDLE_S}s", "drain": "3s"},
            limits={"connections": 90, "in_flight": "3MiB"},
            log_level="warn",
        ).offers(*(f"lab_{n}" for n in names))
        self.lock = threading.Lock()
        self.held = []
        self.problems = []
        self.done = {}
        self.over = threading.Event()
        self.stopping = threading.Event()

    def count(self, what):
        with self.lock:
            self.done[what] = self.done.get(what, 0) + 1

    def hold(self, one):
        """Keeps some connections open that nobody uses any more."""
        with self.lock:
            self.held.append(one)
            gone = self.held.pop(0) if len(self.held) > 120 else None
        if gone:
            gone.close()

    def let_go(self):
        with self.lock:
            for one in self.held:
                one.close()
            self.held.clear()

    @contextlib.contextmanager
    def clients(self):
        self.over.clear()
        threads = [threading.Thread(target=Client(self, n).run) for n in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(2 * PATIENCE)
            self.let_go()
        assert not any(thread.is_alive() for thread in threads)

    def reload_for(self, seconds):
        """As long as that, and on a slow machine until enough has been done."""
        dice = random.Random(SEED)
        until = time.monotonic() + seconds
        at_last = until + 30 * SLOW
        while time.monotonic() < (until if self.has_seen_enough() else at_last):
            time.sleep(0.3)
            limits = {"connections": dice.choice([25, 60, 200]), "in_flight": dice.choice(["2MiB", "3MiB", "64MiB"])}
            self.gateway.config["limits"] = limits | {"reply": dice.choice(["8MiB", "4MiB"])}
            self.gateway.write_config()
            self.gateway.signal(1)

    def has_seen_enough(self):
        return self.done.get("keep_alive", 0) > 50 and self.done.get("Refused", 0) > 0

    def gauges(self):
        text = httpx.get(f"http://127.0.0.1:{self.admin}/metrics", timeout=PATIENCE).text
        return {m[1]: int(m[2]) for m in re.finditer(r"^(guiche_\w+)(?:\{connector=[^}]*\})? (\d+)$", text, re.M)}

    def descriptors(self):
        """But for those of connections to the connector, which are kept on purpose."""
        return len(os.listdir(f"/proc/{self.gateway.popen.pid}/fd")) - self.gauges()["guiche_hop_connections"]

    def is_quiet(self):
        found = self.gauges()
        return found["guiche_connections"] == found["guiche_held_bytes"] == found["guiche_open_requests"] == 0


@pytest.mark.timeout(180 * SLOW + 3 * SECONDS)
@pytest.mark.parametrize("workers", [1, 2])
def test_chaos_harms_nobody_and_leaves_nothing_behind(start, workers):
    world = World(start, workers)
    world.gateway.http.close()
    wait_until(world.is_quiet, "a gateway that is idle")
    before = world.descriptors()

    with world.clients():
        world.reload_for(SECONDS)
    assert world.gateway.alive(), world.gateway.text()[-3000:]
    broken = [repr(e) for e in world.fake.errors if not isinstance(e, OSError)]
    assert not broken, f"the connector was asked something odd: {broken[:5]}"
    assert not world.problems, "\n".join(world.problems[:20])
    wait_until(world.is_quiet, f"nothing to be left: {world.gauges()}")
    wait_until(lambda: world.descriptors() <= before + 2, f"{before} descriptors again")

    with world.clients():
        world.reload_for(1.5)
        world.stopping.set()
        world.gateway.signal(15)
        wait_until(lambda: not world.gateway.alive(), "the end", 20)
    assert not world.problems, "\n".join(world.problems[:20])
    assert not world.gateway.lines(level="error")
    assert world.has_seen_enough(), world.done
