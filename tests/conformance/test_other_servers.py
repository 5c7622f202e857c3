"""Servers of other people behind the gateway, each by a few lines of config, read by clients of both eras."""

import json
import os
import pathlib
import signal
import subprocess

import pytest

import other_servers
from harness import ROOT, SLOW, Gateway, events, rpc_body, wait_until

ERAS = ["legacy", "modern"]
TEAM = "everything_completable_prompt"


def opened(folder, connectors, **more):
    """A gateway that asks nobody who they are."""
    return Gateway(folder, connectors, auth={"mode": "none"}, hop_secret=None, **more)


@pytest.fixture(scope="module")
def world(start):
    """One server of each era, both over HTTP."""
    everything = start(other_servers.everything)
    excel = start(other_servers.excel)
    rows = [
        {"name": "everything", "url": everything.url},
        {"name": "excel", "url": excel.url},
    ]
    gateway = start(opened, rows, name="others")
    return gateway.offers("everything_echo", "excel_read_range")


def ask(gateway, method, params=None, era="legacy"):
    """The result of a request, whatever it is about."""
    name = (params or {}).get("name") or (params or {}).get("uri")
    headers = {"Mcp-Name": name} if name and era == "modern" else {}
    answer = gateway.rpc(method, params, era, auth={}, headers=headers)
    message = json.loads(rpc_body(answer))
    assert "result" in message, message
    return message["result"]


def children(process, word):
    """Pids of the processes it started whose command line has that word."""
    tasks = pathlib.Path(f"/proc/{process.popen.pid}/task").glob("*/children")
    pids = {pid for task in tasks for pid in task.read_text().split()}
    return {int(pid) for pid in pids if word.encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()}


def text(result):
    assert not result.get("isError"), result
    (block,) = result["content"]
    return block["text"]


@pytest.mark.parametrize("era", ERAS)
def test_each_era_is_listed_the_tools_of_servers_of_both(world, era):
    names = [t["name"] for t in ask(world, "tools/list", None, era)["tools"]]

    assert {"everything_get_sum", "everything_get_tiny_image", "excel_create_workbook"} <= set(names)


@pytest.mark.parametrize("era", ERAS)
def test_tools_of_a_server_with_sessions_answer(world, era):
    assert "5" in text(ask(world, "tools/call", {"name": "everything_get_sum", "arguments": {"a": 2, "b": 3}}, era))
    weather = ask(world, "tools/call", {"name": "everything_get_structured_content", "arguments": {"location": "Chicago"}}, era)
    assert weather["structuredContent"]["conditions"]
    image = ask(world, "tools/call", {"name": "everything_get_tiny_image", "arguments": {}}, era)
    assert "image/png" in [block.get("mimeType") for block in image["content"]]


@pytest.mark.parametrize("era", ERAS)
def test_progress_of_a_server_with_sessions_arrives(world, era):
    params = {
        "name": "everything_trigger_long_running_operation",
        "arguments": {"duration": 0.3, "steps": 3},
        "_meta": {"progressToken": "long"},
    }
    seen = events(world.rpc("tools/call", params, era, auth={}).text)

    assert [e["params"]["progress"] for e in seen if e.get("method") == "notifications/progress"] == [1, 2, 3]
    assert "result" in seen[-1]


def test_what_a_server_with_sessions_asks_of_the_user_reaches_the_client(world):
    python = ROOT / "build/clients/py_sdk2/bin/python"
    command = [python, pathlib.Path(__file__).parent / "asked_client.py", world.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60 * SLOW, env={"NO_PROXY": "*"}, check=False)

    assert done.returncode == 0, done.stderr
    sample, form = json.loads(done.stdout)
    assert "a counter for everything" in sample
    assert "Ana" in form


@pytest.mark.parametrize("era", ERAS)
def test_prompts_are_listed_got_and_completed(world, era):
    listed = {p["name"]: p for p in ask(world, "prompts/list", None, era)["prompts"]}
    assert {"everything_simple_prompt", "everything_args_prompt", TEAM} <= set(listed)

    got = ask(world, "prompts/get", {"name": "everything_args_prompt", "arguments": {"city": "Porto"}}, era)
    assert "Porto" in got["messages"][0]["content"]["text"]

    department = {"ref": {"type": "ref/prompt", "name": TEAM}, "argument": {"name": "department", "value": "E"}}
    assert ask(world, "completion/complete", department, era)["completion"]["values"] == ["Engineering"]


@pytest.mark.parametrize("era", ERAS)
def test_resources_are_listed_and_read(world, era):
    listed = [r["uri"] for r in ask(world, "resources/list", None, era)["resources"]]
    document = next(uri for uri in listed if uri.endswith("features.md"))
    assert ask(world, "resources/read", {"uri": document}, era)["contents"][0]["text"]

    templates = [t["uriTemplate"] for t in ask(world, "resources/templates/list", None, era)["resourceTemplates"]]
    assert "demo://resource/dynamic/text/{resourceId}" in templates
    (dynamic,) = ask(world, "resources/read", {"uri": "demo://resource/dynamic/text/7"}, era)["contents"]
    assert "Resource 7" in dynamic["text"]


@pytest.mark.parametrize("era", ERAS)
def test_a_workbook_is_made_and_read_by_way_of_a_modern_server(world, era):
    book = f"{era}.xlsx"
    for name, arguments in [
        ("excel_create_workbook", {"path": book, "sheets": ["Leads"], "overwrite": True}),
        ("excel_write_range", {"path": book, "sheet": "Leads", "at": "A1", "rows": [["Ana", 7], ["Rui", 5]]}),
    ]:
        done = ask(world, "tools/call", {"name": name, "arguments": arguments}, era)
        assert not done.get("isError"), done

    read = ask(world, "tools/call", {"name": "excel_read_range", "arguments": {"path": book, "sheet": "Leads"}}, era)

    assert read["structuredContent"]["values"] == [["Ana", 7], ["Rui", 5]]


@pytest.fixture(scope="module")
def local(start, folder):
    """Servers that the gateway runs itself and speaks to over their stdin and stdout."""
    rows = [
        {"name": "time", "command": other_servers.time()},
        {"name": "memory", "command": other_servers.memory(), "env": {"MEMORY_FILE_PATH": str(folder / "memory.jsonl")}},
    ]
    gateway = start(opened, rows, name="local", allow_commands=True)
    return gateway.offers("time_convert_time", "memory_create_entities")


@pytest.mark.parametrize("era", ERAS)
def test_a_server_of_pypi_answers_over_stdio(local, era):
    arguments = {"source_timezone": "Europe/Lisbon", "time": "12:00", "target_timezone": "America/Sao_Paulo"}
    answer = json.loads(text(ask(local, "tools/call", {"name": "time_convert_time", "arguments": arguments}, era)))

    assert answer["source"]["datetime"][11:16] == "12:00"
    assert answer["target"]["timezone"] == "America/Sao_Paulo"


@pytest.mark.parametrize("era", ERAS)
def test_a_server_of_npm_answers_over_stdio(local, era):
    entity = {"name": f"Ana of {era}", "entityType": "person", "observations": ["likes counters"]}
    made = ask(local, "tools/call", {"name": "memory_create_entities", "arguments": {"entities": [entity]}}, era)
    assert not made.get("isError"), made

    found = ask(local, "tools/call", {"name": "memory_search_nodes", "arguments": {"query": f"Ana of {era}"}}, era)

    assert [e["observations"] for e in found["structuredContent"]["entities"]] == [["likes counters"]]


def test_a_server_over_stdio_that_is_killed_comes_back(local):
    (before,) = children(local, "mcp-server-time")
    os.kill(before, signal.SIGKILL)

    wait_until(lambda: children(local, "mcp-server-time") - {before}, "another mcp-server-time", seconds=60)
    asked = {"name": "time_get_current_time", "arguments": {"timezone": "Europe/Lisbon"}}
    wait_until(lambda: not ask(local, "tools/call", asked).get("isError"), "an answer of the new one", seconds=60)
