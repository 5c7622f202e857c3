"""Driver of the official Python SDK 1.x, one ClientSession over streamable HTTP.

An HTTP error kills the transport of this generation: the call sees a closed connection, and the status comes out, if at
all, when the session ends.
"""

import contextlib
from datetime import timedelta

import driver
from mcp import ClientSession
from mcp.client.streamable_http import streamablehttp_client


class Sdk1:
    def __init__(self, session, initialized):
        self._session = session
        self.about = {"protocolVersion": initialized.protocolVersion, "server": initialized.serverInfo.name}

    async def list(self):
        return [tool.name for tool in (await self._session.list_tools()).tools]

    async def call(self, step, on_progress):
        answer = await self._session.call_tool(
            step["name"],
            step.get("arguments"),
            read_timeout_seconds=timedelta(seconds=step["timeout"]) if "timeout" in step else None,
            progress_callback=on_progress,
        )
        return driver.result(driver.text_of(answer.content), answer.structuredContent, answer.isError)


@contextlib.asynccontextmanager
async def open_client(scenario):
    async with streamablehttp_client(scenario["url"], headers=driver.headers_of(scenario)) as (read, write, _):
        async with ClientSession(read, write) as session:
            yield Sdk1(session, await session.initialize())


driver.run(open_client)
