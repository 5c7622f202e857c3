"""Whose credentials and which account: the service account, users' own tokens, two tenants, and that tokens stay where they belong."""

import concurrent.futures
import re

import pytest

import harness
from chatwoot_world import connector_of, demo
from harness import bearer, wait_until

TOKEN, ACCOUNT = "X-Chatwoot-Access-Token", "X-Chatwoot-Account-Id"


@pytest.fixture(scope="module")
def upstream(start_module):
    return start_module.standin("chatwoot")


@pytest.fixture(scope="module")
def gateway(start_module, upstream):
    return start_module.stack_with(connector_of(start_module, upstream))


@pytest.fixture(autouse=True)
def fresh(upstream):
    upstream.forget()


@pytest.fixture
def door(start, upstream):
    """A gateway and connector with settings of one's own."""

    def door(standin=upstream, **env):
        connector = start.connector("chatwoot", env={"CHATWOOT_URL": standin, "TENANTS": "demo"} | env)
        gateway = start.stack_with(connector)
        gateway.connector = connector
        return gateway

    return door


def text_of(gateway, tool="list_inboxes", arguments=None, **options):
    return gateway.call(f"chatwoot_{tool}", arguments, **options)["content"][0]["text"]


def inboxes(gateway, **options):
    result = gateway.call("chatwoot_list_inboxes", **options)
    assert not result.get("isError"), result
    return [i["name"] for i in result["structuredContent"]["inboxes"]]


def test_the_service_account_is_for_its_tenants_only(gateway, upstream):
    assert inboxes(gateway, auth=bearer(tenant="demo"))[0] == "Site"
    upstream.forget()
    refused = text_of(gateway, auth=bearer(tenant="other"))
    assert refused == "The Chatwoot service account does not belong to your tenant. Connect your own Chatwoot account (X-Chatwoot-Access-Token)."
    assert upstream.requests() == []
    assert inboxes(gateway, auth=bearer(tenant="other"), headers={TOKEN: demo.OTHER}) == ["Other site"]


def test_a_users_own_token_wins_and_goes_alone(gateway, upstream):
    assert inboxes(gateway, headers={TOKEN: demo.AGENT}) == ["Site", "E-mail"]
    assert {r["headers"]["api_access_token"] for r in upstream.requests() if "/accounts/" in r["path"]} == {demo.AGENT}
    assert all(demo.ADMIN not in str(r) for r in upstream.requests())


def test_without_a_service_account_every_caller_needs_a_token(door, upstream):
    gateway = door()
    assert text_of(gateway) == "There is no Chatwoot account for this call. Connect your own (X-Chatwoot-Access-Token), or have a service account configured."
    assert inboxes(gateway, headers={TOKEN: demo.AGENT}) == ["Site", "E-mail"]
    wait_until(lambda: gateway.connector.http.get("/ready").status_code == 200, "the connector")


def test_a_user_of_several_accounts_says_which(gateway, upstream):
    several = text_of(gateway, headers={TOKEN: demo.BOTH})
    assert several == "The user belongs to several Chatwoot accounts (1, 2): say which one in the header X-Chatwoot-Account-Id."
    assert inboxes(gateway, headers={TOKEN: demo.BOTH, ACCOUNT: "2"}) == ["Other site"]
    assert inboxes(gateway, headers={TOKEN: demo.BOTH, ACCOUNT: "1"})[0] == "Site"


@pytest.mark.parametrize("account", ["2", "99"])
def test_an_account_that_is_not_the_users_is_not_even_asked_for(gateway, upstream, account):
    refused = text_of(gateway, headers={TOKEN: demo.AGENT, ACCOUNT: account})
    assert refused == f"The user's Chatwoot token does not belong to account {account}. Its accounts: 1."
    assert all(f"/accounts/{account}/" not in r["path"] for r in upstream.requests())


@pytest.mark.parametrize("account", ["0", "-1", "1/../2", "two", "99999999999999999999999", "1 2"])
def test_an_account_that_is_no_number_is_refused(gateway, upstream, account):
    assert text_of(gateway, headers={TOKEN: demo.BOTH, ACCOUNT: account}) == "The header X-Chatwoot-Account-Id must be a number."
    assert upstream.requests() == []


def test_the_account_header_does_not_steer_the_service_account(gateway, upstream):
    assert "goes with X-Chatwoot-Access-Token" in text_of(gateway, headers={ACCOUNT: "2"})
    assert upstream.requests() == []


def test_a_key_of_several_accounts_needs_a_setting(door, upstream):
    gateway = door(CHATWOOT_API_KEY=demo.BOTH)
    assert text_of(gateway) == "CHATWOOT_API_KEY belongs to several Chatwoot accounts (1, 2): set CHATWOOT_ACCOUNT_ID to one of them."


def test_the_configured_account_is_used_without_asking_and_is_the_users_default(door, upstream):
    gateway = door(CHATWOOT_API_KEY=demo.BOTH, CHATWOOT_ACCOUNT_ID="2")
    upstream.forget()
    assert inboxes(gateway) == ["Other site"]
    assert [r["path"] for r in upstream.requests()] == ["/api/v1/accounts/2/inboxes"]
    assert inboxes(gateway, headers={TOKEN: demo.BOTH}) == ["Other site"]
    assert inboxes(gateway, headers={TOKEN: demo.AGENT}) == ["Site", "E-mail"]  # belongs to the other one only


def test_a_configured_account_of_somebody_else_is_named(door):
    assert text_of(door(CHATWOOT_API_KEY=demo.ADMIN, CHATWOOT_ACCOUNT_ID="2")) == "The Chatwoot user of CHATWOOT_API_KEY does not belong to Chatwoot account 2."


def test_a_bot_can_do_what_bots_can(door):
    gateway = door(CHATWOOT_API_KEY=demo.BOT, CHATWOOT_ACCOUNT_ID="1")
    assert "agent bots" in text_of(gateway)
    sent = gateway.call("chatwoot_send_message", {"conversation_id": 4, "content": "beep"})
    assert sent["structuredContent"]["message"]["sender"]["type"] == "bot"
    wait_until(lambda: gateway.connector.http.get("/ready").status_code == 200, "the connector")


def test_the_accounts_of_a_token_are_asked_for_once(gateway, upstream):
    upstream.forget()
    for _ in range(5):
        inboxes(gateway, headers={TOKEN: demo.OTHER})
    asked = [r for r in upstream.requests(path="/api/v1/profile") if r["headers"].get("api_access_token") == demo.OTHER]
    assert len(asked) <= 1


def test_what_was_remembered_of_a_token_is_forgotten_when_it_is_refused(gateway, upstream):
    inboxes(gateway, headers={TOKEN: demo.AGENT})
    upstream.forget().fault("status", status=401, body={"error": "Invalid Access Token"}, path="/inboxes")
    refused = text_of(gateway, headers={TOKEN: demo.AGENT})
    assert refused.startswith("Chatwoot refused the user's access token: it is wrong or was reset. The user needs to connect Chatwoot again")
    inboxes(gateway, headers={TOKEN: demo.AGENT})
    mine = [r["path"] for r in upstream.requests() if r["headers"].get("api_access_token") == demo.AGENT]
    assert mine == ["/api/v1/accounts/1/inboxes", "/api/v1/profile", "/api/v1/accounts/1/inboxes"]


def test_a_missing_right_is_told_from_a_wrong_token(gateway):
    period = {"metric": "conversations_count", "since": "2026-11-01", "until": "2026-11-02"}
    assert text_of(gateway, "get_report", period, headers={TOKEN: demo.AGENT}).startswith("The user may not do this in Chatwoot: reports need an administrator")
    assert text_of(gateway, "get_conversation", {"conversation_id": 2}, headers={TOKEN: demo.AGENT}).startswith("The user may not do this")
    assert "connect Chatwoot again" in text_of(gateway, headers={TOKEN: "no-such-token"})


def test_a_wrong_service_key_is_the_operators(door):
    gateway = door(CHATWOOT_API_KEY="not-a-key-of-this-chatwoot")
    assert text_of(gateway).startswith("Chatwoot refused CHATWOOT_API_KEY: it is wrong or was reset.")
    wait_until(lambda: "CHATWOOT_API_KEY" in gateway.connector.http.get("/ready").text, "the reason")
    assert gateway.connector.http.get("/ready").status_code == 503
    assert gateway.connector.http.get("/health").status_code == 200


def test_a_proxy_that_drops_underscores_is_worked_around(start, door):
    behind_nginx = start.standin("chatwoot", "--drop-underscores", name="nginx")
    gateway = door(standin=behind_nginx, CHATWOOT_API_KEY=demo.ADMIN)
    assert inboxes(gateway)[0] == "Site"
    assert inboxes(gateway, headers={TOKEN: demo.AGENT}) == ["Site", "E-mail"]
    wait_until(lambda: gateway.connector.http.get("/ready").status_code == 200, "the connector")


def test_a_write_behind_such_a_proxy_is_done_once(start, door):
    behind_nginx = start.standin("chatwoot", "--drop-underscores", name="nginx")
    gateway = door(standin=behind_nginx)  # no service account: the user's write is the first to meet the proxy
    sent = {"conversation_id": 4, "content": "past the proxy"}
    assert not gateway.call("chatwoot_send_message", sent, headers={TOKEN: demo.AGENT, ACCOUNT: "1"}).get("isError", False)
    found = gateway.call("chatwoot_list_messages", {"conversation_id": 4}, headers={TOKEN: demo.AGENT})["structuredContent"]["messages"]
    assert [m["text"] for m in found].count("past the proxy") == 1


def test_a_proxy_that_drops_the_token_is_recognised(start, door):
    gateway = door(standin=start.standin("chatwoot", "--drop-token", name="nginx"), CHATWOOT_API_KEY=demo.ADMIN)
    assert "nginx needs underscores_in_headers on" in text_of(gateway)
    wait_until(lambda: "underscores_in_headers" in gateway.connector.http.get("/ready").text, "the reason")


def test_production_wants_tenants_and_no_demo(start, upstream):
    env = {"CHATWOOT_URL": upstream, "CHATWOOT_API_KEY": demo.ADMIN, "ENVIRONMENT": "production"}
    without = start.connector("chatwoot", env=env, name="without", wait=False)
    wait_until(lambda: not without.alive(), "its end")
    assert "TENANTS is missing" in without.text()
    start.started.remove(without)
    connector = start.connector("chatwoot", env=env | {"TENANTS": "demo"}, name="production")
    wait_until(lambda: "ENVIRONMENT=production refuses" in connector.http.get("/ready").text, "the reason")


def test_the_demo_says_that_it_is_one(gateway, door):
    connector = door(CHATWOOT_API_KEY=demo.ADMIN).connector
    assert wait_until(lambda: connector.http.get("/ready").json().get("about"), "what it is") == "demo data"


# Two tenants.

IDS = {  # of account 1, of account 2, of nobody
    "conversation_id": (1, 1, 987),  # numbered in each account: see below
    "contact_id": (1, 19, 987),
    "inbox_id": (1, 6, 987),
    "agent_id": (2, 4, 987),
    "team_id": (1, 3, 987),
    "id": (1, 3, 987),
    "before": (2000, 2000, 2000),
    "after": (1, 1, 1),
}
VALUES = {"content": "x", "status": "open", "priority": "low", "name": "Somebody", "metric": "resolutions_count", "since": "2026-11-01", "until": "2026-11-02"}


def test_ids_of_another_account_are_like_ids_of_nobody(gateway, upstream):
    tools = gateway.rpc("tools/list").json()["result"]["tools"]
    tried = set()
    for tool in (t for t in tools if t["name"].startswith("chatwoot_")):
        schema = tool["inputSchema"]
        required = {n: IDS[n][0] if n in IDS else VALUES[n] for n in schema.get("required", [])}
        for name in schema["properties"]:
            if name not in ("contact_id", "inbox_id", "agent_id", "team_id", "id"):
                continue
            more = {"type": "team"} if name == "id" else {}
            theirs, nobodys = (gateway.call(tool["name"], required | more | {name: IDS[name][which]}) for which in (1, 2))
            said = [re.sub(r"\b(19|6|4|3|987)\b", "N", r["content"][0]["text"]) for r in (theirs, nobodys)]
            assert said[0] == said[1] and theirs.get("isError"), (tool["name"], name, said)
            tried.add((tool["name"], name))
    assert len(tried) >= 8, tried
    secret = gateway.call("chatwoot_list_conversations", {"query": "secret of the other shop"})
    assert secret["structuredContent"]["count"] == 0
    mine = gateway.call("chatwoot_list_messages", {"conversation_id": 1}, headers={TOKEN: demo.OTHER}, auth=bearer(tenant="other"))
    assert mine["structuredContent"]["messages"][0]["text"] == "A secret of the other shop"  # the same number, their own account
    assert "secret of the other" not in text_of(gateway, "list_messages", {"conversation_id": 1})


def test_two_users_at_once_never_see_each_other(gateway, upstream):
    users = [("demo", demo.AGENT, ["Site", "E-mail"]), ("other", demo.OTHER, ["Other site"])]
    calls = 30 if harness.SLOW > 1 else 150

    def one(number):
        tenant, token, expected = users[number % 2]
        return inboxes(gateway, auth=bearer(tenant=tenant), headers={TOKEN: token}) == expected

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert all(pool.map(one, range(calls)))
    pairs = {(r["headers"]["api_access_token"], r["path"].split("/")[4]) for r in upstream.requests() if r["path"].endswith("/inboxes")}
    assert pairs == {(demo.AGENT, "1"), (demo.OTHER, "2")}


# Tokens stay where they belong.


def test_a_restart_between_two_calls_is_not_noticed(start, upstream):
    env = {"CHATWOOT_URL": upstream, "CHATWOOT_API_KEY": demo.ADMIN, "TENANTS": "demo"}
    first = start.connector("chatwoot", env=env)
    gateway = start.stack_with(first)
    assert inboxes(gateway)[0] == "Site"
    first.stop()
    start.connector("chatwoot", env=env)
    assert inboxes(gateway)[0] == "Site"


def test_a_users_token_is_found_nowhere_else(start, upstream):
    planted = demo.AGENT
    crm = start.crm()
    other = start.standin("chatwoot", name="another")
    connector = connector_of(start, upstream, {"LOG_LEVEL": "debug"})
    gateway = start.gateway([connector.row(), crm.row()], log_level="debug")
    gateway.offers("chatwoot_list_inboxes", "crm_list_agents")
    said = []
    for tool, arguments in [("chatwoot_list_inboxes", {}), ("chatwoot_get_conversation", {"conversation_id": 2}), ("chatwoot_get_conversation", {"conversation_id": 999}), ("crm_list_agents", {})]:
        said.append(str(gateway.call(tool, arguments, headers={TOKEN: planted})))
    upstream.fault("status", status=422, body={"error": f"token {planted} is no good"}, path="/inboxes")
    said.append(str(gateway.call("chatwoot_list_inboxes", headers={TOKEN: planted})))
    upstream.fault("status", status=500, body={"error": f"api_access_token: {planted}"}, path="/inboxes")
    said.append(str(gateway.call("chatwoot_list_inboxes", headers={TOKEN: planted})))
    said.append(str(gateway.rest("chatwoot_list_inboxes", headers={TOKEN: planted}).text))
    said.append(gateway.http.get("/status", headers=bearer()).text)
    said.append(gateway.http.get("/metrics", headers=bearer()).text)
    said.append(connector.http.get("/metrics").text)
    said += [gateway.text(), connector.text(), crm.text(), str(other.requests())]
    assert all(planted not in text and demo.ADMIN not in text for text in said)
    assert any(planted in str(r) for r in upstream.requests())
