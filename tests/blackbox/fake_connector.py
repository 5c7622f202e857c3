"""A connector whose every answer a test can script: a plain HTTP server with a minimal, modern MCP server in it.

`tools`, `resources`, `templates` and `prompts` are what it lists (None: it does not offer that kind), `page` entries at a time;
`on_call(request)` answers what names one of them. An answer is a dict (the result object), bytes (sent raw as the
whole HTTP answer, headers included), a generator of bytes (sent raw, piece by piece), or Kept(...) around pieces. Every request
is recorded.
"""

import json
import socket
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import free_port


class Request:
    def __init__(self, headers, body, connection=None):
        self.headers = headers
        self.body = body
        self.connection = connection
        self.raw = b""
        self.id = body.get("id")
        self.method = body.get("method")
        self.params = body.get("params") or {}
        self.name = self.params.get("name")
        self.arguments = self.params.get("arguments")

    def hung_up(self, seconds):
        """Whether the caller closes the connection within that time."""
        flags = [] if isinstance(self.connection, ssl.SSLSocket) else [socket.MSG_PEEK]
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1, *flags) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)


class Kept:
    """Bytes sent raw, piece by piece, after which the connection stays open for the next request."""

    def __init__(self, pieces):
        self.pieces = pieces


def tool(name, read_only=True, **more):
    return {"name": name, "description": f"The tool {name}.", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": read_only}} | more


def text_result(text, **more):
    return {"content": [{"type": "text", "text": text}], "resultType": "complete"} | more


def response(request, result):
    return {"jsonrpc": "2.0", "id": request.id, "result": result}


def http(status, content_type, body, *headers):
    """A whole HTTP answer as bytes. It says that the connection ends, because send_raw() ends it."""
    body = body if isinstance(body, bytes) else body.encode()
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {content_type}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def sse(*messages):
    return b"".join(b"event: message\ndata: " + json.dumps(m).encode() + b"\n\n" for m in messages)


def sse_head():
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"


def progress(request, done, total=None, message=None, **meta):
    params = {"progressToken": request.params["_meta"]["progressToken"], "progress": done}
    if total is not None:
        params["total"] = total
    if message is not None:
        params["message"] = message
    if meta:
        params["_meta"] = {f"guiche/{k}": v for k, v in meta.items()}
    return {"jsonrpc": "2.0", "method": "notifications/progress", "params": params}


ACTS = ["tools/call", "resources/read", "prompts/get", "completion/complete"]
LISTS = {
    "tools/list": ("tools", "tools"),
    "resources/list": ("resources", "resources"),
    "resources/templates/list": ("templates", "resourceTemplates"),
    "prompts/list": ("prompts", "prompts"),
}


def usual_answer(request):
    """What was asked, given back in the shape of its answer."""
    text = json.dumps(request.params.get("uri") or request.name if request.method != "tools/call" else request.arguments)
    return {
        "tools/call": lambda: text_result(text),
        "resources/read": lambda: {"contents": [{"uri": request.params["uri"], "text": text}], "ttlMs": 0, "cacheScope": "private"},
        "prompts/get": lambda: {"messages": [{"role": "user", "content": {"type": "text", "text": text}}]},
        "completion/complete": lambda: {"completion": {"values": [json.dumps(request.params["ref"])], "hasMore": False}},
    }[request.method]()


class FakeConnector:
    def __init__(self, tools=None, on_call=None, on_list=None, legacy=False, ttl_ms=500, tls=None, host="127.0.0.1", resources=None, templates=None, prompts=None, page=None):
        """tls: an ssl.SSLContext; host: what the URL says instead of 127.0.0.1."""
        self.tools = [tool("echo")] if tools is None else tools
        self.resources, self.templates, self.prompts = resources, templates, prompts
        self.page = page
        self.on_call = on_call or usual_answer
        self.on_list = on_list
        self.legacy = legacy
        self.ttl_ms = ttl_ms
        self.requests = []
        self.tls = tls
        self.host = host
        self.connections = set()
        self.accepted = 0
        self.errors = []
        self.port = None
        self.start()

    @property
    def url(self):
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}/mcp"

    def calls(self, method="tools/call"):
        return [r for r in self.requests if r.method == method]

    def capabilities(self):
        resources = self.resources is not None or self.templates is not None
        return {"tools": {}} | ({"resources": {}} if resources else {}) | ({"prompts": {}, "completions": {}} if self.prompts is not None else {})

    def start(self):
        """Also after stop(): on the same port, as a restarted connector."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def finish(self):
                fake.connections.discard(self.connection)
                try:
                    super().finish()
                except OSError:
                    pass

            def do_POST(self):
                fake.answer(self)

            def do_GET(self):
                fake.answer_get(self)

            def do_DELETE(self):
                fake.answer_delete(self)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True
            request_queue_size = 512  # of 5 connections the kernel drops some in silence

            def get_request(self):
                connection, address = super().get_request()
                fake.accepted += 1
                if fake.tls:  # the handshake waits for the connection's own thread
                    connection = fake.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
                fake.connections.add(connection)  # here, so that cut() never misses one whose thread has not begun
                return connection, address

            def handle_error(self, request, client_address):
                fake.errors.append(sys.exception())  # clients that vanish are what tests do

        self.port = self.port or free_port()
        self.server = Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None
        self.cut()

    def cut(self):
        """Closes every connection, idle or busy, as a process that dies does."""
        for connection in list(self.connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def answer(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        raw = handler.rfile.read(length)
        request = Request(handler.headers, json.loads(raw), handler.connection)
        request.raw = raw
        self.requests.append(request)
        answer = self.dispatch(request)
        if isinstance(answer, dict) or answer is None:
            self.send_json(handler, answer)
        else:
            self.send_raw(handler, answer)

    def answer_get(self, handler):
        self.send_raw(handler, http(405, "text/plain", "POST only"))

    def answer_delete(self, handler):
        handler.send_error(405)

    def send_json(self, handler, body):
        payload = b"" if body is None else json.dumps(body).encode()
        handler.send_response(202 if body is None else 404 if body.get("error", {}).get("code") == -32601 else 200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)

    def send_raw(self, handler, answer):
        kept = isinstance(answer, Kept)
        handler.close_connection = not kept
        for piece in answer.pieces if kept else [answer] if isinstance(answer, bytes) else answer:
            handler.wfile.write(piece)
            handler.wfile.flush()
        if kept:
            return
        try:
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def list_page(self, request):
        attribute, member = LISTS[request.method]
        entries = getattr(self, attribute)
        first = int(request.params.get("cursor", 0))
        last = first + (self.page or len(entries))
        more = {"nextCursor": str(last)} if last < len(entries) else {}
        fresh = {} if self.legacy else {"ttlMs": self.ttl_ms, "cacheScope": "public", "resultType": "complete"}
        return {member: entries[first:last]} | more | fresh

    def dispatch(self, request):
        if request.id is None:
            return None
        if request.method in ACTS:
            result = self.on_call(request)
            return response(request, result) if isinstance(result, dict) and "jsonrpc" not in result else result
        if request.method == "tools/list" and self.on_list:
            return self.on_list(request)
        if request.method in LISTS and getattr(self, LISTS[request.method][0]) is not None:
            return response(request, self.list_page(request))
        if request.method == "server/discover" and not self.legacy:
            return response(request, {"supportedVersions": ["2026-07-28"], "capabilities": self.capabilities(), "ttlMs": self.ttl_ms, "cacheScope": "public", "resultType": "complete", "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fake", "version": "1"}}})
        if request.method == "initialize" and self.legacy:
            return response(request, {"protocolVersion": "2025-11-25", "capabilities": self.capabilities(), "serverInfo": {"name": "fake", "version": "1"}})
        return {"jsonrpc": "2.0", "id": request.id, "error": {"code": -32601, "message": "Method not found"}}


def hang(seconds=60):
    """For on_call: never answers (within a test's patience)."""
    time.sleep(seconds)
    yield b""
