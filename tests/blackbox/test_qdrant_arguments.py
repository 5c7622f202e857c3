"""Arguments of every tool of mcp-qdrant as no model should send them: each is refused in one sentence, and nothing breaks."""

import pytest

from test_qdrant import call, qdrant, qdrant_settings  # noqa: F401  (qdrant is a fixture)

DEEP = {"must": []}
for _ in range(25):
    DEEP = {"must": [DEEP]}

ODD = [None, True, -1, 0, 2**63 - 1, 1e308, 0.1, "", " ", "a\u0000b", "\U0001f600", "x" * 70_000, "../../etc", "'; DROP", [], [[]], [None], [{}], ["a"], [1, "a", {}], {}, {"a": None}, {"": 1}, DEEP, [DEEP], {"must": [DEEP]}]


def tools(gateway):
    return gateway.rpc("tools/list").json()["result"]["tools"]


VALID = {
    "collection": "products",
    "ids": [1],
    "points": [{"id": 1, "vector": [0.0] * 128}],
    "texts": ["a"],
    "query": "a",
    "field": "name",
    "type": "keyword",
    "vector": [1.0] * 128,
    "size": 4,
    "payload": {"a": 1},
}
NOT_HERE = {"delete_collection", "create_collection"}  # would take what other tests look at, when an odd value is a right one


def test_odd_arguments_end_in_one_sentence(qdrant):  # noqa: F811
    for tool in tools(qdrant):
        name, schema = tool["name"].removeprefix("qdrant_"), tool["inputSchema"]
        valid = {n: VALID[n] for n in schema.get("required", [])} | ({"ids": [1]} if name in ("delete_points", "set_payload") else {})
        for argument in schema["properties"]:
            if argument == "collection" and name in NOT_HERE:
                continue
            for value in ODD:
                arguments = {"collection": "nowhere"} | valid | {argument: value}
                arguments = {n: v for n, v in arguments.items() if n in schema["properties"]}
                if argument != "collection" and not tool["annotations"]["readOnlyHint"]:
                    arguments["collection"] = "nowhere"  # so that what is right by chance changes nothing
                answer = qdrant.rpc("tools/call", {"name": tool["name"], "arguments": arguments})
                assert answer.status_code == 200, (name, argument, value, answer.text[:300])
                result = answer.json()["result"]
                text = result["content"][0]["text"]
                assert "mistake in the connector" not in text and "own fault" not in text, (name, argument, text)
                if result.get("isError"):
                    assert text.endswith((".", "!")) and "\n" not in text, (name, argument, str(value)[:60], text)
    assert call(qdrant, "count_points", collection="products")["count"] == 19


@pytest.mark.parametrize("collection", ["a" * 255, "\U0001f600 é", "a%2Fb", "a?b=c", "a#b", "a\\b", "a b"])
def test_a_collection_that_is_not_there_is_named(qdrant, collection):  # noqa: F811
    result = qdrant.call("qdrant_count_points", {"collection": collection})
    assert f"Collection `{collection}` doesn't exist" in result["content"][0]["text"]
