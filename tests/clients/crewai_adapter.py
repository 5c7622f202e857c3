"""Driver of CrewAI's MCPServerAdapter (crewai-tools and mcpadapt): one long session in a thread of its own.

The adapter has no timeout on a call and no eye for isError: a server that never answers hangs it, and a tool's error
is text like any other.
"""

import asyncio
import contextlib

import crewai_quiet  # noqa: F401  must come before crewai_tools
import driver
from crewai_tools import MCPServerAdapter


class Adapter:
    about = {}

    def __init__(self, tools):
        self._tools = {tool.name: tool for tool in tools}

    async def list(self):
        return list(self._tools)

    async def call(self, step, on_progress):
        driver.refuse(step, "progress", "timeout")
        tool = self._tools.get(step["name"]) or driver.unknown(step["name"])
        return driver.result(await asyncio.to_thread(tool.run, **step.get("arguments", {})))


@contextlib.asynccontextmanager
async def open_client(scenario):
    server = {
        "url": scenario["url"],
        "transport": "streamable-http",
        "headers": driver.headers_of(scenario),
    }
    with MCPServerAdapter(server, connect_timeout=scenario.get("connect_timeout", 30)) as tools:
        yield Adapter(tools)


driver.run(open_client)
