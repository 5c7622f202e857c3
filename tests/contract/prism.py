"""The validating mock of a vendor's OpenAPI file, and a recorder in front of it.

The connector under test talks to the recorder; each request is put to Prism, whose verdict is kept. What the connector
gets back is Prism's filler, unless the test has prepared a better answer: Prism checks requests, it does not behave.
"""

import dataclasses
import http.client
import http.server
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPECS = pathlib.Path(__file__).parent / "specs"
NODE = ROOT / "build/clients/node/bin/node"
PRISM = ROOT / "build/contract/node_modules/.bin/prism"
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host", "date"}


@dataclasses.dataclass
class Exchange:
    """One request of the connector and Prism's verdict on it."""

    method: str
    path: str  # with its query, as Prism saw it
    headers: dict  # names in lower case
    body: bytes
    status: int  # of Prism, not of a prepared answer
    violations: list  # of the request; the answers are Prism's own
    undeclared: list  # query names and first-level body names that the operation does not know: Prism lets them pass

    @property
    def accepted(self):
        return self.status < 400 and not self.violations

    @property
    def json(self):
        return json.loads(self.body) if self.body else None

    @property
    def query(self):
        return urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query, keep_blank_values=True)

    def __str__(self):
        return f"{self.method} {self.path} {self.body!r} -> {self.status} {self.violations} undeclared {self.undeclared}"


class Spec:
    """Just enough of OpenAPI to know the names an operation declares."""

    def __init__(self, path):
        self.tree = json.loads(path.read_text())

    def resolve(self, node):
        while "$ref" in node:
            target = self.tree
            for step in node["$ref"].removeprefix("#/").split("/"):
                target = target[step.replace("~1", "/").replace("~0", "~")]
            node = target
        return node

    def operation(self, method, path):
        """The operation and its path item; a literal path wins over one with parameters."""
        fits = [p for p in self.tree["paths"] if re.fullmatch(re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(p)), path)]
        for template in sorted(fits, key=lambda p: p.count("{")):
            item = self.tree["paths"][template]
            if method.lower() in item:
                return item[method.lower()], item
        return None, None

    def property_names(self, schema):
        """Names of an object schema, those of its parts included; None when any name is right."""
        schema = self.resolve(schema)
        names = set(schema.get("properties", {}))
        parts = [p for word in ("allOf", "oneOf", "anyOf") for p in schema.get(word, [])]
        if not names and not parts or schema.get("additionalProperties"):
            return None
        for part in parts:
            of_part = self.property_names(part)
            if of_part is None:
                return None
            names |= of_part
        return names

    def undeclared(self, method, target, body):
        parts = urllib.parse.urlsplit(target)
        operation, item = self.operation(method, parts.path)
        if operation is None:
            return []
        parameters = [self.resolve(p) for p in operation.get("parameters", []) + item.get("parameters", [])]
        known = {p["name"] for p in parameters if p["in"] == "query"}
        found = [n for n in urllib.parse.parse_qs(parts.query, keep_blank_values=True) if n not in known]
        content = self.resolve(operation.get("requestBody", {})).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        names = self.property_names(schema) if schema else None
        value = json.loads(body) if body and names is not None else None
        return found + [n for n in value if n not in names] if isinstance(value, dict) else found


class Prism:
    """prism(spec) starts the mock of a file in specs/; another spec takes the place of the one before, behind the
    same URL, so that there is one Node process at a time."""

    def __init__(self, log):
        self.log = log
        self.popen = None
        self.exchanges = []
        self.prepared = []
        recorder = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                recorder.handle(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __call__(self, spec, strip=""):
        """strip: what the paths of requests begin with and those of the spec do not ("/api/v1")."""
        self.stop_mock()
        self.spec = Spec(SPECS / spec)
        self.strip = strip
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(
                [NODE, PRISM, "mock", "-h", "127.0.0.1", "-p", str(self.port), "--errors", str(SPECS / spec)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={"PATH": os.environ["PATH"], "NO_COLOR": "1"},
            )
        deadline = time.monotonic() + 60
        while not self.is_up():
            assert self.popen.poll() is None and time.monotonic() < deadline, self.log.read_text()[-3000:]
            time.sleep(0.05)
        return self

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            return True
        except OSError:
            return False

    def prepare(self, method, path, body, status=200):
        """What the connector is told for a request whose path (without query) fits this pattern, once Prism has
        accepted it. The latest one prepared wins."""
        self.prepared.insert(0, (method, re.compile(path), body, status))

    def take(self):
        """The exchanges since the last take."""
        taken, self.exchanges = self.exchanges, []
        return taken

    def ask(self, method, path, body=None, headers=None):
        """A request of the test's own, for the one that must be refused."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode() if body is not None else b""
        headers = dict(headers or {})
        if data:
            headers.setdefault("content-type", "application/json")
        return self.judge(method, path, headers, data)[0]

    def judge(self, method, path, headers, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request(method, path, body=body or None, headers=headers)
        reply = connection.getresponse()
        content = reply.read()
        connection.close()
        violations = [v for v in json.loads(reply.getheader("sl-violations") or "[]") if v["location"][:1] == ["request"]]
        if not violations and "problem+json" in (reply.getheader("content-type") or ""):
            violations = [json.loads(content)]
        seen = {name.lower(): value for name, value in headers.items()}
        exchange = Exchange(method, path, seen, body, reply.status, violations, self.spec.undeclared(method, path, body))
        return exchange, reply.getheader("content-type"), content

    def handle(self, request):
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        headers = {n: v for n, v in request.headers.items() if n.lower() not in HOP_BY_HOP}
        exchange, content_type, content = self.judge(request.command, request.path.removeprefix(self.strip), headers, body)
        status = exchange.status
        for method, path, answer, answer_status in self.prepared if exchange.accepted else ():
            if method == request.command and path.fullmatch(urllib.parse.urlsplit(exchange.path).path):
                status, content_type, content = answer_status, "application/json", json.dumps(answer).encode()
                break
        self.exchanges.append(exchange)
        request.send_response(status)
        if content_type:
            request.send_header("Content-Type", content_type)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    def stop_mock(self):
        if self.popen is not None:
            self.popen.send_signal(signal.SIGTERM)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
            self.popen = None

    def stop(self):
        self.stop_mock()
        self.server.shutdown()
        self.server.server_close()
