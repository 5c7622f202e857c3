"""Resources, templates and prompts of several connectors behind one URL, for clients of both eras (docs/architecture.md "The catalog")."""

import json

import pytest

from fake_connector import http, response, tool
from harness import bearer, rpc_body, run, wait_until
from lab import ERAS

LISTS = {
    "tools/list": "tools",
    "resources/list": "resources",
    "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}


def resource(uri, **more):
    return {"uri": uri, "name": uri} | more


def template(text, **more):
    return {"uriTemplate": text, "name": text} | more


def prompt(name, **more):
    return {"name": name, "description": f"The prompt {name}."} | more


class House:
    """A gateway before a legacy and a modern connector that both have everything, and one URI in common."""

    def __init__(self, start, **config):
        self.old = start.fake(
            legacy=True,
            tools=[tool("look")],
            resources=[resource("old://one"), resource("both://same")],
            templates=[template("old://row/{id}"), template("both://{id}")],
            prompts=[prompt("greet", arguments=[{"name": "who", "required": True}])],
        )
        self.new = start.fake(
            tools=[tool("look")],
            resources=[resource("new://one"), resource("both://same")],
            templates=[template("new://{+path}"), template("both://{id}")],
            prompts=[prompt("greet"), prompt("Say-Bye")],
            ttl_ms=3_600_000,
        )
        connectors = [{"name": "old", "url": self.old.url}, {"name": "new", "url": self.new.url}]
        self.gateway = start.gateway(connectors, **config)

    def ask(self, method, params, era, **options):
        answer = self.gateway.rpc(method, params, era, **options)
        return json.loads(rpc_body(answer))

    def names(self, method, era="modern", **options):
        entries = self.ask(method, None, era, **options)["result"][LISTS[method]]
        return [e.get("uri") or e.get("uriTemplate") or e["name"] for e in entries]

    def seen(self, method):
        """(connector, what it was asked for) of every call so far."""
        found = []
        for name, fake in (("old", self.old), ("new", self.new)):
            found += [(name, r.params.get("uri") or r.params.get("ref") or r.name) for r in fake.calls(method)]
            fake.requests.clear()
        return found


@pytest.fixture(scope="module")
def house(start_module):
    return House(start_module)


@pytest.mark.parametrize("era", ERAS)
def test_each_era_of_client_sees_the_union_of_both_eras_of_connectors(house, era):
    assert house.names("tools/list", era) == ["old_look", "new_look"]
    assert house.names("resources/list", era) == ["old://one", "both://same", "new://one", "guiche://new/both://same"]
    assert house.names("resources/templates/list", era) == [
        "old://row/{id}",
        "both://{id}",
        "new://{+path}",
        "guiche://new/both://{id}",
    ]
    assert house.names("prompts/list", era) == ["old_greet", "new_greet", "new_say_bye"]


READS = [
    ("old://one", "old", "old://one"),
    ("new://one", "new", "new://one"),
    ("old://row/7", "old", "old://row/7"),
    ("new://a/b%20c?d=e", "new", "new://a/b%20c?d=e"),
    ("both://same", "old", "both://same"),
    ("both://x%2Fy", "old", "both://x%2Fy"),
    ("guiche://new/both://same", "new", "both://same"),
    ("guiche://new/both://x%2Fy", "new", "both://x%2Fy"),
    ("guiche://new/never://listed", "new", "never://listed"),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("uri,connector,own", READS)
def test_a_uri_goes_to_its_owner_byte_for_byte(house, uri, connector, own, era):
    house.seen("resources/read")
    result = house.ask("resources/read", {"uri": uri}, era)["result"]

    assert json.loads(result["contents"][0]["text"]) == own
    assert result["contents"][0]["uri"] == uri, "it can be read again by what it is called"
    assert house.seen("resources/read") == [(connector, own)]


def shown(result):
    """The URIs of a result's blocks, of a tool or of a prompt."""
    blocks = result.get("content") or [m["content"] for m in result["messages"]]
    return [b.get("uri") or b["resource"]["uri"] for b in blocks]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("method,params", [("tools/call", {"name": "new_look"}), ("prompts/get", {"name": "new_greet"})])
def test_what_a_result_points_to_can_be_read(start, era, method, params):
    uris = ["new://one", "both://same", "never://listed", "https://example.com/a"]
    blocks = [{"type": "resource_link", "uri": u, "name": u} for u in uris]
    blocks.append({"type": "resource", "resource": {"uri": "both://same", "text": "t"}})
    house = House(start)
    messages = [{"role": "user", "content": b} for b in blocks]
    read = house.new.on_call
    house.new.on_call = lambda r: {"tools/call": {"content": blocks}, "prompts/get": {"messages": messages}}.get(r.method) or read(r)
    result = house.ask(method, params | {"arguments": {}}, era)["result"]

    of_new = "guiche://new/both://same"
    assert shown(result) == ["new://one", of_new, "guiche://new/never://listed", "https://example.com/a", of_new]
    house.seen("resources/read")
    for uri in shown(result)[:3]:
        assert "contents" in house.ask("resources/read", {"uri": uri}, era)["result"]
    assert house.seen("resources/read") == [("new", "new://one"), ("new", "both://same"), ("new", "never://listed")]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("uri", ["never://listed", "guiche://nobody/old://one", "old://row/7/8", "guiche://new"])
def test_a_uri_of_nobody_is_not_found_and_nobody_is_asked(house, uri, era):
    # MCP 2026-07-28 server/resources "Error Handling"; 2025-11-25: -32002
    house.seen("resources/read")
    error = house.ask("resources/read", {"uri": uri}, era)["error"]

    assert error["code"] == (-32602 if era == "modern" else -32002)
    assert error["data"]["uri"] == uri
    assert house.seen("resources/read") == []


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "name,connector,own", [("old_greet", "old", "greet"), ("new_greet", "new", "greet"), ("new_say_bye", "new", "Say-Bye")]
)
def test_a_prompt_is_fetched_by_its_own_name(house, name, connector, own, era):
    house.seen("prompts/get")
    result = house.ask("prompts/get", {"name": name, "arguments": {"who": "Ana"}}, era)["result"]

    assert json.loads(result["messages"][0]["content"]["text"]) == own
    assert house.seen("prompts/get") == [(connector, own)]


REFS = [
    ({"type": "ref/prompt", "name": "new_say_bye"}, "new", {"type": "ref/prompt", "name": "Say-Bye"}),
    ({"type": "ref/prompt", "name": "old_greet"}, "old", {"type": "ref/prompt", "name": "greet"}),
    ({"type": "ref/resource", "uri": "old://row/{id}"}, "old", {"type": "ref/resource", "uri": "old://row/{id}"}),
    ({"type": "ref/resource", "uri": "guiche://new/both://{id}"}, "new", {"type": "ref/resource", "uri": "both://{id}"}),
]


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("ref,connector,own", REFS)
def test_a_completion_goes_to_the_owner_of_what_it_names(house, ref, connector, own, era):
    house.seen("completion/complete")
    params = {"ref": ref, "argument": {"name": "id", "value": "1"}}
    result = house.ask("completion/complete", params, era)["result"]

    assert json.loads(result["completion"]["values"][0]) == own
    assert house.seen("completion/complete") == [(connector, own)]


def test_capabilities_are_those_of_all_connectors(house, start):
    plain = start.gateway([{"name": "plain", "url": start.fake().url}])
    wanted = {"tools", "resources", "prompts", "completions"}

    for gateway, expected in ((house.gateway, wanted), (plain, {"tools"})):
        discovered = gateway.rpc("server/discover", None, "modern").json()["result"]["capabilities"]
        client = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "x", "version": "1"}}
        opened = gateway.rpc("initialize", client).json()["result"]["capabilities"]
        assert set(discovered) == set(opened) == expected
    assert plain.rpc("prompts/list", None, "modern").json()["error"]["code"] == -32601


def test_a_connector_that_is_down_leaves_its_entries_and_what_it_can(start):
    house = House(start)
    house.new.stop()
    house.gateway.reload()
    wait_until(lambda: house.gateway.connector_status("new")["stale_since"], "the failure")

    assert "new_greet" in house.names("prompts/list")
    assert "prompts" in house.ask("server/discover", None, "modern")["result"]["capabilities"]


def test_each_list_is_read_to_its_last_page(start):
    fake = start.fake(
        tools=[tool(f"t{i}") for i in range(5)],
        resources=[resource(f"r://{i}") for i in range(7)],
        prompts=[prompt(f"p{i}") for i in range(4)],
        page=2,
    )
    gateway = start.gateway([{"name": "long", "url": fake.url}])
    status = gateway.connector_status("long")

    assert (status["tools"], status["resources"], status["templates"], status["prompts"]) == (5, 7, 0, 4)
    assert "nextCursor" not in gateway.rpc("resources/list", None, "modern").json()["result"]


def test_one_bad_entry_of_a_kind_is_kept_out_and_the_status_says_why(start):
    fake = start.fake(
        resources=[resource("no uri"), resource("ok://x", description=None)],
        templates=[template("t://{open"), template("t://{ok}")],
        prompts=[prompt("bad", arguments=[{}]), prompt("good", title=7)],
    )
    gateway = start.gateway([{"name": "odd", "url": fake.url}])
    kept_out = gateway.connector_status("odd")["quarantined"]

    assert [next(iter(e.items())) for e in kept_out] == [
        ("prompt", "bad"),
        ("template", "t://{open"),
        ("resource", "no uri"),
    ]
    (listed,) = gateway.rpc("resources/list", None, "modern").json()["result"]["resources"]
    assert listed == resource("ok://x")
    metrics = gateway.http.get("/metrics", headers=bearer()).text
    assert 'guiche_connector_entries{connector="odd",kind="prompts"} 1' in metrics
    assert "ok://x" not in metrics


def test_a_uri_that_is_not_listed_goes_to_the_only_connector_that_reads_any(start):
    fake = start.fake(resources=[])
    gateway = start.gateway([{"name": "deep", "url": fake.url}, {"name": "flat", "url": start.fake().url}])
    read = lambda **who: gateway.rpc("resources/read", {"uri": "any://thing"}, "modern", **who).json()

    assert json.loads(read()["result"]["contents"][0]["text"]) == "any://thing"
    assert "result" in read(auth=bearer(permissions=["deep.read"]))
    fake.requests.clear()
    assert "result" not in read(auth=bearer(permissions=["flat.read", "deep.write"]))
    assert fake.calls("resources/read") == []


@pytest.mark.parametrize("era", ERAS)
def test_who_may_read_a_connector_sees_and_uses_its_resources_and_prompts_alone(house, era):
    who = bearer(permissions=["old.read"])
    may_not = [
        ("prompts/get", {"name": "new_greet"}),
        ("resources/read", {"uri": "new://one"}),
        ("resources/read", {"uri": "new://unlisted"}),
        ("resources/read", {"uri": "guiche://new/old://one"}),
        ("completion/complete", {"ref": {"type": "ref/prompt", "name": "new_greet"}, "argument": {"name": "a", "value": ""}}),
    ]

    assert house.names("prompts/list", era, auth=who) == ["old_greet"]
    assert house.names("resources/list", era, auth=who) == ["old://one", "both://same"]
    for method, params in may_not:
        house.seen(method)
        answer = house.ask(method, params, era, auth=who)
        assert "Not allowed" in json.dumps(answer), answer
        assert house.seen(method) == []


def test_policies_name_prompts_and_uris_too(start):
    policies = [
        {"permission": "greeter", "allow": ["*_greet"]},
        {"permission": "reader", "allow": ["old://*", "guiche://new/both://same"]},
        {"permission": "anything", "allow": ["guiche://new/*"]},
    ]
    house = House(start, policies=policies)
    reads = lambda uri, who: "result" in house.ask("resources/read", {"uri": uri}, "modern", auth=bearer(permissions=[who]))

    assert house.names("prompts/list", auth=bearer(permissions=["greeter"])) == ["old_greet", "new_greet"]
    assert house.names("resources/list", auth=bearer(permissions=["reader"])) == ["old://one", "guiche://new/both://same"]
    assert house.names("resources/templates/list", auth=bearer(permissions=["reader"])) == ["old://row/{id}"]
    assert reads("old://row/5", "reader") and reads("guiche://new/both://same", "reader")
    assert not reads("both://same", "reader") and not reads("guiche://new/never://listed", "reader")
    assert reads("guiche://new/never://listed", "anything") and not reads("new://one", "anything")


def test_all_lists_are_shown_to_everybody_where_that_is_said(start):
    house = House(start, lists="all")
    nobody = bearer(permissions=[])

    assert len(house.names("prompts/list", auth=nobody)) == 3
    assert len(house.names("resources/list", auth=nobody)) == 4
    assert "Not allowed" in json.dumps(house.ask("prompts/get", {"name": "old_greet"}, "modern", auth=nobody))


def test_each_list_says_how_long_it_holds(start):
    fake = start.fake(prompts=[prompt("p")], resources=[resource("a://b")], ttl_ms=7_000)
    page = fake.list_page
    fake.list_page = lambda r: page(r) | ({"ttlMs": 9_000} if r.method == "prompts/list" else {})
    gateway = start.gateway([{"name": "one", "url": fake.url}], lists="all")

    for method, ttl_ms in (("tools/list", 7_000), ("prompts/list", 9_000), ("resources/list", 7_000)):
        result = gateway.rpc(method, None, "modern").json()["result"]
        assert (result["ttlMs"], result["cacheScope"]) == (ttl_ms, "public")


def test_a_single_connector_without_a_prefix_keeps_its_names(start, folder):
    fake = start.fake(tools=[tool("Get-Sum.v2"), tool("two words")], prompts=[prompt("Say-Bye")])
    gateway = start.gateway([{"name": "only", "prefix": "", "url": fake.url}])

    assert gateway.tool_names() == ["Get-Sum.v2", "two_words"]
    gateway.call("Get-Sum.v2", era="modern")
    gateway.call("two_words", era="modern")
    assert [r.name for r in fake.calls()] == ["Get-Sum.v2", "two words"]
    assert fake.calls()[0].headers["Mcp-Name"] == "Get-Sum.v2"
    assert gateway.rpc("prompts/get", {"name": "Say-Bye"}, "modern").json()["result"]["messages"]


def test_one_of_several_connectors_cannot_be_without_a_prefix(folder):
    path = folder / "two.yaml"
    rows = [{"name": n, "prefix": p, "url": "http://127.0.0.1:1/mcp"} for n, p in (("a", ""), ("b", "b_"))]
    path.write_text(json.dumps({"listen": "127.0.0.1:0", "auth": {"mode": "none"}, "connectors": rows}))
    out = run("check", path)

    assert out.returncode != 0 and "only a single connector may have none" in out.stderr


def test_a_connector_that_changes_its_era_is_noticed(start):
    fake = start.fake(prompts=[prompt("p")])
    gateway = start.gateway([{"name": "one", "url": fake.url}])
    for legacy, era in ((True, "legacy"), (False, "modern")):
        fake.legacy = legacy
        fake.on_call = lambda r: http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": r.id, "error": {"code": -32600, "message": "?"}}))
        fake.on_list = refuse_the_other_era(fake)
        gateway.call("one_echo")
        wait_until(lambda: gateway.connector_status("one")["era"] == era, f"the {era} era", 20)
    assert gateway.rpc("prompts/list", None, "modern").json()["result"]["prompts"]


def refuse_the_other_era(fake):
    def on_list(request):
        modern = request.headers.get("MCP-Protocol-Version") == "2026-07-28"
        if modern == fake.legacy:
            return http(400, "application/json", json.dumps({"jsonrpc": "2.0", "id": request.id, "error": {"code": -32600, "message": "?"}}))
        return response(request, fake.list_page(request))

    return on_list


def test_an_old_server_that_answers_500_to_what_it_does_not_know_is_used(start):
    fake = start.fake(legacy=True)
    dispatch = fake.dispatch
    fake.dispatch = lambda r: http(500, "text/plain", "what?") if r.method == "server/discover" else dispatch(r)
    gateway = start.gateway([{"name": "one", "url": fake.url}])

    assert gateway.call("one_echo")["content"]
    assert gateway.connector_status("one")["era"] == "legacy"


def test_the_command_line_reads_a_list_to_its_last_page(start):
    fake = start.fake(tools=[tool(f"t{i}") for i in range(5)], page=2)
    out = run("tools", fake.url)

    assert out.returncode == 0 and not out.stderr
    assert [l for l in out.stdout.splitlines() if l.startswith("t")] == [f"t{i}" for i in range(5)]
    assert '"t": 1' in run("call", fake.url, "t4", "t:=1").stdout


@pytest.mark.parametrize("glob,fits", [("old://*", True), ("crm_*", True), ("Crm_*", False), ("a b:c", False), ("x.y", False)])
def test_a_glob_that_can_match_nothing_is_refused(folder, glob, fits):
    path = folder / "policies.yaml"
    rows = [{"name": n, "url": "http://127.0.0.1:1/mcp", "trust": "none"} for n in ("a", "b")]
    path.write_text(json.dumps({"auth": {"mode": "none"}, "connectors": rows, "policies": [{"permission": "p", "allow": [glob]}]}))
    out = run("check", path)

    assert (out.returncode == 0) == fits, out.stderr
    assert fits or "matches nothing" in out.stderr


def test_a_glob_may_have_the_letters_of_names_that_are_kept(folder):
    path = folder / "policies.yaml"
    rows = [{"name": "a", "prefix": "", "url": "http://127.0.0.1:1/mcp"}]
    path.write_text(json.dumps({"auth": {"mode": "none"}, "connectors": rows, "policies": [{"permission": "p", "allow": ["Get-*"]}]}))

    assert run("check", path).returncode == 0
