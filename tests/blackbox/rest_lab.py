"""Two scripted connectors for the REST routes: one tool of every kind, and a name both have."""

from fake_connector import text_result, tool
from harness import SLOW
from rest_answers import stream, checked


class RestLab:
    def __init__(self, start):
        self.fake = start.fake(tools=LAB_TOOLS, ttl_ms=3_600_000)
        self.twin = start.fake(tools=[tool("shared")], ttl_ms=3_600_000)
        self.gateway = start.gateway(
            [{"name": "lab", "url": self.fake.url, "timeout": f"{3 * SLOW}s"}, {"name": "twin", "url": self.twin.url}]
        )

    def script(self, on_call):
        self.fake.on_call = on_call
        self.fake.requests.clear()
        return self.gateway

    def arguments(self, query):
        """What the tool gets for a query string."""
        self.script(lambda r: text_result("x"))
        found = checked(stream(self.gateway, "lab_typed", query))
        assert found[-1]["type"] == "done", found[-1]
        return self.fake.calls()[0].arguments


TYPED = {
    "type": "object",
    "properties": {
        "text": {"type": "string"},
        "n": {"type": "integer"},
        "x": {"type": "number"},
        "flag": {"type": "boolean"},
        "list": {"type": "array", "items": {"type": "string"}},
        "numbers": {"type": "array", "items": {"type": "integer"}},
        "shape": {"type": "object"},
        "choice": {"enum": ["a", "b"]},
    },
}
LAB_TOOLS = [
    tool("read"),
    tool("write", read_only=False),
    tool("shared"),
    tool("typed", inputSchema=TYPED),
    tool("needs", inputSchema=TYPED | {"required": ["list"]}),
]
