"""The bytes between gateway and connector: framings that two readers could read in two ways, answers that come too slowly or
not at all, and connections that are used again. One clear error within the deadline, or a clean answer; never another's."""

import json
import os
import socket
import struct
import time

import pytest

from fake_connector import Kept, http, progress, response, sse, text_result, tool
from harness import SLOW, wait_until
from lab import CALL_SECONDS, ERAS, Lab, named

PATIENT_SECONDS = 20


class PatientLab(Lab):
    """For what must not end at the deadline: a machine that stands still for some seconds is not the connector's fault."""

    def __init__(self, start):
        self.fake = start.fake(tools=[tool("read"), tool("write", read_only=False)], ttl_ms=3_600_000)
        row = {"name": "lab", "url": self.fake.url, "timeout": f"{PATIENT_SECONDS}s", "progress_timeout": f"{PATIENT_SECONDS}s"}
        self.gateway = start.gateway([row], name="patient")


@pytest.fixture(scope="module")
def whole_patient(start_module):
    return PatientLab(start_module)


@pytest.fixture
def patient(whole_patient):
    yield whole_patient
    assert whole_patient.gateway.alive()


def raw(*lines, status="HTTP/1.1 200 OK", wrap=None):
    """An answer with these header lines and a sound body, which `wrap` may put into chunks or follow with something."""

    def on_call(request):
        body = json.dumps(response(request, text_result("never to be seen"))).encode()
        head = "\r\n".join([status, "Content-Type: application/json", *lines]).replace("LENGTH", str(len(body)))
        return head.encode("latin-1") + b"\r\n\r\n" + (wrap(body) if wrap else body)

    return on_call


def chunks(size="{:x}\r\n", end="\r\n", last="0\r\n\r\n"):
    return lambda body: size.format(len(body)).encode() + body + end.encode() + last.encode()


CHUNKED = "Transfer-Encoding: chunked"
LENGTH = "Content-Length: LENGTH"

# RFC 9112: each of these is taken by some reader, and not in the same way by all.
AMBIGUOUS = named(
    two_lengths=raw(LENGTH, "Content-Length: 3"),
    length_list=raw("Content-Length: LENGTH, LENGTH"),
    length_with_sign=raw("Content-Length: +LENGTH"),
    length_in_hex=raw("Content-Length: 0x10"),
    length_negative=raw("Content-Length: -1"),
    length_empty=raw("Content-Length:"),
    length_too_large_for_any_number=raw("Content-Length: 99999999999999999999"),
    length_and_chunked=raw(LENGTH, CHUNKED, wrap=chunks()),
    chunked_twice=raw(CHUNKED, CHUNKED, wrap=chunks()),
    chunked_and_identity=raw("Transfer-Encoding: chunked, identity", wrap=chunks()),
    chunked_and_gzip=raw("Transfer-Encoding: gzip, chunked", wrap=chunks()),
    chunked_in_http_1_0=raw(CHUNKED, wrap=chunks(), status="HTTP/1.0 200 OK"),
    space_before_the_colon=raw("Content-Length : LENGTH"),
    folded_line=raw("X-A: b", " c", LENGTH),
    line_feed_alone=lambda r: raw(LENGTH)(r).replace(b"\r\n", b"\n"),
    nul_in_a_header=raw("X-A: b\0c", LENGTH),
    line_without_a_name=raw(": x", LENGTH),
    line_without_a_colon=raw("nonsense", LENGTH),
    chunk_size_in_c=raw(CHUNKED, wrap=chunks("0x{:x}\r\n")),
    chunk_size_with_blank=raw(CHUNKED, wrap=chunks("{:x} \r\n")),
    chunk_size_missing=raw(CHUNKED, wrap=chunks("\r\n")),
    chunk_too_long=raw(CHUNKED, wrap=chunks(end="x\r\n")),
    chunk_size_huge=raw(CHUNKED, wrap=chunks("ffffffffffffffff{:x}\r\n")),
    chunk_line_endless=raw(CHUNKED, wrap=lambda body: b"1;" + b"x" * 100_000),
    trailer_no_header=raw(CHUNKED, wrap=chunks(last="0\r\nnonsense\r\n\r\n")),
    compressed=raw("Content-Encoding: gzip", LENGTH),
    other_version=raw(LENGTH, status="HTTP/2.0 200 OK"),
    status_of_two_digits=raw(LENGTH, status="HTTP/1.1 99 OK"),
    no_status_line=raw(LENGTH, status="X-A: b"),
    switching_protocols=raw(status="HTTP/1.1 101 Switching Protocols"),
    endless_interim_answers=lambda r: b"HTTP/1.1 100 Continue\r\n\r\n" * 10_000,
    header_of_40_kib=raw("X-A: " + "x" * 40_960, LENGTH),
    two_hundred_headers=raw(*["X-A: b"] * 200, LENGTH),
    two_content_types=raw("Content-Type: text/event-stream", LENGTH),
)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("broken", AMBIGUOUS)
def test_an_ambiguous_answer_is_one_sentence_at_once(patient, broken, era):
    began = time.monotonic()
    text = patient.script(broken).text("read", era)

    assert "lab" in text and "never to be seen" not in text and "Trying again is safe" in text
    assert "did not finish" not in text and time.monotonic() - began < PATIENT_SECONDS * 0.9


@pytest.mark.parametrize("broken", AMBIGUOUS)
def test_a_write_with_an_ambiguous_answer_is_sent_once(patient, broken):
    text = patient.script(broken).text("write")

    assert "outcome is unknown" in text and len(patient.fake.calls()) == 1


# RFC 9112 and RFC 9110: unusual, and clear.
UNUSUAL = named(
    length_twice_the_same=raw(LENGTH, LENGTH),
    chunks_with_extension_and_trailer=raw(CHUNKED, wrap=chunks('{:X};a="b"\r\n', last="000\r\nExpires: never\r\n\r\n")),
    interim_answers_before=lambda r: b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + raw(LENGTH)(r),
    ends_with_the_connection=raw(),
    http_1_0=raw(LENGTH, status="HTTP/1.0 200 OK"),
    no_reason=raw(LENGTH, status="HTTP/1.1 200"),
    more_than_the_length_says=raw(LENGTH, wrap=lambda body: body + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    stream_with_a_length=lambda r: http(200, "text/event-stream; charset=utf-8", sse(response(r, text_result("never to be seen")))),
)


@pytest.mark.parametrize("unusual", UNUSUAL)
def test_an_unusual_answer_that_is_clear_is_taken(patient, unusual):
    assert patient.script(unusual).call("read")["content"][0]["text"] == "never to be seen"


def drip(head, piece):
    """Something every 100 ms, for longer than any deadline here."""

    def on_call(request):
        yield head
        for _ in range(300):
            time.sleep(0.1)
            yield piece

    return on_call


SLOW_ANSWERS = named(
    a_head_by_and_by=drip(b"HTTP/1.1 200 OK\r\nX-A: ", b"x"),
    headers_by_and_by=drip(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
    a_body_by_and_by=drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n", b" "),
    chunks_by_and_by=drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    nothing_but_comments=drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n", b": still here\n\n"),
    events_that_are_no_progress=drip(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n",
        sse({"jsonrpc": "2.0", "method": "notifications/message", "params": {"level": "info", "data": "x"}}),
    ),
)


@pytest.mark.parametrize("slow", SLOW_ANSWERS)
def test_the_deadline_is_absolute_however_busy_the_connector_looks(lab, slow):
    began = time.monotonic()
    text = lab.script(slow).text("write")

    assert CALL_SECONDS * 0.9 <= time.monotonic() - began < CALL_SECONDS + 5 * SLOW
    assert "did not finish" in text and "outcome is unknown" in text and len(lab.fake.calls()) == 1


def reset(request):
    """The connection ends with RST, as that of a process that was killed with bytes unread."""
    request.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(request.connection.detach())


def reset_after(head):
    def on_call(request):
        yield head
        time.sleep(0.05)
        reset(request)

    return on_call


RESETS = named(
    before_the_head=reset_after(b""),
    in_the_head=reset_after(b"HTTP/1.1 200 OK\r\nContent-"),
    in_the_body=reset_after(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"),
    in_a_body_that_ends_with_the_connection=reset_after(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}"),
    in_a_chunk=reset_after(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{"),
    in_an_event=reset_after(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: {"),
)


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("broken", RESETS)
def test_a_reset_in_any_phase_is_one_sentence(patient, broken, era):
    text = patient.script(broken).text("write", era)

    assert "lab failed in mid-call" in text and "outcome is unknown" in text
    assert len(patient.fake.calls()) == 1
    assert patient.script(lambda r: text_result("well again")).call("write", era)["content"][0]["text"] == "well again"


def test_a_connector_that_accepts_and_reads_nothing_ends_at_the_deadline(start):
    fake = start.fake(tools=[tool("read")], ttl_ms=3_600_000)
    gateway = start.gateway([{"name": "deaf", "url": fake.url, "timeout": "1s"}]).offers("deaf_read")
    fake.stop()
    with socket.create_server(("127.0.0.1", fake.port)):
        began = time.monotonic()
        result = gateway.call("deaf_read", {"x": "y" * 1_000_000})

    assert result["isError"] is True and "did not finish" in result["content"][0]["text"]
    assert 0.9 <= time.monotonic() - began < 1 + 5 * SLOW


# Connections that are used again.


@pytest.fixture
def one_worker(start):
    """Its hop connections are those of all callers."""
    put = tool("put", annotations={"readOnlyHint": False, "idempotentHint": True})
    fake = start.fake(tools=[tool("read"), tool("write", read_only=False), put], ttl_ms=3_600_000)
    gateway = start.gateway([{"name": "lab", "url": fake.url, "timeout": f"{PATIENT_SECONDS}s"}], workers=1).offers("lab_read", "lab_write", "lab_put")
    gateway.fake = fake
    return gateway


def kept(body, content_type="application/json"):
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    return f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def forged(request, text):
    """An answer to the request that will come next on this connection, whoever sends it."""
    return kept({"jsonrpc": "2.0", "id": request.id + 1, "result": text_result(text)})


def text_of(gateway, name="lab_write"):
    return gateway.call(name)["content"][0]["text"]


@pytest.mark.parametrize("pause", [0, 0.1])
def test_an_answer_that_nobody_asked_for_is_given_to_nobody(one_worker, pause):
    # the next caller would take it for its own
    def on_call(request):
        def pieces():
            mine, other = kept(response(request, text_result("mine"))), forged(request, "forged")
            if pause == 0:
                yield mine + other
            else:
                yield mine
                time.sleep(pause)
                yield other

        return Kept(pieces())

    one_worker.fake.on_call = on_call
    for _ in range(4):
        assert text_of(one_worker) == "mine"
        connection = one_worker.fake.calls()[-1].connection
        wait_until(lambda c=connection: c not in one_worker.fake.connections, "the gateway to close what cannot be trusted")


def stream_in_pieces(request, *more):
    def chunk(piece):
        return f"{len(piece):x}\r\n".encode() + piece + b"\r\n"

    yield b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    if "progressToken" in request.params["_meta"]:
        yield chunk(sse(progress(request, 1)))
    yield chunk(sse(response(request, text_result("done"))))
    for piece in more:
        time.sleep(0.05)
        yield piece


@pytest.mark.parametrize("end", [[b"0\r\n\r\n"], [b"3\r\n:\n\n\r\n", b"0\r\n", b"\r\n"]], ids=["at once", "by and by"])
def test_a_stream_that_ends_cleanly_leaves_its_connection_for_the_next_call(one_worker, end):
    ended = []

    def on_call(request):
        def pieces():
            yield from stream_in_pieces(request, *end)
            ended.append(request)

        return Kept(pieces())

    def used_again():
        assert text_of(one_worker) == "done"
        calls = one_worker.fake.calls()
        wait_until(lambda: len(ended) == len(calls), "the end of the stream, which comes after its answer")
        time.sleep(0.1 * SLOW)  # and the gateway has read it, unless the machine stands still
        return len(calls) > 2 and len({id(r.connection) for r in calls[-3:]}) == 1

    one_worker.fake.on_call = on_call
    wait_until(used_again, "three calls in a row on one connection")


def test_a_stream_that_does_not_end_holds_no_connection(one_worker):
    # The answer is there; the connector keeps its stream open.
    one_worker.fake.on_call = lambda r: Kept(stream_in_pieces(r, *[b"3\r\n:\n\n\r\n"] * 40))
    assert text_of(one_worker) == "done"
    (call,) = one_worker.fake.calls()

    wait_until(lambda: call.connection not in one_worker.fake.connections or call.hung_up(0.1), "the gateway to close it")


def test_a_connection_on_which_the_connector_says_close_is_not_used_again(one_worker):
    # a connector that drains answers what it has read, and says so
    one_worker.fake.on_call = lambda r: Kept([http(200, "application/json", json.dumps(response(r, text_result("last"))))])
    for _ in range(3):
        assert text_of(one_worker) == "last"

    assert len({id(r.connection) for r in one_worker.fake.calls()}) == 3


@pytest.mark.parametrize("name,times,advice", [("read", 2, "Trying again is safe"), ("put", 2, "Trying again is safe"), ("write", 1, "outcome is unknown")])
def test_a_kept_connection_that_dies_unanswered_is_replaced_once_where_that_is_safe(one_worker, name, times, advice):
    # docs/architecture.md "Failures, deadlines, repeats"
    one_worker.fake.on_call = lambda r: text_result("warm")
    assert text_of(one_worker, f"lab_{name}") == "warm"
    one_worker.fake.requests.clear()
    one_worker.fake.on_call = lambda r: b""

    assert advice in text_of(one_worker, f"lab_{name}")
    assert len(one_worker.fake.calls()) == times


@pytest.mark.parametrize("begun", [b"H", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"], ids=["first byte", "head"])
def test_an_answer_that_has_begun_is_not_asked_for_again(one_worker, begun):
    one_worker.fake.on_call = lambda r: text_result("warm")
    assert text_of(one_worker, "lab_read") == "warm"
    one_worker.fake.requests.clear()
    one_worker.fake.on_call = lambda r: begun

    assert "in mid-call" in text_of(one_worker, "lab_read")
    assert len(one_worker.fake.calls()) == 1


def test_a_call_finds_its_connector_again_after_a_restart(one_worker):
    one_worker.fake.on_call = lambda r: text_result("here")
    assert text_of(one_worker) == "here"
    one_worker.fake.stop()
    assert "Nothing was done" in text_of(one_worker)
    one_worker.fake.start()

    assert text_of(one_worker) == "here"
