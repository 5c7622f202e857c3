"""Starts the real binaries on free ports and unix sockets, and the fake connectors and tokens that tests need.

Nothing here is shared between tests but the demo database, which is made once and copied.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import httpx
import jwt

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / os.environ.get("GUICHE_BUILD", "build/dev")
GUICHE = BUILD / "gateway" / "guiche"
MCP_CRM = BUILD / "connectors" / "crm" / "mcp-crm"
JWT_SECRET = "a secret of the tests, long enough for HS256"
HOP_SECRET = "another secret of the tests, for the hop only"
SLOW = 4 if os.environ.get("GUICHE_SANITIZED") else 1  # sanitizers take their time


def wait_until(condition, what, seconds=10.0):
    """Calls condition until it returns something true; errors of connecting count as "not yet"."""
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


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def token(permissions=("*",), tenant="demo", subject="tester", secret=JWT_SECRET, ttl=3600, algorithm="HS256", headers=None, **claims):
    """A client token; claims set to None are left out."""
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
        clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TZ", "ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")}
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


class Crm(Process):
    """mcp-crm on a unix socket, on a copy of the demo database unless a URL is given."""

    def __init__(self, folder, database=None, args=(), env=None, name="crm", wrapper=()):
        """wrapper: what comes before the program, to start it under something."""
        self.socket = folder / f"{name}.sock"
        if database is None:
            shutil.copy(demo_database(), folder / f"{name}.sqlite")
            database = f"sqlite:{folder / f'{name}.sqlite'}"
        self.database = database
        settings = {"LISTEN": f"unix:{self.socket}", "DATABASE_URL": database}
        if "--no-auth" not in args:
            settings["HOP_KEY"] = hop_key("crm")
        super().__init__([*wrapper, MCP_CRM, *args], folder / f"{name}.log", settings | (env or {}))
        self.http = httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://localhost", timeout=30)
        wait_until(lambda: self.alive_or_fail() and self.http.get("/health").status_code == 200, "mcp-crm")

    def alive_or_fail(self):
        assert self.alive(), self.text()
        return True

    @property
    def url(self):
        return f"unix:{self.socket}"


class Gateway(Process):
    """The gateway by a config (a dict; JSON is YAML) with the secrets of the tests."""

    def __init__(self, folder, connectors=(), env=None, name="gateway", wait=True, **config):
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
        super().__init__([GUICHE, "serve", self.path], folder / f"{name}.log", env)
        self.http = httpx.Client(base_url=self.base, timeout=60)
        if wait:
            wait_until(lambda: self.alive_or_fail() and self.http.get("/ready").status_code == 200, "the gateway")

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
        return self

    def tool_names(self, era="legacy", auth=None):
        return [t["name"] for t in self.rpc("tools/list", None, era, auth).json()["result"]["tools"]]


def exchange(port, data, seconds=5.0):
    """Sends bytes as they are and returns all that comes back until the other side closes or is silent that long."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds * SLOW) as connection:
        connection.sendall(data)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except OSError:
            pass
        return received


def run(*arguments, env=None, seconds=20):
    """One run of the command line `guiche ...`."""
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS")}
    return subprocess.run([GUICHE, *map(str, arguments)], env=clean | (env or {}), cwd="/tmp", capture_output=True, text=True, timeout=seconds * SLOW)


def rpc_body(answer):
    """The JSON-RPC response of an answer, be it JSON or the last event of a stream."""
    if answer.headers.get("content-type", "").startswith("text/event-stream"):
        return [line[5:].strip() for line in answer.text.splitlines() if line.startswith("data:")][-1]
    return answer.text


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
        if method == "tools/call":
            headers["Mcp-Name"] = params["name"]
    elif method != "initialize":
        headers["MCP-Protocol-Version"] = "2025-11-25"
    return headers


def hop_key(connector):
    out = subprocess.run([GUICHE, "hop-key", connector], env={"GUICHE_HOP_SECRET": HOP_SECRET}, capture_output=True, text=True, check=True)
    return out.stdout.strip()


_demo = None


def demo_database():
    """The demo data, made once per run by mcp-crm itself."""
    global _demo
    if _demo is None:
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
