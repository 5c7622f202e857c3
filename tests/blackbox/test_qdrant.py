"""mcp-qdrant behind the gateway, against the stand-in of Qdrant: what each tool does and says."""

import json

import pytest

MODEL = {"EMBEDDINGS_API_KEY": "demo-embeddings-key", "EMBEDDINGS_MODEL": "words-128"}


def qdrant_settings(standin, **more):
    return {"QDRANT_URL": standin.url, "QDRANT_API_KEY": "demo-qdrant-key", "EMBEDDINGS_URL": f"{standin.url}/v1"} | MODEL | more


@pytest.fixture(scope="module")
def qdrant(start_module):
    """A gateway with mcp-qdrant behind it; its stand-in is .standin."""
    standin = start_module.standin("qdrant")
    gateway = start_module.stack_with(start_module.connector("qdrant", qdrant_settings(standin)))
    gateway.standin = standin
    return gateway


def call(gateway, tool, era="modern", **arguments):
    result = gateway.call(f"qdrant_{tool}", arguments, era)
    assert not result.get("isError"), result["content"]
    return result["structuredContent"]


def text_of(gateway, tool, **arguments):
    return gateway.call(f"qdrant_{tool}", arguments)["content"][0]["text"]


def refusal(gateway, tool, **arguments):
    result = gateway.call(f"qdrant_{tool}", arguments)
    assert result.get("isError"), result
    return result["content"][0]["text"]


@pytest.fixture
def collection(qdrant):
    """An empty collection of vectors of 4 numbers."""
    call(qdrant, "create_collection", collection="things", size=4)
    yield "things"
    call(qdrant, "delete_collection", collection="things")


POINTS = [
    {"id": 1, "vector": [1, 0, 0, 0], "payload": {"color": "red", "price": 10, "tags": ["a", "b"], "where": {"lon": -46.6, "lat": -23.5}}},
    {"id": 2, "vector": [0.9, 0.1, 0, 0], "payload": {"color": "red", "price": 25.5, "tags": []}},
    {"id": "7d9a1f0e-54a0-4c1e-9a53-0d3c2b1a0f4e", "vector": [0, 1, 0, 0], "payload": {"color": "blue", "price": 30, "made": "2026-02-01T00:00:00Z"}},
]


@pytest.fixture
def filled(qdrant, collection):
    call(qdrant, "upsert_points", collection=collection, points=POINTS)
    return collection


def ids(answer):
    return [p["id"] for p in answer["points"]]


# What there is


def test_collections_are_listed_and_described(qdrant):
    assert "products" in call(qdrant, "list_collections")["collections"]
    about = call(qdrant, "describe_collection", collection="products")
    assert about["vectors"] == [{"name": None, "size": 128, "distance": "Cosine"}]
    assert {"field": "category", "type": "keyword", "points": 19} in about["payload_indexes"]
    assert "128 numbers, Cosine" in text_of(qdrant, "describe_collection", collection="products")


def test_collections_come_in_pages(qdrant, collection):
    first = call(qdrant, "list_collections", limit=1)
    assert first["has_more"] and first["next_offset"] == 1
    second = call(qdrant, "list_collections", limit=1, offset=1)
    assert not second["has_more"] and second["next_offset"] is None
    assert first["collections"] + second["collections"] == ["products", "things"]
    assert call(qdrant, "list_collections", query="THI")["collections"] == ["things"]


def test_a_collection_is_made_once_and_deleted_once(qdrant):
    assert call(qdrant, "create_collection", collection="once", size=3, distance="Euclid", on_disk=True) == {"collection": "once", "created": True}
    assert call(qdrant, "describe_collection", collection="once")["vectors"] == [{"name": None, "size": 3, "distance": "Euclid", "on_disk": True}]
    assert "already exists" in refusal(qdrant, "create_collection", collection="once", size=3)
    assert call(qdrant, "delete_collection", collection="once")["deleted"] is True
    assert call(qdrant, "delete_collection", collection="once")["deleted"] is False
    assert "list_collections" in refusal(qdrant, "describe_collection", collection="once")


def test_named_vectors_are_written_and_searched_by_name(qdrant):
    call(qdrant, "create_collection", collection="named", vectors={"title": {"size": 2}, "image": {"size": 3, "distance": "Dot"}})
    points = [{"id": 1, "vector": {"title": [1, 0], "image": [1, 2, 3]}}, {"id": 2, "vector": {"title": [0, 1], "image": [3, 2, 1]}}]
    call(qdrant, "upsert_points", collection="named", points=points)
    assert ids(call(qdrant, "query_points", collection="named", vector=[0, 1], vector_name="title")) == [2, 1]
    assert ids(call(qdrant, "query_points", collection="named", vector=[0, 0, 1], vector_name="image")) == [1, 2]
    for arguments in ({}, {"vector_name": "x"}):
        assert "describe_collection shows the names" in refusal(qdrant, "query_points", collection="named", vector=[0, 1], **arguments)
    shown = text_of(qdrant, "get_points", collection="named", ids=[1], with_vectors=True)
    assert "vector title [1, 0] of 2 numbers" in shown and "vector image" in shown
    assert "title, image" in refusal(qdrant, "store_texts", collection="named", texts=["a"])
    assert "no vector named x" in refusal(qdrant, "store_texts", collection="named", texts=["a"], vector_name="x")
    call(qdrant, "delete_collection", collection="named")


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "either size"),
        ({"size": 3, "vectors": {"a": {"size": 3}}}, "either size"),
        ({"vectors": {"a": {"size": 0}}}, "vectors.a"),
        ({"vectors": {"a": {"size": 3, "distance": "cosine"}}}, "vectors.a"),
        ({"size": 3, "distance": "Hamming"}, "distance"),
    ],
)
def test_a_collection_that_cannot_be_is_refused(qdrant, arguments, words):
    assert words in refusal(qdrant, "create_collection", collection="never", **arguments)


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../collections"])
def test_a_name_is_never_a_step_in_a_path(qdrant, name):
    qdrant.standin.forget()
    assert "cannot be the name" in refusal(qdrant, "delete_collection", collection=name)
    assert qdrant.standin.requests(method="DELETE") == []


def test_odd_names_of_collections_reach_the_server_encoded(qdrant):
    name = "notas é 100%#1"
    call(qdrant, "create_collection", collection=name, size=2)
    assert name in call(qdrant, "list_collections")["collections"]
    assert call(qdrant, "delete_collection", collection=name)["deleted"] is True


# Points


def test_points_are_written_read_and_missed(qdrant, filled):
    answer = call(qdrant, "get_points", collection=filled, ids=["1", 99, POINTS[2]["id"].upper()], with_vectors=True)
    assert answer["missing"] == [99]
    assert answer["points"][0] == {"id": 1, "payload": POINTS[0]["payload"], "vector": [1, 0, 0, 0]}
    assert answer["points"][1]["id"] == POINTS[2]["id"]
    assert call(qdrant, "get_points", collection=filled, ids=[1], payload_fields=["color"])["points"] == [{"id": 1, "payload": {"color": "red"}}]
    assert call(qdrant, "get_points", collection=filled, ids=[1], with_payload=False)["points"] == [{"id": 1}]


def test_the_nearest_points_come_first_and_in_pages(qdrant, filled):
    first = call(qdrant, "query_points", collection=filled, vector=[1, 0, 0, 0], limit=2)
    assert ids(first) == [1, 2] and first["has_more"] and first["next_offset"] == 2
    assert first["points"][0]["score"] == 1
    second = call(qdrant, "query_points", collection=filled, vector=[1, 0, 0, 0], limit=2, offset=2)
    assert ids(second) == [POINTS[2]["id"]] and not second["has_more"]


def test_points_are_compared_with_a_point_and_cut_by_score(qdrant, filled):
    assert ids(call(qdrant, "query_points", collection=filled, point_id="1")) == [2, POINTS[2]["id"]]
    assert ids(call(qdrant, "query_points", collection=filled, point_id=1, score_threshold=0.5)) == [2]
    assert "No point with id 42" in refusal(qdrant, "query_points", collection=filled, point_id=42)


def test_scrolling_ends_and_goes_on_by_id(qdrant, filled):
    first = call(qdrant, "scroll_points", collection=filled, limit=2)
    assert ids(first) == [1, 2] and first["has_more"] and first["next_offset"] == POINTS[2]["id"]
    second = call(qdrant, "scroll_points", collection=filled, limit=2, offset=first["next_offset"])
    assert ids(second) == [POINTS[2]["id"]] and not second["has_more"] and second["next_offset"] is None


@pytest.mark.parametrize(
    "filter, count",
    [
        ({"must": [{"key": "color", "match": {"value": "red"}}]}, 2),
        ({"must_not": [{"key": "color", "match": {"any": ["red"]}}]}, 1),
        ({"must": [{"key": "price", "range": {"gt": 10, "lte": 30}}]}, 2),
        ({"must": [{"key": "made", "range": {"gte": "2026-01-01T00:00:00Z"}}]}, 1),
        ({"should": [{"has_id": [1]}, {"has_id": [POINTS[2]["id"]]}]}, 2),
        ({"must": [{"is_empty": {"key": "tags"}}]}, 2),
        ({"must": [{"key": "tags", "values_count": {"gte": 2}}]}, 1),
        ({"must": [{"key": "where", "geo_radius": {"center": {"lon": -46.6, "lat": -23.5}, "radius": 1000}}]}, 1),
        ({"must": [{"should": [{"key": "price", "range": {"lt": 20}}, {"key": "color", "match": {"value": "blue"}}]}]}, 2),
        ({"min_should": {"conditions": [{"key": "color", "match": {"value": "red"}}, {"key": "price", "range": {"lt": 20}}], "min_count": 2}}, 1),
        ({}, 3),
    ],
)
def test_filters_say_what_they_say(qdrant, filled, filter, count):
    assert call(qdrant, "count_points", collection=filled, filter=filter)["count"] == count
    assert call(qdrant, "scroll_points", collection=filled, filter=filter)["count"] == count
    assert call(qdrant, "query_points", collection=filled, vector=[1, 0, 0, 0], filter=filter)["count"] == count


def test_a_wrong_filter_names_its_place_and_is_not_sent(qdrant, filled):
    qdrant.standin.forget()
    said = refusal(qdrant, "count_points", collection=filled, filter={"must": [{"key": "a", "match": {"value": 1}}, {"key": "price", "range": {"min": 3}}]})
    assert said.startswith('filter.must[1].range has "min"'), said
    assert 'filter has "color"' in refusal(qdrant, "query_points", collection=filled, vector=[1, 0, 0, 0], filter={"color": "red"})
    assert qdrant.standin.requests() == []


def test_payload_is_set_replaced_and_removed(qdrant, filled):
    assert call(qdrant, "set_payload", collection=filled, payload={"stock": 3}, ids=[1, 2])["done"] is True
    call(qdrant, "set_payload", collection=filled, remove_fields=["tags", "where"], filter={"must": [{"key": "color", "match": {"value": "red"}}]})
    call(qdrant, "set_payload", collection=filled, payload={"color": "green"}, ids=[2], replace=True)
    points = call(qdrant, "get_points", collection=filled, ids=[1, 2])["points"]
    assert [p["payload"] for p in points] == [{"color": "red", "price": 10, "stock": 3}, {"color": "green"}]


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({"ids": [1]}, "either payload"),
        ({"payload": {}, "ids": [1]}, "either payload"),
        ({"payload": {"a": None}, "ids": [1]}, "either payload"),
        ({"payload": {"a": 1}}, "either ids or a filter"),
        ({"payload": {"a": 1}, "ids": [1], "filter": {"must": [{"has_id": [1]}]}}, "either ids or a filter"),
        ({"payload": {"a": 1}, "filter": {}}, "every point"),
        ({"payload": {"a": 1}, "ids": [], "filter": {}}, "every point"),
        ({"payload": {"a": 1}, "ids": [1], "filter": {"color": []}}, 'filter has "color"'),
        ({"remove_fields": ["a"], "replace": True, "ids": [1]}, "replace"),
    ],
)
def test_a_change_of_payload_says_what_and_where(qdrant, filled, arguments, words):
    assert words in refusal(qdrant, "set_payload", collection=filled, **arguments)


@pytest.mark.parametrize("filter", [{}, {"must": []}, {"must": None}, {"must": [], "should": []}, {"must_not": []}])
def test_an_empty_filter_deletes_nothing(qdrant, filled, filter):
    assert "every point" in refusal(qdrant, "delete_points", collection=filled, filter=filter)
    assert call(qdrant, "count_points", collection=filled)["count"] == 3


@pytest.mark.parametrize("filter", [{"must": [{}]}, {"must": [{"must": []}]}, {"must": [{"key": "a", "match": {"value": None}}]}, {"should": [{"nested": {"key": "a", "filter": {}}}]}])
def test_a_filter_of_empty_conditions_deletes_nothing(qdrant, filled, filter):
    assert "filter." in refusal(qdrant, "delete_points", collection=filled, filter=filter)
    assert call(qdrant, "count_points", collection=filled)["count"] == 3


def test_what_a_model_leaves_empty_is_left_out(qdrant, filled):
    """CrewAI and its models fill what they do not use with "", [], {} and null."""
    answer = call(qdrant, "query_points", "legacy", collection=filled, vector=[1, 0, 0, 0], text="", point_id="", filter={}, vector_name="", payload_fields=[], score_threshold=None, limit=2)
    assert ids(answer) == [1, 2]
    assert call(qdrant, "scroll_points", collection=filled, offset="", filter={}, payload_fields=[])["count"] == 3
    assert call(qdrant, "search_text", collection="products", query="lamp", vector_name="", filter={"must": [], "should": []}, limit=1)["count"] == 1
    call(qdrant, "set_payload", collection=filled, payload={"stock": 1}, ids=[2], filter={}, remove_fields=[], replace=False)
    call(qdrant, "delete_points", collection=filled, ids=[1], filter={"must": []})
    assert ids(call(qdrant, "scroll_points", collection=filled)) == [2, POINTS[2]["id"]]
    call(qdrant, "delete_points", collection=filled, ids=[], filter={"must": [{"has_id": ["2"]}]})
    assert ids(call(qdrant, "scroll_points", collection=filled)) == [POINTS[2]["id"]]


def test_texts_are_stored_where_empty_words_are_left_out(qdrant):
    call(qdrant, "create_collection", collection="empties", size=128, vectors={})
    call(qdrant, "store_texts", "legacy", collection="empties", texts=[{"text": "a", "id": None, "payload": None}], vector_name="", text_field="")
    assert call(qdrant, "scroll_points", collection="empties")["points"][0]["payload"] == {"text": "a"}
    call(qdrant, "delete_collection", collection="empties")


def test_points_that_are_not_there_are_named(qdrant, filled):
    said = refusal(qdrant, "set_payload", collection=filled, payload={"a": 1}, ids=[1, 99])
    assert "No point with id 99 found." in said and "get_points" in said and "list_collections" not in said
    assert "list_collections" not in refusal(qdrant, "query_points", collection=filled, point_id=42)
    assert call(qdrant, "get_points", collection=filled, ids=[99, "99", 1])["missing"] == [99]


def test_points_are_deleted_by_ids_and_by_filter(qdrant, filled):
    call(qdrant, "delete_points", collection=filled, ids=[2])
    assert call(qdrant, "count_points", collection=filled)["count"] == 2
    call(qdrant, "delete_points", collection=filled, filter={"must": [{"key": "color", "match": {"value": "blue"}}]})
    assert ids(call(qdrant, "scroll_points", collection=filled)) == [1]


def test_a_field_is_indexed(qdrant, filled):
    call(qdrant, "create_payload_index", collection=filled, field="color", type="keyword")
    assert {"field": "color", "type": "keyword", "points": 3} in call(qdrant, "describe_collection", collection=filled)["payload_indexes"]


def test_writes_wait_unless_told_otherwise(qdrant, filled):
    qdrant.standin.forget()
    assert call(qdrant, "delete_points", collection=filled, ids=[1])["done"] is True
    answer = call(qdrant, "delete_points", collection=filled, ids=[2], wait=False)
    assert answer["done"] is False and answer["status"] == "acknowledged"
    assert [r["query"] for r in qdrant.standin.requests(method="POST")] == [{"wait": "true"}, {"wait": "false"}]
    assert "still carrying it out: Points with these ids deleted" in text_of(qdrant, "delete_points", collection=filled, ids=[2], wait=False)


@pytest.mark.parametrize(
    "points, words",
    [
        ([{"id": -1, "vector": [1, 0, 0, 0]}], "points[0].id"),
        ([{"id": "first", "vector": [1, 0, 0, 0]}], "points[0].id"),
        ([{"id": 1.5, "vector": [1, 0, 0, 0]}], "points[0].id"),
        ([{"id": 1, "vector": [1, 0, 0, 0]}, {"id": 2, "vector": ["a"]}], "points[1].vector"),
        ([{"id": 1, "vector": []}], "points[0].vector"),
        ([{"id": 1, "vector": [1, 0, 0, 0], "payload": "red"}], "points[0]"),
        ([{"id": 1, "vector": [1, 0, 0, 0], "metadata": {}}], "points[0]"),
        ([{"id": 1, "vector": [1, 0, 0]}], "expected dim: 4, got 3"),
        ([], "1 to 1000"),
    ],
)
def test_points_that_cannot_be_are_refused(qdrant, collection, points, words):
    assert words in refusal(qdrant, "upsert_points", collection=collection, points=points)
    assert call(qdrant, "count_points", collection=collection)["count"] == 0


@pytest.mark.parametrize("arguments", [{}, {"vector": [1, 0, 0, 0], "point_id": 1}, {"text": "a", "point_id": 1}])
def test_a_query_is_one_thing(qdrant, arguments):
    assert "exactly one of" in refusal(qdrant, "query_points", collection="products", **arguments)


# Text


@pytest.mark.parametrize("query", ["wireless headphones", "fone de ouvido sem fio", "headset bluetooth"])
def test_text_finds_what_it_means(qdrant, query):
    answer = call(qdrant, "search_text", collection="products", query=query, limit=3)
    assert answer["points"][0]["payload"]["name"] == "Wireless Headphones Pro"
    assert answer["points"][0]["payload"]["default_code"] == "ELEC-0101"
    assert answer["points"][0]["score"] > answer["points"][-1]["score"]
    assert ids(call(qdrant, "query_points", collection="products", text=query, limit=3)) == ids(answer)


def test_text_and_filter_go_together(qdrant):
    cheap = {"must": [{"key": "price", "range": {"lte": 30}}]}
    answer = call(qdrant, "search_text", collection="products", query="coffee", filter=cheap)
    assert {p["payload"]["name"] for p in answer["points"][:2]} == {"Coffee Beans 1 kg"}
    assert all(p["payload"]["price"] <= 30 for p in answer["points"])


def test_the_text_block_is_compact_and_says_what_it_cut(qdrant):
    said = text_of(qdrant, "search_text", collection="products", query="wireless headphones", limit=2)
    assert said.startswith("2 points of products, the nearest first:\n1. id 7, score 0.6396: name: "), said
    assert "name: Wireless Headphones Pro" in said and "offset 2" in said and "{" not in said
    call(qdrant, "create_collection", collection="long", size=128)
    text = "long " * 1000
    call(qdrant, "store_texts", collection="long", texts=[text])
    result = qdrant.call("qdrant_scroll_points", {"collection": "long"})
    assert result["structuredContent"]["points"][0]["payload"]["text"] == text
    assert len(result["content"][0]["text"]) < 1000 and "cut" in result["content"][0]["text"]
    call(qdrant, "delete_collection", collection="long")


def test_texts_are_stored_once_each_and_found(qdrant):
    call(qdrant, "create_collection", collection="faq", size=128)
    texts = [{"text": "Returns are free within 30 days.", "payload": {"topic": "returns"}}, {"text": "We ship to Brazil and Portugal.", "id": 5}, "Support answers on weekdays."]
    first = call(qdrant, "store_texts", collection="faq", texts=texts)
    assert first["stored"] == 3 and first["ids"][1] == 5
    assert call(qdrant, "store_texts", collection="faq", texts=texts)["ids"] == first["ids"]
    assert call(qdrant, "count_points", collection="faq")["count"] == 3
    best = call(qdrant, "search_text", collection="faq", query="returns within days", limit=1)["points"][0]
    assert best["payload"] == {"text": texts[0]["text"], "topic": "returns"} and best["id"] == first["ids"][0]
    call(qdrant, "store_texts", collection="faq", texts=[{"text": "kept elsewhere", "id": 9}], text_field="body")
    assert call(qdrant, "get_points", collection="faq", ids=[9])["points"][0]["payload"] == {"body": "kept elsewhere"}
    call(qdrant, "delete_collection", collection="faq")


def test_many_texts_go_in_batches_with_progress(qdrant):
    call(qdrant, "create_collection", collection="many", size=128)
    qdrant.standin.forget()
    texts = [f"text number {n}" for n in range(40)]
    with qdrant.http.stream("POST", "/v1/tools/qdrant_store_texts/stream", json={"collection": "many", "texts": texts}, headers=auth()) as answer:
        events = [json.loads(line[5:]) for line in answer.iter_lines() if line.startswith("data:")]
    assert events[-1]["type"] == "done" and events[-1]["data"]["stored"] == 40
    assert [e["progress"] for e in events if e["type"] == "progress"][-3:] == [0.4, 0.8, 1.0]
    assert len(qdrant.standin.requests(path="/v1/embeddings")) == 3
    assert call(qdrant, "count_points", collection="many")["count"] == 40
    call(qdrant, "delete_collection", collection="many")


def auth():
    from harness import bearer

    return bearer()


def test_a_batch_that_fails_says_what_is_stored(qdrant):
    call(qdrant, "create_collection", collection="broken", size=128)
    qdrant.standin.forget()
    texts = [f"text number {n}" for n in range(40)]
    # The first batch passes, the second fails.
    qdrant.standin.fault("slow", path="^/v1/embeddings", seconds=0.01)
    qdrant.standin.fault("status", status=500, body={"error": {"message": "out of luck"}}, path="^/v1/embeddings")
    said = refusal(qdrant, "store_texts", collection="broken", texts=texts)
    assert "out of luck" in said and "16 of 40 texts were stored" in said
    assert call(qdrant, "store_texts", collection="broken", texts=texts)["stored"] == 40
    assert call(qdrant, "count_points", collection="broken")["count"] == 40
    call(qdrant, "delete_collection", collection="broken")


@pytest.mark.parametrize(
    "texts, words",
    [
        ([""], "texts[0]"),
        (["a", {"payload": {}}], "texts[1]"),
        ([{"text": "a", "meta": 1}], "texts[0]"),
        ([{"text": "a", "payload": {"text": "b"}}], "text_field"),
        ([{"text": "a", "id": "x"}], "texts[0].id"),
        ([], "1 to 500"),
        ([3], "texts[0]"),
    ],
)
def test_texts_that_cannot_be_are_refused(qdrant, texts, words):
    assert words in refusal(qdrant, "store_texts", collection="products", texts=texts)


def test_a_model_of_another_size_is_named_and_stores_nothing(qdrant, filled):
    qdrant.standin.forget()
    said = refusal(qdrant, "store_texts", collection=filled, texts=["a"])
    assert "words-128 makes vectors of 128 numbers" in said and "have 4" in said
    assert qdrant.standin.requests(method="PUT") == []
    assert "not made by the embedding model" in refusal(qdrant, "search_text", collection=filled, query="a")


# As the gateway shows them


def test_every_tool_is_there_with_true_annotations(qdrant):
    tools = {t["name"].removeprefix("qdrant_"): t for t in qdrant.rpc("tools/list").json()["result"]["tools"]}
    reading = {"list_collections", "describe_collection", "query_points", "search_text", "scroll_points", "get_points", "count_points"}
    writing = {"create_collection", "delete_collection", "upsert_points", "store_texts", "set_payload", "delete_points", "create_payload_index"}
    assert set(tools) == reading | writing
    assert {n for n, t in tools.items() if t["annotations"]["readOnlyHint"]} == reading
    assert {n for n, t in tools.items() if t["annotations"].get("destructiveHint") and n in writing} == writing - {"create_collection"}
    assert all("outputSchema" in t for t in tools.values())


def test_rest_callers_get_the_structured_result(qdrant):
    answer = qdrant.rest("qdrant_search_text", {"collection": "products", "query": "desk lamp", "limit": 1})
    assert answer.status_code == 200 and answer.json()["result"]["points"][0]["payload"]["default_code"] == "FURN-0003"
    assert qdrant.rest("qdrant_describe_collection", {"collection": "nowhere"}).status_code == 400


def test_without_a_model_text_tools_say_what_to_configure(start, qdrant):
    connector = start.connector("qdrant", {"QDRANT_URL": qdrant.standin.url, "QDRANT_API_KEY": "demo-qdrant-key"}, name="qdrant-bare")
    gateway = start.stack_with(connector)
    qdrant.standin.forget()
    for tool, arguments in (("search_text", {"query": "a"}), ("store_texts", {"texts": ["a"]}), ("query_points", {"text": "a"})):
        said = refusal(gateway, tool, collection="products", **arguments)
        assert "EMBEDDINGS_URL, EMBEDDINGS_API_KEY and EMBEDDINGS_MODEL" in said
    assert qdrant.standin.requests(method="POST") == []
    assert call(gateway, "count_points", collection="products")["count"] == 19
