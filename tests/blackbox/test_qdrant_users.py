"""Whose key goes to Qdrant: the user's own, or the service account's for its tenants; and that a key is seen nowhere else."""

import concurrent.futures

import pytest

import harness
from harness import bearer
from test_qdrant import qdrant_settings

USERS = 8
SECRET = "key-of-user-1"


@pytest.fixture(scope="module")
def world(start_module):
    """Keys of users; the service account belongs to the tenant acme."""
    standin = start_module.standin("qdrant", "--users", str(USERS))
    connector = start_module.connector("qdrant", qdrant_settings(standin, TENANTS="acme", LOG_LEVEL="debug"))
    gateway = start_module.stack_with(connector, log_level="debug")
    gateway.standin, gateway.connector = standin, connector
    return gateway


def ask(gateway, tool, arguments, tenant="acme", key=None, era="legacy"):
    headers = {"X-Qdrant-Api-Key": key} if key is not None else {}
    return gateway.call(f"qdrant_{tool}", arguments, era, auth=bearer(tenant=tenant), headers=headers)


def said(result):
    return result["content"][0]["text"]


def test_the_service_account_is_for_its_tenants(world):
    assert ask(world, "list_collections", {})["structuredContent"]["collections"] == ["products"]
    world.standin.forget()
    for tenant in ("globex", "acm", "acme2"):
        refused = ask(world, "list_collections", {}, tenant)
        assert refused["isError"] and "does not belong to your tenant" in said(refused) and "X-Qdrant-Api-Key" in said(refused)
    assert world.standin.requests() == []


@pytest.mark.parametrize("tenant", ["acme", "globex"])
def test_a_users_own_key_wins_whatever_the_tenant(world, tenant):
    world.standin.forget()
    assert ask(world, "list_collections", {}, tenant, SECRET)["structuredContent"]["collections"] == ["notes-of-user-1"]
    assert {r["headers"].get("api-key") for r in world.standin.requests(path="/collections")} - {None} == {SECRET}
    refused = ask(world, "count_points", {"collection": "products"}, tenant, SECRET)
    assert "does not allow this" in said(refused) and "Access to collection products is required" in said(refused)


def test_a_refused_key_is_the_users_to_mend(world):
    refused = ask(world, "list_collections", {}, key="no-such-key-4711")
    assert "X-Qdrant-Api-Key" in said(refused) and "4711" not in said(refused)


def test_a_key_that_may_only_read_says_so(world):
    refused = ask(world, "delete_collection", {"collection": "products"}, key="demo-read-only-key")
    assert "does not allow this" in said(refused) and "manage access" in said(refused)


def test_a_key_with_a_line_break_is_no_second_header(world):
    world.standin.forget()
    answer = world.rpc("tools/call", {"name": "qdrant_list_collections", "arguments": {}}, headers={"X-Qdrant-Api-Key": "a\tb"})
    assert "key" not in {h for r in world.standin.requests() for h in r["headers"] if h != "api-key"}
    assert answer.status_code == 200


def test_users_at_once_see_their_own_only(world):
    def one(n):
        user = n % USERS + 1
        if n % 3 == 0:
            answer = ask(world, "scroll_points", {"collection": f"notes-of-user-{user}"}, "globex", f"key-of-user-{user}")
            return [p["payload"]["text"] for p in answer["structuredContent"]["points"]] == [f"secret of user {user}"]
        if n % 3 == 1:
            other = user % USERS + 1
            return ask(world, "scroll_points", {"collection": f"notes-of-user-{other}"}, "globex", f"key-of-user-{user}").get("isError")
        return ask(world, "list_collections", {}, era="modern")["structuredContent"]["collections"] == ["products"]

    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        assert all(pool.map(one, range(240)))


def test_a_users_key_is_found_nowhere_else(world):
    ask(world, "list_collections", {}, "globex", SECRET)
    ask(world, "get_points", {"collection": "nowhere", "ids": [1]}, "globex", SECRET)
    world.standin.fault("status", status=500, body={"status": {"error": f"panic with {SECRET} in it"}})
    failed = ask(world, "list_collections", {}, "globex", SECRET)
    assert failed["isError"] and SECRET not in str(failed)
    seen = [world.text(), world.connector.text(), world.connector.http.get("/metrics").text, str(world.status())]
    assert [s for s in seen if SECRET in s or "demo-qdrant-key" in s] == []
    embeddings = [r for r in world.standin.requests() if r["path"].startswith("/v1/")]
    assert SECRET not in str(embeddings)


def test_a_server_that_asks_for_no_key_is_the_tenants_too(start):
    standin = start.standin("qdrant", "--open")
    connector = start.connector("qdrant", {"QDRANT_URL": standin.url, "TENANTS": "acme"})
    gateway = start.stack_with(connector)
    assert ask(gateway, "list_collections", {})["structuredContent"]["count"] == 1
    assert "api-key" not in standin.requests(path="/collections")[-1]["headers"]
    assert ask(gateway, "list_collections", {}, "globex")["isError"]


def test_an_open_server_is_not_opened_by_any_word_for_a_key(start):
    standin = start.standin("qdrant", "--open")
    gateway = start.stack_with(start.connector("qdrant", {"QDRANT_URL": standin.url, "TENANTS": "acme"}))
    point = {"collection": "products", "points": [{"id": 900, "vector": [0.5] * 128}]}
    for tool, arguments in (("list_collections", {}), ("get_points", {"collection": "products", "ids": [1]}), ("upsert_points", point)):
        refused = ask(gateway, tool, arguments, "globex", "any-word-at-all")
        assert refused["isError"] and "asks for no API key" in said(refused) and "TENANTS" in said(refused), refused
    assert standin.requests(method="PUT") == standin.requests(method="POST") == []
    assert "any-word-at-all" not in str(standin.requests())
    assert ask(gateway, "upsert_points", point, "acme", "any-word-at-all")["structuredContent"]["done"]


def test_a_server_that_asks_for_keys_is_tried_without_one_once(start):
    standin = start.standin("qdrant", "--users", "1")
    gateway = start.stack_with(start.connector("qdrant", qdrant_settings(standin, TENANTS="acme")))
    standin.forget()
    note = {"collection": "notes-of-user-1", "points": [{"id": 7, "vector": [0.5] * 128, "payload": {"text": "new"}}]}
    assert ask(gateway, "upsert_points", note, "globex", SECRET)["structuredContent"]["done"]
    assert ask(gateway, "get_points", {"collection": "notes-of-user-1", "ids": [7]}, "globex", SECRET)["structuredContent"]["count"] == 1
    assert len([r for r in standin.requests() if "api-key" not in r["headers"]]) == 1
    standin.fault("status", status=500, times=-1, body={"status": {"error": "out of luck"}})
    fresh = start.stack_with(start.connector("qdrant", qdrant_settings(standin, TENANTS="acme"), name="fresh"))
    assert ask(fresh, "upsert_points", note, "globex", SECRET)["isError"]
    assert len(standin.requests(method="PUT")) == 1


TEXT_CALLS = {"search_text": {"query": "lamp"}, "store_texts": {"texts": ["a"]}, "query_points": {"text": "lamp"}}


@pytest.mark.parametrize("tool", TEXT_CALLS)
@pytest.mark.parametrize("key", [None, SECRET])
def test_the_embeddings_account_is_for_its_tenants_whatever_the_key(world, tool, key):
    world.standin.forget()
    refused = ask(world, tool, {"collection": "notes-of-user-1"} | TEXT_CALLS[tool], "globex", key)
    assert refused["isError"] and "embeddings account" in said(refused) and "query_points with a vector or a point_id" in said(refused)
    assert world.standin.requests() == []


def test_the_embeddings_account_serves_its_tenants_with_a_key_of_their_own_too(world):
    found = ask(world, "search_text", {"collection": "notes-of-user-1", "query": "secret"}, "acme", SECRET)
    assert found["structuredContent"]["points"][0]["payload"]["text"] == "secret of user 1"
    by_id = ask(world, "query_points", {"collection": "notes-of-user-1", "vector": [0.5] * 128}, "globex", SECRET)
    assert by_id["structuredContent"]["count"] == 1


def test_users_may_bring_the_only_keys(start):
    standin = start.standin("qdrant", "--users", "1")
    connector = start.connector("qdrant", {"QDRANT_URL": standin.url, "TENANTS": "acme"})
    harness.wait_until(lambda: connector.http.get("/ready").status_code == 200, "ready without a key of our own")
    gateway = start.stack_with(connector)
    assert "QDRANT_API_KEY" in said(ask(gateway, "list_collections", {}))
    assert ask(gateway, "list_collections", {}, "globex", SECRET)["structuredContent"]["collections"] == ["notes-of-user-1"]


def test_a_restart_between_two_calls_is_not_noticed(start):
    standin = start.standin("qdrant")
    first = start.connector("qdrant", qdrant_settings(standin))
    gateway = start.stack_with(first)
    assert ask(gateway, "count_points", {"collection": "products"})["structuredContent"]["count"] == 19
    first.stop()
    start.started.remove(first)
    start.connector("qdrant", qdrant_settings(standin))
    assert ask(gateway, "count_points", {"collection": "products"})["structuredContent"]["count"] == 19
