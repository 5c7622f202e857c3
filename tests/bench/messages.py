"""The requests that the bench sends, as bytes, and the tokens in them."""

import base64
import hashlib
import hmac
import json
import time

AUDIENCE = "https://bench.example/mcp"
SECRET = "a secret of the bench, long enough for HS256"
CLIENT_INFO = {"name": "mcp", "version": "0.1.0"}


def claims(**more):
    """Three permissions, so that policy has something to look up."""
    return {"sub": "bench", "tenant_id": "acme", "aud": AUDIENCE, "permissions": ["sales", "support", "bench.call"], "exp": int(time.time()) + 36000} | more


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def hs256_token():
    signed = encoded(b'{"alg":"HS256","typ":"JWT"}') + b"." + encoded(json.dumps(claims()).encode())
    return (signed + b"." + encoded(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())).decode()


def compact(message):
    return json.dumps(message, separators=(",", ":")).encode()


def post(body, token, headers=(), path="/mcp"):
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Accept: application/json, text/event-stream",
        "Content-Type: application/json",
        "User-Agent: python-httpx/0.28.1",
        *headers,
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def get(path):
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: */*\r\n\r\n".encode()


def rows_until(size, build):
    """The largest message that build(rows, filler) makes with at most `size` bytes: rows of an object, then a filler string."""
    rows = []
    while len(build(rows, "")) < size - 80:
        rows.append({"id": len(rows), "name": f"Client {len(rows)}", "note": "called \"twice\", no answer"})
    return build(rows, "x" * (size - len(build(rows, ""))))


def legacy(method, params=None, id=1):
    message = {"jsonrpc": "2.0"} | ({"id": id} if id is not None else {}) | {"method": method}
    return message | ({"params": params} if params is not None else {})


def call_body(tool, size, meta=None):
    def build(rows, filler):
        params = {"name": tool, "arguments": {"query": "open leads of this month", "period": "month", "rows": rows, "filler": filler}}
        return compact(legacy("tools/call", params | ({"_meta": meta} if meta else {})))

    return rows_until(size, build)


def legacy_call(tool, token, size=400, progress=False, path="/mcp"):
    return post(call_body(tool, size, {"progressToken": 1} if progress else None), token, ["MCP-Protocol-Version: 2025-11-25"], path)


def modern_call(tool, token, size=400):
    meta = {
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": CLIENT_INFO,
        "io.modelcontextprotocol/clientCapabilities": {},
    }
    headers = ["MCP-Protocol-Version: 2026-07-28", "Mcp-Method: tools/call", f"Mcp-Name: {tool}"]
    return post(call_body(tool, size, meta), token, headers)


def legacy_list(token):
    return post(compact(legacy("tools/list", id=2)), token, ["MCP-Protocol-Version: 2025-11-25"])


def crewai_conversation(tool, token):
    """The four requests of one tool call of CrewAI, in its order."""
    version = ["MCP-Protocol-Version: 2025-11-25"]
    initialize = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": CLIENT_INFO}
    return [
        post(compact(legacy("initialize", initialize, id=0)), token),
        post(compact(legacy("notifications/initialized", id=None)), token, version),
        post(call_body(tool, 400), token, version),
        legacy_list(token),
    ]


def write(path, requests):
    """As tests/bench/requests.c reads them."""
    with open(path, "wb") as file:
        for request in [requests] if isinstance(requests, bytes) else requests:
            file.write(b"%d\n" % len(request) + request)
    return path
