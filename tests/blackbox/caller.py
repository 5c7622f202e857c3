"""A client in mid-call: it reads the events of its call one by one and answers what it is asked on connections of their own."""

import json
import queue
import threading

import httpx

from harness import SLOW, bearer, message, message_headers

SECONDS = 30 * SLOW


class Caller:
    """One call, open until it has ended or hang_up()."""

    def __init__(self, gateway, name, arguments=None, era="legacy", headers=None, auth=None, method="tools/call", **params):
        self.gateway = gateway
        self.auth = bearer() if auth is None else auth
        self.events = queue.Queue()
        self.http = httpx.Client(base_url=gateway.base, timeout=60)
        self.headers = message_headers(method, {"name": name}, era) | self.auth | (headers or {})
        self.body = message(method, {"name": name, "arguments": arguments or {}} | params, era, id=41)
        self.answer = None
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        try:
            with self.http.stream("POST", "/mcp", content=json.dumps(self.body), headers=self.headers) as answer:
                self.answer = answer
                streaming = answer.headers["content-type"].startswith("text/event-stream")
                for line in answer.iter_lines():
                    if line.startswith("data:") or (not streaming and line):
                        self.events.put(json.loads(line.removeprefix("data:")))
        except (httpx.HTTPError, OSError) as problem:
            self.events.put({"hung up": str(problem)})

    def next(self, seconds=SECONDS):
        return self.events.get(timeout=seconds)

    def question(self):
        event = self.next()
        assert "method" in event and "id" in event, event
        return event

    def reply(self, question, auth=None, **answer):
        """Posts result=... or error=...; a connection of its own, which may be another worker's."""
        body = json.dumps({"jsonrpc": "2.0", "id": question["id"], **answer})
        headers = message_headers("", None, "legacy") | (auth or self.auth)
        answer = httpx.post(self.gateway.url, content=body, headers=headers, timeout=30)
        assert answer.status_code == 202, answer.text

    def hang_up(self):
        """The connection is shut down: closing it while the thread reads would wait for that."""
        stream = self.answer.extensions["network_stream"].get_extra_info("socket")
        stream.shutdown(2)
        self.thread.join(SECONDS)

    def result(self):
        """The result object that ends the call."""
        event = self.next()
        assert event["id"] == 41 and "result" in event, event
        self.thread.join(SECONDS)
        assert self.events.empty()
        return event["result"]

    def text(self):
        """The one text of a result that is no failure."""
        result = self.result()
        assert not result.get("isError"), result
        return result["content"][0]["text"]

    def failure(self):
        result = self.result()
        assert result.get("isError") is True, result
        return result["content"][0]["text"]
