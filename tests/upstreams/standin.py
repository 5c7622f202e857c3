"""The base of the stand-ins of upstreams: a small HTTP/1.1 server with state, for tests and for `./dev run`. Standard library only.

A stand-in is a class of routes. A route's handler runs with the stand-in's lock held, so its state needs no other:

    class Helpdesk(Standin):
        title = "Helpdesk"

        @route("GET", r"/tickets/(\\d+)")
        def ticket(self, request, number):
            return Answer(200, {"id": int(number)})

    if __name__ == "__main__":
        main(Helpdesk)

What tests see and set is under /_demo/ and never recorded:
  GET    /_demo/requests   every request so far: method, path, query, headers (names in lower case), body, at
  DELETE /_demo/requests   forgets them
  POST   /_demo/fault      the next answers go wrong: see Fault
  DELETE /_demo/fault      ends every fault

The readiness check of a connector comes when it likes, beside the calls: it is answered, but not recorded, and it uses up no
fault; only one that lasts (times: -1) hits it too.

Every answer says `Server: guiche-demo`, so that nobody takes a stand-in for the system it stands in for.
"""

import argparse
import collections
import json
import pathlib
import re
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RECORDED = 20_000  # requests kept; older ones are forgotten
HUGE_BYTES = 10 * 1024 * 1024
FOREVER = 3600.0


@dataclass
class Request:
    method: str
    path: str  # as it was sent, without the query
    query: dict  # name -> last value
    queries: dict  # name -> all values
    headers: dict  # names in lower case
    body: bytes

    @property
    def json(self):
        """The body, or None where it is empty or no JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    def is_readiness_check(self):
        """common/connector/upstream.c says so in this header."""
        return self.headers.get("user-agent", "").endswith("(readiness check)")

    def bearer(self):
        """The token of `Authorization: Bearer`, or None."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() or None if scheme.lower() == "bearer" else None


@dataclass
class Answer:
    status: int = 200
    body: object = None  # bytes and str are sent as they are, None is empty, all else is JSON
    headers: dict = field(default_factory=dict)

    def data(self):
        if self.body is None:
            return b""
        if isinstance(self.body, str):
            return self.body.encode()
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()

    def content_type(self):
        return "text/plain; charset=utf-8" if isinstance(self.body, (str, bytes)) else "application/json"


class Stop(Exception):
    """Raised by a handler to answer from deep inside: raise Stop(404, {...})."""

    def __init__(self, *answer, **more):
        super().__init__("answered")
        self.answer = Answer(*answer, **more)


@dataclass
class Fault:
    """What goes wrong with the next `times` requests (-1: with all) whose path and query match `path`.

    html          a web page, as a proxy in between answers; `status` or 200
    half          the right answer, but the connection ends in the middle of its body
    huge          10 MB of JSON
    redirect      302 to `location`
    nothing       no byte for `seconds` (or ever), then the end of the connection
    reset         the connection is reset at once
    status        `status`, `headers` and `body` (any JSON) as given
    slow          the right answer after `seconds`
    garbage       200 application/json with bytes that are no JSON
    error_in_200  200 with the system's own error in it, or `body`

    With `after` the request is carried out first, and only its answer is lost or replaced.
    """

    kind: str
    times: int = 1
    path: str = ""
    status: int = 0
    headers: dict = field(default_factory=dict)
    body: object = None
    seconds: float = 0.0
    location: str = "http://localhost:9/elsewhere"
    after: bool = False

    KINDS = ("html", "half", "huge", "redirect", "nothing", "reset", "status", "slow", "garbage", "error_in_200")

    def answer(self, standin):
        """What is said instead of the right answer; None where the right answer itself is needed."""
        if self.kind == "html":
            page = "<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>proxy-7.internal</h1></body></html>"
            return Answer(self.status or 200, page, {"Content-Type": "text/html"} | self.headers)
        if self.kind == "huge":
            return Answer(200, {"data": "x" * HUGE_BYTES})
        if self.kind == "redirect":
            return Answer(self.status or 302, None, {"Location": self.location})
        if self.kind == "status":
            return Answer(self.status or 500, self.body, self.headers)
        if self.kind == "garbage":
            return Answer(200, b'{"data": [1, 2,, \xff', {"Content-Type": "application/json"})
        if self.kind == "error_in_200":
            return Answer(200, self.body if self.body is not None else standin.error_in_200())
        return None


def route(method, path):
    """The method's handler for paths that match `path` as a whole; groups are percent-decoded arguments."""

    def mark(handler):
        handler.routes = [*getattr(handler, "routes", []), (method, re.compile(path))]
        return handler

    return mark


class Standin:
    title = "An upstream"

    def __init__(self, options=None):
        self.options = options
        self.lock = threading.RLock()
        self.url = ""  # set when the port is known
        self.stopping = threading.Event()
        self._requests = collections.deque(maxlen=RECORDED)
        self._faults = []
        handlers = [getattr(self, name) for name in dir(type(self)) if hasattr(getattr(type(self), name), "routes")]
        routes = [(method, path, handler) for handler in handlers for method, path in handler.routes]
        self._routes = sorted(routes, key=lambda r: r[1].groups)  # /users/me before /users/([^/]+)

    # What a stand-in says in its own words.

    @classmethod
    def add_options(cls, parser):
        """Options of its own, found in self.options."""

    def before(self, request):
        """Runs first, for what all routes share (credentials, limits): an Answer ends the request."""

    def not_found(self, request):
        return Answer(404, {"error": "not found"})

    def error_in_200(self):
        return {"error": "something went wrong"}

    # One request.

    def answer(self, request):
        if request.path == "/" and request.method == "GET":
            return Answer(200, f"This is guiche-demo, a stand-in of {self.title}. Nothing here is real.\n")
        with self.lock:
            try:
                return self.before(request) or self._routed(request)
            except Stop as stop:
                return stop.answer

    def _routed(self, request):
        allowed = []
        for method, path, handler in self._routes:
            if match := path.fullmatch(request.path):
                if method == request.method:
                    return handler(request, *(urllib.parse.unquote(g) if g is not None else None for g in match.groups()))
                allowed.append(method)
        return Answer(405, {"error": "method not allowed"}, {"Allow": ", ".join(allowed)}) if allowed else self.not_found(request)

    def record(self, request):
        if request.is_readiness_check():
            return
        entry = {"method": request.method, "path": request.path, "query": request.query, "headers": request.headers}
        with self.lock:
            self._requests.append(entry | {"body": request.body.decode("utf-8", "replace"), "at": time.time()})

    def take_fault(self, request, target):
        with self.lock:
            for fault in self._faults:
                spared = fault.times > 0 and request.is_readiness_check()
                if fault.times != 0 and not spared and re.search(fault.path, target):
                    fault.times -= fault.times > 0
                    return fault
        return None

    # /_demo/

    def demo(self, request):
        with self.lock:
            if request.path == "/_demo/requests":
                if request.method == "DELETE":
                    self._requests.clear()
                return Answer(200, list(self._requests))
            if request.path == "/_demo/fault":
                if request.method == "DELETE":
                    self._faults.clear()
                    return Answer(200, {})
                fault = Fault(**request.json)
                if fault.kind not in Fault.KINDS:
                    return Answer(400, {"error": f"kind must be one of {Fault.KINDS}"})
                self._faults.append(fault)
                return Answer(200, {})
        return Answer(404, {"error": "not found"})


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave in one segment
    timeout = 75

    def version_string(self):
        return "guiche-demo"

    def log_message(self, *_):
        pass

    def handle(self):
        try:
            super().handle()
        except OSError:
            pass  # the caller went away, or does not know our certificate

    def serve(self):
        standin = self.server.standin
        request = self.read_request()
        if request.path.startswith("/_demo/"):
            self.send(standin.demo(request))
            return
        standin.record(request)
        fault = standin.take_fault(request, self.path)
        if fault is None:
            self.send(standin.answer(request))
        else:
            self.go_wrong(standin, fault, request)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = serve

    def read_request(self):
        path, _, query = self.path.partition("?")
        queries = urllib.parse.parse_qs(query, keep_blank_values=True)
        headers = {}
        for name, value in self.headers.items():
            name = name.lower()
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if headers.get("transfer-encoding", "").lower() == "chunked":
            body = self.read_chunks()
        else:
            body = self.rfile.read(int(headers.get("content-length") or 0))
        return Request(self.command, path, {k: v[-1] for k, v in queries.items()}, queries, headers, body)

    def read_chunks(self):
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def go_wrong(self, standin, fault, request):
        said = fault.answer(standin)
        right = standin.answer(request) if fault.after or (said is None and fault.kind in ("half", "slow")) else None
        if fault.kind in ("nothing", "slow"):
            standin.stopping.wait(fault.seconds or FOREVER)
        if fault.kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
        elif fault.kind == "nothing":
            self.close_connection = True
        else:
            self.send(said or right, half=fault.kind == "half")

    def send(self, answer, half=False):
        data = answer.data()
        self.send_response(answer.status)
        headers = {"Content-Type": answer.content_type(), "Content-Length": str(len(data))} | answer.headers
        if answer.status == 204:
            headers = answer.headers
        for name, value in headers.items():
            self.send_header(name, value)
        if half:
            self.close_connection = True
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if half else data)
        self.wfile.flush()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def __init__(self, address, standin, tls=None):
        self.standin = standin
        self.tls = tls
        super().__init__(address, Handler)
        standin.url = f"{'https' if tls else 'http'}://{self.server_address[0]}:{self.server_port}"

    def get_request(self):
        connection, address = super().get_request()
        if self.tls:  # the handshake waits for the connection's own thread
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def self_signed(folder):
    """A certificate that nobody knows."""
    key, certificate = pathlib.Path(folder) / "key.pem", pathlib.Path(folder) / "certificate.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", *subject]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def main(standin_class):
    parser = argparse.ArgumentParser(description=f"A stand-in of {standin_class.title} for tests and demonstrations.")
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="HOST:PORT", help="port 0: a free one")
    parser.add_argument("--address-file", metavar="PATH", help="gets the URL, once the port is open")
    parser.add_argument("--tls", action="store_true", help="HTTPS with a new self-signed certificate")
    standin_class.add_options(parser)
    options = parser.parse_args()
    host, _, port = options.listen.rpartition(":")
    standin = standin_class(options)

    with tempfile.TemporaryDirectory(prefix="guiche-demo-") as folder:
        server = Server((host, int(port)), standin, self_signed(folder) if options.tls else None)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        if options.address_file:
            written = pathlib.Path(f"{options.address_file}.new")
            written.write_text(standin.url)
            written.rename(options.address_file)  # whoever waits for the file sees it whole
        print(f"guiche-demo: a stand-in of {standin.title} on {standin.url}", flush=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: standin.stopping.set())
        standin.stopping.wait()
        server.shutdown()
