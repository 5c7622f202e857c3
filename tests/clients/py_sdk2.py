"""Driver of the official Python SDK 2.x. `mode` is the SDK's own: auto (its default: server/discover, then initialize),
legacy, or a revision such as 2026-07-28, which is used without asking: then the first step sends the first request."""

import contextlib

import driver
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


class Sdk2:
    def __init__(self, client):
        self._client = client
        server = client.server_info
        self.about = {"protocolVersion": client.protocol_version, "server": server and server.name}

    async def list(self):
        return [tool.name for tool in (await self._client.list_tools(cache_mode="bypass")).tools]

    async def call(self, step, on_progress):
        answer = await self._client.call_tool(
            step["name"],
            step.get("arguments"),
            read_timeout_seconds=step.get("timeout"),
            progress_callback=on_progress,
        )
        return driver.result(driver.text_of(answer.content), answer.structured_content, answer.is_error)


@contextlib.asynccontextmanager
async def open_client(scenario):
    async with create_mcp_http_client(headers=driver.headers_of(scenario)) as http:
        transport = streamable_http_client(scenario["url"], http_client=http)
        async with Client(transport, mode=scenario.get("mode", "auto")) as client:
            yield Sdk2(client)


driver.run(open_client)
