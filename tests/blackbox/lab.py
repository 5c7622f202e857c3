"""A gateway before one connector whose answers are scripted, and how calls to it end: for tests of what connectors do wrong."""

import pytest

from fake_connector import progress, response, sse, sse_head, text_result, tool
from harness import SLOW, bearer

ERAS = ["legacy", "modern"]
CALL_SECONDS = 2 * SLOW  # the lab's deadline; with progress LONGEST_SECONDS
LONGEST_SECONDS = 3 * CALL_SECONDS


class Lab:
    """A gateway before one scripted connector, and how calls to it end."""

    def __init__(self, start):
        self.fake = start.fake(tools=[tool("read"), tool("write", read_only=False)], ttl_ms=3_600_000)
        self.gateway = start.gateway(
            [
                {
                    "name": "lab",
                    "url": self.fake.url,
                    "timeout": f"{CALL_SECONDS}s",
                    "progress_timeout": f"{LONGEST_SECONDS}s",
                }
            ],
            limits={"reply": "256KiB"},
        )

    def script(self, on_call):
        self.fake.on_call = on_call
        self.fake.requests.clear()
        return self

    def call(self, name, era="legacy", **options):
        return self.gateway.call(f"lab_{name}", {"x": 1}, era, **options)

    def text(self, name, era="legacy"):
        """The sentence of a call that must fail."""
        result = self.call(name, era)
        assert result["isError"] is True, result
        (block,) = result["content"]
        assert block["type"] == "text" and block["text"]
        return block["text"]

    def rest(self, name):
        return self.gateway.rest(f"lab_{name}")

    def stream(self, name):
        return self.gateway.http.post(f"/v1/tools/lab_{name}/stream", json={}, headers=bearer())

    def with_progress(self, name, era, token="t", **headers):
        params = {"name": f"lab_{name}", "arguments": {}, "_meta": {"progressToken": token}}
        return self.gateway.rpc("tools/call", params, era, headers=headers)


def named(**functions):
    return [pytest.param(f, id=name.replace("_", " ")) for name, f in functions.items()]


def three_steps(request):
    yield sse_head()
    for i in (1, 2, 3):
        yield sse(progress(request, i, 3, f"step {i}", stage="comparing", data={"i": i}))
    yield sse(response(request, text_result("done", structuredContent={"winner": "Ana"})))
