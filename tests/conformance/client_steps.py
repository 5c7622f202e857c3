"""client_steps.py URL: a real client (Python SDK 2) doing what a scenario of the suite wants a client to do.

GUICHE_CLIENT_MODE is the SDK's `mode`: legacy (initialize) or 2026-07-28 (stateless). What the suite asks of the user is
answered with the defaults of the form, and with yes where there are none.
"""

import asyncio
import json
import os
import sys

from mcp import Client, types

SCENARIO = os.environ["MCP_CONFORMANCE_SCENARIO"]
CONTEXT = json.loads(os.environ.get("MCP_CONFORMANCE_CONTEXT", "{}"))


def filled(schema):
    return {name: field.get("default", True) for name, field in schema.get("properties", {}).items()}


async def called(client, name, arguments):
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result


async def lists_tools(client):
    return (await client.list_tools(cache_mode="bypass")).tools


async def uses_everything(client):
    """Whatever is listed is used once. (A client that is pinned to a revision has not asked for capabilities.)"""
    for tool in await lists_tools(client):
        await called(client, tool.name, {})
    for resource in (await client.list_resources()).resources:
        await client.read_resource(str(resource.uri))
    for prompt in (await client.list_prompts()).prompts:
        await client.get_prompt(prompt.name)


async def adds_numbers(client):
    await lists_tools(client)
    await called(client, "add_numbers", {"a": 2, "b": 3})


async def makes_the_calls_of_the_context(client):
    await lists_tools(client)
    for call in CONTEXT["toolCalls"]:
        await called(client, call["name"], call["arguments"])


async def calls_every_tool_it_is_offered(client):
    """The suite counts a call of a tool that should not have been offered."""
    for tool in await lists_tools(client):
        await called(client, tool.name, {name: "x" for name in tool.input_schema.get("properties", {})})


async def echoes_the_schema(client):
    tools = {tool.name: tool for tool in await lists_tools(client)}
    await called(client, "json_schema_echo", {"schema": tools["json_schema_2020_12_tool"].input_schema})


async def is_asked_between_calls(client):
    """Between the two rounds of a call, another tool is called (see `answers`)."""
    await lists_tools(client)
    for name in ("test_mrtr_echo_state", "test_mrtr_no_state", "test_mrtr_no_result_type"):
        await called(client, name, {})


def calls(name):
    async def step(client):
        await lists_tools(client)
        await called(client, name, {})

    return step


STEPS = {
    "initialize": lists_tools,
    "tools_call": adds_numbers,
    "request-metadata": lists_tools,
    "http-standard-headers": uses_everything,
    "http-custom-headers": makes_the_calls_of_the_context,
    "http-invalid-tool-headers": calls_every_tool_it_is_offered,
    "sep-2322-client-request-state": is_asked_between_calls,
    "json-schema-ref-no-deref": lists_tools,
    "json-schema-2020-12-preservation": echoes_the_schema,
    "sse-retry": calls("test_reconnection"),
    "elicitation-sep1034-client-defaults": calls("test_client_elicitation_defaults"),
}


async def main(url):
    async def answers(context, params):
        if SCENARIO == "sep-2322-client-request-state":
            await called(client, "test_mrtr_unrelated", {})
        return types.ElicitResult(action="accept", content=filled(params.requested_schema))

    client = Client(url, mode=os.environ["GUICHE_CLIENT_MODE"], elicitation_callback=answers)
    async with client:
        await STEPS[SCENARIO](client)


asyncio.run(main(sys.argv[1]))
