"""Between users, tenants and connectors: credentials and data of one reach no other (docs/architecture.md "Trust"), in every
connector of connectors_world.CASES."""

import concurrent.futures
import json

import pytest

from connectors_world import CASES, World, ids, with_credentials
from harness import SLOW, bearer, events

CALLS_UNDER_LOAD = 240
AT_ONCE = 24


@pytest.fixture(scope="module")
def world(start_module):
    return World(start_module)


# Planted credentials


def all_headers(case, values):
    """The planted ones for this connector, and valid ones for all others: an agent sends what it has with every call."""
    headers = {}
    for other in with_credentials():
        headers |= other.users[0].headers
    return headers | values


def planted(case):
    return {header: f"planted-{header.lower()}-7c1e" for header in case.users[0].headers}


def call_in_every_way(world, case, headers):
    answers = []
    for name in (case.tool, "spy_echo", "no_such_tool"):
        arguments = case.arguments if name == case.tool else {}
        for era in ("legacy", "modern"):
            answers.append(world.gateway.rpc("tools/call", {"name": name, "arguments": arguments}, era, headers=headers))
        answers.append(world.gateway.rest(name, arguments, headers=headers))
        answers.append(world.gateway.http.post(f"/v1/tools/{name}/stream", json=arguments, headers=bearer() | headers))
    answers.append(world.gateway.rpc("tools/call", {"name": case.tool, "arguments": {"no_such_argument": 1}}, headers=headers))
    answers.append(world.gateway.rpc("tools/list", headers=headers))
    return answers


@pytest.mark.parametrize("case", with_credentials(), ids=ids)
@pytest.mark.parametrize("accepted", [True, False], ids=["accepted", "refused"])
def test_a_users_credentials_are_found_nowhere_but_at_their_own_upstream(world, case, accepted):
    mine = case.users[-1].headers if accepted else planted(case)
    answers = call_in_every_way(world, case, all_headers(case, mine))

    secrets = [value for header, value in mine.items() if "login" not in header.lower()]
    assert secrets
    for secret in secrets:
        assert not [text for text in world.written() if secret in text], "written down"
        assert not [a.text for a in answers if secret in a.text + str(a.headers)], "shown"
        assert not [text for text in world.reached(besides=case.name) if secret in text], "sent elsewhere"
    sent = json.dumps(world.upstreams[case.name].requests())
    assert all(secret in sent for secret in secrets), "and their own upstream was asked with them"


def test_what_is_looked_for_would_be_found(world):
    """The test above can fail: names of tools and paths, which are no secrets, are found where secrets are not."""
    case = with_credentials()[0]
    world.gateway.call("spy_echo", {"note": "a-word-in-the-open"})
    world.text(case, case.users[0])
    assert any(case.call[0] in text for text in world.written())
    assert any("a-word-in-the-open" in text for text in world.reached(besides=case.name))
    for name, upstream in world.upstreams.items():
        assert upstream is None or upstream.requests(), f"{name}'s stand-in was never asked"


# Two users at once


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_users_in_flight_at_once_never_see_each_others_data(world, case):
    upstream = world.upstreams[case.name]
    if upstream:
        upstream.forget()
        upstream.fault("slow", times=-1, seconds=0.03)
    alone = []
    if not upstream:
        alone = [world.text(case, user) for user in case.users]
        assert len(set(alone)) == len(case.users), "the tenants' data differ"

    def one(i):
        user = case.users[i % len(case.users)]
        text = world.text(case, user, era=("legacy", "modern")[i % 3 == 0])
        assert user.sees in text, text
        assert not alone or text == alone[i % len(case.users)]
        for other in case.users:
            if other is not user and other.sees not in user.sees:
                assert not other.headers or other.sees not in text, f"{other} in {text}"
        assert not user.never or user.never not in text

    try:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(one, range(CALLS_UNDER_LOAD // SLOW)))
    finally:
        if upstream:
            upstream.http.delete("/_demo/fault")


@pytest.mark.parametrize("case", with_credentials(), ids=ids)
def test_no_request_to_an_upstream_holds_credentials_of_two(world, case):
    for request in world.upstreams[case.name].requests():
        text = json.dumps(request)
        owners = {user.headers[h] for user in case.users for h in user.headers if "login" not in h.lower() and user.headers[h] in text}
        assert len(owners) <= 1, owners


def test_progress_of_one_user_is_not_told_to_another(world):
    """Two reloads of two users at once: each stream has its own reload's id only."""
    case = next(c for c in CASES if c.name == "qlik")
    apps = [f"{6 + n:08x}-7fb9-4983-8e23-5ccd8c508722" for n in range(1, 7)]

    def reload(n):
        headers = bearer() | case.users[n].headers
        body = {"app_id": apps[n], "wait": True}
        return events(world.gateway.http.post("/v1/tools/qlik_reload_app/stream", json=body, headers=headers).text)[-1]

    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(reload, range(6)))
    assert [e["data"].get("app_id") for e in ends] == apps, ends
