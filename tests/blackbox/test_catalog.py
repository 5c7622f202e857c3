"""What is offered, under which names, while connectors come, go and list what no client can take (docs/architecture.md "The catalog")."""

import json
import re

import pytest

from fake_connector import hang, http, response, text_result, tool
from harness import free_port, wait_until
from lab import ERAS


@pytest.fixture
def shop(start):
    """A gateway and a connector of its own to break."""
    fake = start.fake(tools=[tool("read"), tool("write", read_only=False)], ttl_ms=3_600_000)
    gateway = start.gateway([{"name": "shop", "url": fake.url}])
    gateway.fake = fake
    return gateway


def relist(gateway):
    """Has every connector listed again now: a reload does that."""
    before = len([r for r in gateway.fake.requests if r.method == "tools/list"])
    gateway.reload()
    wait_until(lambda: len([r for r in gateway.fake.requests if r.method == "tools/list"]) > before, "a new listing")


def test_a_connector_that_is_down_keeps_its_tools_and_calls_say_so(shop):
    # docs/architecture.md "The catalog": keeps its last good entries; calls get a clear error
    shop.fake.stop()
    for era in ERAS:
        result = shop.call("shop_read", era=era)
        assert result["isError"] is True
        assert "shop" in result["content"][0]["text"] and "127.0.0.1" not in result["content"][0]["text"]
    assert shop.tool_names() == ["shop_read", "shop_write"]
    assert shop.rest("shop_read").status_code == 502


def test_a_call_to_a_connector_that_is_down_was_not_sent_and_says_so(shop):
    shop.fake.stop()

    assert "Nothing was done" in shop.call("shop_write")["content"][0]["text"]


def test_a_connector_that_is_down_is_named_in_the_status(shop):
    shop.fake.stop()
    shop.reload()
    entry = wait_until(lambda: (e := shop.connector_status("shop"))["stale_since"] and e, "the status")

    assert entry["state"] == "stale" and entry["last_error"]
    assert entry["tools"] == 2


def test_a_connector_that_restarts_is_called_again_at_once(shop):
    shop.call("shop_read")
    shop.fake.stop()
    assert shop.call("shop_read")["isError"] is True
    shop.fake.start()

    assert not shop.call("shop_read").get("isError")


def test_an_empty_list_is_believed_the_second_time(shop):
    # docs/architecture.md "The catalog": one that answers an empty list after having had tools is not believed until it says so twice.
    shop.fake.tools = []
    relist(shop)
    wait_until(lambda: is_doubted(shop), "the doubt")
    assert shop.tool_names() == ["shop_read", "shop_write"]
    relist(shop)
    wait_until(lambda: shop.tool_names() == [], "the empty list to be believed")


def is_doubted(shop):
    return "before that is believed" in (shop.connector_status("shop")["last_error"] or "")


def test_an_empty_list_that_was_a_mistake_changes_nothing(shop):
    tools, shop.fake.tools = shop.fake.tools, []
    relist(shop)
    wait_until(lambda: is_doubted(shop), "the doubt")
    shop.fake.tools = tools
    relist(shop)
    wait_until(lambda: not is_doubted(shop), "the end of the doubt")
    shop.fake.tools = []
    relist(shop)
    wait_until(lambda: is_doubted(shop), "the doubt, once more")

    assert shop.tool_names() == ["shop_read", "shop_write"]


def test_a_new_tool_appears(shop):
    shop.fake.tools = shop.fake.tools + [tool("fresh")]
    relist(shop)

    shop.offers("shop_fresh")


def test_a_list_that_cannot_be_read_keeps_the_last_one(shop):
    shop.fake.on_list = lambda r: http(200, "application/json", "garbage")
    relist(shop)
    wait_until(lambda: shop.connector_status("shop")["last_error"], "the error")

    assert shop.tool_names() == ["shop_read", "shop_write"]
    assert not shop.call("shop_read").get("isError")


def test_the_gateway_is_not_ready_before_a_catalog_is_there(start):
    # docs/clients.md, docs/operating.md: 503 with the reason
    port = free_port()
    gateway = start.gateway([{"name": "late", "url": f"http://127.0.0.1:{port}"}], wait=False)
    wait_until(lambda: gateway.http.get("/health").status_code == 200, "the gateway")
    answer = gateway.http.get("/ready")

    assert answer.status_code == 503 and answer.json()["error"]["message"]
    late(start, port)
    wait_until(lambda: gateway.http.get("/ready").status_code == 200, "the late connector to be found")
    assert gateway.tool_names() == ["late_echo"]


def late(start, port):
    fake = start.fake()
    fake.stop()
    fake.port = port
    fake.start()
    return fake


def test_one_connector_that_is_down_does_not_hide_the_others(start):
    fake = start.fake()
    gateway = start.gateway(
        [{"name": "gone", "url": f"http://127.0.0.1:{free_port()}"}, {"name": "here", "url": fake.url}]
    )

    assert gateway.tool_names() == ["here_echo"]
    assert gateway.connector_status("gone")["state"] == "down" and gateway.connector_status("gone")["last_error"]


def test_pages_of_a_connectors_list_are_followed_to_the_end(start):
    def on_list(request):
        page = int(request.params.get("cursor") or 0)
        more = {"nextCursor": str(page + 1)} if page < 3 else {}
        return response(
            request,
            {"tools": [tool(f"t{page}")], "ttlMs": 60000, "cacheScope": "public", "resultType": "complete"} | more,
        )

    gateway = start.gateway([{"name": "pages", "url": start.fake(on_list=on_list).url}])

    assert gateway.tool_names() == [f"pages_t{i}" for i in range(4)]


def test_a_cursor_that_never_ends_is_given_up(start):
    endless = start.fake(
        on_list=lambda r: response(
            r,
            {"tools": [tool("t")], "nextCursor": "again", "ttlMs": 0, "cacheScope": "public", "resultType": "complete"},
        )
    )
    good = start.fake()
    gateway = start.gateway([{"name": "endless", "url": endless.url}, {"name": "good", "url": good.url}])

    assert "good_echo" in gateway.tool_names()
    assert len([r for r in endless.requests if r.method == "tools/list"]) < 300


BAD_TOOLS = {
    "no schema": {"name": "bad", "description": "x"},
    "schema no object": {"name": "bad", "inputSchema": "x"},
    "schema of an array": {"name": "bad", "inputSchema": {"type": "array"}},
    "external ref": {
        "name": "bad",
        "inputSchema": {"type": "object", "properties": {"a": {"$ref": "http://evil.example/x.json"}}},
    },
    "dangling ref": {
        "name": "bad",
        "inputSchema": {"type": "object", "properties": {"a": {"$ref": "#/$defs/nothing"}}},
    },
    "no name": {"inputSchema": {"type": "object"}},
    "name no string": {"name": 5, "inputSchema": {"type": "object"}},
    "empty name": {"name": "", "inputSchema": {"type": "object"}},
    "header on a number": {
        "name": "bad",
        "inputSchema": {"type": "object", "properties": {"a": {"type": "number", "x-mcp-header": "A"}}},
    },
}


@pytest.mark.parametrize("bad", BAD_TOOLS.values(), ids=BAD_TOOLS.keys())
def test_a_bad_tool_is_quarantined_and_its_neighbours_stay(start, bad):
    # docs/architecture.md "The catalog": each tool is checked before it is offered; MCP 2026-07-28 server/tools "x-mcp-header"
    fake = start.fake(tools=[tool("first"), bad, tool("last")])
    gateway = start.gateway([{"name": "mixed", "url": fake.url}])

    for era in ERAS:
        assert gateway.tool_names(era) == ["mixed_first", "mixed_last"]
        assert not gateway.call("mixed_last", era=era).get("isError")
    (entry,) = gateway.connector_status("mixed")["quarantined"]
    assert entry["reason"]


def test_an_entry_of_a_list_that_is_no_object_is_quarantined(start):
    gateway = start.gateway(
        [{"name": "mixed", "url": start.fake(tools=[tool("first"), "tool", None, tool("last")]).url}]
    )

    assert gateway.tool_names() == ["mixed_first", "mixed_last"]


MENDED = {
    "no description": {"name": "odd", "inputSchema": {"type": "object"}},
    "null description": {"name": "odd", "description": None, "inputSchema": {"type": "object"}},
    "schema without type": {"name": "odd", "inputSchema": {"properties": {"a": {"type": "string"}}}},
    "empty schema": {"name": "odd", "inputSchema": {}},
    "output schema of an array": {"name": "odd", "inputSchema": {"type": "object"}, "outputSchema": {"type": "array"}},
    "dangling ref in the output schema": {
        "name": "odd",
        "inputSchema": {"type": "object"},
        "outputSchema": {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
    },
}


@pytest.mark.parametrize("odd", MENDED.values(), ids=MENDED.keys())
def test_an_odd_tool_is_mended_where_that_loses_nothing(start, odd):
    # docs/architecture.md "The catalog"; what each client needs: docs/clients.md
    gateway = start.gateway([{"name": "mended", "url": start.fake(tools=[odd]).url}])

    for era in ERAS:
        (listed,) = gateway.rpc("tools/list", None, era).json()["result"]["tools"]
        assert listed["inputSchema"]["type"] == "object"
        assert isinstance(listed.get("description", ""), str)
    legacy = gateway.rpc("tools/list").json()["result"]["tools"][0].get("outputSchema", {"type": "object"})
    assert legacy["type"] == "object" and "nowhere" not in json.dumps(legacy)


CONVERTED = [{"type": ["string", "null"]}, True, {"type": "array", "items": [{"type": "string"}]}]


@pytest.mark.parametrize("schema", CONVERTED, ids=["type array", "boolean schema", "tuple"])
def test_schemas_that_crewai_cannot_read_are_rewritten_for_legacy_clients_only(start, schema):
    # CrewAI's adapter loses every tool of the gateway over one of these (docs/clients.md).
    gateway = start.gateway(
        [
            {
                "name": "s",
                "url": start.fake(tools=[tool("t", inputSchema={"type": "object", "properties": {"a": schema}})]).url,
            }
        ]
    )
    legacy, modern = (gateway.rpc("tools/list", None, era).json()["result"]["tools"] for era in ERAS)

    assert modern[0]["inputSchema"]["properties"]["a"] == schema
    if legacy:
        a = legacy[0]["inputSchema"]["properties"]["a"]
        assert a is not True and not isinstance(a.get("type"), list) and not isinstance(a.get("items"), list)


ODD_NAMES = ["get-sum", "___", "qlik__get_app", "getApp", "a.b", "_edge_", "UPPER", "x" * 80, "tool with spaces"]


def test_odd_names_get_safe_aliases_that_call_the_right_tool(start):
    # docs/architecture.md "The catalog": public names match [a-z0-9_]{1,64}, no double or edge underscore.
    fake = start.fake(tools=[tool(name) for name in ODD_NAMES], on_call=lambda r: text_result(r.name))
    gateway = start.gateway([{"name": "odd", "url": fake.url}])
    names = gateway.tool_names()

    assert len(names) == len(set(names)) == len(ODD_NAMES)
    for name in names:
        assert re.fullmatch(r"[a-z0-9]+(_[a-z0-9]+)*", name) and len(name) <= 64
    called = [gateway.call(name)["content"][0]["text"] for name in names]
    assert called == ODD_NAMES


def test_aliases_are_the_same_on_every_replica(start):
    fake = start.fake(tools=[tool(name) for name in ODD_NAMES])
    first, second = (start.gateway([{"name": "odd", "url": fake.url}], name=n).tool_names() for n in ("one", "two"))

    assert first == second


def test_a_clash_of_names_is_refused_and_never_takes_down_a_neighbour(start):
    # docs/architecture.md "The catalog": a clash is refused, named in /status and the log.
    first = start.fake(tools=[tool("y_same")], on_call=lambda r: text_result("first"))
    second = start.fake(tools=[tool("same"), tool("other")], on_call=lambda r: text_result("second"))
    gateway = start.gateway(
        [{"name": "a", "prefix": "x_", "url": first.url}, {"name": "b", "prefix": "x_y_", "url": second.url}]
    )

    assert gateway.tool_names() == ["x_y_same", "x_y_other"]
    assert gateway.call("x_y_same")["content"][0]["text"] == "first"
    assert gateway.call("x_y_other")["content"][0]["text"] == "second"
    (refused,) = gateway.connector_status("b")["refused"]
    assert "x_y_same" in json.dumps(refused)
    assert "x_y_same" in gateway.text()


def test_two_names_of_one_connector_that_become_the_same_do_not_hide_each_other(start):
    fake = start.fake(tools=[tool("get-sum"), tool("get_sum"), tool("get.sum")], on_call=lambda r: text_result(r.name))
    gateway = start.gateway([{"name": "n", "url": fake.url}])
    names = gateway.tool_names()
    refused = gateway.connector_status("n")["refused"]

    assert len(names) + len(refused) == 3
    called = [gateway.call(name)["content"][0]["text"] for name in names]
    assert len(set(called)) == len(called)


def test_a_name_listed_twice_is_offered_once(start):
    gateway = start.gateway([{"name": "d", "url": start.fake(tools=[tool("a"), tool("a"), tool("b")]).url}])

    assert gateway.tool_names() == ["d_a", "d_b"]
    assert gateway.connector_status("d")["refused"]


def test_many_tools_still_fit_on_one_page(start):
    # no client of the legacy era, and few of the modern one, ask for a second page
    tools = [tool(f"tool_{i}", description="x" * 300) for i in range(500)]
    gateway = start.gateway([{"name": "many", "url": start.fake(tools=tools).url}])

    for era in ERAS:
        result = gateway.rpc("tools/list", None, era).json()["result"]
        assert len(result["tools"]) == 500 and "nextCursor" not in result


def test_a_list_without_end_is_given_up_and_the_neighbour_stays(start):
    def endless(request):
        yield b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"jsonrpc":"2.0","x":"'
        for _ in range(300):
            yield b"x" * 65536

    huge, good = start.fake(on_list=endless), start.fake()
    gateway = start.gateway([{"name": "huge", "url": huge.url}, {"name": "good", "url": good.url}])

    assert gateway.tool_names() == ["good_echo"]
    assert gateway.connector_status("huge")["last_error"]


def test_a_connector_that_never_lists_does_not_hold_up_the_others(start):
    # docs/architecture.md "The catalog": in parallel, each with its own deadline
    mute, good = start.fake(on_list=lambda r: hang()), start.fake()
    gateway = start.gateway([{"name": "mute", "url": mute.url}, {"name": "good", "url": good.url}], wait=False)
    wait_until(lambda: gateway.tool_names() == ["good_echo"], "the good one")
    assert not gateway.connector_status("mute")["last_error"], "the mute one is still being asked"

    assert not gateway.call("good_echo").get("isError")


@pytest.mark.parametrize("lists,scope", [("allowed", "private"), ("all", "public")])
def test_a_list_is_public_only_when_nobodys_permissions_filter_it(start, lists, scope):
    # docs/architecture.md "The catalog"; MCP 2026-07-28 server/utilities/caching
    gateway = start.gateway([{"name": "p", "url": start.fake().url}], lists=lists)

    assert gateway.rpc("tools/list", None, "modern").json()["result"]["cacheScope"] == scope


def test_the_lifetime_of_the_list_is_the_shortest_of_all(start):
    # docs/architecture.md "The catalog": ttlMs = the smallest over connectors
    fakes = [start.fake(ttl_ms=ms) for ms in (90_000, 30_000, 60_000)]
    gateway = start.gateway([{"name": f"c{i}", "url": fake.url} for i, fake in enumerate(fakes)])

    assert gateway.rpc("tools/list", None, "modern").json()["result"]["ttlMs"] == 30_000
