"""Driver of CrewAI's own MCP client: an Agent with an MCPServerHTTP, its tools found and run as a crew does it.

Discovery is a session of its own and so is every call, with CrewAI's three attempts inside; `list` discovers anew, as
every kickoff would. Tools are called by the names the server has; `seen_as` in the connect line is what a model sees.
"""

import asyncio
import contextlib

import crewai_quiet  # noqa: F401  must come before crewai
import driver
from crewai import Agent, BaseLLM
from crewai.mcp import MCPServerHTTP
from crewai.tools.tool_failure import ToolFailure
from crewai.utilities.string_utils import sanitize_tool_name


class Mute(BaseLLM):
    """An agent wants a model even when nobody is going to ask it anything."""

    def call(self, messages, **_):
        raise NotImplementedError


class Native:
    def __init__(self, agent):
        self._agent = agent
        self._tools = {}

    async def list(self):
        # In a thread, because CrewAI takes another path when it finds itself on a running loop.
        tools = await asyncio.to_thread(self._agent.get_mcp_tools, self._agent.mcps)
        self._tools = {tool.original_tool_name: tool for tool in tools}
        return list(self._tools)

    @property
    def about(self):
        return {"seen_as": [sanitize_tool_name(tool.name) for tool in self._tools.values()]}

    async def call(self, step, on_progress):
        driver.refuse(step, "progress", "timeout")
        tool = self._tools.get(step["name"]) or driver.unknown(step["name"])
        answer = await asyncio.to_thread(tool.run, **step.get("arguments", {}))
        if isinstance(answer, ToolFailure):
            return driver.result(answer.message, is_error=True)
        return driver.result(answer, is_error=False)


@contextlib.asynccontextmanager
async def open_client(scenario):
    gateway = MCPServerHTTP(url=scenario["url"], headers=driver.headers_of(scenario), cache_tools_list=False)
    agent = Agent(role="tester", goal="call tools", backstory="none", llm=Mute(model="mute"), mcps=[gateway])
    native = Native(agent)
    await native.list()
    yield native


driver.run(open_client)
