#!/usr/bin/env python3
"""A tiny MCP server on its standard streams, without any SDK, for the gateway to run by `command:`.

    stdio_server.py [--era legacy|modern] [--wait SECONDS] [--silent] [--stubborn] [--exits N --until FILE] [--record FILE] [--tags] [--babbles] [--farewell]

--wait: before it reads anything. --silent: it answers nothing that it does not know, as some legacy servers do. --stubborn: neither the end of its input nor
SIGTERM ends it. --exits N: it ends at once with that status, as long as FILE is missing. --record FILE: every line it
reads is added there. --tags: it tags a notification with every request, as if that were a subscription. --babbles: its
answer to initialize is no JSON. --farewell: when its input ends, its tools change. Its tools are the functions named tool_*.
"""

import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

options = None
writing = threading.Lock()
answers = {}  # to what it asked the client: id -> message
answered = threading.Condition()
cancelled = set()
hearing = threading.Event()
hearing.set()
MODERN = {"resultType": "complete"}
LISTEN_TAG = "io.modelcontextprotocol/subscriptionId"


def send(message):
    send_line(json.dumps(message))


def send_line(line):
    with writing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def notify(method, **params):
    send({"jsonrpc": "2.0", "method": method, "params": params})


def text(value, **more):
    return {"content": [{"type": "text", "text": value if isinstance(value, str) else json.dumps(value)}]} | more


def ask(id, method, params):
    """A request to the client, and its answer."""
    send({"jsonrpc": "2.0", "id": id, "method": method, "params": params})
    with answered:
        answered.wait_for(lambda: id in answers, 10)
    return answers.pop(id, None)


def tool_echo(request, arguments):
    return text(arguments, structuredContent={"got": arguments})


def tool_pid(request, arguments):
    return text(str(os.getpid()))


def tool_environment(request, arguments):
    return text(dict(os.environ))


def tool_where(request, arguments):
    return text(os.getcwd())


def tool_slow(request, arguments):
    """Answers after a while, unless it was cancelled."""
    deadline = time.monotonic() + arguments.get("seconds", 0.2)
    while time.monotonic() < deadline:
        if request["id"] in cancelled:
            return None
        time.sleep(0.01)
    return text("slow")


def tool_running(request, arguments):
    return text(str(sum(1 for thread in threading.enumerate() if thread.name == "slow")))


def tool_progress(request, arguments):
    token = request["params"]["_meta"]["progressToken"]
    for step in (1, 2, 3):
        notify("notifications/progress", progressToken=token, progress=step, total=3, message=f"step {step}")
    return text("all the way")


def tool_crash(request, arguments):
    os._exit(arguments.get("status", 3))


def tool_answer_and_leave(request, arguments):
    """The answer is in the pipe when the process has ended."""
    respond(request, text("farewell" + "." * arguments.get("bytes", 0)))
    os._exit(0)


def tool_garbage(request, arguments):
    send_line("Debugger listening on \x01 something")
    send_line("{\"half\": ")
    send_line("")
    send_line("[]")
    send({"jsonrpc": "2.0", "id": 987654321, "result": {}})  # nobody asked
    return text("after garbage")


def tool_broken(request, arguments):
    """An answer that is no JSON: half a surrogate pair."""
    send_line('{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\\ud83d"}]}}' % request["id"])


def tool_deaf(request, arguments):
    """From now on it reads nothing for a while."""
    hearing.clear()
    threading.Timer(arguments["seconds"], hearing.set).start()
    return text("what?")


def tool_flood(request, arguments):
    token = request["params"]["_meta"]["progressToken"]
    for n in range(1, 3001):
        notify("notifications/progress", progressToken=token, progress=n, message="x" * 4096)
    return text("flooded")


def tool_huge(request, arguments):
    return text("x" * arguments["bytes"])


def tool_noise(request, arguments):
    for n in range(arguments["lines"]):
        print(f"noise {n} {os.environ.get('SECRET_TOKEN', '')}", file=sys.stderr)
    print("L" * 9000, file=sys.stderr, flush=True)
    return text("made noise")


def tool_tell(request, arguments):
    """Lines to one of its streams, as a debug print would."""
    for line in arguments["lines"] * arguments.get("times", 1):
        print(line.format(**os.environ), file=sys.stderr if arguments["to"] == "stderr" else sys.stdout)
    sys.stdout.flush()
    sys.stderr.flush()
    return text("told")


def tool_ask(request, arguments):
    return text(ask("q-1", "roots/list", {}) or "nobody answered")


def tool_ask_endlessly(request, arguments):
    """How many of its questions were refused at once."""
    for n in range(100):
        send({"jsonrpc": "2.0", "id": f"e-{n}", "method": "roots/list", "params": {}})
    with answered:
        answered.wait_for(lambda: len([id for id in answers if str(id).startswith("e-")]) >= 36, 10)
        return text(str(len([id for id in answers if str(id).startswith("e-")])))


def tool_ping(request, arguments):
    return text(ask("p-1", "ping", {}) or "nobody answered")


def tool_change(request, arguments):
    notify("notifications/tools/list_changed")
    return text("changed")


def tool_close_output(request, arguments):
    os.close(1)
    time.sleep(60)


def tool_spawn(request, arguments):
    """A child that outlives this process unless somebody ends the group."""
    child = subprocess.Popen(["sleep", "300"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return text(str(child.pid))


TOOLS = {name.removeprefix("tool_"): function for name, function in list(globals().items()) if name.startswith("tool_")}


def respond(request, result):
    send({"jsonrpc": "2.0", "id": request["id"], "result": result | (MODERN if options.era == "modern" else {})})


def refuse(request, code, message):
    send({"jsonrpc": "2.0", "id": request["id"], "error": {"code": code, "message": message}})


def call(request):
    params = request["params"]
    result = TOOLS[params["name"]](request, params.get("arguments") or {})
    if result is not None:
        respond(request, result)


def listen(request):
    id = request["id"]
    notify("notifications/subscriptions/acknowledged", notifications=request["params"]["notifications"], _meta={LISTEN_TAG: id})
    notify("notifications/tools/list_changed", _meta={LISTEN_TAG: id})
    if request["params"].get("once"):
        respond(request, {"_meta": {LISTEN_TAG: id}})


def on_request(request):
    method = request["method"]
    if options.tags:
        notify("notifications/tools/list_changed", _meta={LISTEN_TAG: request["id"]})
    if method == "initialize" and options.babbles:
        send_line('{"jsonrpc":"2.0","id":%d,"result":{"serverInfo":"\\ud83d"}}' % request["id"])
    elif method == "tools/call":
        threading.Thread(target=call, args=(request,), daemon=True, name=request["params"]["name"]).start()
    elif method == "tools/list":
        listed = [{"name": name, "description": f"{name}.", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": name != "crash"}} for name in TOOLS]
        respond(request, {"tools": listed} | ({"ttlMs": 3_600_000, "cacheScope": "public"} if options.era == "modern" else {}))
    elif method == "initialize" and options.era == "legacy":
        respond(request, {"protocolVersion": "2025-11-25", "capabilities": {"tools": {"listChanged": True}}, "serverInfo": {"name": "stdio", "version": str(os.getpid())}})
    elif method == "server/discover" and options.era == "modern":
        respond(request, {"supportedVersions": ["2026-07-28"], "capabilities": {"tools": {}}, "ttlMs": 3_600_000, "cacheScope": "public"})
    elif method == "subscriptions/listen" and options.era == "modern":
        listen(request)
    elif not options.silent:
        refuse(request, -32601, "Method not found")


def on_message(message):
    if "method" not in message:
        with answered:
            answers[message["id"]] = message
            answered.notify_all()
    elif "id" in message:
        on_request(message)
    elif message["method"] == "notifications/cancelled":
        cancelled.add(message["params"]["requestId"])


def main():
    global options
    parser = argparse.ArgumentParser()
    parser.add_argument("--era", default="legacy")
    parser.add_argument("--wait", type=float, default=0)
    parser.add_argument("--silent", action="store_true")
    parser.add_argument("--stubborn", action="store_true")
    parser.add_argument("--exits", type=int)
    parser.add_argument("--until", type=pathlib.Path)
    parser.add_argument("--record")
    parser.add_argument("--tags", action="store_true")
    parser.add_argument("--babbles", action="store_true")
    parser.add_argument("--farewell", action="store_true")
    options = parser.parse_args()
    if options.exits is not None and not (options.until and options.until.exists()):
        sys.exit(options.exits)
    if options.stubborn:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(options.wait)
    for line in sys.stdin:
        if options.record:
            with open(options.record, "a") as record:
                record.write(line)
        on_message(json.loads(line))
        hearing.wait()
    if options.farewell:
        notify("notifications/tools/list_changed")
        time.sleep(0.3)  # so that it is read while this still runs
    while options.stubborn:
        time.sleep(1)


if __name__ == "__main__":
    main()
