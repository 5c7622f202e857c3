"""Starts the real binaries on free ports and unix sockets, and the fake connectors and tokens that tests need.

Nothing here is shared between tests but the demo database, which is made once and copied.
"""

import datetime
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import httpx
import jwt

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("GUICHE_BUILD", "build/dev")
GUICHE = BUILD / "gateway" / "guiche"
MCP_CRM = BUILD / "connectors" / "crm" / "mcp-crm"
# What the gateway forwards of each user to a connector of that name.
USER_HEADERS = {
    "odoo": ["X-Odoo-Login", "X-Odoo-Api-Key"],
    "qdrant": ["X-Qdrant-Api-Key"],
    "chatwoot": ["X-Chatwoot-Access-Token", "X-Chatwoot-Account-Id"],
    "qlik": ["X-Qlik-Access-Token"],
}
JWT_SECRET = "a secret of the tests, long enough for HS256"
HOP_SECRET = "another secret of the tests, for the hop only"
SLOW = 4 if os.environ.get("GUICHE_SANITIZED") else 1  # sanitizers take their time


def wait_until(condition, what, seconds=30.0):
    """Calls condition until it returns something true; errors of connecting count as "not yet". A long wait costs
    nothing where all is well, and a busy machine may stall for seconds."""
    deadline = time.monotonic() + seconds * SLOW
    while True:
        try:
            found = condition()
        except (httpx.TransportError, OSError):
            found = None
        if found:
            return found
        assert time.monotonic() < deadline, f"waited {seconds * SLOW} s for {what}"
        time.sleep(0.02)


def program(connector):
    """A connector of ours, or one of docs/examples."""
    folder = "connectors" if (ROOT / "connectors" / connector).is_dir() else "examples"
    return BUILD / folder / connector / f"mcp-{connector}"


def ports_of_this_process():
    """Below the range that Linux takes ports of outgoing connections from: one of those might hold a port of ours between two
    uses, and a client that tries a port of that range where nobody listens may get through to itself. Processes that test at
    the same time each walk a range of their own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 5
    ports = range(12000 + 4000 * worker, 16000 + 4000 * worker)
    first = random.randrange(len(ports))
    return itertools.cycle([*ports[first:], *ports[:first]])


_ports = ports_of_this_process()


def free_port():
    while True:
        port = next(_ports)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def token(permissions=("*",), tenant="demo", subject="tester", secret=JWT_SECRET, ttl=86400, algorithm="HS256", headers=None, **claims):
    """A client token; claims set to None are left out. It lasts for the whole run: some are made when files are collected."""
    body = {"sub": subject, "tenant_id": tenant, "permissions": list(permissions), "exp": int(time.time()) + ttl, **claims}
    return jwt.encode({k: v for k, v in body.items() if v is not None}, secret, algorithm=algorithm, headers=headers)


class Folder:
    """A short temporary folder: paths of unix sockets have 108 bytes."""

    def __init__(self):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="g-", dir="/tmp"))

    def __truediv__(self, name):
        return self.path / name

    def remove(self):
        shutil.rmtree(self.path, ignore_errors=True)


class Process:
    """One program under test. stop() asserts that it ended as told and that no sanitizer complained."""

    def __init__(self, argv, log, env=None, cwd=None):
        self.log = pathlib.Path(log)
        self.output = open(self.log, "ab")
        clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS")}
        self.popen = subprocess.Popen([str(a) for a in argv], env=clean | (env or {}), cwd=cwd or ROOT, stdin=subprocess.DEVNULL, stdout=self.output, stderr=self.output)

    def text(self):
        return self.log.read_text(errors="replace")

    def lines(self, **wanted):
        """Log lines (JSON) whose members equal what is wanted."""
        found = []
        for line in self.text().splitlines():
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if all(entry.get(k) == v for k, v in wanted.items()):
                found.append(entry)
        return found

    def alive(self):
        return self.popen.poll() is None

    def signal(self, number):
        self.popen.send_signal(number)

    def kill(self):
        self.popen.kill()
        self.popen.wait(10)
        self.output.close()

    def stop(self, expected=0):
        if self.alive():
            self.popen.send_signal(signal.SIGTERM)
        try:
            code = self.popen.wait(40)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise AssertionError(f"did not stop within 40 s:\n{self.text()[-3000:]}")
        self.output.close()
        text = self.text()
        assert "Sanitizer" not in text and "runtime error" not in text, text[-6000:]
        assert code == expected, f"ended with {code}:\n{text[-3000:]}"


class Connector(Process):
    """mcp-NAME on a unix socket, with its key of the hop."""

    def __init__(self, folder, connector, env=None, args=(), name=None, wrapper=(), wait=True):
        """name: of its files, when there are several. wrapper: what comes before the program, to start it under something."""
        self.connector = connector
        self.socket = folder / f"{name or connector}.sock"
        settings = {"LISTEN": f"unix:{self.socket}"}
        if "--no-auth" not in args:
            settings["HOP_KEY"] = hop_key(connector)
        super().__init__([*wrapper, program(connector), *args], folder / f"{name or connector}.log", settings | (env or {}))
        self.http = httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://localhost", timeout=30)
        if wait:
            wait_until(lambda: self.alive_or_fail() and self.http.get("/health").status_code == 200, f"mcp-{connector}")

    def alive_or_fail(self):
        assert self.alive(), self.text()
        return True

    @property
    def url(self):
        return f"unix:{self.socket}"

    def row(self, **more):
        """Its entry in a gateway's config, with the headers of users that it usually gets."""
        headers = {"forward_headers": USER_HEADERS[self.connector]} if USER_HEADERS.get(self.connector) else {}
        return {"name": self.connector, "url": self.url} | headers | more


class Crm(Connector):
    """mcp-crm on a copy of the demo database unless a URL is given."""

    def __init__(self, folder, database=None, args=(), env=None, name="crm", wrapper=()):
        if database is None:
            shutil.copy(demo_database(), folder / f"{name}.sqlite")
            database = f"sqlite:{folder / f'{name}.sqlite'}"
        self.database = database
        self.made_on = utc_day()
        super().__init__(folder, "crm", {"DATABASE_URL": database} | (env or {}), args, name, wrapper)


class Standin(Process):
    """tests/upstreams/NAME.py, a stand-in of an upstream: what it was asked, and what it shall do wrong (standin.py)."""

    def __init__(self, folder, upstream, *args, name=None):
        address = folder / f"{name or upstream}.url"
        address.unlink(missing_ok=True)
        command = [sys.executable, ROOT / "tests/upstreams" / f"{upstream}.py", "--address-file", address, *args]
        super().__init__(command, folder / f"{name or upstream}-standin.log")
        self.url = wait_until(lambda: (self.alive() or self.fail()) and address.exists() and address.read_text(), f"the stand-in of {upstream}")
        self.http = httpx.Client(base_url=self.url, timeout=30, verify=False)

    def fail(self):
        raise AssertionError(self.text())

    def requests(self, **wanted):
        """The requests so far whose members (method, path, ...) equal what is wanted."""
        found = self.http.get("/_demo/requests").json()
        return [r for r in found if all(r[k] == v for k, v in wanted.items())]

    def forget(self):
        """Forgets requests and ends faults."""
        self.forget_requests()
        self.http.delete("/_demo/fault")
        return self

    def forget_requests(self):
        self.http.delete("/_demo/requests")

    def fault(self, kind, **more):
        answer = self.http.post("/_demo/fault", json={"kind": kind} | more)
        assert answer.status_code == 200, answer.text


class Gateway(Process):
    """The gateway by a config (a dict; JSON is YAML) with the secrets of the tests."""

    def __init__(self, folder, connectors=(), env=None, name="gateway", wait=True, wrapper=(), **config):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.url = f"{self.base}/mcp"
        self.path = folder / f"{name}.yaml"
        self.config = {
            "listen": f"127.0.0.1:{self.port}",
            "workers": 2,
            "auth": {"hs256_secret": JWT_SECRET},
            "hop_secret": HOP_SECRET,
            "connectors": list(connectors),
        } | config
        self.write_config()
        super().__init__([*wrapper, GUICHE, "serve", self.path], folder / f"{name}.log", env)
        self.http = httpx.Client(base_url=self.base, timeout=60)
        if wait:
            wait_until(lambda: self.alive_or_fail() and self.http.get("/ready").status_code == 200, "the gateway")
            self.is_so_for_all_workers(lambda: self.is_ready_to_strangers(), "the gateway's other workers")

    def is_so_for_all_workers(self, condition, what):
        """Workers get a new catalog one after the other, and a connection stays with one of them: so on several new ones."""
        connections = 2 * (self.config["workers"] or 2)
        wait_until(lambda: all(condition() for _ in range(connections)), what)

    def is_ready_to_strangers(self):
        return exchange(self.port, b"GET /ready HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 200 ")

    def write_config(self):
        self.path.write_text(json.dumps({k: v for k, v in self.config.items() if v is not None}, indent=1))

    def alive_or_fail(self):
        assert self.alive(), self.text()
        return True

    def reload(self, **changes):
        """Changes the config and waits until the gateway says what became of it."""
        self.config |= changes
        self.write_config()
        before = len(self.text().splitlines())
        self.signal(signal.SIGHUP)
        return wait_until(lambda: [l for l in self.text().splitlines()[before:] if "reload" in l.lower() or "config" in l.lower()], "the reload")

    def status(self):
        return self.http.get("/status", headers=bearer()).json()

    def connector_status(self, name):
        return next(c for c in self.status()["connectors"] if c["name"] == name)

    def rpc(self, method, params=None, era="legacy", auth=None, headers=None, id=1):
        """One request in the words of an era; returns the HTTP answer."""
        return self.http.post("/mcp", content=json.dumps(message(method, params, era, id)), headers=message_headers(method, params, era) | (auth if auth is not None else bearer()) | (headers or {}))

    def call(self, name, arguments=None, era="legacy", **options):
        """The result object of tools/call."""
        answer = self.rpc("tools/call", {"name": name, "arguments": arguments or {}}, era, **options)
        assert answer.status_code == 200, answer.text
        return json.loads(rpc_body(answer))["result"]

    def rest(self, name, arguments=None, auth=None, headers=None):
        """POST /v1/tools/execute; returns the HTTP answer."""
        body = {"tool_name": name, "arguments": arguments or {}}
        return self.http.post("/v1/tools/execute", json=body, headers=(auth if auth is not None else bearer()) | (headers or {}))

    def line_of(self, request_id):
        """The one log line of a request; lines are flushed a moment after the answer."""
        wait_until(lambda: self.lines(request_id=request_id), f"the log line of {request_id}")
        (line,) = self.lines(request_id=request_id)
        return line

    def offers(self, *names):
        """Waits until these tools are listed; returns the gateway."""
        wait_until(lambda: set(names) <= set(self.tool_names()), f"the tools {names}")
        last = {"Connection": "close"}
        self.is_so_for_all_workers(lambda: set(names) <= set(self.tool_names(headers=last)), f"the tools {names} of all workers")
        return self

    def tool_names(self, era="legacy", auth=None, headers=None):
        return [t["name"] for t in self.rpc("tools/list", None, era, auth, headers).json()["result"]["tools"]]


def exchange(port, data, seconds=10.0):
    """Sends bytes as they are and returns all that comes back until the other side closes or is silent that long."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds * SLOW) as connection:
        received = b""
        try:
            connection.sendall(data)
            while piece := connection.recv(65536):
                received += piece
        except OSError:
            pass
        return received


def run(*arguments, env=None, seconds=60):
    """One run of the command line `guiche ...`."""
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
    return subprocess.run([GUICHE, *map(str, arguments)], env=clean | (env or {}), cwd="/tmp", capture_output=True, text=True, timeout=seconds * SLOW)


def rpc_body(answer):
    """The JSON-RPC response of an answer, be it JSON or the last event of a stream."""
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return [line[5:].strip() for line in answer.text.splitlines() if line.startswith("data:")][-1]
    return answer.text


def stop_all(processes):
    """The last one first; what went wrong in any of them is told when all have been stopped."""
    problems = []
    for process in reversed(processes):
        try:
            process.stop()
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


def starting(folder):
    """What a fixture yields: start(Class, ...) makes one with this folder first; all are stopped at the end."""
    started = []

    def start(make, *arguments, **options):
        started.append(make(folder, *arguments, **options))
        return started[-1]

    yield start
    stop_all(started)


def events(answer_text):
    return [json.loads(line[5:]) for line in answer_text.splitlines() if line.startswith("data:")]


def bearer(**options):
    return {"Authorization": f"Bearer {token(**options)}"}


MODERN_META = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "blackbox", "version": "1"},
}


def message(method, params, era, id=1):
    body = {"jsonrpc": "2.0", "method": method}
    if id is not None:
        body["id"] = id
    if era == "modern":
        params = dict(params or {})
        params["_meta"] = MODERN_META | params.get("_meta", {})
    if params is not None:
        body["params"] = params
    return body


def message_headers(method, params, era):
    headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
    if era == "modern":
        headers |= {"MCP-Protocol-Version": "2026-07-28", "Mcp-Method": method}
        if method in ("tools/call", "prompts/get", "resources/read"):
            headers["Mcp-Name"] = params["uri" if method == "resources/read" else "name"]
    elif method != "initialize":
        headers["MCP-Protocol-Version"] = "2025-11-25"
    return headers


def hop_key(connector):
    out = subprocess.run([GUICHE, "hop-key", connector], env={"GUICHE_HOP_SECRET": HOP_SECRET}, capture_output=True, text=True, check=True)
    return out.stdout.strip()


def utc_day():
    return datetime.datetime.now(datetime.timezone.utc).date()


_demo = None
_demo_made_on = None


def demo_database():
    """The demo data, made once per run and day by mcp-crm itself: some of it is of today."""
    global _demo, _demo_made_on
    if _demo_made_on != utc_day():
        remove_demo_database()
        _demo_made_on = utc_day()
        _demo = pathlib.Path(tempfile.mkdtemp(prefix="g-demo-")) / "demo.sqlite"
        for verb in ("--migrate", "--demo-data"):
            subprocess.run([MCP_CRM, verb], env={"DATABASE_URL": f"sqlite:{_demo}"}, check=True, capture_output=True, timeout=120)
        if pathlib.Path(f"{_demo}-wal").exists():
            import sqlite3

            sqlite3.connect(_demo).execute("PRAGMA wal_checkpoint(TRUNCATE)").connection.close()
    return _demo


def remove_demo_database():
    if _demo is not None:
        shutil.rmtree(_demo.parent, ignore_errors=True)
