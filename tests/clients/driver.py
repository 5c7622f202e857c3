"""What the Python drivers share: read a scenario, walk its steps in one client session, report each step.

The scenario is one line of JSON on stdin: {"url", "token", "headers", "mode", "steps"}. Each step is answered by one
line of JSON on stdout as soon as it is over, so that what happened before a hang is still told; clients.py has the
shapes. The client libraries may print what they like: once this module is imported, their stdout is our stderr.
"""

import asyncio
import contextlib
import json
import os
import sys
import time

_report = os.fdopen(os.dup(sys.stdout.fileno()), "w")
os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


def say(line):
    print(json.dumps(line, default=str), file=_report, flush=True)


def read_scenario():
    say({"do": "ready"})
    return json.loads(sys.stdin.readline())


def headers_of(scenario):
    token = scenario.get("token")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return {**headers, **scenario.get("headers", {})}


def refuse(step, *options):
    """Ends the driver when a step asks for something this client has no way to do."""
    for option in options:
        if step.get(option):
            sys.exit(f"{sys.argv[0]}: this client cannot be asked for '{option}'")


def unknown(name):
    raise LookupError(f"this client has been given no tool '{name}'")


def run(open_client):
    """`open_client(scenario)` is an async context manager: entering it connects, leaving it hangs up. It gives a
    client with `about` (what the connect line tells), `list()` (tool names) and `call(step, on_progress)` (gives a
    `result`; on_progress is the callback that the Python SDKs take, None unless the step asks for progress)."""
    asyncio.run(_session(read_scenario(), open_client))


def result(text, structured=None, is_error=None):
    """What a call came back with; None where the client does not show it."""
    return {"text": text, "structuredContent": structured, "isError": is_error}


def text_of(content):
    return "\n".join(block.text for block in content if block.type == "text")


@contextlib.contextmanager
def told(line):
    """Says `line` when the block is over, with the seconds it took and the error that ended it.

    A Python SDK whose transport died cancels its caller. That has to go on unwinding: the reason comes out with the
    end of the session. CrewAI on Python 3.13 lets such a cancellation of its own escape, which is an error like others.
    """
    since = time.monotonic()
    try:
        yield line
    except Exception as error:
        line["error"] = described(error)
    except asyncio.CancelledError as error:
        line["error"] = described(error)
        if asyncio.current_task().cancelling():
            raise
    finally:
        say({**line, "seconds": _seconds(since)})


def _seconds(since):
    return round(time.monotonic() - since, 3)


async def _session(scenario, open_client):
    doing = "connect"
    since = time.monotonic()
    try:
        async with open_client(scenario) as client:
            say({"do": "connect", **client.about, "seconds": _seconds(since)})
            doing = "close"
            for step in scenario["steps"]:
                await _take(step, client)
            since = time.monotonic()
        say({"do": "close", "seconds": _seconds(since)})
    except (Exception, asyncio.CancelledError) as error:
        say({"do": doing, "error": described(error), "seconds": _seconds(since)})


async def _take(step, client):
    match step["do"]:
        case "list":
            with told({"do": "list"}) as line:
                line["tools"] = await client.list()
        case "call":
            with told({"do": "call", "name": step["name"], "progress": []}) as line:
                on_progress = _noting_in(line["progress"]) if step.get("progress") else None
                line.update(await client.call(step, on_progress))
        case "wait":
            await asyncio.sleep(step["seconds"])
        case "pause":
            say({"do": "pause"})
            await asyncio.to_thread(sys.stdin.readline)
        case other:
            sys.exit(f"{sys.argv[0]}: no step is called '{other}'")


def _noting_in(events):
    async def on_progress(progress, total, message):
        events.append({"progress": progress, "total": total, "message": message})

    return on_progress


def described(error):
    """An exception, and what those below it tell: the JSON-RPC code and the HTTP status, where there are any."""
    family = list(_family(error))
    facts = {"class": type(error).__name__, "message": str(error)}
    for name, fact in (("code", _code), ("status", _status)):
        known = [fact(each) for each in family if fact(each) is not None]
        if known:
            facts[name] = known[0]
    facts["causes"] = [f"{type(each).__name__}: {each}" for each in family[1:]]
    return facts


def _family(error):
    yield error
    for each in getattr(error, "exceptions", ()):
        yield from _family(each)
    if error.__cause__:
        yield from _family(error.__cause__)


def _code(error):
    return getattr(getattr(error, "error", None), "code", None)


def _status(error):
    return getattr(getattr(error, "response", None), "status_code", None)
