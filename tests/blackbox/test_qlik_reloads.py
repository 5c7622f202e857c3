"""Reloads through mcp-qlik: asked for once whatever happens, followed to a clear end."""

import concurrent.futures
import json
import time

import httpx
import pytest

from harness import bearer, message, message_headers, wait_until
from qlik_world import BROKEN, SALES, Qlik


def none_is_pending(qlik):
    """Waits for the end of what an earlier test has started, without asking through the connector."""
    ask = {"params": {"appId": SALES, "limit": 1}, "headers": {"Authorization": "Bearer other-token"}}

    def is_over():
        (latest,) = qlik.cloud.http.get("/api/v1/reloads", **ask).json()["data"] or [{"status": "SUCCEEDED"}]
        return latest["status"] not in ("QUEUED", "RELOADING")

    wait_until(is_over, "the end of the last reload")
    qlik.cloud.forget_requests()


def start_reload(qlik, **arguments):
    none_is_pending(qlik)
    return qlik.ask("reload_app", {"app_id": SALES} | arguments)


def test_a_reload_is_started_and_goes_on_by_itself(qlik):
    result = start_reload(qlik, partial=True)
    reload = result["structuredContent"]

    assert reload["finished"] is False and reload["status"] == "QUEUED" and reload["partial"] is True
    assert "get_reload" in result["content"][0]["text"]
    assert qlik.call("get_reload", {"reload_id": reload["reload_id"]})["app_id"] == SALES
    assert json.loads(qlik.reloads_asked_for()[-1]["body"]) == {"appId": SALES, "partial": True}


def test_waiting_ends_with_success(qlik):
    reload = start_reload(qlik, wait=True)["structuredContent"]

    assert (reload["status"], reload["finished"]) == ("SUCCEEDED", True)
    assert qlik.call("list_reloads", {"app_id": SALES, "limit": 1})["reloads"][0]["reload_id"] == reload["reload_id"]
    assert qlik.call("list_reloads", {"app_id": SALES, "status": "FAILED"})["reloads"] == []


def test_a_reload_that_fails_says_why_in_the_words_of_its_log(qlik):
    text = qlik.refusal("reload_app", {"app_id": BROKEN, "wait": True})

    assert "FAILED" in text and "script error" in text and "Cannot open file: 'lib://Warehouse/Orders.qvd'" in text
    reload_id = qlik.call("list_reloads", {"app_id": BROKEN, "status": "FAILED"})["reloads"][0]["reload_id"]
    assert reload_id in text
    reload = qlik.call("get_reload", {"reload_id": reload_id})
    assert reload["finished"] is True and "Cannot open file" in reload["reason"] and "Cannot open file" in reload["log"]


def test_waiting_reports_progress_that_grows_and_then_the_result(start):
    events = Qlik(start, "--reload-seconds", "4.5").stream("reload_app", {"app_id": SALES, "wait": True})
    stages = [e["stage"] for e in events]

    assert stages[0] == "starting" and "processing" in stages and stages[-1] == "done"
    assert list(dict.fromkeys(e["message"] for e in events if e["stage"] == "processing"))[-2:] == ["QUEUED", "RELOADING"]
    assert events[-1]["data"]["status"] == "SUCCEEDED"


def test_a_second_reload_of_a_pending_one_is_refused_with_the_way_to_the_first(start):
    slow = Qlik(start, "--reload-seconds", "60")
    slow.call("reload_app", {"app_id": SALES})
    text = slow.refusal("reload_app", {"app_id": SALES})

    assert "already pending" in text and "list_reloads" in text


def test_a_reload_still_running_when_the_time_is_up_says_how_to_look_again(start):
    slow = Qlik(start, "--reload-seconds", "60", row={"timeout": "4s"})
    result = slow.ask("reload_app", {"app_id": SALES, "wait": True})

    assert not result.get("isError"), result
    reload, text = result["structuredContent"], result["content"][0]["text"]
    assert reload["finished"] is False and "still running" in text and f"get_reload (reload_id {reload['reload_id']})" in text
    assert len(slow.reloads_asked_for()) == 1
    assert len(slow.cloud.requests(method="GET", path=f"/api/v1/reloads/{reload['reload_id']}")) >= 1


def test_a_question_about_the_state_that_is_never_answered_leaves_the_way_to_look_again(start):
    silent = Qlik(start, "--reload-seconds", "60", row={"timeout": "4s"})
    silent.cloud.fault("nothing", times=-1, path="/api/v1/reloads/[0-9a-f]+", seconds=20)
    result = silent.ask("reload_app", {"app_id": SALES, "wait": True})

    assert not result.get("isError"), result
    assert f"get_reload (reload_id {result['structuredContent']['reload_id']})" in result["content"][0]["text"]


def test_a_question_about_the_state_that_fails_does_not_end_the_waiting(qlik):
    for kind in ("html", "reset", "error_in_200"):
        qlik.cloud.fault(kind, path="/api/v1/reloads/[0-9a-f]+")
    assert start_reload(qlik, wait=True)["structuredContent"]["status"] == "SUCCEEDED"


def test_a_token_that_dies_while_waiting_is_told_with_the_reload(qlik):
    qlik.cloud.fault("status", status=401, path="/api/v1/reloads/[0-9a-f]+", body={"errors": [{"code": "x", "title": "Unauthorized"}]})
    text = start_reload(qlik, wait=True)["content"][0]["text"]

    assert "was started" in text and "reconnect" in text


LOST = {
    "html": {},
    "half": {"after": True},
    "huge": {"after": True},
    "garbage": {"after": True},
    "reset": {},
    "nothing": {"seconds": 0.3, "after": True},
    "error_in_200": {},
    "status": {"status": 500, "body": {"errors": [{"code": "x", "title": "Internal"}]}},
}


@pytest.mark.parametrize("kind", LOST)
def test_a_reload_is_asked_for_once_and_an_unclear_answer_says_check_first(qlik, kind):
    qlik.cloud.fault(kind, path="^/api/v1/reloads$", **LOST[kind])
    text = qlik.refusal("reload_app", {"app_id": SALES, "wait": True})

    assert "unknown" in text and "check before repeating" in text and "list_reloads" in text
    assert len(qlik.reloads_asked_for()) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_reload_is_not_repeated_after_retry_after(qlik, status):
    qlik.cloud.fault("status", path="^/api/v1/reloads$", status=status, headers={"Retry-After": "1"})
    text = qlik.refusal("reload_app", {"app_id": SALES})

    assert "1 s" in text
    assert len(qlik.reloads_asked_for()) == 1


def test_a_reload_without_a_name_is_not_taken_for_one(qlik):
    qlik.cloud.fault("status", path="^/api/v1/reloads$", status=201, body={"status": "QUEUED"})
    assert "list_reloads" in qlik.refusal("reload_app", {"app_id": SALES})


def test_a_state_without_a_reload_in_it_is_no_answer(qlik):
    qlik.cloud.fault("status", status=200, path="/api/v1/reloads/[0-9a-f]+", body={"status": "SUCCEEDED"})
    assert qlik.refusal("get_reload", {"reload_id": "5be59decca62aa00097268a4"}) == "Qlik answered without the reload. Trying again is safe."


def test_the_end_of_a_long_log_is_shown(qlik):
    reload = start_reload(qlik)["structuredContent"]
    log = "".join(f"line {i}\n" for i in range(2000)) + "Error: the last one\n"
    body = {"id": reload["reload_id"], "appId": SALES, "status": "FAILED", "log": log}
    qlik.cloud.fault("status", path="/api/v1/reloads/", status=200, body=body, times=2)
    found = qlik.call("get_reload", {"reload_id": reload["reload_id"]})

    assert found["log_cut"] is True and len(found["log"]) <= 4000 and found["log"].endswith("Error: the last one\n")
    assert found["log"].startswith("line ") and found["reason"] == "Error: the last one"
    assert "its end" in qlik.text("get_reload", {"reload_id": reload["reload_id"]})


def test_a_log_of_one_long_line_is_cut_between_characters(qlik):
    reload = start_reload(qlik)["structuredContent"]
    body = {"id": reload["reload_id"], "appId": SALES, "status": "SUCCEEDED", "log": "é" * 5000 + "x"}
    qlik.cloud.fault("status", path="/api/v1/reloads/", status=200, body=body)
    log = qlik.call("get_reload", {"reload_id": reload["reload_id"]})["log"]

    assert log.strip("é") == "x" and 3990 <= len(log.encode()) <= 4000


# The end of a call that waits


def test_a_client_that_goes_away_ends_the_asking_and_not_the_reload(start):
    slow = Qlik(start, "--reload-seconds", "60")
    params = {"name": "qlik_reload_app", "arguments": {"app_id": SALES, "wait": True}}
    headers = message_headers("tools/call", params, "modern") | bearer() | {"X-Qlik-Access-Token": "demo-token"}
    with pytest.raises(httpx.ReadTimeout), httpx.Client(base_url=slow.gateway.base, timeout=3) as client:
        client.post("/mcp", content=json.dumps(message("tools/call", params, "modern")), headers=headers)
    wait_until(lambda: [line for line in slow.connector.lines(tool="reload_app") if line["message"] == "call"], "the end of the call")

    asked = len(slow.cloud.requests())
    time.sleep(3)  # the next question would come within two seconds
    assert len(slow.cloud.requests()) == asked, "nobody asks any more"
    latest = slow.call("list_reloads", {"app_id": SALES})["reloads"][0]
    assert latest["status"] in ("QUEUED", "RELOADING")


def test_a_connector_that_is_told_to_stop_lets_a_waiting_call_end(start):
    slow = Qlik(start, "--reload-seconds", "60", row={"timeout": "5s"})
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(slow.ask, "reload_app", {"app_id": SALES, "wait": True}, era="modern")
        wait_until(slow.reloads_asked_for, "the reload")
        slow.connector.stop()
        assert "still running" in answer.result()["content"][0]["text"]
    assert len(slow.reloads_asked_for()) == 1
