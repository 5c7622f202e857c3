"""Who may call what (docs/architecture.md "Trust"): policies, default permissions, filtered lists; the call is checked whatever the list said."""

import json

import pytest

from fake_connector import text_result, tool
from harness import JWT_SECRET, bearer, run, wait_until

ERAS = ["legacy", "modern"]
TOOLS = [
    tool("get_a"),
    tool("get_b"),
    tool("set_a", read_only=False),
    {"name": "unmarked", "inputSchema": {"type": "object"}},
]


def who(*permissions):
    return bearer(permissions=permissions)


class Shop:
    def __init__(self, start, **config):
        self.fake = start.fake(tools=TOOLS, on_call=lambda r: text_result("x"), ttl_ms=3_600_000)
        self.other = start.fake(tools=[tool("get_a")], on_call=lambda r: text_result("x"), ttl_ms=3_600_000)
        connectors = [{"name": "shop", "url": self.fake.url}, {"name": "other", "url": self.other.url}]
        self.gateway = start.gateway(connectors, **config)

    def may(self, permissions, name, era="legacy"):
        """Whether the call goes through; when not, no connector has seen it."""
        before = len(self.fake.calls() + self.other.calls())
        result = self.gateway.call(name, era=era, auth=who(*permissions))
        if result.get("isError"):
            assert len(self.fake.calls() + self.other.calls()) == before
        return not result.get("isError")

    def listed(self, permissions, era="legacy"):
        return self.gateway.tool_names(era, who(*permissions))


@pytest.fixture(scope="module")
def shop(start_module):
    return Shop(start_module)


DEFAULTS = [
    (["shop.read"], ["shop_get_a", "shop_get_b"]),
    (["shop.write"], ["shop_set_a", "shop_unmarked"]),
    (["shop.read", "shop.write"], ["shop_get_a", "shop_get_b", "shop_set_a", "shop_unmarked"]),
    (["other.read"], ["other_get_a"]),
    (["shop.read", "other.read"], ["shop_get_a", "shop_get_b", "other_get_a"]),
    (["*"], ["shop_get_a", "shop_get_b", "shop_set_a", "shop_unmarked", "other_get_a"]),
    ([], []),
    (["shop"], []),
    (["shop.*"], []),
    (["SHOP.READ"], []),
    (["shop.read "], []),
    (["admin"], []),
    (["shop_get_a"], []),
]
EVERYTHING = ["shop_get_a", "shop_get_b", "shop_set_a", "shop_unmarked", "other_get_a"]


@pytest.mark.parametrize("permissions,allowed", DEFAULTS, ids=[" ".join(p) or "none" for p, _ in DEFAULTS])
@pytest.mark.parametrize("era", ERAS)
def test_without_policies_each_connector_has_a_read_and_a_write_permission(shop, permissions, allowed, era):
    # docs/architecture.md "Trust": <name>.read is for tools annotated read-only, <name>.write for the rest; no rule means no access.
    assert shop.listed(permissions, era) == allowed
    assert [name for name in EVERYTHING if shop.may(permissions, name, era)] == allowed


@pytest.mark.parametrize("era", ERAS)
def test_a_denied_call_is_a_result_that_names_the_missing_permission(shop, era):
    # docs/architecture.md "Failures, deadlines, repeats": denied: isError at 200 in both eras
    answer = shop.gateway.rpc("tools/call", {"name": "shop_set_a"}, era, auth=who("shop.read"))
    text = answer.json()["result"]["content"][0]["text"]

    assert answer.status_code == 200
    assert "shop.write" in text and "shop_set_a" in text


def test_a_denied_call_is_403_over_rest_and_names_the_missing_permission(shop):
    answer = shop.gateway.rest("shop_set_a", auth=who("shop.read"))

    assert answer.status_code == 403
    assert "shop.write" in answer.json()["error"]["message"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_denied_stream_is_403_before_it_begins(shop, method):
    answer = shop.gateway.http.request(method, "/v1/tools/shop_get_a/stream", headers=who("other.read"))

    assert answer.status_code == 403
    assert "shop.read" in answer.json()["error"]["message"]


@pytest.mark.parametrize("permissions,allowed", DEFAULTS, ids=[" ".join(p) or "none" for p, _ in DEFAULTS])
def test_the_rest_lists_are_filtered_by_the_same_rules(shop, permissions, allowed):
    listed = shop.gateway.http.get("/v1/tools/list", headers=who(*permissions)).json()

    assert [t["name"] for t in listed["tools"]] == allowed
    assert listed["count"] == len(allowed)


def test_lists_of_different_callers_are_not_mixed_up(shop):
    # rendered lists are kept by what is allowed
    for _ in range(3):
        for permissions, allowed in DEFAULTS:
            assert shop.listed(permissions) == allowed


@pytest.fixture(scope="module")
def ruled(start_module):
    policies = [
        {"permission": "sales", "allow": ["shop_get_*", "other_get_a"]},
        {"permission": "one", "allow": ["shop_set_a"]},
        {"permission": "all.of.shop", "allow": ["shop_*"]},
        {"permission": "middle", "allow": ["*_a"]},
        {"permission": "two", "allow": ["s*_get_*", "*h*set*a*"]},
        {"permission": "nothing", "allow": []},
        {"permission": "sales", "allow": ["shop_unmarked"]},
    ]
    return Shop(start_module, name="ruled", policies=policies)


RULES = [
    (["sales"], ["shop_get_a", "shop_get_b", "shop_unmarked", "other_get_a"]),
    (["one"], ["shop_set_a"]),
    (["all.of.shop"], ["shop_get_a", "shop_get_b", "shop_set_a", "shop_unmarked"]),
    (["middle"], ["shop_get_a", "shop_set_a", "other_get_a"]),
    (["two"], ["shop_get_a", "shop_get_b", "shop_set_a"]),
    (["nothing"], []),
    (["shop.read"], []),
    (["one", "two"], ["shop_get_a", "shop_get_b", "shop_set_a"]),
    (["*"], EVERYTHING),
    (["sale*"], []),
]


@pytest.mark.parametrize("permissions,allowed", RULES, ids=[" ".join(p) for p, _ in RULES])
def test_policies_map_permissions_to_globs_of_public_names(ruled, permissions, allowed):
    # docs/architecture.md "Trust"; with policies the default permissions are gone
    assert ruled.listed(permissions) == allowed
    assert [name for name in EVERYTHING if ruled.may(permissions, name)] == allowed


@pytest.mark.parametrize("glob", ["shop_get_?", "shop_[ab]", "Shop_*", "shop.*", "shop get", "{a,b}"])
def test_a_pattern_that_can_match_no_tool_is_refused(folder, glob):
    # It would close what it was meant to open, silently.
    path = folder / "guiche.yaml"
    path.write_text(
        json.dumps({"auth": {"hs256_secret": JWT_SECRET}, "policies": [{"permission": "p", "allow": ["ok_*", glob]}]})
    )
    checked = run("check", path)

    assert checked.returncode != 0 and glob in checked.stderr and "*" in checked.stderr


def test_a_denied_call_names_the_permission_of_the_policy(ruled):
    result = ruled.gateway.call("shop_set_a", auth=who("sales"))

    assert result["isError"] is True
    assert any(name in result["content"][0]["text"] for name in ("one", "all.of.shop", "middle"))


def test_with_lists_all_everything_is_listed_and_calls_are_checked_all_the_same(start):
    shop = Shop(start, lists="all")

    for permissions in ([], ["shop.read"], ["*"]):
        assert shop.listed(permissions) == EVERYTHING
    assert not shop.may([], "shop_get_a") and not shop.may(["shop.read"], "shop_set_a")
    assert shop.may(["shop.read"], "shop_get_a")


def test_without_any_policy_rule_nobody_but_the_star_gets_in(start):
    shop = Shop(start, policies=[])

    assert shop.listed(["shop.read", "shop.write"]) == []
    assert shop.listed(["*"]) == EVERYTHING


def test_a_policy_that_changes_counts_for_the_next_call(start):
    # docs/configuration.md: reload; no list or token of before may let anybody in
    shop = Shop(start)
    assert shop.may(["shop.read"], "shop_get_a") and shop.listed(["shop.read"])
    shop.gateway.reload(policies=[{"permission": "other", "allow": ["*"]}])
    wait_until(lambda: not shop.may(["shop.read"], "shop_get_a"), "the new policy")
    assert shop.listed(["shop.read"]) == []


def test_the_tools_of_the_crm_are_marked_by_what_they_do(stack):
    # issue part 4: three tools write; crm.read must not reach them.
    writing = {"crm_qualify_lead", "crm_update_pipeline_stage", "crm_assign_to_agent"}

    assert set(stack.tool_names(auth=who("crm.write"))) == writing
    assert set(stack.tool_names(auth=who("crm.read"))) == set(stack.tool_names()) - writing
    assert len(stack.tool_names()) == 11


def test_a_tenant_sees_its_own_rows_only(stack):
    one, two = (
        stack.call("crm_list_agents", auth=bearer(tenant=t))["structuredContent"]["agents"] for t in ("demo", "other")
    )
    ids = [{a["agent_id"] for a in agents} for agents in (one, two)]

    assert ids[0] and ids[1] and not ids[0] & ids[1]
    assert stack.call("crm_list_agents", auth=bearer(tenant="nobody"))["structuredContent"]["agents"] == []
