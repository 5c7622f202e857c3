"""Connectors behind https://, through the whole gateway: what works without TLS works with it, and nobody is believed without a
certificate that holds."""

import json
import socket
import ssl
import threading
import time
import warnings

import pytest

from certificates import DAY, Authority
from fake_connector import Kept, hang, http, progress, response, sse, sse_head, text_result, tool
from harness import SLOW, bearer, events, message, message_headers, rpc_body, wait_until
from lab import ERAS, Lab, three_steps

SECONDS = 4 * SLOW  # the lab's deadline


@pytest.fixture(scope="module")
def authority(module_folder):
    return Authority(module_folder)


class TlsLab(Lab):
    def __init__(self, start, authority):
        self.fake = start.fake(tools=[tool("read"), tool("write", read_only=False)], ttl_ms=3_600_000, host="localhost", tls=authority.context("localhost"))
        self.fake.tls.set_servername_callback(lambda connection, name, context: self.names.append(name))
        self.names = []
        row = {"name": "lab", "url": self.fake.url, "ca_file": str(authority.path), "timeout": f"{SECONDS}s", "progress_timeout": f"{2 * SECONDS}s"}
        self.gateway = start.gateway([row], limits={"reply": "256KiB"}, workers=1).offers("lab_read", "lab_write")


@pytest.fixture(scope="module")
def tls_lab(start_module, authority):
    return TlsLab(start_module, authority)


@pytest.fixture
def lab(tls_lab):
    yield tls_lab
    tls_lab.fake.on_call = lambda request: text_result(json.dumps(request.arguments))
    assert tls_lab.gateway.alive()


@pytest.mark.parametrize("era", ERAS)
def test_a_call_is_answered_over_tls_and_the_host_is_named_in_the_handshake(lab, era):
    lab.script(lambda request: text_result("echo " + json.dumps(request.arguments)))
    assert lab.call("read", era)["content"][0]["text"] == 'echo {"x": 1}'
    assert set(lab.names) == {"localhost"}
    request = lab.fake.calls()[0]
    assert request.headers["Host"] == f"localhost:{lab.fake.port}"
    assert request.headers.get_all("Content-Type") == ["application/json"]
    assert request.headers.get_all("Accept") == ["application/json, text/event-stream"]
    for header in ("Expect", "Accept-Encoding", "Cookie", "Guiche-Principal", "Transfer-Encoding"):
        assert header not in request.headers


def test_one_connection_serves_calls_one_after_another(lab):
    lab.script(lambda request: text_result("ok"))
    lab.call("read")
    before = lab.fake.accepted
    for _ in range(10):
        lab.call("write")
    assert lab.fake.accepted == before


def test_many_calls_at_once_are_all_answered(lab):
    lab.script(lambda request: text_result(request.arguments["x"]))
    said = []

    def one(i):
        said.append((i, lab.gateway.call("lab_read", {"x": str(i)}, "modern")["content"][0]["text"]))

    threads = [threading.Thread(target=one, args=(i,)) for i in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30 * SLOW)
    assert sorted(said) == [(i, str(i)) for i in range(20)]


@pytest.mark.parametrize("era", ERAS)
def test_progress_comes_as_it_is_made_and_the_stream_is_answered(lab, era):
    lab.script(three_steps)
    answer = lab.with_progress("read", era)
    told = [m["params"]["progress"] for m in events(answer.text) if m.get("method") == "notifications/progress"]
    assert told == [1, 2, 3]
    assert json.loads(rpc_body(answer))["result"]["structuredContent"] == {"winner": "Ana"}


def test_a_stream_whose_end_nobody_waits_for_leaves_its_connection(lab):
    def kept(request):
        body = sse(response(request, text_result("done")))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        return Kept([head, b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)])

    lab.script(kept)
    lab.call("read")
    before = lab.fake.accepted
    for _ in range(5):
        assert lab.call("read")["content"][0]["text"] == "done"
    assert lab.fake.accepted <= before + 1


def test_a_stream_longer_than_the_limit_of_answers_is_read_on(lab):
    def long(request):
        yield sse_head()
        for i in range(100):
            yield sse(progress(request, i, 100, "x" * 10_000))
        yield sse(response(request, text_result("done")))

    lab.script(long)
    answer = lab.with_progress("read", "modern")
    assert json.loads(rpc_body(answer))["result"]["content"][0]["text"] == "done"


def test_a_large_answer_comes_whole_and_one_too_large_is_refused(lab):
    lab.script(lambda request: text_result("y" * 200_000))
    assert lab.call("read")["content"][0]["text"] == "y" * 200_000
    lab.script(lambda request: text_result("y" * 300_000))
    assert "answer is larger than 262144 bytes" in lab.text("read")


def test_the_deadline_holds_and_cuts_the_connection(lab):
    lab.script(lambda request: hang())
    begun = time.monotonic()
    text = lab.text("write")
    assert 0.9 * SECONDS < time.monotonic() - begun < 2.5 * SECONDS
    assert "did not finish lab_write within" in text and "outcome is unknown" in text
    assert lab.fake.calls()[0].hung_up(5 * SLOW)


def modern_call(name):
    params = {"name": name, "arguments": {}, "_meta": {"progressToken": "t"}}
    return {"json": message("tools/call", params, "modern"), "headers": message_headers("tools/call", params, "modern") | bearer()}


def test_a_modern_client_that_hangs_up_cancels_at_the_connector(lab):
    gone = threading.Event()

    def wait(request):
        if request.hung_up(10 * SLOW):
            gone.set()
        yield b""

    lab.script(wait)
    with lab.gateway.http.stream("POST", "/mcp", **modern_call("lab_read")) as answer:
        assert answer.status_code == 200
        wait_until(lambda: lab.fake.calls(), "the call at the connector")
    assert gone.wait(5 * SLOW)


def cut_head(request):
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


@pytest.mark.parametrize(
    "answer, said",
    [
        (lambda request: b"", "closed the connection before it answered"),
        (cut_head, "in the middle of its answer"),
        (lambda request: b"220 mail.example ESMTP\r\n", "not valid HTTP"),
        (lambda request: b"HTTP/1.1 200 OK\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", "headers are larger than 32 KiB"),
        (lambda request: b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n", "more than 100 lines"),
        (lambda request: http(200, "application/json", "{}", "Content-Encoding: gzip"), "compressed"),
        (lambda request: http(302, "text/html", "", "Location: https://localhost:1/"), "HTTP status 302"),
        (lambda request: http(401, "text/html", ""), "refused the credentials"),
        (lambda request: http(503, "text/html", "", "Retry-After: 1"), "busy or starting"),
    ],
    ids=["nothing", "half", "no HTTP", "long header", "many headers", "compressed", "redirect", "401", "503"],
)
def test_what_goes_wrong_becomes_a_sentence(lab, answer, said):
    lab.script(answer)
    text = lab.text("write")
    assert said in text
    assert str(lab.fake.port) not in text and "localhost" not in text


def test_a_kept_connection_that_died_costs_a_read_nothing(lab):
    lab.script(lambda request: text_result("ok"))
    lab.call("read")
    lab.fake.cut()
    assert lab.call("read")["content"][0]["text"] == "ok"


def test_only_what_may_be_repeated_is_sent_again_when_a_kept_connection_dies(lab):
    seen = []

    def die(request):
        seen.append(request.name)
        return text_result("ok") if len(seen) != 2 else b""

    for name, sent in (("read", 3), ("write", 2)):
        seen.clear()
        lab.script(die)
        lab.call("read")
        result = lab.call(name)
        assert len(seen) == sent, result
        assert bool(result.get("isError")) == (name == "write"), result


@pytest.fixture(scope="module")
def doubtful(start_module, authority, module_folder):
    """One gateway before connectors that are not what their URL says."""
    for name in ("other", "forged"):
        (module_folder / name).mkdir()
    stranger = Authority(module_folder / "other", "somebody else")
    forger = Authority(module_folder / "forged")
    contexts = {
        "expired": authority.context("127.0.0.1", valid_for=-DAY / 2),
        "wrong_host": authority.context("mcp.example.com", "127.0.0.2"),
        "unknown": stranger.context("127.0.0.1"),
        "forged": forger.context("127.0.0.1"),
        "old": authority.context("127.0.0.1"),
    }
    with warnings.catch_warnings(action="ignore"):  # Python too thinks it is old
        contexts["old"].minimum_version = contexts["old"].maximum_version = ssl.TLSVersion.TLSv1_1
    contexts["old"].set_ciphers("ALL:@SECLEVEL=0")
    fakes = {name: start_module.fake(tls=context) for name, context in contexts.items()}
    fakes["plain"] = start_module.fake()
    urls = {name: f"https://127.0.0.1:{fake.port}/mcp" for name, fake in fakes.items()}
    silent = socket.create_server(("127.0.0.1", 0))
    closed = socket.create_server(("127.0.0.1", 0))
    urls |= {"silent": f"https://127.0.0.1:{silent.getsockname()[1]}/mcp", "down": f"https://127.0.0.1:{closed.getsockname()[1]}/mcp"}
    urls["nameless"] = "https://nobody.invalid/mcp"
    closed.close()
    rows = [{"name": name, "url": url, "ca_file": str(authority.path)} for name, url in urls.items()]
    good = start_module.fake(tls=authority.context("127.0.0.1"))
    # The system's authorities do not vouch for this one.
    rows += [{"name": "system", "url": good.url}, {"name": "good", "url": good.url, "ca_file": str(authority.path)}]
    gateway = start_module.gateway(rows).offers("good_echo")
    yield gateway, fakes
    silent.close()


@pytest.mark.parametrize(
    "name, said",
    [
        ("expired", "certificate is not trusted: it has expired."),
        ("wrong_host", "certificate is not trusted: it is for another host name."),
        ("unknown", "certificate is not trusted: nobody who is trusted here has issued it."),
        ("system", "certificate is not trusted: nobody who is trusted here has issued it."),
        ("forged", "No TLS connection to the connector could be made."),
        ("old", "No TLS connection to the connector could be made."),
        ("plain", "No TLS connection to the connector could be made."),
        ("silent", "did not complete the connection and its TLS handshake in time."),
        ("down", "The connector refused the connection."),
        ("nameless", "host name could not be resolved"),
    ],
)
def test_who_cannot_be_believed_is_sent_nothing(doubtful, name, said):
    gateway, fakes = doubtful
    error = wait_until(lambda: gateway.connector_status(name).get("last_error"), f"what is wrong with {name}")
    assert said in error and "127.0.0.1" not in error and "nobody.invalid" not in error
    assert not fakes[name].requests if name in fakes else True


def test_another_authority_counts_after_a_reload(start, authority, folder):
    fake = start.fake(tls=authority.context("127.0.0.1"))
    row = {"name": "a", "url": fake.url}
    gateway = start.gateway([row], wait=False)
    wait_until(lambda: gateway.connector_status("a").get("last_error"), "the refusal")
    gateway.reload(connectors=[row | {"ca_file": str(authority.path)}])
    gateway.offers("a_echo")
    assert gateway.call("a_echo", {"x": 1})["content"][0]["text"] == '{"x": 1}'


@pytest.mark.parametrize("era", ERAS)
def test_a_legacy_server_is_reached_too(start, authority, era):
    fake = start.fake(tls=authority.context("127.0.0.1"), legacy=True)
    gateway = start.gateway([{"name": "a", "url": fake.url, "ca_file": str(authority.path)}]).offers("a_echo")
    assert gateway.call("a_echo", {"x": 1}, era)["content"][0]["text"] == '{"x": 1}'


def test_proxies_of_the_environment_do_not_count(start, authority):
    fake = start.fake(tls=authority.context("127.0.0.1"))
    env = {"HTTPS_PROXY": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "ALL_PROXY": "http://127.0.0.1:9"}
    gateway = start.gateway([{"name": "a", "url": fake.url, "ca_file": str(authority.path)}], env=env).offers("a_echo")
    assert gateway.call("a_echo", {"x": 1})["content"][0]["text"] == '{"x": 1}'
