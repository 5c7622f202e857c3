"""A connector's resources, prompts, completions, questions and listens, alone and through the gateway. The connector is the one
the conformance suite is run against: what the suite does not look at is looked at here."""

import base64
import subprocess
import time

import httpx
import pytest

from direct import SUBSCRIPTION, Conformance, Door, Listen, Through
from harness import SLOW, program, wait_until
from lab import ERAS

ELICITS = {"capabilities": {"elicitation": {}}}
ANA = {"action": "accept", "content": {"name": "Ana"}}


@pytest.fixture(scope="module")
def process(start_module):
    start_module.started.append(Conformance(start_module.folder))
    return start_module.started[-1]


@pytest.fixture(scope="module")
def gateway(start_module, process):
    row = {"name": "conformance", "prefix": "", "url": f"unix:{process.socket}", "trust": "guiche"}
    return Through(start_module.gateway([row]).offers("test_simple_text"))


@pytest.fixture(params=["alone", "gateway"])
def door(request, process):
    return process.door if request.param == "alone" else request.getfixturevalue("gateway")


@pytest.fixture
def alone(process):
    return process.door


def refused(door, *request, **options):
    return door.error(*request, **options)[1]


# Resources


@pytest.mark.parametrize("era", ERAS)
def test_resources_and_templates_are_listed(door, era):
    uris = [r["uri"] for r in door.result("resources/list", era=era)["resources"]]
    (template,) = door.result("resources/templates/list", era=era)["resourceTemplates"]

    assert uris == ["test://static-text", "test://static-binary", "test://watched-resource"]
    assert template["uriTemplate"] == "test://template/{id}/data" and template["name"] == "template-data"


@pytest.mark.parametrize("era", ERAS)
def test_texts_bytes_and_templates_are_read(door, era):
    (text,) = door.result("resources/read", {"uri": "test://static-text"}, era)["contents"]
    (image,) = door.result("resources/read", {"uri": "test://static-binary"}, era)["contents"]
    (data,) = door.result("resources/read", {"uri": "test://template/a%20b/data"}, era)["contents"]

    assert text["mimeType"] == "text/plain" and text["text"]
    assert image["mimeType"] == "image/png" and base64.b64decode(image["blob"], validate=True).startswith(b"\x89PNG")
    assert '"id":"a b"' in data["text"] and data["uri"] == "test://template/a%20b/data"


def test_a_modern_reader_is_told_how_long_it_may_keep_what_it_read(alone):
    # MCP 2026-07-28 server/utilities/caching
    listed = alone.result("resources/read", {"uri": "test://static-text"})
    templated = alone.result("resources/read", {"uri": "test://template/1/data"})
    legacy = alone.result("resources/read", {"uri": "test://static-text"}, "legacy")

    assert (listed["ttlMs"], listed["cacheScope"]) == (60000, "public")
    assert (templated["ttlMs"], templated["cacheScope"]) == (0, "private")
    assert not legacy.keys() & {"ttlMs", "cacheScope", "resultType"}


@pytest.mark.parametrize("uri", ["test://nobody", "test://template//data", "test://template/a/b/data", "test://static-text/"])
def test_a_resource_that_is_not_there_is_an_error_of_the_era(door, uri):
    # MCP 2026-07-28 server/resources "Error Handling"; 2025-11-25: -32002
    assert refused(door, "resources/read", {"uri": uri})["code"] == -32602
    assert refused(door, "resources/read", {"uri": uri}, era="legacy")["code"] == -32002


def test_a_variable_that_is_too_long_is_refused_by_name(door):
    error = refused(door, "resources/read", {"uri": f"test://template/{'x' * 65}/data"})
    assert error["code"] == -32602 and "id" in error["message"]


# Prompts and completions


@pytest.mark.parametrize("era", ERAS)
def test_prompts_are_listed_and_filled_in(door, era):
    prompts = {p["name"]: p for p in door.result("prompts/list", era=era)["prompts"]}
    got = door.result("prompts/get", {"name": "test_prompt_with_arguments", "arguments": {"arg1": "a", "arg2": "ç"}}, era)

    assert prompts["test_prompt_with_arguments"]["arguments"][0] == {"name": "arg1", "description": "First test argument.", "required": True}
    assert "arguments" not in prompts["test_simple_prompt"]
    assert got["messages"][0]["content"]["text"] == "Prompt with arguments: arg1='a', arg2='ç'"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("arguments", [None, {"arg1": "a"}, {"arg1": "a", "arg2": 7}, {"arg1": "a", "arg2": "b", "arg3": "c"}])
def test_wrong_arguments_of_a_prompt_are_invalid_params(door, era, arguments):
    # MCP server/prompts "Error Handling"
    params = {"name": "test_prompt_with_arguments"} | ({"arguments": arguments} if arguments is not None else {})
    error = refused(door, "prompts/get", params, era)
    assert error["code"] == -32602 and "arg" in error["message"]


@pytest.mark.parametrize("era", ERAS)
def test_arguments_and_variables_are_completed(door, era):
    prompt = {"type": "ref/prompt", "name": "test_prompt_with_arguments"}
    template = {"type": "ref/resource", "uri": "test://template/{id}/data"}
    bare = {"type": "ref/prompt", "name": "test_prompt_with_embedded_resource"}

    def complete(ref, name, value):
        params = {"ref": ref, "argument": {"name": name, "value": value}, "context": {"arguments": {"arg2": "x"}}}
        return door.result("completion/complete", params, era)["completion"]

    assert complete(prompt, "arg1", "teste") == {"values": ["tested"], "total": 1, "hasMore": False}
    assert complete(template, "id", "12")["values"] == ["12", "123"]
    assert complete(bare, "resourceUri", "")["values"] == []


def test_a_completion_of_nothing_that_is_there_is_refused(door):
    def refusal(ref, name="arg1"):
        return refused(door, "completion/complete", {"ref": ref, "argument": {"name": name, "value": ""}})

    assert "not found" in refusal({"type": "ref/prompt", "name": "nobody"})["message"]
    assert "not found" in refusal({"type": "ref/resource", "uri": "test://nobody/{id}"})["message"]
    assert refusal({"type": "ref/prompt", "name": "test_prompt_with_arguments"}, "arg9")["code"] == -32602


# Rounds of modern clients


def first_round(door, tool="test_input_required_result_multi_round", **options):
    asked = door.call(tool, **ELICITS, **options)
    assert asked["resultType"] == "input_required", asked
    return asked


def test_any_replica_goes_on_with_what_another_has_begun(start, process):
    # Nothing of a round stays in the process: the state opens wherever the hop key is the same.
    start.started.append(Conformance(start.folder, "replica"))
    replica = start.started[-1].door
    begun = first_round(process.door)
    again = replica.call("test_input_required_result_multi_round", more={"inputResponses": {"step1": ANA}, "requestState": begun["requestState"]}, **ELICITS)
    blue = {"step2": {"action": "accept", "content": {"color": "blue"}}}
    done = process.door.call("test_input_required_result_multi_round", more={"inputResponses": blue, "requestState": again["requestState"]}, **ELICITS)

    assert done["content"][0]["text"] == "Ana likes blue."


def test_a_state_of_another_hop_key_is_refused(start, process):
    start.started.append(Conformance(start.folder, "stranger", "ab" * 32))
    state = first_round(start.started[-1].door)["requestState"]
    params = {"name": "test_input_required_result_multi_round", "arguments": {}, "inputResponses": {"step1": ANA}, "requestState": state}
    error = refused(process.door, "tools/call", params, **ELICITS)

    assert error["code"] == -32602 and "requestState" in error["message"]


@pytest.mark.parametrize("who", [{"subject": "bert"}, {"tenant": "acme"}])
def test_a_state_is_nobody_elses(door, who):
    state = first_round(door)["requestState"]
    params = {"name": "test_input_required_result_multi_round", "arguments": {}, "inputResponses": {"step1": ANA}, "requestState": state}

    assert refused(door, "tools/call", params, **ELICITS, **who)["code"] == -32602
    params["name"] = "test_input_required_result_request_state"
    assert refused(door, "tools/call", params, **ELICITS)["code"] == -32602


def test_what_a_client_cannot_be_asked_is_not_asked(door):
    # MCP 2026-07-28 basic "Error Codes"
    status, error = door.error("tools/call", {"name": "test_elicitation", "arguments": {"message": "?"}}, capabilities={"sampling": {}})
    assert (status, error["code"], error["data"]) == (400, -32021, {"requiredCapabilities": {"elicitation": {}}})


# Questions to legacy clients


def test_a_legacy_client_is_asked_on_the_stream_of_its_call(door):
    questions, result = door.asked("test_elicitation", {"message": "Who are you?"}, lambda q: {"result": ANA})

    assert [q["method"] for q in questions] == ["elicitation/create"]
    assert questions[0]["params"]["message"] == "Who are you?"
    assert '"name":"Ana"' in result["content"][0]["text"]
    assert not result.keys() & {"resultType", "inputRequests", "requestState"}


def test_three_questions_at_once_and_one_after_the_other(door):
    answers = {
        "elicitation/create": {"result": {"action": "accept", "content": {"name": "Ana", "color": "blue"}}},
        "sampling/createMessage": {"result": {"role": "assistant", "content": {"type": "text", "text": "Oi"}, "model": "m"}},
        "roots/list": {"result": {"roots": [{"uri": "file:///a"}]}},
    }
    at_once, first = door.asked("test_input_required_result_multiple_inputs", {}, lambda q: answers[q["method"]])
    in_turn, second = door.asked("test_input_required_result_multi_round", {}, lambda q: answers[q["method"]])

    assert {q["method"] for q in at_once} == set(answers) and len({q["id"] for q in at_once}) == 3
    assert first["content"][0]["text"] == "Ana, Oi, 1 roots"
    assert len(in_turn) == 2 and second["content"][0]["text"] == "Ana likes blue."


def test_a_legacy_client_that_refuses_to_answer_gets_an_error_result(door):
    _, result = door.asked("test_elicitation", {"message": "?"}, lambda q: {"error": {"code": -1, "message": "No human here"}})
    assert result["isError"] is True and "No human here" in result["content"][0]["text"]


def test_a_legacy_client_without_a_stream_is_told_so(door):
    result = door.call("test_elicitation", {"message": "?"}, "legacy", headers={"Accept": "application/json"})
    assert result["isError"] is True and "elicitation" in result["content"][0]["text"]


def test_a_legacy_client_that_hangs_up_while_it_is_asked_leaves_nothing_behind(process):
    metrics = lambda: process.door.http.get("/metrics").text  # noqa: E731
    gone = 'guiche_connector_calls_gone_total{connector="conformance",tool="test_elicitation"} 1'
    sent = process.door.request("tools/call", {"name": "test_elicitation", "arguments": {"message": "?"}}, "legacy")
    with process.open_client() as http, http.stream("POST", "/mcp", **sent) as stream:
        assert "elicitation/create" in next(line for line in stream.iter_lines() if line.startswith("data:"))
    wait_until(lambda: gone in metrics(), "the end of the call")

    wait_until(lambda: 'guiche_connector_calls_open{connector="conformance"} 0' in metrics(), "no open call")


# Log messages


def logged(door, era, **options):
    answer = door.rpc("tools/call", {"name": "test_tool_with_logging", "arguments": {}}, era, **options)
    return answer.text.count("notifications/message")


def test_log_messages_reach_who_wants_them(door):
    # MCP 2026-07-28 server/utilities/logging: not without a level, and not below it
    level = "io.modelcontextprotocol/logLevel"
    assert logged(door, "legacy") == 3
    assert logged(door, "modern", meta={level: "info"}) == 3
    assert logged(door, "modern", meta={level: "warning"}) == 0
    assert logged(door, "modern") == 0


# Listens


def test_who_listens_hears_what_it_asked_for_and_nothing_else(process):
    listen = Listen(process, {"promptsListChanged": True, "resourceSubscriptions": ["test://watched-resource"]}, id=7)
    acknowledged = listen.next()
    process.door.call("test_trigger_tool_change")
    process.door.call("test_trigger_resource_update")
    process.door.call("test_trigger_prompt_change")
    updated, changed = listen.next(), listen.next()
    listen.close()

    assert acknowledged["method"] == "notifications/subscriptions/acknowledged"
    assert updated["method"] == "notifications/resources/updated" and updated["params"]["uri"] == "test://watched-resource"
    assert changed["method"] == "notifications/prompts/list_changed"
    assert {m["params"]["_meta"][SUBSCRIPTION] for m in (acknowledged, updated, changed)} == {7}


def test_a_stop_ends_listens_with_their_result_and_at_once(start):
    start.started.append(Conformance(start.folder))
    listen = Listen(start.started[-1], {"toolsListChanged": True})
    listen.next()
    began = time.monotonic()
    start.started[-1].popen.terminate()
    last = listen.next()
    start.started[-1].popen.wait(20)

    assert last["id"] == "listen-1" and last["result"]["resultType"] == "complete"
    assert time.monotonic() - began < 15 * SLOW, "calls have 29 s"
    listen.close()


def test_a_stop_does_not_wait_for_a_person_who_is_asked(start):
    start.started.append(Conformance(start.folder))
    process = start.started[-1]
    sent = process.door.request("tools/call", {"name": "test_elicitation", "arguments": {"message": "?"}}, "legacy")
    with process.open_client() as http, http.stream("POST", "/mcp", **sent) as stream:
        events = (line for line in stream.iter_lines() if line.startswith("data:"))
        assert "elicitation/create" in next(events)
        process.popen.terminate()
        last = next(events)
    process.popen.wait(20)  # calls that do not ask have 29 s

    assert "is stopping" in last and '"isError":true' in last


def test_a_legacy_client_is_promised_nothing_that_it_could_only_hear_by_listening(alone):
    legacy = alone.result("initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}, "legacy")
    modern = alone.result("server/discover")

    assert legacy["capabilities"] == {"tools": {}, "resources": {}, "prompts": {}, "completions": {}, "logging": {}}
    assert modern["capabilities"]["resources"] == {"subscribe": True, "listChanged": True}
    assert modern["capabilities"]["tools"] == {"listChanged": True}


# Operation


def test_reads_are_counted_and_logged_by_what_is_declared(process):
    process.door.result("resources/read", {"uri": "test://template/planted-4711/data"})
    wait_until(lambda: process.lines(resource="test://template/{id}/data"), "the log line")
    wait_until(lambda: 'resource="test://template/{id}/data"' in process.door.http.get("/metrics").text, "the count")

    assert "planted-4711" not in process.text() + process.door.http.get("/metrics").text


# The example of the documentation


def test_the_library_of_the_documentation_lends_a_book(start):
    library = start.connector("library")
    door = Door("library", lambda: httpx.Client(transport=httpx.HTTPTransport(uds=str(library.socket)), base_url="http://localhost", timeout=30))
    ask = {"name": "lend_book", "arguments": {"id": "vidas-secas"}}
    asked = door.result("tools/call", ask, **ELICITS)
    too_long = {"borrower": {"action": "accept", "content": {"name": "x" * 64}}}

    assert asked["inputRequests"]["borrower"]["params"]["message"] == "Who borrows it?"
    assert door.result("tools/call", ask | {"inputResponses": too_long}, **ELICITS)["resultType"] == "input_required"
    assert door.result("tools/call", ask | {"inputResponses": {"borrower": {"action": "decline"}}}, **ELICITS)["isError"] is True
    _, lent = door.asked("lend_book", ask["arguments"], lambda q: {"result": ANA})
    assert lent["content"][0]["text"] == "Vidas Secas is lent to Ana."
    (book,) = door.result("resources/read", {"uri": "library://book/vidas-secas"})["contents"]
    assert book["text"] == "Vidas Secas, lent to Ana."
    assert "not found" in refused(door, "resources/read", {"uri": "library://book/none"})["message"]
    got = door.result("prompts/get", {"name": "review", "arguments": {"title": "Vidas Secas"}})
    assert got["messages"][0]["content"]["text"] == 'Write a friendly review of "Vidas Secas".'


def test_a_connector_explains_its_resources_and_prompts():
    def said(option):
        return subprocess.run([program("library"), option], capture_output=True, text=True, check=True, timeout=20 * SLOW).stdout

    assert "Resources:\n  library://shelf\n      All books: id and title.\n  library://book/{id}\n" in said("--help")
    assert "Prompts:\n  review\n" in said("--help")
    markdown = said("--markdown")
    assert "## Resources\n\n### `library://shelf`" in markdown and "| `id` | a string | required |" in markdown
    assert "## Prompts\n\n### `library_review`" in markdown and "| `mood` | a string | `friendly` |" in markdown
