"""A connector that tells when its lists or resources change: on subscriptions/listen (modern), or on the GET stream of a session
(legacy). `tell()` sends to whoever listens now; `cut()` and `stop()` end the streams, as they do all connections."""

import itertools
import json
import queue
import select
import socket
import threading
import time

import httpx

import harness

from fake_connector import FakeConnector, Request, response, sse, sse_head, tool



class Stream:
    """One that is open: what it was opened with, and what is to be sent on it. None ends it."""

    def __init__(self, request):
        self.request = request
        self.filter = request.params.get("notifications", {}) if request else {}
        self.queue = queue.Queue()

    def next(self, connection):
        """What is to be sent; None when that is the end, or the client is gone."""
        while True:
            try:
                return self.queue.get(timeout=0.02)
            except queue.Empty:
                if select.select([connection], [], [], 0)[0] and connection.recv(1, socket.MSG_PEEK) == b"":
                    return None


class TellingConnector(FakeConnector):
    def __init__(self, legacy=False, both=False, prompts=(), resources=(), refuses=False, **options):
        self.refuses = refuses  # to be listened to, though it declares it
        self.both = both
        self.numbers = itertools.count(1)
        self.sessions = []
        self.streams = []
        self.gets = []  # headers of each
        self.told = threading.Condition()
        self.acknowledges_after = 0  # seconds
        super().__init__(legacy=legacy, ttl_ms=3600000, prompts=list(prompts), resources=list(resources), templates=[], **options)

    def capabilities(self):
        return {"tools": {"listChanged": True}, "prompts": {"listChanged": True}, "resources": {"listChanged": True, "subscribe": True}}

    def dispatch(self, request):
        if request.method in ("resources/subscribe", "resources/unsubscribe") and self.legacy:
            return response(request, {})
        return super().dispatch(request)

    def answer(self, handler):
        length = int(handler.headers.get("Content-Length") or 0)
        body = json.loads(handler.rfile.read(length))
        request = Request(handler.headers, body, handler.connection)
        self.requests.append(request)
        session = handler.headers.get("Mcp-Session-Id")
        if request.method == "initialize" and (self.legacy or self.both):
            self.open_session(handler, request)
        elif session and session not in self.sessions:
            handler.send_error(404)
        elif request.method == "subscriptions/listen" and not self.legacy and not self.refuses:
            self.listen(handler, request)
        else:
            answer = self.dispatch(request)
            if isinstance(answer, dict) or answer is None:
                self.send_json(handler, answer)
            else:
                self.send_raw(handler, answer)

    def open_session(self, handler, request):
        id = f"session-{next(self.numbers)}"
        self.sessions.append(id)
        payload = json.dumps(response(request, {"protocolVersion": "2025-11-25", "capabilities": self.capabilities(), "serverInfo": {"name": "fake", "version": "1"}})).encode()
        handler.send_response(200)
        handler.send_header("Content-Type", "application/json")
        handler.send_header("Mcp-Session-Id", id)
        handler.send_header("Content-Length", str(len(payload)))
        handler.end_headers()
        handler.wfile.write(payload)

    def listen(self, handler, request):
        time.sleep(self.acknowledges_after)
        meta = {"io.modelcontextprotocol/subscriptionId": request.id}
        acknowledged = {"jsonrpc": "2.0", "method": "notifications/subscriptions/acknowledged", "params": {"_meta": meta, "notifications": request.params["notifications"]}}
        self.stream(handler, request, sse(acknowledged))

    def answer_get(self, handler):
        self.gets.append(handler.headers)
        if self.refuses:
            handler.send_error(405)
        elif handler.headers.get("Mcp-Session-Id") not in self.sessions:
            handler.send_error(404)
        else:
            self.stream(handler, None, b": open\n\n")

    def stream(self, handler, request, first):
        handler.close_connection = True
        stream = Stream(request)
        try:
            self.streams.append(stream)  # before anybody knows that it is open: what is told from then on must reach it
            handler.wfile.write(sse_head() + first)
            handler.wfile.flush()
            while (data := stream.next(handler.connection)) is not None:
                handler.wfile.write(data)
                handler.wfile.flush()
        except OSError:
            pass
        finally:
            if stream in self.streams:
                self.streams.remove(stream)

    def cut(self):
        for stream in list(self.streams):
            stream.queue.put(None)
        super().cut()

    def listens(self):
        return [s for s in self.streams if s.request]

    def session_streams(self):
        return [s for s in self.streams if not s.request]

    def tell(self, what, streams=None, **params):
        """notifications/<what> to those that listen."""
        for stream in list(self.streams if streams is None else streams):
            tagged = {"_meta": {"io.modelcontextprotocol/subscriptionId": stream.request.id}} if stream.request else {}
            stream.queue.put(sse({"jsonrpc": "2.0", "method": f"notifications/{what}", "params": params | tagged}))

    def ask(self, method, id, **params):
        for stream in self.session_streams():
            stream.queue.put(sse({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))

    def change(self, *names):
        """Other tools from now on, told at once."""
        self.tools = [tool(n) for n in names]
        self.tell("tools/list_changed")


class Listener:
    """A client's subscriptions/listen, read by a thread."""

    def __init__(self, gateway, auth=None, id="l1", reads=True, **wanted):
        self.messages = []
        self.ended = threading.Event()
        self.times = []
        self.client = httpx.Client(base_url=gateway.base, timeout=60)
        body = json.dumps(harness.message("subscriptions/listen", {"notifications": wanted}, "modern", id))
        headers = harness.message_headers("subscriptions/listen", {}, "modern") | (auth if auth is not None else harness.bearer())
        self.stream = self.client.send(self.client.build_request("POST", "/mcp", content=body, headers=headers), stream=True)
        self.status = self.stream.status_code
        threading.Thread(target=self.read, daemon=True).start()
        if self.status == 200:
            harness.wait_until(lambda: self.messages, "the acknowledgement")

    def read(self):
        try:
            for line in self.stream.iter_lines():
                if line.startswith("data:"):
                    self.times.append(time.monotonic())
                    self.messages.append(json.loads(line[5:]))
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    def heard(self, method):
        return [m for m in self.messages if m.get("method") == f"notifications/{method}"]

    def acknowledged(self):
        return self.messages[0]["params"]["notifications"]

    def result(self):
        return next((m["result"] for m in self.messages if "result" in m), None)

    def close(self):
        """At once: a socket that is merely closed stays open while the thread reads from it."""
        self.stream.extensions["network_stream"].get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        self.ended.wait(10)
        self.client.close()
