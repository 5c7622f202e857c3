"""A connector that misbehaves on request, behind a gateway, for the tests of clients.

Every tool is listed, allowed or not, so that also those clients ask for a denied one that call only what they have seen.
"""

import json

from fake_connector import hang, http, progress, response, sse, sse_head, text_result, tool
from harness import SLOW

DEADLINE = 3 * SLOW  # of a call at the connector "odd"

# What the tools of the connector "odd" do when called, and what the caller is told.
FAULTS = {
    "odd_html": "odd failed.* not JSON",
    "odd_garbage": "odd failed.* not a JSON-RPC message",
    "odd_hangs": "odd did not finish odd_hangs within",
    "odd_dies_json": "odd failed.* closed the connection in the middle",
    "odd_dies_sse": "odd failed.* ended its stream without an answer",
    "gone_tool": "gone failed to take the call.* Nothing was done",
}
TOOLS = ["odd_echo", "odd_steps", "odd_bursts", "odd_refuses", "odd_writes", *FAULTS]
HALF = b'{"jsonrpc":"2.0","id":1,"result":{"content":[{"type":"text","text":"HALF AN ANS'


def sse_answer(request, end):
    yield sse_head()
    if "progressToken" in request.params["_meta"]:
        yield sse(progress(request, 1, 2, "half way"))
    yield end


def burst(request):
    """All events in one piece, with a length: when the first is read, the exchange is over already."""
    steps = [progress(request, n, 3, f"step {n}") for n in (1, 2, 3)] if "progressToken" in request.params["_meta"] else []
    return http(200, "text/event-stream", sse(*steps, response(request, text_result("at once"))))


def answer(request):
    match request.name:
        case "echo":
            return text_result(json.dumps(request.arguments), structuredContent={"got": request.arguments})
        case "steps":
            return sse_answer(request, sse(response(request, text_result("all the way"))))
        case "bursts":
            return burst(request)
        case "refuses":
            return text_result("There is no order 7 here.", isError=True)
        case "html":
            return http(200, "text/html", "<html>HALF AN ANSWER</html>")
        case "garbage":
            return http(200, "application/json", b"\x00\x01{{HALF")
        case "hangs":
            return hang(60)
        case "dies_json":
            return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n" + HALF
        case "dies_sse":
            return sse_answer(request, b"data: " + HALF)
    return text_result("written")


def start_odd(starter):
    """The gateway with the connector "odd", and "gone", which died after its tools were listed. `gateway.odd` is the
    fake behind it."""
    names = [name.removeprefix("odd_") for name in TOOLS if name.startswith("odd_")]
    fake = starter.fake(tools=[tool(name, read_only=name != "writes") for name in names], on_call=answer, ttl_ms=3600_000)
    gone = starter.fake(tools=[tool("tool")], ttl_ms=3600_000)
    milliseconds = f"{int(DEADLINE * 1000)}ms"
    gateway = starter.gateway(
        [{"name": "odd", "url": fake.url, "timeout": milliseconds, "progress_timeout": milliseconds}, {"name": "gone", "url": gone.url}],
        policies=[{"permission": "reader", "allow": [name for name in TOOLS if name != "odd_writes"]}],
        lists="all",
    )
    gateway.offers("odd_echo", "gone_tool")
    gone.stop()
    gateway.odd = fake
    return gateway
