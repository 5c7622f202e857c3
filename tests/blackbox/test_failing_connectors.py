"""Connectors that answer in every wrong way a server can. Whatever they do, each client gets one whole answer of its era, in
time, that says what happened, whose fault it is and whether trying again is safe (docs/architecture.md "One call", docs/architecture.md "The catalog", docs/architecture.md "Failures, deadlines, repeats")."""

import json
import re
import time

import pytest

from fake_connector import http, response, sse, sse_head, text_result
from harness import events
from lab import ERAS, named


def json_answer(request, body):
    return http(200, "application/json", body if isinstance(body, (str, bytes)) else json.dumps(body))


def cut_json(request):
    body = json.dumps(response(request, text_result("half an answer")))
    yield f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    yield body[: len(body) // 2].encode()


def cut_chunks(request):
    yield b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{"jsonrp\r\n'


def cut_event(request):
    yield sse_head()
    yield sse(response(request, text_result("half an answer")))[:-20]


def empty_stream(request):
    yield sse_head()
    yield b": nothing to say\n\n"


def no_head(request):
    yield b""


def half_head(request):
    yield b"HTTP/1.1 200 OK\r\nContent-Ty"


def half_then_silence(request):
    yield next(cut_json(request))
    yield b'{"jsonrpc"'
    time.sleep(30)


def invalid_utf8(request):
    return json_answer(
        request, b'{"jsonrpc":"2.0","id":%d,"result":{"content":[{"type":"text","text":"\xff\xfe"}]}}' % request.id
    )


def endless_json(request):
    yield b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" + b'{"jsonrpc":"2.0","x":"'
    for _ in range(64):
        yield b"x" * 65536


def endless_event(request):
    yield sse_head() + b"data: "
    for _ in range(64):
        yield b"x" * 65536


def big_result(request):
    return text_result("x" * 300_000)


def with_body(body):
    return lambda request: json_answer(request, body(request) if callable(body) else body)


def with_status(status, content_type="application/json", body='{"error":"secret dump of the upstream"}', *headers):
    return lambda request: http(status, content_type, body, *headers)


# Each of these is a call that a connector received and did not answer as it should.
BROKEN = named(
    garbage=with_body("garbage"),
    empty_body=with_body(""),
    html=with_status(200, "text/html", "<html><body>It works!</body></html>"),
    no_content_type=lambda r: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    no_http=lambda r: b"+OK ready\r\n",
    accepted_202=with_status(202, body=""),
    no_content_204=lambda r: b"HTTP/1.1 204 No Content\r\n\r\n",
    redirect_302=with_status(302, "text/plain", "", "Location: http://127.0.0.1:1/mcp"),
    http_400=with_status(400),
    http_401=with_status(
        401, "application/json", "{}", 'WWW-Authenticate: Bearer resource_metadata="https://evil.example/"'
    ),
    http_403=with_status(403),
    http_404=with_status(404, "text/plain", "no"),
    http_429=with_status(429),
    http_500=with_status(500),
    http_503=with_status(503),
    http_999=with_status(999),
    json_no_object=with_body([1]),
    batch=with_body(lambda r: [response(r, text_result("x"))]),
    no_jsonrpc=with_body({"hello": "world"}),
    result_id_null=with_body(lambda r: {"jsonrpc": "2.0", "id": None, "result": text_result("x")}),
    error_id_null=with_body({"jsonrpc": "2.0", "id": None, "error": {"code": -1, "message": "x"}}),
    without_id=with_body(lambda r: {"jsonrpc": "2.0", "result": text_result("x")}),
    wrong_id=with_body(lambda r: {"jsonrpc": "2.0", "id": r.id + 1, "result": text_result("x")}),
    id_as_text=with_body(lambda r: {"jsonrpc": "2.0", "id": str(r.id), "result": text_result("x")}),
    result_and_error=with_body(
        lambda r: {"jsonrpc": "2.0", "id": r.id, "result": {}, "error": {"code": 1, "message": "x"}}
    ),
    result_no_object=with_body(lambda r: {"jsonrpc": "2.0", "id": r.id, "result": [1]}),
    error_no_object=with_body(lambda r: {"jsonrpc": "2.0", "id": r.id, "error": "x"}),
    duplicate_result=with_body(
        lambda r: '{"jsonrpc":"2.0","id":%d,"result":{"content":[]},"result":{"content":[]}}' % r.id
    ),
    two_values=with_body(lambda r: json.dumps(response(r, text_result("a"))) * 2),
    invalid_utf8=invalid_utf8,
    stream_without_response=empty_stream,
    stream_of_garbage=lambda r: sse_head() + b"data: garbage\n\n",
    stream_with_wrong_id=lambda r: sse_head() + sse({"jsonrpc": "2.0", "id": 10**9, "result": text_result("x")}),
    answer_too_large=big_result,
    endless_json=endless_json,
    endless_event=endless_event,
    dies_in_mid_json=cut_json,
    dies_in_mid_chunk=cut_chunks,
    dies_in_mid_event=cut_event,
    dies_in_mid_head=half_head,
)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_answer_is_one_sentence_for_the_model(lab, broken, era):
    # docs/architecture.md "Failures, deadlines, repeats": results with isError and one text block, in both eras; 200 keeps the transports of old SDKs alive
    text = lab.script(broken).text("read", era)

    assert "lab" in text
    assert "secret dump" not in text and "127.0.0.1" not in text and "Traceback" not in text


@pytest.mark.parametrize("broken", BROKEN)
def test_a_write_with_a_broken_answer_is_sent_once_and_its_outcome_called_unknown(lab, broken):
    # docs/architecture.md "Failures, deadlines, repeats": a write is sent upstream at most once.
    text = lab.script(broken).text("write")

    assert len(lab.fake.calls()) == 1
    assert re.search(r"outcome is unknown|Nothing was done", text), text


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_answer_is_502_over_rest(lab, broken):
    # docs/clients.md, docs/operating.md: 502 upstream
    answer = lab.script(broken).rest("read")

    assert answer.status_code == 502
    assert answer.json()["error"]["message"]
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize(
    "broken",
    [
        p
        for p in BROKEN
        if p.id in ("dies in mid json", "dies in mid event", "stream without response", "garbage", "accepted 202")
    ],
)
def test_a_rest_stream_that_breaks_ends_with_one_error_event(lab, broken):
    answer = lab.script(broken).stream("read")
    last = events(answer.text)[-1]

    assert answer.status_code == 200
    assert [e["type"] for e in events(answer.text)].count("error") == 1
    assert (last["type"], last["stage"]) == ("error", "error") and last["message"]


def test_a_challenge_of_a_connector_is_not_handed_on(lab):
    # It names another resource: a client would begin an OAuth dance with it.
    answer = lab.script(with_status(401, "application/json", "{}", 'WWW-Authenticate: Bearer realm="x"')).gateway.rpc(
        "tools/call", {"name": "lab_read"}
    )

    assert answer.status_code == 200 and "www-authenticate" not in answer.headers
    assert "credentials" in answer.json()["result"]["content"][0]["text"]


def test_headers_of_a_connector_do_not_reach_the_client(lab):
    # docs/architecture.md "One call": status and headers are the gateway's own.
    lab.script(
        lambda r: http(
            200,
            "application/json",
            json.dumps(response(r, text_result("x"))),
            "Set-Cookie: a=b",
            "X-Upstream: secret",
            "Mcp-Session-Id: s",
        )
    )
    answer = lab.gateway.rpc("tools/call", {"name": "lab_read"})

    assert answer.json()["result"]["content"][0]["text"] == "x"
    assert not {"set-cookie", "x-upstream", "mcp-session-id"} & set(answer.headers)


def test_a_redirect_is_not_followed(lab, start):
    other = start.fake()
    lab.script(with_status(307, "text/plain", "", f"Location: {other.url}")).text("read")

    assert other.requests == []


@pytest.mark.parametrize("code", [-32603, -32602, -32000, -32002, -32601, 4711])
def test_a_json_rpc_error_of_a_connector_is_a_result_for_legacy_clients(lab, code):
    # docs/architecture.md "Failures, deadlines, repeats": only malformed protocol is a JSON-RPC error; CrewAI would repeat the call three times.
    lab.script(
        with_body(lambda r: {"jsonrpc": "2.0", "id": r.id, "error": {"code": code, "message": "The ledger is closed."}})
    )
    result = lab.call("write")

    assert result["isError"] is True
    assert len(lab.fake.calls()) == 1
    assert code == -32601 or "The ledger is closed." in result["content"][0]["text"]


@pytest.mark.parametrize("code", [-32603, -32602, 4711])
def test_a_json_rpc_error_of_a_connector_reaches_a_modern_client(lab, code):
    lab.script(
        with_body(lambda r: {"jsonrpc": "2.0", "id": r.id, "error": {"code": code, "message": "The ledger is closed."}})
    )
    answer = lab.gateway.rpc("tools/call", {"name": "lab_write"}, "modern")

    assert answer.status_code == 200
    assert answer.json()["error"] == {"code": code, "message": "The ledger is closed."}


@pytest.mark.parametrize("code", [-32020, -32022])
def test_an_error_about_our_own_hop_is_not_shown_as_if_it_were_the_clients(lab, code):
    # MCP 2026-07-28 basic "Error Codes": a client would act on them.
    lab.script(
        lambda r: http(
            400, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "error": {"code": code, "message": "x"}})
        )
    )
    answer = lab.gateway.rpc("tools/call", {"name": "lab_read"}, "modern")

    assert answer.status_code == 200
    assert answer.json().get("error", {}).get("code") != code


def refusal(status, code):
    def on_call(request):
        error = {"code": code, "message": "The ledger is closed."}
        return http(status, "application/json", json.dumps({"jsonrpc": "2.0", "id": request.id, "error": error}))

    return on_call


@pytest.mark.parametrize("status", [400, 404, 429, 500, 503])
def test_the_http_status_of_a_json_rpc_error_stays_on_the_hop(lab, status):
    # old SDKs lose the text of any other status, or never return
    lab.script(refusal(status, -32000))
    modern = lab.gateway.rpc("tools/call", {"name": "lab_write"}, "modern")

    assert "The ledger is closed." in lab.text("write")
    assert modern.status_code == 200 and modern.json()["error"] == {"code": -32000, "message": "The ledger is closed."}


@pytest.mark.parametrize("era", ERAS)
def test_a_method_that_a_connector_does_not_know_is_not_the_callers_mistake(lab, era):
    # MCP 2026-07-28 basic/transports/streamable-http: 404 and -32601 for an unknown method
    assert "Nothing was done" in lab.script(refusal(404, -32601)).text("write", era)


@pytest.mark.parametrize("code", [401, 403])
def test_what_a_connector_says_beside_a_refusal_of_credentials_is_not_handed_on(lab, code):
    # it speaks about credentials that are ours
    text = lab.script(refusal(code, -32000)).text("write")

    assert "credentials" in text and "ledger" not in text


def test_a_result_without_content_gets_some(lab):
    # MCP 2025-11-25 CallToolResult: content is required; CrewAI reads its first block.
    lab.script(lambda r: {"structuredContent": {"n": 1}})

    assert json.loads(lab.call("read")["content"][0]["text"]) == {"n": 1}
    assert isinstance(lab.call("read", "modern")["content"], list)


@pytest.mark.parametrize("value", [[1, 2], "text", 5, None])
def test_structured_content_that_is_no_object_is_wrapped_for_legacy_clients(lab, value):
    # MCP 2025-11-25 server/tools: an object; 2026-07-28: any JSON value
    lab.script(lambda r: text_result("x", structuredContent=value))

    assert lab.call("read")["structuredContent"] == {"result": value}
    assert lab.call("read", "modern")["structuredContent"] == value


def test_a_content_block_of_an_unknown_kind_becomes_text_for_legacy_clients(lab):
    # clients raise on it and lose the whole answer
    lab.script(
        lambda r: {"content": [{"type": "hologram", "data": "x"}, {"type": "text", "text": "y"}, {"no": "type"}]}
    )
    blocks = lab.call("read")["content"]

    assert [b["type"] for b in blocks] == ["text", "text", "text"]
    assert "hologram" in blocks[0]["text"] and blocks[1]["text"] == "y"


@pytest.mark.parametrize("content", ["text", None, {}, 5])
def test_content_that_is_no_array_is_mended(lab, content):
    lab.script(lambda r: {"content": content, "resultType": "complete"})

    for era in ERAS:
        assert isinstance(lab.call("read", era)["content"], list)


def test_input_required_never_reaches_a_legacy_client(lab):
    # the TypeScript SDK takes it for an empty success
    lab.script(lambda r: {"resultType": "input_required", "requestState": "s", "inputRequests": {}})

    assert "input" in lab.text("read")


def test_a_kind_of_result_that_nobody_knows_is_an_error(lab):
    # MCP 2026-07-28 basic "ResultType": values of an extension come only from servers that have advertised it.
    lab.script(lambda r: {"resultType": "acme/queued", "content": []})

    assert "not known" in lab.text("read")
    answer = lab.gateway.rpc("tools/call", {"name": "lab_read", "arguments": {"x": 1}}, "modern")
    assert answer.status_code == 200
    assert answer.json()["error"]["code"] == -32603


def test_an_error_result_of_a_tool_passes_as_it_is(lab):
    lab.script(lambda r: text_result("No such customer.", isError=True))

    for era in ERAS:
        result = lab.call("read", era)
        assert result["isError"] is True and result["content"][0]["text"] == "No such customer."


@pytest.mark.parametrize(
    "kind,status",
    [("caller", 400), ("denied", 403), ("upstream", 502), ("timeout", 504), (None, 502), ("invented", 502)],
)
def test_the_kind_of_an_error_result_decides_the_rest_status(lab, kind, status):
    # docs/clients.md, docs/operating.md: guiche/kind on an isError result
    meta = {"_meta": {"guiche/kind": kind}} if kind else {}
    answer = lab.script(lambda r: text_result("No such customer.", isError=True, **meta)).rest("read")

    assert answer.status_code == status
    assert answer.json()["error"]["message"] == "No such customer."


def test_members_a_result_does_not_need_are_kept_but_never_those_of_the_other_era(lab):
    lab.script(lambda r: text_result("x", ttlMs=5, cacheScope="public", _meta={"acme/trace": 1}))

    assert lab.call("read")["_meta"] == {"acme/trace": 1}
    assert not {"resultType", "ttlMs", "cacheScope"} & set(lab.call("read"))
    assert lab.call("read", "modern")["resultType"] == "complete"
