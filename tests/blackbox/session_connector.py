"""A connector of a legacy revision that keeps sessions, asks its client in mid-call and lets streams be resumed; by choice it
speaks the modern era at the same URL too."""

import itertools
import json

from fake_connector import FakeConnector, http, response, sse, sse_head, text_result
from harness import wait_until


class SessionConnector(FakeConnector):
    def __init__(self, both=False, keeps=True, version="2025-11-25", **options):
        """both: eras; keeps: sessions."""
        self.both = both
        self.keeps = keeps
        self.version = version
        self.sessions = {}  # id: the request that opened it
        self.numbers = itertools.count(1)
        self.answers = []  # what was posted in answer to questions
        self.gets = []  # headers of those that go on with a stream
        self.deletes = []  # headers of each
        self.on_delete = None
        self.refuse = lost
        self.on_get = None
        self.on_initialize = None
        super().__init__(legacy=not both, **options)

    def forget(self):
        """As a restart does."""
        self.sessions.clear()

    def opened(self):
        return [r for r in self.requests if r.method == "initialize"]

    def notes(self, method):
        return [r for r in self.requests if r.method == method]

    def dispatch(self, request):
        if request.method is None:
            self.answers.append(request)
            return None
        if request.method == "initialize":
            return (self.on_initialize or self.open)(request)
        if not is_modern(request) and self.keeps and request.headers.get("Mcp-Session-Id") not in self.sessions:
            return self.refuse(request)
        return super().dispatch(request)

    def open(self, request):
        id = f"session-{next(self.numbers)}"
        answer = {"protocolVersion": self.version, "capabilities": {"tools": {}}, "serverInfo": {"name": "old", "version": "1"}}
        if self.keeps:
            self.sessions[id] = request
        return http(200, "application/json", json.dumps(response(request, answer)), *([f"Mcp-Session-Id: {id}"] if self.keeps else []))

    def answer_get(self, handler):
        resumes = "Last-Event-ID" in handler.headers  # the other kind listens to the whole session
        if resumes:
            self.gets.append(handler.headers)
        if resumes and self.on_get:
            self.send_raw(handler, self.on_get(handler.headers))
        else:
            super().answer_get(handler)

    def answer_delete(self, handler):
        answer = (self.on_delete or self.end)(handler.headers)
        self.deletes.append(handler.headers)
        self.send_raw(handler, answer)

    def end(self, headers):
        known = self.sessions.pop(headers.get("Mcp-Session-Id"), None)
        return http(200 if known else 404, "text/plain", "")

    def ended(self):
        return [d["Mcp-Session-Id"] for d in self.deletes]

    def answer_to(self, id, seconds=10.0):
        """What was posted in answer to this question."""
        found = wait_until(lambda: [a.body for a in list(self.answers) if a.body["id"] == id], f"the answer to {id!r}", seconds)
        return found[0]


def is_modern(request):
    return "io.modelcontextprotocol/protocolVersion" in request.params.get("_meta", {})


def lost(request):
    """MCP 2025-11-25 basic/transports "Session Management": a session that is not known."""
    error = {"jsonrpc": "2.0", "id": request.id, "error": {"code": -32001, "message": "Session not found"}}
    return http(404, "application/json", json.dumps(error))


def question(id, method="elicitation/create", **params):
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": params}


def asking(fake, *questions, then=None):
    """For on_call: asks all of these at once, waits for all answers and gives them back as the result."""

    def on_call(request):
        yield sse_head()
        yield sse(*questions)
        answers = [fake.answer_to(q["id"]) for q in questions]
        if then:
            yield from then(request)
        yield sse(response(request, text_result(json.dumps(answers))))

    return on_call
