"""Every request that a tool of mcp-qdrant can send, against Qdrant's own OpenAPI file (1.19)."""

import pytest

import harness

SPEC = "qdrant-1.19.openapi-3.1.json"
KEY = {"api-key": "a key"}
UUID = "7d9a1f0e-54a0-4c1e-9a53-0d3c2b1a0f4e"
POINT = {"lon": -46.6, "lat": -23.5}
LINE = {"points": [{"lon": 0, "lat": 0}, {"lon": 1, "lat": 0}, {"lon": 1, "lat": 1}, {"lon": 0, "lat": 0}]}

# Every shape that the check of filters lets through.
FIELDS = [
    *({"key": "a", "match": m} for m in ({"value": "x"}, {"value": 3}, {"value": True}, {"any": ["x", "y"]}, {"except": [1, 2]}, {"text": "x"}, {"text_any": "x y"}, {"phrase": "x y"}, {"prefix": "x"})),
    {"key": "a", "range": {"gt": 1, "lte": 2.5}},
    {"key": "a", "range": {"gte": "2026-11-20T10:00:00Z", "lt": "2026-11-21T10:00:00Z"}},
    {"key": "a[].b", "values_count": {"gte": 1, "lt": 9}},
    {"key": "a", "geo_radius": {"center": POINT, "radius": 1000.5}},
    {"key": "a", "geo_bounding_box": {"top_left": POINT, "bottom_right": POINT}},
    {"key": "a", "geo_polygon": {"exterior": LINE, "interiors": [LINE]}},
    {"key": "a", "is_empty": True},
    {"key": "a", "is_null": False},
]
CONDITIONS = [*FIELDS, {"is_empty": {"key": "a"}}, {"is_null": {"key": "a"}}, {"has_id": [1, "17", UUID]}, {"has_vector": "title"}, {"nested": {"key": "a", "filter": {"must": [FIELDS[0]]}}}, {"should": [FIELDS[0]]}]
EVERY_FILTER = {"must": CONDITIONS, "should": [FIELDS[0]], "must_not": FIELDS, "min_should": {"conditions": CONDITIONS, "min_count": 2}}
FILTER = {"must": [FIELDS[0]]}

IN = {"collection": "a b-c"}
SEARCH = {"filter": FILTER, "limit": 100, "offset": 5, "score_threshold": 0.25, "vector_name": "title", "payload_fields": ["a", "b.c"]}

# tool: the calls that between them use every argument
CALLS = {
    "list_collections": [{}],
    "describe_collection": [IN],
    "create_collection": [
        IN | {"size": 4},
        IN | {"size": 4, "distance": "Manhattan", "on_disk": True},
        IN | {"vectors": {"a": {"size": 3}, "b": {"size": 65536, "distance": "Dot", "on_disk": False}}},
    ],
    "delete_collection": [IN],
    "upsert_points": [
        IN | {"points": [{"id": 0, "vector": [0.1, 2]}, {"id": UUID, "vector": [1, 2], "payload": {"a": {"b": [1, "x"]}}}]},
        IN | {"points": [{"id": 1, "vector": {"a": [1, 2], "s": {"indices": [1, 7], "values": [0.5, 1]}}}], "wait": False},
        IN | {"points": [{"id": 1, "vector": [[1, 2], [3, 4]]}]},
    ],
    "store_texts": [IN | {"texts": ["a", {"text": "b", "id": 3, "payload": {"c": 1}}]}, IN | {"texts": ["a"], "text_field": "body", "wait": False}],
    "query_points": [
        IN | {"vector": [0.1, 0.2]},
        IN | {"vector": {"indices": [1, 5], "values": [0.5, 0.5]}, "vector_name": "s", "with_payload": False},
        IN | {"vector": [[0.1, 0.2], [0.3, 0.4]]},
        IN | {"point_id": 7} | SEARCH,
        IN | {"point_id": UUID},
        IN | {"text": "a lamp"} | SEARCH,
    ],
    "search_text": [IN | {"query": "a lamp"}, IN | {"query": "a lamp", "with_payload": False} | SEARCH],
    "scroll_points": [IN, IN | {"filter": FILTER, "limit": 100, "offset": UUID, "payload_fields": ["a"]}, IN | {"offset": 17, "with_payload": False}],
    "get_points": [IN | {"ids": [1, UUID]}, IN | {"ids": ["1"], "with_payload": False, "with_vectors": True}, IN | {"ids": [1], "payload_fields": ["a"]}],
    "count_points": [IN, IN | {"filter": EVERY_FILTER, "exact": False}],
    "set_payload": [
        IN | {"payload": {"a": 1}, "ids": [1, UUID]},
        IN | {"payload": {"a": 1}, "filter": FILTER, "replace": True, "wait": False},
        IN | {"remove_fields": ["a", "b"], "ids": [1]},
        IN | {"remove_fields": ["a"], "filter": FILTER},
    ],
    "delete_points": [IN | {"ids": [1, UUID]}, IN | {"filter": FILTER, "wait": False}],
    "create_payload_index": [IN | {"field": "a.b", "type": t, "wait": t != "text"} for t in ("keyword", "integer", "float", "bool", "geo", "datetime", "text", "uuid")],
}
# Two requests: what the first is told decides on the second.
INFO = {"result": {"config": {"params": {"vectors": {"size": 128, "distance": "Cosine"}}}}}


@pytest.fixture(scope="module")
def mock(prism):
    return prism(SPEC)


@pytest.fixture(scope="module")
def gateway(start, mock):
    embeddings = start(harness.Standin, "qdrant")
    settings = {"QDRANT_URL": mock.url, "QDRANT_API_KEY": KEY["api-key"], "EMBEDDINGS_URL": f"{embeddings.url}/v1"}
    connector = start(harness.Connector, "qdrant", settings | {"EMBEDDINGS_API_KEY": "demo-embeddings-key", "EMBEDDINGS_MODEL": "words-128"})
    mock.prepare("GET", "/collections/[^/]+", INFO)
    return start(harness.Gateway, [connector.row()]).offers("qdrant_list_collections")


def test_every_tool_has_its_calls(gateway):
    assert {f"qdrant_{tool}" for tool in CALLS} == set(gateway.tool_names())


def arguments_of(gateway):
    return {t["name"].removeprefix("qdrant_"): set(t["inputSchema"]["properties"]) for t in gateway.rpc("tools/list").json()["result"]["tools"]}


def test_every_argument_is_used(gateway):
    not_sent = {"list_collections": {"query", "limit", "offset"}, "store_texts": {"vector_name"}}
    unused = {tool: names - not_sent.get(tool, set()) - {n for call in CALLS[tool] for n in call} for tool, names in arguments_of(gateway).items()}
    assert {t: n for t, n in unused.items() if n} == {}


@pytest.mark.parametrize("tool", CALLS)
def test_each_request_of_each_tool_is_accepted(gateway, mock, tool):
    for arguments in CALLS[tool]:
        mock.take()
        gateway.call(f"qdrant_{tool}", arguments)
        sent = [x for x in mock.take() if x.path != "/collections" or tool == "list_collections"]  # without the probe
        assert len(sent) >= (2 if tool == "store_texts" else 1), (arguments, sent)
        for exchange in sent:
            assert exchange.accepted and not exchange.undeclared, str(exchange)
            assert exchange.headers["api-key"] == KEY["api-key"]


@pytest.mark.parametrize(
    "what, method, path, body, headers",
    [
        ("no key", "GET", "/collections", None, {}),
        ("a limit that is none", "POST", "/collections/a/points/query", {"query": [1], "limit": "ten"}, KEY),
        ("a filter with an unknown clause", "POST", "/collections/a/points/count", {"filter": {"all": []}}, KEY),
        ("points without ids or filter", "POST", "/collections/a/points/delete?wait=true", {}, KEY),
        ("a vector of words", "PUT", "/collections/a/points?wait=true", {"points": [{"id": 1, "vector": ["a"]}]}, KEY),
        ("an unknown distance", "PUT", "/collections/a", {"vectors": {"size": 3, "distance": "cosine"}}, KEY),
        ("wait that is no boolean", "POST", "/collections/a/points/delete?wait=perhaps", {"points": [1]}, KEY),
    ],
)
def test_the_mock_refuses_what_is_wrong(mock, what, method, path, body, headers):
    exchange = mock.ask(method, path, body, headers)
    assert not exchange.accepted, f"{what}: {exchange}"
