"""GET and POST /v1/tools/{name}/stream (docs/clients.md, docs/operating.md)."""

import json

import pytest

from fake_connector import progress, response, sse, sse_head, text_result, tool
from harness import bearer, token
from rest_answers import get, stream, error_of, checked
from rest_lab import RestLab


@pytest.fixture(scope="module")
def lab(start_module):
    return RestLab(start_module)


@pytest.fixture(scope="module")
def agent_ids(stack):
    agents = stack.rest("crm_list_agents").json()["result"]["agents"]
    return [a["agent_id"] for a in agents]


def test_a_stream_of_the_crm_reports_each_agent_and_ends_with_the_winner(stack, agent_ids):
    # issue part 6: the last event's data["winner"]
    found = checked(stream(stack, "crm_compare_agents", "?agent_ids=" + ",".join(agent_ids[:3])))
    last = found[-1]

    assert found[0]["type"] == "progress" and found[0]["stage"] == "starting"
    assert "comparing" in {e["stage"] for e in found}
    assert len([e for e in found if e["type"] == "progress"]) >= 3
    assert "winner" in last["data"] and last["data"]["result"]["winner"] == last["data"]["winner"]


def test_progress_of_a_stream_only_grows(stack, agent_ids):
    values = [
        e["progress"]
        for e in checked(stream(stack, "compare_agents", "?agent_ids=" + ",".join(agent_ids[:3])))
        if e["progress"] is not None
    ]

    assert values == sorted(values) and values[-1] == 1


def test_a_stream_is_not_stored_or_buffered(stack, agent_ids):
    answer = stream(stack, "compare_agents", "?agent_ids=" + ",".join(agent_ids[:2]))

    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-accel-buffering"] == "no"
    assert answer.headers["x-request-id"]


@pytest.mark.parametrize("wrapped", [False, True])
def test_a_stream_can_be_posted(stack, agent_ids, wrapped):
    arguments = {"agent_ids": agent_ids[:2]}
    answer = stack.http.post(
        "/v1/tools/crm_compare_agents/stream", json={"arguments": arguments} if wrapped else arguments, headers=bearer()
    )

    assert checked(answer)[-1]["type"] == "done"


def test_a_tool_without_progress_does_not_stream(stack):
    # docs/clients.md, docs/operating.md, in these words
    for method in ("GET", "POST"):
        answer = stack.http.request(method, "/v1/tools/crm_get_leads_count/stream?period=all", headers=bearer())
        error_of(answer, 400, "Tool does not support streaming")


def test_a_writing_tool_is_not_called_by_get(lab):
    # docs/clients.md, docs/operating.md: 400 and says POST; a link or a prefetching browser must change nothing
    gateway = lab.script(lambda r: text_result("written"))

    error_of(stream(gateway, "lab_write"), 400, "POST")
    assert lab.fake.calls() == []
    assert checked(gateway.http.post("/v1/tools/lab_write/stream", json={}, headers=bearer()))[-1]["type"] == "done"


@pytest.mark.parametrize("key", ["token", "access_token"])
@pytest.mark.parametrize("path", ["/v1/tools/lab_read/stream", "/v1/tools/list"])
def test_a_token_in_the_query_is_400(lab, path, key):
    # docs/clients.md, docs/operating.md: also beside a good one in its header
    answer = get(lab.gateway, f"{path}?{key}={token()}")

    error_of(answer, 400)
    assert token().split(".")[2] not in answer.text


@pytest.mark.parametrize("name,status", [("no_such_tool", 404), ("%ff", 404), ("%zz", 400), ("lab_read%00", 400)])
def test_a_stream_that_cannot_begin_is_a_status_and_no_stream(lab, name, status):
    error_of(stream(lab.gateway, name), status)


def test_a_stream_with_wrong_arguments_ends_in_an_error(stack):
    answer = stream(stack, "crm_compare_agents", "?agent_ids=one")
    if answer.status_code == 200:
        last = checked(answer)[-1]
        assert last["type"] == "error" and "agent_ids" in last["message"]
        assert last["data"]["code"] and last["data"]["request_id"] == answer.headers["x-request-id"]
    else:
        error_of(answer, 400, "agent_ids")


def test_a_missing_required_argument_is_named(lab):
    answer = stream(
        lab.script(lambda r: text_result("needs list", isError=True, _meta={"guiche/kind": "caller"})), "lab_needs"
    )
    text = answer.text

    assert "list" in text


def steps(*parts):
    def on_call(request):
        yield sse_head()
        for part in parts:
            yield sse(progress(request, *part))
        yield sse(response(request, text_result("done", structuredContent={"winner": "Ana", "n": 1})))

    return on_call


def test_another_server_streams_too_its_stages_are_starting_and_processing(lab):
    found = checked(stream(lab.script(steps((1, 4, "one"), (2, 4, "two"))), "lab_read"))

    assert [e["stage"] for e in found] == ["starting", "processing", "processing", "done"]
    assert [e["progress"] for e in found[1:3]] == [0.25, 0.5]
    assert [e["message"] for e in found[1:3]] == ["one", "two"]
    assert [e["data"] for e in found[1:3]] == [{}, {}]


def test_progress_without_a_total_is_null(lab):
    found = checked(stream(lab.script(steps((1,), (2,))), "lab_read"))

    assert [e["progress"] for e in found[1:3]] == [None, None]


@pytest.mark.parametrize("step", [(5, 4), (1, 0), (-1, 4), (1, -2), (1e308, 1e-308)])
def test_progress_that_makes_no_sense_stays_between_0_and_1(lab, step):
    checked(stream(lab.script(steps(step)), "lab_read"))


def test_the_last_event_holds_the_results_own_keys_and_the_result(lab):
    last = checked(stream(lab.script(steps()), "lab_read"))[-1]

    assert last["data"] == {"winner": "Ana", "n": 1, "result": {"winner": "Ana", "n": 1}}
    assert last["progress"] == 1


@pytest.mark.parametrize(
    "result,data",
    [
        (text_result("only text"), {"result": "only text"}),
        (text_result("x", structuredContent=[1]), {"result": [1]}),
        (text_result("x", structuredContent={"result": 5}), {"result": 5}),
    ],
    ids=["text", "array", "a key called result"],
)
def test_results_that_have_no_keys_or_one_called_result_still_have_result(lab, result, data):
    last = checked(stream(lab.script(lambda r: result), "lab_read"))[-1]

    assert last["data"]["result"] == data["result"]
    assert set(last["data"]) == {"result"}


def test_an_error_result_ends_the_stream_with_an_error_event(lab):
    answer = stream(lab.script(lambda r: text_result("The ledger is closed.", isError=True)), "lab_read")
    last = checked(answer)[-1]

    assert (last["type"], last["message"]) == ("error", "The ledger is closed.")


def test_stage_and_data_of_our_runtime_are_shown(start):
    # docs/clients.md, docs/operating.md: guiche/stage and guiche/data on progress
    def on_call(request):
        yield sse_head() + sse(progress(request, 1, 2, "half", stage="analyzing", data={"agent": "Ana"}))
        yield sse(response(request, text_result("x")))

    fake = start.fake(tools=[tool("t", _meta={"guiche/streams": True}), tool("quiet")], on_call=on_call)
    gateway = start.gateway([{"name": "crm", "url": fake.url}])
    event = checked(stream(gateway, "crm_t"))[1]

    assert (event["stage"], event["data"], event["progress"]) == ("analyzing", {"agent": "Ana"}, 0.5)
    error_of(stream(gateway, "crm_quiet"), 400, "Tool does not support streaming")


def test_line_breaks_of_a_connector_do_not_break_an_event(lab):
    def on_call(request):
        body = json.dumps(response(request, text_result("x", structuredContent={"a": "1\n2"})), indent=2)
        return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + body.encode()

    assert checked(stream(lab.script(on_call), "lab_read"))[-1]["data"]["a"] == "1\n2"
