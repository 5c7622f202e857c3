"""Hostile and broken input: refused early, with a sentence that names the thing, and the process goes on. Where parsers
disagree about a message, the gateway refuses it: what it checked must be what the connector reads."""

import json
import random
import subprocess
import time

import pytest

from harness import bearer, exchange, message, message_headers, rpc_body, token

ERAS = ["legacy", "modern"]


def post(stack, body, era="legacy", method="tools/call", params=None, **headers):
    body = body if isinstance(body, bytes) else body.encode()
    named = message_headers(method, params or {"name": "crm_list_agents"}, era)
    return stack.http.post("/mcp", content=body, headers=named | bearer() | headers)


@pytest.fixture(autouse=True)
def still_alive(stack):
    yield
    assert stack.http.get("/health").status_code == 200 and stack.alive()
    assert stack.crm.alive()


def refused(answer, *codes):
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["code"] in (codes or (-32700, -32600)), error
    assert error["message"] and "id" not in answer.json() or answer.json()["id"] is not None
    return error


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"hello",
        b"<xml/>",
        b'{"jsonrpc":"2.0","id":1,"method":"ping"',
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}{"jsonrpc":"2.0","id":2,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping",}',
        b'{"jsonrpc":"2.0","id":01,"method":"ping"}',
        b"{'jsonrpc':'2.0','id':1,'method':'ping'}",
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":NaN}}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":\tundefined}}',
        b'{"jsonrpc":"2.0","id":1,"method":"pi\nng"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"\\x41"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping","x":"\\u12"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping"}\x00',
        b'\x00{"jsonrpc":"2.0","id":1,"method":"ping"}',
        b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"ping"}',
        b'{"jsonrpc":"2.0","id":1,"method":"ping"/*c*/}',
    ],
)
@pytest.mark.parametrize("era", ERAS)
def test_what_is_not_one_json_value_is_a_parse_error_without_id(stack, body, era):
    # JSON-RPC 2.0 "Error object"; RFC 8259
    answer = post(stack, body, era, "ping")

    assert refused(answer, -32700)
    assert "id" not in answer.json()


@pytest.mark.parametrize(
    "text", [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80", b"caf\xe9"]
)
def test_invalid_utf8_is_a_parse_error(stack, text):
    # MCP basic/transports: JSON-RPC messages are UTF-8.
    body = (
        b'{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_find_contacts","arguments":{"query":"'
        + text
        + b'"}}}'
    )

    refused(post(stack, body), -32700)


@pytest.mark.parametrize("value", [1, "x", None, True])
def test_a_message_that_is_no_object_is_refused(stack, value):
    refused(post(stack, json.dumps(value)), -32600)


@pytest.mark.parametrize(
    "body",
    [
        {"id": 1, "method": "ping"},
        {"jsonrpc": "1.0", "id": 1, "method": "ping"},
        {"jsonrpc": 2.0, "id": 1, "method": "ping"},
        {"jsonrpc": "2.0", "id": 1},
        {"jsonrpc": "2.0", "id": 1, "method": 5},
        {"jsonrpc": "2.0", "id": 1, "method": None},
        {"jsonrpc": "2.0", "id": 1, "method": "ping", "result": {}},
    ],
)
def test_json_that_is_no_json_rpc_message_is_an_invalid_request(stack, body):
    refused(post(stack, json.dumps(body)), -32600)


@pytest.mark.parametrize("params", [[], "x", 5, [{"name": "crm_list_agents"}]])
def test_params_that_are_no_object_are_invalid(stack, params):
    # MCP schema: params are always an object.
    answer = stack.http.post(
        "/mcp",
        content=json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": params}),
        headers=bearer(),
    )

    assert answer.json()["error"]["code"] in (-32600, -32602)


CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"crm_list_agents","arguments":{}}}'


@pytest.mark.parametrize(
    "body",
    [
        CALL.replace('"id":1', '"id":1,"id":1'),
        CALL.replace('"id":1', '"id":1,"method":"ping"'),
        CALL.replace('"arguments":{}', '"name":"crm_qualify_lead","arguments":{}'),
        CALL.replace('"arguments":{}', '"arguments":{},"arguments":{}'),
        CALL.replace('"arguments":{}', '"_meta":{},"_meta":{}'),
        CALL.replace('"arguments":{}', '"_meta":{"progressToken":1,"progressToken":2}'),
        CALL[:-1] + ',"params":{"name":"crm_qualify_lead"}}',
        CALL[:-1] + ',"x":1,"x":2}',
    ],
    ids=["id", "method", "name", "arguments", "_meta", "in _meta", "params", "unknown"],
)
def test_duplicate_keys_are_refused(stack, body):
    refused(post(stack, body))


@pytest.mark.parametrize(
    "body",
    [
        CALL.replace('"name"', '"n\\u0061me"'),
        CALL.replace('"method"', '"metho\\u0064"'),
        CALL.replace('"arguments":{}', '"\\u0061rguments":{}'),
        CALL.replace('"arguments":{}', '"other\\n":1'),
    ],
)
def test_escaped_keys_are_refused(stack, body):
    refused(post(stack, body))


@pytest.mark.parametrize("key", ["näme", "nаme", "ｎame", "na​me", "名"])
def test_keys_outside_ascii_are_refused(stack, key):
    refused(post(stack, CALL.replace('"arguments":{}', f'"{key}":"crm_qualify_lead"')))


@pytest.mark.parametrize(
    "body",
    [
        CALL.replace('"arguments":{}', '"Name":"crm_qualify_lead"'),
        CALL.replace('"arguments":{}', '"ARGUMENTS":{}'),
        CALL.replace('"method"', '"Method"'),
        CALL[:-1] + ',"Params":{"name":"crm_qualify_lead"}}',
        CALL[:-1] + ',"ID":2}',
        CALL.replace('"arguments":{}', '"_Meta":{}'),
    ],
    ids=["Name", "ARGUMENTS", "Method", "Params", "ID", "_Meta"],
)
def test_keys_that_differ_from_a_known_one_by_case_are_refused(stack, body):
    # some servers match keys without case: {"name":"a","Name":"b"} must not reach them
    refused(post(stack, body))


@pytest.mark.parametrize(
    "arguments", ['{"query":"a","query":"b"}', '{"qu\\u0065ry":"a"}', '{"Query":"a"}', '{"ключ":1}']
)
def test_inside_arguments_the_tool_decides_and_says_which(stack, arguments):
    result = post(
        stack,
        CALL.replace("crm_list_agents", "crm_find_contacts").replace('"arguments":{}', f'"arguments":{arguments}'),
    ).json()

    if arguments == '{"qu\\u0065ry":"a"}':  # the same name as any JSON parser reads it
        assert not result["result"].get("isError")
    else:
        assert result["result"]["isError"] is True
        assert result["result"]["content"][0]["text"]


def test_unknown_members_are_not_mistaken_for_known_ones(stack):
    body = CALL.replace('"arguments":{}', '"arguments":{},"task":{"ttl":1},"x":[{"name":"crm_qualify_lead"}]')

    assert "result" in post(stack, body).json()


@pytest.mark.parametrize("open_,close", [("[", "]"), ('{"a":', "}")])
@pytest.mark.parametrize("depth", [65, 1000, 200_000])
def test_nesting_deeper_than_64_is_refused(stack, depth, open_, close):
    nested = open_ * depth + "1" + close * depth

    refused(post(stack, CALL.replace('"arguments":{}', f'"arguments":{{"query":{nested}}}')))


def test_nesting_within_the_limit_is_read(stack):
    nested = "[" * 50 + "]" * 50
    answer = post(stack, CALL.replace('"arguments":{}', f'"arguments":{{"query":{nested}}}'))

    assert "query" in answer.json()["result"]["content"][0]["text"]


@pytest.mark.parametrize("megabytes", [5, 10])
@pytest.mark.parametrize("path", ["/mcp", "/v1/tools/execute"])
def test_a_body_over_4_mib_is_413(stack, megabytes, path):
    # docs/clients.md, docs/operating.md: body 4 MiB
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token()}\r\nContent-Length: {megabytes << 20}\r\n\r\n"
    received = exchange(stack.port, head.encode())

    assert received.startswith(b"HTTP/1.1 413")
    assert json.loads(received.split(b"\r\n\r\n", 1)[1])["error"]["message"]


def test_a_chunked_body_over_4_mib_is_413(stack):
    def pieces():
        for _ in range(6 * 16):
            yield b" " * 65536

    try:
        answer = stack.http.post("/mcp", content=pieces(), headers=bearer())
    except Exception:  # it may close while we still write
        return
    assert answer.status_code == 413


def test_a_body_under_4_mib_is_read(stack):
    filler = "x" * (3 << 20)
    answer = post(stack, CALL[:-1] + f',"filler":"{filler}"}}')

    assert answer.json()["result"]["structuredContent"]["agents"]


@pytest.mark.parametrize(
    "headers", [{"X-Big": "x" * 40_000}, {f"X-{i}": "1" for i in range(150)}], ids=["40 KB", "150 lines"]
)
def test_headers_over_their_limit_are_431(stack, headers):
    # docs/clients.md, docs/operating.md: headers 32 KiB and 100 lines
    lines = "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    received = exchange(
        stack.port, f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}Content-Length: 0\r\n\r\n".encode()
    )

    assert received.startswith(b"HTTP/1.1 431"), received[:200]


@pytest.mark.parametrize(
    "line", ["GET", "GET /mcp", "HELLO /mcp HTTP/1.1", "POST  /mcp HTTP/1.1", "POST /mcp HTTP/9.9", "\x16\x03\x01\x02"]
)
def test_what_is_no_http_is_refused_or_closed(stack, line):
    received = exchange(stack.port, line.encode("latin-1") + b"\r\nHost: 127.0.0.1\r\n\r\n")

    assert received == b"" or int(received.split(b" ")[1]) >= 400


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("seed", range(4))
def test_bodies_with_random_damage_are_answered_and_never_called_our_fault(stack, era, seed):
    chance = random.Random(seed)
    params = {"name": "crm_find_contacts", "arguments": {"query": 'é"\\', "limit": 3}, "_meta": {"progressToken": 1}}
    whole = json.dumps(message("tools/call", params, era), ensure_ascii=False).encode()
    for _ in range(150):
        body = damaged(whole, chance)
        answer = post(stack, body, era, params=params)
        assert answer.status_code in (200, 202, 400, 404), (body, answer.text)
        if answer.status_code != 202:
            found = json.loads(rpc_body(answer))
            assert ("error" in found) != ("result" in found), body
            assert found.get("error", {}).get("code") != -32603, (body, found)


def damaged(whole, chance):
    pieces = [b"", b'"', b"{", b"}", b"[", b"\\", b"\x00", b"\xff", b",", b":", b"null", b"1e9", b"\n"]
    body = bytearray(whole)
    for _ in range(chance.choice([1, 1, 2, 5])):
        at = chance.randrange(len(body))
        body[at : at + chance.randrange(3)] = chance.choice(pieces)
    return bytes(body)


def test_a_body_in_chunks_is_read(stack):
    body = json.dumps(message("ping", None, "legacy")).encode()
    answer = stack.http.post("/mcp", content=iter([body[:10], body[10:]]), headers=bearer())

    assert answer.json()["result"] == {}


def test_a_client_that_waits_for_100_continue_is_served_at_once(stack):
    # RFC 9110 10.1.1; curl waits for it with bodies over 1 MB, a second unless it is told otherwise
    body = json.dumps(message("ping", None, "legacy") | {"filler": "x" * 2_000_000})
    headers = [
        "-H",
        "Content-Type: application/json",
        "-H",
        f"Authorization: Bearer {token()}",
        "-H",
        "Expect: 100-continue",
        "--expect100-timeout",
        "60",
    ]
    began = time.monotonic()
    done = subprocess.run(
        ["curl", "-s", *headers, "-d", "@-", stack.url], input=body, capture_output=True, text=True, timeout=100
    )

    assert json.loads(done.stdout)["result"] == {}
    assert time.monotonic() - began < 50


AMBIGUOUS = [
    "Content-Length: 5\r\nContent-Length: 6",
    "Content-Length: 5\r\nTransfer-Encoding: chunked",
    "Transfer-Encoding: chunked, identity",
    "Content-Length: -1",
    "Content-Length: 5x",
]


@pytest.mark.parametrize("lines", AMBIGUOUS)
def test_ambiguous_framing_is_refused_and_what_follows_is_no_request(stack, lines):
    # RFC 9112 6.3: another server on the way may see a request where we saw a body
    inner = b"0\r\n\r\nPOST /v1/tools/execute HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}"
    head = f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token()}\r\n{lines}\r\n\r\n"
    received = exchange(stack.port, head.encode() + inner)

    assert received.startswith(b"HTTP/1.1 400")
    assert received.count(b"X-Request-Id: ") == 1 and b"Connection: close" in received


def test_http_1_0_is_answered_and_closed(stack):
    received = exchange(stack.port, b"GET /health HTTP/1.0\r\n\r\n")

    assert b"200" in received.split(b"\r\n")[0] and received.endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "text/html; x=application/json"]
)
def test_a_body_that_does_not_say_it_is_json_is_415(stack, content_type):
    # A form or a text can be sent by any page without a preflight (Fetch "CORS-safelisted request-header").
    answer = post(
        stack, json.dumps(message("ping", None, "legacy")), "legacy", "ping", **{"Content-Type": content_type}
    )

    assert answer.status_code == 415 and "application/json" in answer.json()["error"]["message"]


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_may_be_named_with_a_charset_and_in_any_case(stack, content_type):
    answer = post(
        stack, json.dumps(message("ping", None, "legacy")), "legacy", "ping", **{"Content-Type": content_type}
    )

    assert answer.json()["result"] == {}
