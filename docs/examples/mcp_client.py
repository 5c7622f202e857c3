"""A small client of the gateway's REST routes, for scripts and services that do not speak MCP. Standard library only.

    . build/run/env && export GUICHE_URL GUICHE_TOKEN
    python3 docs/examples/mcp_client.py

Streaming uses the GET route, which is for tools that only read. A tool that writes is called with call_tool.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request

LONGEST_CALL = 130  # seconds; the gateway ends a call with progress after 120


class GatewayError(Exception):
    """What the gateway (or a tool behind it) has to say. `code` names the kind, `request_id` finds it in the log."""

    def __init__(self, code, message, status=None, request_id=None):
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


class MCPClient:
    def __init__(self, base_url, auth_token, headers=None):
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {auth_token}", **(headers or {})}

    def list_tools(self):
        """The tools this token may use: a list of {"name", "description", "parameters", "supports_streaming"}."""
        with self._open("/v1/tools/list") as response:
            return json.load(response)["tools"]

    def call_tool(self, name, arguments):
        """{"tool_name", "result", "timestamp"}; raises GatewayError when the call fails."""
        with self._open("/v1/tools/execute", {"tool_name": name, "arguments": arguments}) as response:
            return json.load(response)

    def call_tool_streaming(self, name, arguments):
        """Yields events as they come: {"type", "stage", "progress", "message", "data", "timestamp"}. The last
        one has the type "done" and the result in its `data`; a failure raises GatewayError instead."""
        query = urllib.parse.urlencode(arguments)  # f"{k}={v}" for each: a list goes out as its Python literal
        with self._open(f"/v1/tools/{urllib.parse.quote(name)}/stream?{query}") as response:
            for event in _events(response):
                if event["type"] == "error":
                    raise _error_of(event["data"] or {}, event["message"])
                yield event
                if event["type"] == "done":
                    return
        raise GatewayError("incomplete", "The stream ended before the result came.")

    def _open(self, path, body=None):
        request = urllib.request.Request(self._base_url + path, headers=self._headers)
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            return urllib.request.urlopen(request, timeout=LONGEST_CALL)
        except urllib.error.HTTPError as refused:
            raise _refusal(refused) from None
        except urllib.error.URLError as failed:
            raise GatewayError("unreachable", f"{self._base_url} does not answer: {failed.reason}") from None


def _events(response):
    for line in response:
        if line.startswith(b"data:"):
            yield json.loads(line.removeprefix(b"data:"))


def _refusal(refused):
    body = refused.read()
    try:
        error = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        error = {}
    return _error_of(error, refused.reason, refused.code)


def _error_of(error, message, status=None):
    return GatewayError(
        error.get("code", status or "error"), error.get("message", message), status, error.get("request_id")
    )


def main():
    client = MCPClient(os.environ["GUICHE_URL"].removesuffix("/mcp"), os.environ["GUICHE_TOKEN"])

    for tool in client.list_tools():
        print(tool["name"], "-", tool["description"])

    print("leads today:", client.call_tool("get_leads_count", {"period": "today"})["result"]["total_leads"])

    agents = client.call_tool("crm_list_agents", {})["result"]["agents"]
    ids = [agent["agent_id"] for agent in agents]
    for event in client.call_tool_streaming("compare_agents", {"agent_ids": ids[:2]}):
        print(event["stage"], event["progress"], event["message"])
    print("winner:", event["data"]["winner"])


if __name__ == "__main__":
    main()
