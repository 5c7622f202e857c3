"""Runs the client drivers for the tests: one subprocess and one session per run, a scenario in, a report out.

    report = run("py_sdk1", url, token, [LIST, call("crm_list_agents"), call("crm_compare_agents", ids, progress=True)])
    report.tools, report.calls[0]["text"], report.calls[1]["progress"], report.hung

A report is the driver's lines in order:
    connect   protocolVersion, server (crewai_native: seen_as, the names a model sees)       or error
    list      tools: names                                                                   or error
    call      name, text, structuredContent, isError, progress: [{progress, total, message}] or error
    crew      crewai_crew only: text, tools, calls: [{name, arguments, result}]              or error
    close     error when the session broke; TypeScript: onerror, what the SDK said aside
each with `seconds`. None in a call's result: this client does not show it. error is {class, message, causes} with
`code` (JSON-RPC) and `status` (HTTP) where the client lets them be seen. A client that says nothing for `patience`
seconds hangs: it is killed, and what it had told by then is the report.
"""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
BUILD = HERE.parents[1] / "build/clients"
STARTUP = 90  # seconds; importing CrewAI alone takes three on a good day


def _python(environment, driver):
    return [BUILD / environment / "bin/python", HERE / driver]


def _node(driver):
    return [BUILD / "node/bin/node", HERE / "ts" / driver]


# Every client that speaks MCP, in each way it can be told to negotiate: command line and `mode`.
CLIENTS = {
    "crewai_adapter": (_python("crewai", "crewai_adapter.py"), None),
    "crewai_native": (_python("crewai", "crewai_native.py"), None),
    "py_sdk1": (_python("py_sdk1", "py_sdk1.py"), None),
    "py_sdk2": (_python("py_sdk2", "py_sdk2.py"), None),
    "py_sdk2_legacy": (_python("py_sdk2", "py_sdk2.py"), "legacy"),
    "py_sdk2_modern": (_python("py_sdk2", "py_sdk2.py"), "2026-07-28"),
    "ts_sdk1": (_node("ts_sdk1.mjs"), None),
    "ts_client2": (_node("ts_client2.mjs"), None),
    "ts_client2_auto": (_node("ts_client2.mjs"), "auto"),
    "ts_client2_modern": (_node("ts_client2.mjs"), "2026-07-28"),
}
CREW = (_python("crewai", "crewai_crew.py"), None)

LIST = {"do": "list"}
PAUSE = {"do": "pause"}  # the driver waits while the next of `pauses` runs


def call(name, arguments=None, progress=False, timeout=None):
    """A step. CrewAI's clients know neither progress nor a timeout of the call, and refuse them."""
    step = {"do": "call", "name": name, "arguments": arguments or {}, "progress": progress}
    return {**step, "timeout": timeout} if timeout else step


def wait(seconds):
    """A step. The run's `patience` must be longer."""
    return {"do": "wait", "seconds": seconds}


@dataclass
class Report:
    lines: list = field(default_factory=list)
    hung: bool = False
    stderr: str = ""

    def of(self, kind):
        return [line for line in self.lines if line["do"] == kind]

    def one(self, kind):
        (line,) = self.of(kind)
        return line

    @property
    def connect(self):
        return self.one("connect")

    @property
    def tools(self):
        return self.of("list")[-1]["tools"]

    @property
    def calls(self):
        return self.of("call")


def run(client, url, token, steps, *, headers=None, patience=20, pauses=(), **more):
    """Runs `steps` with one of CLIENTS. `token` may be a function, called when the driver has started: for a token
    that is to expire soon. `pauses`: what the test does at each PAUSE. `more` goes into the scenario:
    connect_timeout, in seconds, for crewai_adapter (30 by default, and all of it is spent on a refused token)."""
    command, mode = CLIENTS[client]
    scenario = {"url": url, "token": token, "headers": headers or {}, "steps": steps, **more}
    return _run(command, {**scenario, "mode": mode} if mode else scenario, patience, pauses)


def run_crew(url, token, crew="sales", *, patience=60):
    """Runs a crew of docs/examples with the scripted model: sales, product-search or order-creation."""
    return _run(CREW[0], {"url": url, "token": token, "crew": crew}, patience, ())


def _run(command, scenario, patience, pauses):
    if not command[0].exists():
        raise FileNotFoundError(f"{command[0]} is missing; tests/clients/setup makes it")
    with tempfile.TemporaryDirectory() as home, open(Path(home, "stderr"), "w+") as stderr:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            cwd=home,
            env=_environment(home),
            start_new_session=True,
        )
        report = Report()
        try:
            report.hung = not _follow(process, scenario, report.lines, patience, iter(pauses))
        finally:
            _end(process)
        stderr.seek(0)
        report.stderr = stderr.read()
    if not report.hung and process.returncode != 0:
        raise RuntimeError(f"{command[1].name} failed:\n{report.stderr[-4000:]}")
    return report


def _environment(home):
    """Nothing of ours reaches the client: no proxy, no REDIS_URL, no model's key, and a home that goes away with it."""
    return {
        "PATH": os.defpath,
        "HOME": home,
        "LANG": "C.UTF-8",
        "NO_PROXY": "*",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _follow(process, scenario, lines, patience, pauses):
    """Collects the driver's lines. True when it ended by itself, False when it fell silent."""
    arrived = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, arrived), daemon=True).start()
    limit = STARTUP
    while True:
        try:
            line = arrived.get(timeout=limit)
        except queue.Empty:
            return False
        if line is None:
            return _ended(process, patience)
        limit = patience
        if line["do"] == "ready":
            token = scenario["token"]
            _answer(process, json.dumps({**scenario, "token": token() if callable(token) else token}))
        elif line["do"] == "pause":
            next(pauses)()
            _answer(process, "")
        else:
            lines.append(line)


def _ended(process, patience):
    try:
        process.wait(patience)
        return True
    except subprocess.TimeoutExpired:
        return False


def _read(stdout, arrived):
    for line in stdout:
        arrived.put(json.loads(line))
    arrived.put(None)


def _answer(process, line):
    process.stdin.write(line + "\n")
    process.stdin.flush()


def _end(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
    process.stdin.close()
    process.stdout.close()
