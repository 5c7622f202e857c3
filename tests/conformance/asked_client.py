"""asked_client.py URL: a real legacy client (Python SDK 2) that can be asked. Calls the tools of server-everything that ask
for a sample of a model and for a form, and prints a line of JSON: the text of each answer."""

import asyncio
import json
import sys

from mcp import Client, types


async def samples(context, params):
    text = types.TextContent(type="text", text="a counter for everything")
    return types.CreateMessageResult(role="assistant", content=text, model="scripted")


async def fills_in(context, params):
    return types.ElicitResult(action="accept", content={"name": "Ana"})


async def main(url):
    async with Client(url, mode="legacy", sampling_callback=samples, elicitation_callback=fills_in) as client:
        answers = [
            await client.call_tool("everything_trigger_sampling_request", {"prompt": "What is it?", "maxTokens": 20}),
            await client.call_tool("everything_trigger_elicitation_request", {}),
        ]
    print(json.dumps(["\n".join(block.text for block in answer.content) for answer in answers]))


asyncio.run(main(sys.argv[1]))
