"""analyze_agent_messages with a language model: a small stand-in with the API of OpenAI, which can also misbehave."""

import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from crm_world import Door
from harness import SLOW, free_port, wait_until

KEY = "sk-the-key-of-the-tests"
VERDICT = {
    "grammar": {"score": 9.1, "examples": [{"message": 1, "finding": "Clean sentences."}]},
    "tone": {"score": 7, "examples": [{"message": 2, "finding": "Friendly — “obrigado”."}, {"message": 999, "finding": "no such message"}]},
    "brand": {"score": 8.25, "examples": []},
}


class Model:
    """`behave(request_body)` gives (status, body bytes) or raises; the default is a good verdict."""

    def __init__(self, behave=None):
        self.behave = behave or (lambda body: (200, completion(json.dumps(VERDICT))))
        self.requests = []
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                model.requests.append((self.path, dict(self.headers), body))
                status, answer = model.behave(body)
                if status is None:
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args):
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # a caller that gave up

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_address[1]}/v1"

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


def completion(content):
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": content}}]}).encode()


@pytest.fixture
def model():
    model = Model()
    yield model
    model.stop()


def settings(url):
    return {"LLM_URL": url, "LLM_API_KEY": KEY, "LLM_MODEL": "judge-1"}


def crm_with(start, url, **more):
    crm = start.crm(env=settings(url) | more)
    door = Door(crm)
    return door, door.call("list_agents")["agents"][0]["agent_id"]


def test_the_model_s_verdict_is_the_answer(start, model):
    door, agent = crm_with(start, model.url)

    answer = door.call("analyze_agent_messages", {"agent_id": agent, "sample_size": 5})

    assert answer["method"] == "model" and answer["note"] is None and answer["messages_analyzed"] == 5
    assert [answer[d]["score"] for d in ("grammar", "tone", "brand")] == [9.1, 7, pytest.approx(8.3, abs=0.06)]
    assert answer["overall"] == pytest.approx(8.1, abs=0.06)
    (example,) = answer["tone"]["examples"]  # a message that was not in the sample is no example
    assert example["finding"] == "Friendly — “obrigado”." and example["quote"] and example["message_id"]
    ((path, headers, body),) = model.requests
    assert path == "/v1/chat/completions" and headers["Authorization"] == f"Bearer {KEY}"
    assert body["model"] == "judge-1" and body["temperature"] == 0
    sent = json.loads(body["messages"][1]["content"])
    assert len(sent) == 5 and sent[1]["text"].startswith(example["quote"].removesuffix("..."))
    assert KEY not in door.crm.text()


def test_a_verdict_between_words_and_fences_is_read(start):
    model = Model(lambda body: (200, completion(f"Sure! Here it is:\n```json\n{json.dumps(VERDICT)}\n```\nAnything else?")))
    door, agent = crm_with(start, model.url)

    assert door.call("analyze_agent_messages", {"agent_id": agent})["method"] == "model"
    model.stop()


FAILURES = {
    "HTTP 500": lambda body: (500, b'{"error": {"message": "the secret of the model"}}'),
    "HTTP 401": lambda body: (401, b'{"error": "bad key"}'),
    "not JSON": lambda body: (200, b"<html>"),
    "no choices": lambda body: (200, b'{"choices": []}'),
    "empty": lambda body: (200, completion("")),
    "prose": lambda body: (200, completion("I would say eight of ten.")),
    "score too high": lambda body: (200, completion(json.dumps(VERDICT | {"tone": {"score": 11, "examples": []}}))),
    "a dimension missing": lambda body: (200, completion(json.dumps({k: v for k, v in VERDICT.items() if k != "brand"}))),
    "hangs up": lambda body: (None, None),
    "far too much": lambda body: (200, completion("x" * 2_000_000)),
}


def test_a_model_that_fails_is_replaced_by_the_rubric_and_the_answer_says_so(start, model):
    door, agent = crm_with(start, model.url)
    plain = Door(start.crm(name="plain")).call("analyze_agent_messages", {"agent_id": agent})

    for name, behave in FAILURES.items():
        model.behave = behave
        result = door.result("analyze_agent_messages", {"agent_id": agent})
        answer = result["structuredContent"]
        assert answer["method"] == "rubric", name
        assert "language model" in answer["note"] and answer["note"] in result["content"][0]["text"]
        assert {d: answer[d]["score"] for d in ("grammar", "tone", "brand")} == {d: plain[d]["score"] for d in ("grammar", "tone", "brand")}
        assert "secret of the model" not in json.dumps(result)


@pytest.mark.parametrize("there", [False, True])
def test_a_model_that_is_not_there_or_never_answers_is_not_waited_for(start, model, there):
    model.behave = lambda body: (time.sleep(30 * SLOW), (200, b""))[1]
    url = model.url if there else f"http://127.0.0.1:{free_port()}/v1"
    door, agent = crm_with(start, url, CALL_TIMEOUT=f"{5 * SLOW}s")

    since = time.monotonic()
    answer = door.call("analyze_agent_messages", {"agent_id": agent})

    assert answer["method"] == "rubric" and "language model" in answer["note"]
    assert time.monotonic() - since < 20 * SLOW, "the model sleeps for half a minute"


def test_a_model_is_not_asked_about_nothing(start, model):
    door, agent = crm_with(start, model.url)

    answer = door.call("analyze_agent_messages", {"agent_id": agent, "start_date": "1999-01-01", "end_date": "1999-01-02"})

    assert answer["messages_analyzed"] == 0 and answer["overall"] == 0
    assert not model.requests


def test_other_calls_are_answered_while_the_model_thinks(start, model):
    thought = threading.Event()
    model.behave = lambda body: (thought.wait(20 * SLOW), (200, completion(json.dumps(VERDICT))))[1]
    door, agent = crm_with(start, model.url)
    done = []
    thinking = threading.Thread(target=lambda: done.append(door.call("analyze_agent_messages", {"agent_id": agent})))
    thinking.start()
    wait_until(lambda: model.requests, "the model to be asked")

    assert Door(door.crm).call("list_agents")["agents"]
    assert not done
    thought.set()
    thinking.join(20 * SLOW)
    assert done[0]["method"] == "model"
