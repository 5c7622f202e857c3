"""mcp-qdrant when Qdrant, or what stands before it, goes wrong: each fault is one sentence with what to do."""

import time

import pytest

import harness
from test_qdrant import MODEL, call, qdrant_settings, refusal

POINT = {"collection": "products", "points": [{"id": 900, "vector": [0.5] * 128}]}
READ = ("count_points", {"collection": "products"})
WRITE = ("upsert_points", POINT)
EVERY_TOOL = {
    "list_collections": {},
    "describe_collection": {},
    "create_collection": {"size": 3},
    "delete_collection": {},
    "upsert_points": {"points": [{"id": 1, "vector": [0]}]},
    "store_texts": {"texts": ["a"]},
    "query_points": {"vector": [0]},
    "search_text": {"query": "a"},
    "scroll_points": {},
    "get_points": {"ids": [1]},
    "count_points": {},
    "set_payload": {"payload": {"a": 1}, "ids": [1]},
    "delete_points": {"ids": [1]},
    "create_payload_index": {"field": "a", "type": "text"},
}
UNKNOWN = "The outcome is unknown: check before repeating."
NEVER = ("127.0.0.1", "localhost", "proxy-7", "<", "Traceback", "demo-qdrant-key", "demo-embeddings-key")


@pytest.fixture(scope="module")
def qdrant(start_module):
    standin = start_module.standin("qdrant")
    connector = start_module.connector("qdrant", qdrant_settings(standin, CALL_TIMEOUT="6s"))
    gateway = start_module.stack_with(connector)
    gateway.standin, gateway.connector = standin, connector
    return gateway


@pytest.fixture(autouse=True)
def end_faults(request):
    yield
    if "qdrant" in request.fixturenames:
        request.getfixturevalue("qdrant").standin.forget()


def fails(gateway, how):
    said = refusal(gateway, how[0], **how[1])
    assert not [n for n in NEVER if n in said], said
    return said


FAULTS = [
    ("html", {}, "a web page"),
    ("html", {"status": 502}, "Qdrant failed (HTTP 502)."),
    ("half", {}, "in the middle of its answer"),
    ("huge", {}, "larger than 8 MiB"),
    ("redirect", {}, "redirect (HTTP 302), which is not followed"),
    ("redirect", {"status": 308}, "redirect (HTTP 308), which is not followed"),
    ("reset", {}, "Qdrant broke off the connection"),
    ("garbage", {}, "not JSON"),
    ("error_in_200", {}, "Qdrant reported an error: Service internal error: task panicked."),
    ("status", {"status": 500, "body": {"status": {"error": "Service internal error: no quorum"}}}, "Qdrant failed (HTTP 500): Service internal error: no quorum."),
    ("status", {"status": 200, "body": {"time": 1}}, "something else than its API promises"),
    ("status", {"status": 200, "body": {"result": None, "status": "ok"}}, "something else than its API promises"),
    ("status", {"status": 200, "body": {"result": {}, "status": "ok"}}, "something else than its API promises"),
    ("nothing", {"seconds": 0.1}, "without an answer"),
]


@pytest.mark.parametrize("kind, more, words", FAULTS, ids=[f"{k}-{m.get('status', '')}-{n}" for n, (k, m, _) in enumerate(FAULTS)])
def test_a_fault_is_a_sentence(qdrant, kind, more, words):
    qdrant.standin.fault(kind, times=-1, **more)
    for how in (READ, WRITE):
        said = fails(qdrant, how)
        assert words in said, said
    if kind != "redirect":  # a server that points elsewhere has done nothing
        assert UNKNOWN in said
    assert len(qdrant.standin.requests(method="PUT")) == 1


@pytest.mark.parametrize("tool, arguments", EVERY_TOOL.items(), ids=EVERY_TOOL)
def test_an_answer_of_something_else_is_no_empty_qdrant(qdrant, tool, arguments):
    for result in ({}, None, "ok", 3):
        qdrant.standin.fault("status", times=1, status=200, body={"result": result, "status": "ok", "time": 0}, path="^/collections")
        said = fails(qdrant, (tool, {"collection": "products"} | arguments if tool != "list_collections" else {}))
        assert "something else than its API promises" in said, (result, said)


def test_silence_ends_with_the_call(qdrant):
    qdrant.standin.fault("nothing", times=-1)
    began = time.monotonic()
    said = fails(qdrant, READ)  # the request to Qdrant and the call end in the same moment: either may be told
    assert "6 s" in said or "in time" in said, said
    assert time.monotonic() - began < 15 * harness.SLOW


def test_a_limited_read_waits_and_a_limited_write_says_how_long(qdrant):
    limited = {"status": 429, "headers": {"Retry-After": "1"}, "body": {"status": {"error": "Rate limit exceeded"}}}
    qdrant.standin.fault("status", **limited)
    began = time.monotonic()
    assert call(qdrant, "count_points", collection="products")["count"] >= 19
    assert time.monotonic() - began >= 1
    qdrant.standin.fault("status", **limited)
    assert "asks to wait 1 s. Nothing was changed." in fails(qdrant, WRITE)
    assert len(qdrant.standin.requests(method="PUT")) == 1


def test_a_wait_that_is_too_long_is_reported(qdrant):
    qdrant.standin.fault("status", times=-1, status=503, headers={"Retry-After": "120"})
    began = time.monotonic()
    assert "asks to wait 120 s. Trying again is safe." in fails(qdrant, READ)
    assert time.monotonic() - began < 5
    assert UNKNOWN in fails(qdrant, WRITE)


def test_a_write_whose_answer_is_lost_is_not_repeated(qdrant):
    qdrant.standin.fault("reset", after=True)
    assert UNKNOWN in fails(qdrant, WRITE)
    assert len(qdrant.standin.requests(method="PUT")) == 1
    assert call(qdrant, "get_points", collection="products", ids=[900])["missing"] == []
    call(qdrant, "delete_points", collection="products", ids=[900])


@pytest.mark.parametrize("kind, more, words", FAULTS, ids=[f"{k}-{m.get('status', '')}-{n}" for n, (k, m, _) in enumerate(FAULTS)])
def test_a_fault_of_the_embeddings_service_is_a_sentence(qdrant, kind, more, words):
    qdrant.standin.fault(kind, times=-1, path="^/v1/", **more)
    said = fails(qdrant, ("search_text", {"collection": "products", "query": "lamp"}))
    assert "embeddings service" in said.lower(), said


def test_a_refused_key_of_the_embeddings_service_is_named(start, qdrant):
    connector = start.connector("qdrant", qdrant_settings(qdrant.standin, EMBEDDINGS_API_KEY="wrong-embeddings-key"), name="other-key")
    said = refusal(start.stack_with(connector), "search_text", collection="products", query="lamp")
    assert "EMBEDDINGS_API_KEY" in said and "wrong-embeddings-key" not in said


def test_nobody_there_means_nothing_changed(start):
    connector = start.connector("qdrant", {"QDRANT_URL": f"http://127.0.0.1:{harness.free_port()}"})
    gateway = start.stack_with(connector)
    assert "cannot be reached" in fails(gateway, READ) and "Nothing was changed." in fails(gateway, WRITE)
    ready = harness.wait_until(lambda: (a := connector.http.get("/ready")).status_code == 503 and a, "/ready")
    assert "cannot be reached" in ready.text and connector.http.get("/health").status_code == 200


def test_a_certificate_that_nobody_knows_gets_nothing(start):
    standin = start.standin("qdrant", "--tls")
    gateway = start.stack_with(start.connector("qdrant", qdrant_settings(standin)))
    assert "certificate is not trusted" in fails(gateway, READ) and "Nothing was changed." in fails(gateway, WRITE)
    assert standin.requests() == []


def test_readiness_follows_the_server_and_its_key(start):
    standin = start.standin("qdrant")
    good = start.connector("qdrant", qdrant_settings(standin))
    bad = start.connector("qdrant", qdrant_settings(standin, QDRANT_API_KEY="wrong-qdrant-key"), name="bad")
    harness.wait_until(lambda: good.http.get("/ready").status_code == 200, "a key that is accepted")
    refused = harness.wait_until(lambda: (a := bad.http.get("/ready")).status_code == 503 and a, "a key that is refused")
    assert "credentials" in refused.text and "wrong-qdrant-key" not in refused.text + bad.text()


def test_a_stand_in_is_refused_in_production(start, folder):
    standin = start.standin("qdrant")
    connector = start.connector("qdrant", qdrant_settings(standin, ENVIRONMENT="production", TENANTS="demo"))
    assert "refuses" in harness.wait_until(lambda: (a := connector.http.get("/ready")).status_code == 503 and a, "/ready").text
    assert "stand-in" in refusal(start.stack_with(connector), *READ[:1], **READ[1])


@pytest.mark.parametrize(
    "settings, words",
    [
        ({}, "QDRANT_URL"),
        ({"QDRANT_URL": "qdrant:6333"}, "QDRANT_URL"),
        ({"QDRANT_URL": "https://u:secret-word@host"}, "QDRANT_URL"),
        ({"QDRANT_URL": "http://host", "EMBEDDINGS_URL": "http://host"}, "set all three"),
        ({"QDRANT_URL": "http://host", "EMBEDDINGS_URL": "host"} | MODEL, "EMBEDDINGS_URL"),
        ({"QDRANT_URL": "http://host", "TENANTS": "a,,b"}, "TENANTS"),
        ({"QDRANT_URL": "http://host", "ENVIRONMENT": "production"}, "TENANTS is missing"),
    ],
)
def test_settings_that_cannot_be_end_the_start(folder, settings, words):
    connector = harness.Connector(folder, "qdrant", settings, wait=False)
    connector.popen.wait(20 * harness.SLOW)
    assert words in connector.text() and "secret-word" not in connector.text()
    connector.stop(expected=2)
