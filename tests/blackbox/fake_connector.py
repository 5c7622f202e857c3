"""A connector whose every answer a test can script: a plain HTTP server with a minimal, modern MCP server in it.

`tools` is what it lists; `on_call(request)` answers tools/call. An answer is a dict (the result object), bytes (sent raw as the
whole HTTP answer, headers included), or a generator of bytes (sent raw, piece by piece). Every request is recorded.
"""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Request:
    def __init__(self, headers, body, connection=None):
        self.headers = headers
        self.body = body
        self.connection = connection
        self.id = body.get("id")
        self.method = body.get("method")
        self.params = body.get("params") or {}
        self.name = self.params.get("name")
        self.arguments = self.params.get("arguments")

    def hung_up(self, seconds):
        """Whether the caller closes the connection within that time."""
        self.connection.settimeout(seconds)
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except TimeoutError:
            return False
        except OSError:
            return True
        finally:
            self.connection.settimeout(None)


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


class FakeConnector:
    def __init__(self, tools=None, on_call=None, on_list=None, legacy=False, ttl_ms=500):
        self.tools = [tool("echo")] if tools is None else tools
        self.on_call = on_call or (lambda request: text_result(json.dumps(request.arguments)))
        self.on_list = on_list
        self.legacy = legacy
        self.ttl_ms = ttl_ms
        self.requests = []
        self.connections = set()
        self.port = None
        self.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}/mcp"

    def calls(self):
        return [r for r in self.requests if r.method == "tools/call"]

    def start(self):
        """Also after stop(): on the same port, as a restarted connector."""
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                fake.connections.add(self.connection)

            def finish(self):
                fake.connections.discard(self.connection)
                try:
                    super().finish()
                except OSError:
                    pass

            def do_POST(self):
                fake.answer(self)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, request, client_address):
                pass  # clients that vanish are what tests do

        self.server = Server(("127.0.0.1", self.port or 0), Handler)
        self.port = self.server.server_address[1]
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
        request = Request(handler.headers, json.loads(handler.rfile.read(length)), handler.connection)
        self.requests.append(request)
        answer = self.dispatch(request)
        if isinstance(answer, dict) or answer is None:
            self.send_json(handler, answer)
        else:
            self.send_raw(handler, answer)

    def send_json(self, handler, body):
        payload = b"" if body is None else json.dumps(body).encode()
        handler.send_response(202 if body is None else 404 if body.get("error", {}).get("code") == -32601 else 200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)

    def send_raw(self, handler, answer):
        handler.close_connection = True
        for piece in [answer] if isinstance(answer, bytes) else answer:
            handler.wfile.write(piece)
            handler.wfile.flush()
        try:
            handler.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def dispatch(self, request):
        if request.id is None:
            return None
        if request.method == "tools/call":
            result = self.on_call(request)
            return response(request, result) if isinstance(result, dict) and "jsonrpc" not in result else result
        if request.method == "tools/list":
            if self.on_list:
                return self.on_list(request)
            return response(request, {"tools": self.tools} | ({} if self.legacy else {"ttlMs": self.ttl_ms, "cacheScope": "public", "resultType": "complete"}))
        if request.method == "server/discover" and not self.legacy:
            return response(request, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": self.ttl_ms, "cacheScope": "public", "resultType": "complete", "_meta": {"io.modelcontextprotocol/serverInfo": {"name": "fake", "version": "1"}}})
        if request.method == "initialize" and self.legacy:
            return response(request, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {}}, "serverInfo": {"name": "fake", "version": "1"}})
        return {"jsonrpc": "2.0", "id": request.id, "error": {"code": -32601, "message": "Method not found"}}


def hang(seconds=60):
    """For on_call: never answers (within a test's patience)."""
    time.sleep(seconds)
    yield b""
