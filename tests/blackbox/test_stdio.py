"""Servers that the gateway runs itself and speaks to on their standard streams (`command:` of a connector).

docs/configuration.md "Servers on standard streams"; MCP 2026-07-28 basic/transports/stdio, 2025-11-25 basic/transports "stdio".
"""

import concurrent.futures
import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import httpx
import pytest

from harness import GUICHE, ROOT, SLOW, bearer, events, message, message_headers, rpc_body, run, wait_until

SERVER = ROOT / "tests/blackbox/stdio_server.py"
ERAS = ["legacy", "modern"]


def row(*args, name="lab", **more):
    return {"name": name, "command": [sys.executable, str(SERVER), *map(str, args)]} | more


def runs(pid):
    """Whether the process is there; one that has ended and was not reaped counts."""
    return pathlib.Path(f"/proc/{pid}").exists()


def start_lab(start, *args, connector=None, **options):
    gateway = start.gateway([connector or row(*args)], allow_commands=True, env={"TMPDIR": str(start.folder.path)} | options.pop("env", {}), **options)
    return gateway.offers("lab_echo")


def pid_of(gateway):
    return int(said(gateway.call("lab_pid")))


def said(result):
    assert not result.get("isError"), result
    return result["content"][0]["text"]


def failed(result):
    assert result.get("isError") is True, result
    return result["content"][0]["text"]


class Bridge:
    """The socket that the gateway's own threads use, as an MCP client of the legacy revisions."""

    def __init__(self, folder):
        (path,) = folder.glob("guiche-*/1")
        self.http = httpx.Client(transport=httpx.HTTPTransport(uds=str(path)), base_url="http://localhost", timeout=30)
        self.session = {}

    def post(self, method, params=None, id=1, era="legacy", headers=None):
        return self.http.post("/mcp", json=message(method, params, era, id), headers=message_headers(method, params, era) | self.session | (headers or {}))

    def initialize(self, id=1):
        answer = self.post("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}, id)
        assert answer.status_code == 200, answer.text
        self.session = {"Mcp-Session-Id": answer.headers["Mcp-Session-Id"]}
        return answer.json()

    def call(self, name, arguments=None, id=1, token=None, **options):
        meta = {"_meta": {"progressToken": token}} if token is not None else {}
        return self.post("tools/call", {"name": name, "arguments": arguments or {}} | meta, id, **options)


@pytest.fixture(scope="module")
def legacy(start_module):
    return start_lab(start_module)


@pytest.fixture
def bridge(legacy):
    client = Bridge(legacy.path.parent)
    client.initialize()
    return client


# Calls.


@pytest.mark.parametrize("server_era", ERAS)
@pytest.mark.parametrize("era", ERAS)
def test_clients_of_both_eras_call_servers_of_both(start, server_era, era):
    gateway = start_lab(start, "--era", server_era)
    result = gateway.call("lab_echo", {"x": [1, "zwei\n", None, 3.50]}, era)

    assert result["structuredContent"]["got"]["x"][:2] == [1, "zwei\n"]
    assert gateway.connector_status("lab")["era"] == server_era


def test_a_legacy_server_that_does_not_answer_discover_is_found_out(start):
    # 2026-07-28 basic/transports/stdio "Backward Compatibility": no response identifies a legacy server
    gateway = start_lab(start, "--silent")
    assert gateway.connector_status("lab")["era"] == "legacy"


def test_a_modern_server_that_starts_slowly_is_found_out_all_the_same(start):
    gateway = start_lab(start, "--era", "modern", "--wait", 4)
    assert gateway.connector_status("lab")["era"] == "modern"


def test_many_calls_at_once_get_each_its_own_answer(legacy):
    def one(n):
        return json.loads(said(legacy.call("lab_echo", {"n": n}, ERAS[n % 2], id=1)))["n"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert list(pool.map(one, range(200))) == list(range(200))


def test_a_message_is_one_line_however_it_was_laid_out(start):
    # 2025-11-25 basic/transports "stdio": no embedded newlines; the rest of the bytes stays
    record = start.folder / "record"
    gateway = start_lab(start, "--record", record)
    body = '{"jsonrpc":"2.0",\r\n"id":7,\n"method":"tools/call","params":{"name":"lab_echo","arguments":{\n\r\n  "a":  1.50,\t"b":"\\n" }}}'
    answer = gateway.http.post("/mcp", content=body, headers=message_headers("tools/call", None, "legacy") | bearer())

    assert answer.json()["id"] == 7
    (line,) = [l for l in record.read_text().splitlines() if "lab_echo" in l or '"echo"' in l]
    assert '"a":  1.50,\t"b":"\\n"' in line and "\r" not in line


def test_progress_comes_before_the_answer_under_the_callers_own_token(legacy):
    params = {"name": "lab_progress", "arguments": {}, "_meta": {"progressToken": "mine"}}
    found = events(legacy.rpc("tools/call", params, "legacy").text)

    assert [e["params"]["progress"] for e in found[:-1]] == [1, 2, 3]
    assert {e["params"]["progressToken"] for e in found[:-1]} == {"mine"}
    assert found[-1]["result"]["content"][0]["text"] == "all the way"


def test_a_call_whose_time_is_up_is_cancelled(start):
    record = start.folder / "record"
    gateway = start_lab(start, connector=row("--record", record, timeout=f"{SLOW}s"))
    assert "did not finish" in failed(gateway.call("lab_slow", {"seconds": 60 * SLOW}))

    sent = lambda: [json.loads(l) for l in record.read_text().splitlines()]
    cancelled = wait_until(lambda: [m for m in sent() if m["method"] == "notifications/cancelled"], "the cancellation")
    (call,) = [m for m in sent() if m["method"] == "tools/call"]
    assert [m["params"]["requestId"] for m in cancelled] == [call["id"]]


# One session.


def test_all_who_initialize_at_once_share_one(start):
    record = start.folder / "record"
    gateway = start.gateway([row("--wait", 1, "--record", record)], allow_commands=True, wait=False, env={"TMPDIR": str(start.folder.path)})
    wait_until(lambda: list(start.folder.path.glob("guiche-*/1")), "the socket")
    wait_until(lambda: gateway.lines(message="process of a connector started"), "the process")
    clients = [Bridge(start.folder.path) for _ in range(4)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda client: client.initialize()["result"], clients))

    assert all(result == results[0] for result in results)
    assert len({client.session["Mcp-Session-Id"] for client in clients}) == 1
    gateway.offers("lab_echo")
    assert [json.loads(l)["method"] for l in record.read_text().splitlines()].count("initialize") == 1


def test_the_process_is_initialized_once_for_all(start):
    record = start.folder / "record"
    start_lab(start, "--record", record)
    methods = lambda: [json.loads(l)["method"] for l in record.read_text().splitlines()]
    client = Bridge(start.folder.path)
    first, second = client.initialize(id="a"), client.initialize(id=2)
    client.post("notifications/initialized", id=None)

    assert (first["id"], second["id"]) == ("a", 2) and first["result"] == second["result"]
    assert methods().count("initialize") == 1
    assert methods().count("notifications/initialized") == 1


def test_a_session_that_is_not_the_processs_is_404(bridge):
    # 2025-11-25 basic/transports "Session Management"
    stale = {"Mcp-Session-Id": "stale"}
    assert bridge.call("echo", headers=stale).status_code == 404
    assert bridge.http.get("/mcp", headers=stale).status_code == 404
    assert bridge.call("echo").status_code == 200
    assert bridge.http.request("DELETE", "/mcp", headers=bridge.session).status_code == 204
    assert bridge.call("echo").status_code == 200


def test_ending_a_session_leaves_the_process_to_those_who_share_it(bridge):
    pid = lambda: said(bridge.call("pid").json()["result"])
    before = pid()
    assert bridge.http.request("DELETE", "/mcp", headers=bridge.session).status_code == 204

    assert bridge.initialize()["result"] and pid() == before


def test_ids_and_tokens_of_any_kind_come_back_as_they_were(bridge):
    for id in ("a \"quoted\" id", 0, 12345678901234567890, -1, "\u00fc"):
        answer = bridge.call("progress", id=id, token=id)
        assert {e["params"]["progressToken"] for e in events(answer.text)[:-1]} == {id}
        assert events(answer.text)[-1]["id"] == id


def test_a_standing_stream_gets_what_belongs_to_no_call(bridge):
    with bridge.http.stream("GET", "/mcp", headers=bridge.session) as stream:
        lines = stream.iter_lines()
        bridge.call("change")
        heard = next(line for line in lines if line.startswith("data:"))
    assert json.loads(heard[5:])["method"] == "notifications/tools/list_changed"


def test_a_subscription_is_tagged_with_its_own_id(start):
    # 2026-07-28 basic/patterns/subscriptions
    start_lab(start, "--era", "modern")
    client = Bridge(start.folder.path)
    answer = client.post("subscriptions/listen", {"notifications": {"toolsListChanged": True}, "once": True}, "mine", "modern")
    found = events(answer.text)

    tag = "io.modelcontextprotocol/subscriptionId"
    assert [m["params"]["_meta"][tag] for m in found[:2]] == ["mine", "mine"]
    assert found[2]["id"] == "mine" and found[2]["result"]["_meta"][tag] == "mine"


def test_the_server_asks_the_client_of_the_one_open_call(bridge):
    params = {"name": "ask", "arguments": {}}
    with bridge.http.stream("POST", "/mcp", json=message("tools/call", params, "legacy", 9), headers=message_headers("tools/call", params, "legacy") | bridge.session) as stream:
        lines = (json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:"))
        question = next(lines)
        assert question["method"] == "roots/list" and question["id"] != "q-1"
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"roots": []}}
        assert bridge.http.post("/mcp", json=answer, headers=bridge.session).status_code == 202
        final = next(lines)
    assert final["id"] == 9
    assert json.loads(final["result"]["content"][0]["text"]) == {"jsonrpc": "2.0", "id": "q-1", "result": {"roots": []}}


def test_a_client_of_the_gateway_is_asked_too(legacy):
    params = {"name": "lab_ask", "arguments": {}}
    headers = message_headers("tools/call", params, "legacy") | bearer()
    with legacy.http.stream("POST", "/mcp", json=message("tools/call", params, "legacy", 9), headers=headers) as stream:
        lines = (json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:"))
        question = next(lines)
        answer = {"jsonrpc": "2.0", "id": question["id"], "result": {"roots": [{"uri": "file:///mine"}]}}
        assert question["method"] == "roots/list"
        assert legacy.http.post("/mcp", json=answer, headers=headers).status_code == 202
        final = next(lines)
    assert json.loads(said(final["result"]))["result"] == answer["result"]


def test_the_server_is_told_when_nobody_can_be_asked(bridge):
    def nobody(**options):
        found = json.loads(rpc_body(bridge.call("ask", **options)))["result"]["content"][0]["text"]
        return "No client is there" in found

    assert nobody(headers={"Accept": "application/json"})  # a stream is not taken
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = pool.submit(bridge.call, "slow", {"seconds": 4 * SLOW}, 2)
        wait_until(lambda: bridge.call("running").json()["result"]["content"][0]["text"] == "1", "the other call")
        assert nobody()  # two calls are open: whose client is meant cannot be told
        other.result()


def test_only_so_many_questions_wait_for_a_client(bridge):
    assert events(bridge.call("ask_endlessly").text)[-1]["result"]["content"][0]["text"] == "36"  # of 100


def test_the_servers_ping_is_answered(legacy):
    assert json.loads(said(legacy.call("lab_ping")))["result"] == {}


@pytest.mark.parametrize("body", ["", "{", "[]", "7", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":null,"method":"x"}', '{"jsonrpc":"2.0","id":1,"result":{},"error":{}}', '{"jsonrpc":"1.0","id":1,"method":"x"}'])
def test_what_is_no_message_never_reaches_the_process(bridge, body):
    answer = bridge.http.post("/mcp", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400 and answer.json()["error"]["code"] in (-32700, -32600)


# What goes wrong.


def test_a_crash_in_a_call_is_told_at_once_and_the_process_is_started_again(start):
    gateway = start_lab(start)
    before = pid_of(gateway)
    begun = time.monotonic()
    text = failed(gateway.call("lab_crash", {"status": 3}))

    assert time.monotonic() - begun < 15 * SLOW
    assert "Connector lab failed in mid-call" in text and "check before repeating" in text
    assert not runs(before)
    wait_until(lambda: not gateway.call("lab_pid").get("isError"), "the new process", 20)
    assert pid_of(gateway) != before
    (line,) = wait_until(lambda: gateway.lines(message="process of a connector is down"), "the log line")
    assert line["connector"] == "lab" and line["reason"] == "Its process ended with status 3"


def test_calls_that_were_open_all_end_with_the_process(start):
    record = start.folder / "record"
    gateway = start_lab(start, "--record", record)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        slow = [pool.submit(gateway.call, "lab_slow", {"seconds": 30 * SLOW}, ERAS[n % 2]) for n in range(6)]
        wait_until(lambda: said_calls(record) == 6, "the six calls")
        gateway.call("lab_crash")
        assert all("mid-call" in failed(f.result(30 * SLOW)) for f in slow)


def said_calls(record):
    return len([l for l in record.read_text().splitlines() if "tools/call" in l])


def test_a_call_while_the_process_is_down_says_why_and_that_nothing_was_done(start):
    go = start.folder / "go"
    go.touch()
    gateway = start_lab(start, "--exits", 5, "--until", go)
    go.unlink()
    gateway.call("lab_crash", {"status": 5})
    wait_until(lambda: len(gateway.lines(message="process of a connector is down")) >= 2, "the second failure")
    text = failed(gateway.call("lab_echo"))

    assert text.startswith("Connector lab failed to take the call. Its process ended with status 5; it is started again after")
    assert text.endswith("Nothing was done; try again in a moment.")
    wait_until(lambda: "status 5" in (gateway.connector_status("lab")["last_error"] or ""), "the reason in /status")


def test_an_answer_that_is_no_json_is_told_at_once(legacy):
    # RFC 8259 section 8.2: half a surrogate pair stands for no character
    begun = time.monotonic()
    assert "not a JSON-RPC message" in failed(legacy.call("lab_broken"))
    assert time.monotonic() - begun < 15 * SLOW


def test_who_reads_slowly_holds_nobody_up(bridge, legacy):
    params = {"name": "flood", "arguments": {}, "_meta": {"progressToken": 1}}
    with bridge.http.stream("POST", "/mcp", json=message("tools/call", params, "legacy", 5), headers=message_headers("tools/call", params, "legacy") | bridge.session) as stream:
        assert json.loads(said(legacy.call("lab_echo", {"x": 1}))) == {"x": 1}
        found = [json.loads(line[5:]) for line in stream.iter_lines() if line.startswith("data:")]
    steps = [m["params"]["progress"] for m in found[:-1]]
    assert steps == sorted(steps) and found[-1]["result"]["content"][0]["text"] == "flooded"


def test_a_process_that_does_not_read_is_given_only_so_much(start):
    start_lab(start)
    client = Bridge(start.folder.path)
    client.initialize()
    client.call("deaf", {"seconds": 6 * SLOW})
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        sent = list(pool.map(lambda n: client.call("pid", {"x": "x" * 4_000_000}, n), range(12)))

    assert {answer.status_code for answer in sent} == {200, 503}
    assert all("leaves unread" in a.text for a in sent if a.status_code == 503)
    assert client.call("pid").status_code == 200


def test_an_answer_given_just_before_the_end_arrives(start):
    gateway = start_lab(start)
    assert said(gateway.call("lab_answer_and_leave", {"bytes": 60_000})).startswith("farewell")


def test_a_process_that_will_not_stay_up_is_retried_ever_later_and_status_says_why(start):
    go = start.folder / "go"
    gateway = start.gateway([row("--exits", 7, "--until", go)], allow_commands=True, wait=False)
    error = wait_until(lambda: gateway.connector_status("lab")["last_error"], "the error")
    assert "Its process ended with status 7; it is started again after" in wait_until(lambda: "status 7" in (gateway.connector_status("lab")["last_error"] or "") and gateway.connector_status("lab")["last_error"], error)
    waits = lambda: [l["restart_ms"] for l in gateway.lines(message="process of a connector is down")]
    wait_until(lambda: len(waits()) >= 3, "three attempts")
    assert waits()[:3] == [500, 1000, 2000]
    go.touch()
    wait_until(lambda: gateway.http.get("/ready").status_code == 200, "its recovery", 30)
    gateway.offers("lab_echo")


def test_a_command_that_is_not_there_is_named(start):
    gateway = start.gateway([{"name": "lab", "command": ["/nowhere/server", "--secret-argument"]}], allow_commands=True, wait=False)
    error = wait_until(lambda: "cannot be started" in (gateway.connector_status("lab")["last_error"] or "") and gateway.connector_status("lab")["last_error"], "the error")

    assert "Its command /nowhere/server cannot be started (No such file or directory)" in error
    assert "--secret-argument" not in gateway.text()


def test_what_is_no_message_on_its_output_is_logged_and_skipped(legacy):
    assert said(legacy.call("lab_garbage")) == "after garbage"
    wait_until(lambda: len(legacy.lines(message="no message on a connector's stdout")) >= 3, "the lines")
    assert any("Debugger listening" in l["line"] for l in legacy.lines(message="no message on a connector's stdout"))


def test_an_answer_that_is_too_large_is_refused_and_the_next_one_is_read(start):
    gateway = start_lab(start, limits={"reply": "256KiB"})
    before = pid_of(gateway)
    assert "larger than this gateway takes" in failed(gateway.call("lab_huge", {"bytes": 3_000_000}))
    assert len(said(gateway.call("lab_huge", {"bytes": 200_000}))) == 200_000
    assert pid_of(gateway) == before


def test_a_process_that_closes_its_output_is_replaced(start):
    gateway = start_lab(start)
    before = pid_of(gateway)
    assert "mid-call" in failed(gateway.call("lab_close_output"))
    wait_until(lambda: not gateway.call("lab_pid").get("isError"), "the new process", 20)
    assert not runs(before)


def test_stderr_goes_to_the_log_cut_and_without_the_values_it_was_given(start):
    gateway = start_lab(start, connector=row(env={"SECRET_TOKEN": "s3cret-of-the-server"}))
    assert said(gateway.call("lab_noise", {"lines": 5})) == "made noise"
    lines = wait_until(lambda: len(gateway.lines(message="stderr of a connector")) >= 6 and gateway.lines(message="stderr of a connector"), "the lines")

    assert lines[0]["connector"] == "lab" and lines[0]["line"].startswith("noise 0 ")
    assert "s3cret" not in gateway.text()
    assert all(len(line) <= 4096 for line in gateway.text().splitlines())
    long = "".join(wait_until(lambda: [l["line"] for l in gateway.lines(message="stderr of a connector") if "LL" in l["line"]], "the long line"))
    assert 1000 < len(long) <= 4096


def test_a_flood_on_stderr_costs_lines_and_no_calls(legacy):
    assert said(legacy.call("lab_noise", {"lines": 20_000})) == "made noise"
    assert json.loads(said(legacy.call("lab_echo", {"x": 1}))) == {"x": 1}
    wait_until(lambda: "(more in this second is left out)" in legacy.text(), "the note")


def stderr_of(gateway, count):
    return wait_until(lambda: [l["line"] for l in gateway.lines(message="stderr of a connector")][:count] if len(gateway.lines(message="stderr of a connector")) >= count else None, "the lines")


def test_a_value_that_holds_another_one_is_left_out_of_the_log_as_a_whole(start):
    # the user's name was blotted out first, and the rest of the address was no longer found
    env = {"DB_USER": "operator", "DB_URL": "pg://operator:hunter2secret@db/crm"}
    gateway = start_lab(start, connector=row(env=env))
    said(gateway.call("lab_tell", {"to": "stderr", "lines": ["cannot reach {DB_URL} as {DB_USER}"]}))

    assert stderr_of(gateway, 1) == ["cannot reach " + "*" * len(env["DB_URL"]) + " as ********"]
    assert "hunter2secret" not in gateway.text()


def test_a_value_of_several_lines_is_left_out_of_the_log_line_by_line(start):
    key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkq\nhkiG9w0BAQEFAASC\n-----END KEY-----\n"
    gateway = start_lab(start, connector=row(env={"PRIVATE_KEY": key}))
    said(gateway.call("lab_tell", {"to": "stderr", "lines": ["key={PRIVATE_KEY}"]}))

    stderr_of(gateway, 4)
    assert "MIIEvQ" not in gateway.text() and "hkiG9w" not in gateway.text()


def test_a_value_at_the_cut_of_a_long_line_is_left_out_too(start):
    gateway = start_lab(start, connector=row(env={"SECRET_TOKEN": "s3cret-of-the-server"}))
    said(gateway.call("lab_tell", {"to": "stderr", "lines": ["." * 4086 + "{SECRET_TOKEN}", "the end"]}))

    wait_until(lambda: any(l["line"] == "the end" for l in gateway.lines(message="stderr of a connector")), "the lines")
    assert "s3cret" not in gateway.text()


def test_a_flood_of_no_messages_on_its_output_costs_lines_and_no_calls(start):
    gateway = start_lab(start)
    begun = time.monotonic()
    assert said(gateway.call("lab_tell", {"to": "stdout", "lines": ["debug"], "times": 20_000})) == "told"
    assert json.loads(said(gateway.call("lab_echo", {"x": 1}))) == {"x": 1}

    wait_until(lambda: "(more in this second is left out)" in gateway.text(), "the note")
    assert len(gateway.lines(message="no message on a connector's stdout")) <= 202 * (2 + time.monotonic() - begun)


def test_a_tag_of_what_is_no_subscription_reaches_nobody(start):
    # a stream was begun on server/discover, and the request then answered a second time
    start_lab(start, "--tags", "--silent")
    client = Bridge(start.folder.path)
    found = client.post("server/discover", {}, "d", "modern")
    client.initialize()

    assert found.json()["id"] == "d" and found.json()["error"]["code"] == -32601, found.text
    assert client.call("echo", {"x": 1}).json()["result"]["structuredContent"] == {"got": {"x": 1}}


def test_an_answer_to_initialize_that_cannot_be_read_is_told_at_once(start):
    # nobody else could initialize either: all waited for an answer that had come
    start.gateway([row("--babbles")], allow_commands=True, wait=False, env={"TMPDIR": str(start.folder.path)})
    wait_until(lambda: list(start.folder.path.glob("guiche-*/1")), "the socket")
    client = Bridge(start.folder.path)
    ask = lambda: client.post("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}})
    told = wait_until(lambda: (answer := ask()).status_code == 200 and answer.json(), "the process")

    assert told["error"]["message"] == "The connector's answer is not a JSON-RPC message."


def test_status_says_how_a_process_ended_that_never_answered(start):
    gateway = start.gateway([row("--exits", 7, "--until", "/nowhere/go")], allow_commands=True, wait=False)
    wait_until(lambda: len(gateway.lines(message="process of a connector is down")) >= 3, "three attempts")

    reasons = [l["reason"] for l in gateway.lines(message="connector cannot be listed")]
    assert reasons and all(r.startswith("Its process ended with status 7; it is started again after") for r in reasons), reasons


def test_a_folder_that_is_not_there_is_named(start):
    gateway = start.gateway([row(cwd="/nowhere/at-all")], allow_commands=True, wait=False)
    error = wait_until(lambda: gateway.connector_status("lab")["last_error"], "the error")

    assert error.startswith("Its folder /nowhere/at-all cannot be entered (No such file or directory); ")


# Its environment, and its end.


def test_the_process_gets_nothing_of_the_gateways_environment_but_the_usual(start):
    secrets = {"GUICHE_HOP_SECRET": "h" * 40, "JWT_SECRET": "j" * 40, "REDIS_PASSWORD": "pw", "GIVEN": "expanded"}
    gateway = start_lab(start, connector=row(env={"SERVER_MODE": "fast", "FROM": "${GIVEN}", "EMPTY": ""}, cwd="/usr"), env=secrets)
    environment = json.loads(said(gateway.call("lab_environment")))

    environment.pop("LC_CTYPE", None)  # Python's own
    assert set(environment) <= {"PATH", "HOME", "LANG", "TMPDIR", "SERVER_MODE", "FROM", "EMPTY"}
    assert (environment["SERVER_MODE"], environment["FROM"], environment["EMPTY"]) == ("fast", "expanded", "")
    assert environment["PATH"] == os.environ["PATH"]
    assert said(gateway.call("lab_where")) == "/usr"


def test_the_process_holds_no_descriptor_of_the_gateways_and_leads_a_group(start):
    gateway = start_lab(start)
    pid = pid_of(gateway)
    # 0 to 2, and what Python opened itself
    held = {int(fd): os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
    assert not [to for fd, to in held.items() if fd > 2 and ("socket:" in to or "eventpoll" in to or "pipe:" in to)], held
    assert os.getpgid(pid) == pid
    (status,) = [l for l in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if l.startswith("SigBlk")]
    assert int(status.split()[1], 16) == 0


def test_streams_that_were_closed_at_the_start_are_nobody_elses(folder):
    # the log's descriptor could have been a client's connection
    config, socket = folder / "guiche.yaml", folder / "g.sock"
    config.write_text(json.dumps({"listen": f"unix:{socket}", "auth": {"mode": "none"}, "allow_commands": True, "connectors": [row()]}))
    gateway = subprocess.Popen(["sh", "-c", 'exec "$0" serve "$1" <&- >&- 2>&-', str(GUICHE), str(config)], env={"TMPDIR": str(folder.path)})
    try:
        http = httpx.Client(transport=httpx.HTTPTransport(uds=str(socket)), base_url="http://localhost", timeout=30)
        wait_until(lambda: socket.exists() and "lab_echo" in http.post("/mcp", json=message("tools/list", None, "modern"), headers=message_headers("tools/list", None, "modern")).text, "the tools", 30)
        assert [os.readlink(f"/proc/{gateway.pid}/fd/{fd}") for fd in (0, 1, 2)] == ["/dev/null"] * 3
    finally:
        gateway.terminate()
        assert gateway.wait(20 * SLOW) == 0


def test_a_stop_leaves_no_process_and_no_file_behind(start):
    gateway = start_lab(start)
    pid, child = pid_of(gateway), int(said(gateway.call("lab_spawn")))
    assert runs(pid) and runs(child)
    gateway.stop()

    assert not runs(pid)
    wait_until(lambda: not runs(child) or "Z" in pathlib.Path(f"/proc/{child}/stat").read_text().split()[2], "the child's end")
    assert not list(start.folder.path.glob("guiche-*"))


def test_a_stubborn_process_is_killed(start):
    gateway = start_lab(start, "--stubborn")
    pid = pid_of(gateway)
    begun = time.monotonic()
    gateway.stop()

    assert not runs(pid)
    assert 3.8 < time.monotonic() - begun < 20 * SLOW  # two steps of 2 s


def test_what_a_process_says_while_it_is_stopped_is_heard_by_nobody(start):
    # the discovery that was to ask it again was gone
    gateway = start_lab(start, "--farewell")
    wait_until(lambda: gateway.connector_status("lab")["watched"] == "stream", "the stream")
    gateway.stop()


def test_the_process_ends_with_a_gateway_that_is_killed(start):
    gateway = start_lab(start)
    pid = pid_of(gateway)
    gateway.kill()
    start.started.remove(gateway)

    wait_until(lambda: not runs(pid) or "Z" in pathlib.Path(f"/proc/{pid}/stat").read_text().split()[2], "its end")


# Configuration.


def test_a_reload_keeps_the_process_of_a_connector_that_is_the_same(start):
    gateway = start_lab(start)
    before = pid_of(gateway)
    gateway.reload(connectors=[row(timeout="7s"), row(name="two")])
    gateway.offers("lab_echo", "two_echo")

    assert pid_of(gateway) == before
    gateway.reload(connectors=[row(env={"CHANGED": "1"})])
    wait_until(lambda: not gateway.call("lab_environment").get("isError") and "CHANGED" in said(gateway.call("lab_environment")), "the changed one", 20)
    assert pid_of(gateway) != before
    wait_until(lambda: not runs(before), "the old one's end", 20)
    gateway.reload(connectors=[])
    wait_until(lambda: not [p for p in children(gateway)], "the end of all", 20)


def children(gateway):
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(gateway.popen.pid)], capture_output=True, text=True).stdout
    return listed.split()


def test_a_session_outlives_the_call_and_the_configuration_it_was_opened_by(start):
    # found by AddressSanitizer: the connector of a catalog that was gone
    server = row("--wait", 2 * SLOW)
    gateway = start_lab(start, connector=server)
    gateway.call("lab_crash")
    wait_until(lambda: len(gateway.lines(message="process of a connector started")) == 2, "the new process")
    with pytest.raises(httpx.ReadTimeout):  # its session is lost, a new one is being opened, and the caller leaves
        params = {"name": "lab_echo", "arguments": {}}
        httpx.post(gateway.url, json=message("tools/call", params, "modern"), headers=message_headers("tools/call", params, "modern") | bearer(), timeout=0.5)
    gateway.reload(connectors=[server | {"timeout": "7s"}])

    wait_until(lambda: not gateway.call("lab_echo").get("isError"), "the new session", 20)


def test_a_call_that_is_open_ends_on_the_process_it_began_with(start):
    record = start.folder / "record"
    gateway = start_lab(start, "--record", record)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        slow = pool.submit(gateway.call, "lab_slow", {"seconds": 2.5 * SLOW})
        wait_until(lambda: said_calls(record) == 1, "the call")
        gateway.reload(connectors=[])
        assert said(slow.result(20 * SLOW)) == "slow"
    wait_until(lambda: not children(gateway), "the process's end", 20)


def check(folder, text, env=None):
    path = folder / "check.yaml"
    path.write_text("auth: {mode: none}\n" + text)
    return run("check", path, env=env)


def test_commands_are_off_unless_the_config_allows_them(folder):
    refused = check(folder, "connectors: [{name: github, command: [npx, some-server]}]")
    assert refused.returncode == 1
    assert "the connector github has a command" in refused.stderr and "allow_commands: true" in refused.stderr


def test_check_prints_what_would_run_and_no_secret(folder):
    ran = check(folder, "allow_commands: true\nconnectors: [{name: github, command: [npx, --key, k3y], env: {TOKEN: t0ken}}]")
    assert ran.returncode == 0, ran.stderr
    assert "runs npx" in ran.stdout and "sets TOKEN" in ran.stdout
    assert "k3y" not in ran.stdout and "t0ken" not in ran.stdout


@pytest.mark.parametrize(
    "connector, reason",
    [
        ("{name: a, command: npx some-server}", "no shell reads it"),
        ("{name: a, command: []}", "command is a list"),
        ("{name: a, command: [npx], url: 'http://x/mcp'}", "both a url and a command"),
        ("{name: a, url: 'http://x/mcp', cwd: /tmp}", "env and cwd belong to a command"),
        ("{name: a, command: [npx], trust: guiche}", "trust: guiche is for connectors that are reached by a url"),
        ("{name: a, command: [npx], forward_headers: [X-Token]}", "a command gets no headers"),
        ("{name: a, command: [npx], env: {'A-B': x}}", "no name of a variable"),
        ("{name: a, command: [npx], env: [A]}", "expected names with values"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_reason(folder, connector, reason):
    refused = check(folder, f"allow_commands: true\nconnectors: [{connector}]")
    assert refused.returncode == 1 and reason in refused.stderr, refused.stderr


def test_the_lines_of_the_documentation_hold(folder):
    (block,) = [b for b in (ROOT / "docs/configuration.md").read_text().split("```yaml\n") if b.startswith("allow_commands")]
    ran = check(folder, block.split("```")[0], env={"GITHUB_TOKEN": "t0ken"})
    assert ran.returncode == 0 and "runs npx" in ran.stdout, ran.stderr


def test_production_warns(folder):
    path = folder / "check.yaml"
    path.write_text("auth: {hs256_secret: \"${S}\"}\nallow_commands: true\nconnectors: [{name: github, command: [npx]}]")
    ran = run("check", path, env={"ENVIRONMENT": "production", "S": "0f8e7d6c5b4a39281706f5e4d3c2b1a0"})
    assert ran.returncode == 0, ran.stderr
    assert "github runs a command" in ran.stdout


def test_the_sockets_folder_is_the_gateways_alone(start):
    start_lab(start)
    (folder,) = start.folder.path.glob("guiche-*")
    assert folder.stat().st_mode & 0o777 == 0o700
