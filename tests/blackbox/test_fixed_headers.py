"""The gateway's own headers to a server, and users' tokens under the name that server knows (docs/configuration.md)."""

import itertools
import json

import pytest

from fake_connector import http, text_result, tool
from harness import JWT_SECRET, bearer, run, token, wait_until

FIXED = "Bearer planted-fixed-9c41"
REGION = "planted-region-77"
USERS = "planted-users-token-1a2b"


def row(fake, **more):
    return {"name": "github", "url": fake.url, "headers": {"Authorization": "Bearer ${GITHUB_TOKEN}", "X-Region": REGION}} | more


def fake_of(start, **options):
    return start.fake(tools=[tool("read")], on_call=lambda r: text_result("x"), ttl_ms=3_600_000, **options)


@pytest.fixture(scope="module")
def github(start_module):
    fake, other = fake_of(start_module), fake_of(start_module)
    mapped = {"forward_headers": {"X-Github-Token": "Authorization: Bearer", "X-Team": "X-Org"}}
    gateway = start_module.gateway(
        [row(fake, **mapped), {"name": "other", "url": other.url}],
        env={"GITHUB_TOKEN": FIXED.split()[1]},
        log_level="debug",
        cors={"origins": ["https://app.example.com"]},
    )
    gateway.fake, gateway.other = fake, other
    return gateway


@pytest.mark.parametrize("legacy", [False, True])
def test_fixed_headers_go_with_every_request_to_their_connector(start, legacy):
    fake, other = fake_of(start, legacy=legacy), fake_of(start)
    gateway = start.gateway([row(fake), {"name": "other", "url": other.url}], env={"GITHUB_TOKEN": FIXED.split()[1]})
    for era in ("legacy", "modern"):
        gateway.call("github_read", era=era)
        gateway.call("other_read", era=era)
    methods = {r.method for r in fake.requests}

    assert methods >= {"server/discover", "tools/list", "tools/call"}
    assert not legacy or methods >= {"initialize", "notifications/initialized"}
    for request in fake.requests:
        assert request.headers.get_all("Authorization") == [FIXED], request.method
        assert request.headers.get_all("X-Region") == [REGION], request.method
    assert all("Authorization" not in r.headers and "X-Region" not in r.headers for r in other.requests)


def test_a_server_that_refuses_strangers_is_listed_with_its_fixed_header(start):
    def guarded(request):
        allowed = request.headers["Authorization"] == FIXED
        return {"jsonrpc": "2.0", "id": request.id, "result": {"tools": [tool("read")] if allowed else []}}

    fake = start.fake(on_list=guarded, on_call=lambda r: text_result("x"))
    start.gateway([row(fake)], env={"GITHUB_TOKEN": FIXED.split()[1]}).offers("github_read")


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_a_users_token_arrives_under_the_name_that_its_server_knows(github, era):
    mine = token(marker="mine")
    headers = {"X-Github-Token": USERS, "X-Team": "blue"}
    for name in ("github_read", "other_read"):
        github.call(name, era=era, auth={"Authorization": f"Bearer {mine}"}, headers=headers)
    got, others = github.fake.calls()[-1].headers, github.other.calls()[-1].headers

    assert got.get_all("Authorization") == [f"Bearer {USERS}"]  # and the fixed one gives way
    assert got["X-Org"] == "blue" and "X-Team" not in got and "X-Github-Token" not in got
    assert got.get_all("X-Region") == [REGION]
    assert mine not in str(got)
    assert USERS not in str(others) and "X-Org" not in others and "Authorization" not in others


@pytest.mark.parametrize("headers", [{}, {"X-Github-Token": ""}])
def test_without_a_users_token_the_fixed_header_stands(github, headers):
    github.call("github_read", headers=headers)

    assert github.fake.calls()[-1].headers.get_all("Authorization") == [FIXED]


def test_a_refused_users_header_is_named_and_not_shown(github):
    before = len(github.fake.calls())
    text = github.call("github_read", headers={"X-Github-Token": USERS + "x" * 8192})["content"][0]["text"]

    assert "x-github-token" in text.lower() and USERS not in text and len(github.fake.calls()) == before


def test_pages_may_send_the_name_that_is_read_here(github):
    answer = github.http.request(
        "OPTIONS", "/mcp", headers={"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    )
    allowed = answer.headers["access-control-allow-headers"].lower()

    assert "x-github-token" in allowed and "x-team" in allowed and "x-org" not in allowed


def test_their_values_are_in_no_log_no_status_no_metric_and_no_error(github):
    github.fake.on_call = lambda request: b"garbage"
    answers = [github.rpc("tools/call", {"name": "github_read"}, era, headers={"X-Github-Token": USERS}) for era in ("legacy", "modern")]
    answers.append(github.rest("github_read", headers={"X-Github-Token": USERS}))
    answers += [github.http.get(path, headers=bearer()) for path in ("/status", "/metrics")]
    checked = run("check", github.path, env={"GITHUB_TOKEN": FIXED.split()[1]})
    written = github.text() + checked.stdout + checked.stderr + "".join(a.text + str(a.headers) for a in answers)
    github.fake.on_call = lambda request: text_result("x")

    assert "authorization" in checked.stdout and "x-github-token" in checked.stdout
    for secret in (FIXED.split()[1], REGION, USERS):
        assert secret not in written


def test_a_reload_changes_a_fixed_header(start):
    fake = fake_of(start)
    gateway = start.gateway([row(fake, headers={"X-Key": "old"})])
    gateway.call("github_read")
    assert fake.calls()[-1].headers["X-Key"] == "old"
    gateway.reload(connectors=[row(fake, headers={"X-Key": "new"})])

    def is_new():
        gateway.call("github_read")
        return fake.calls()[-1].headers["X-Key"] == "new"

    wait_until(is_new, "the new header")


def with_sessions(fake):
    """By number, in the order in which they were opened: {1: the credentials of the session s1, ...}."""
    answer, opened, numbers = fake.dispatch, {}, itertools.count(1)

    def dispatch(request):
        if request.method != "initialize":
            return answer(request)
        number = next(numbers)
        opened[number] = request.headers.get_all("Authorization")
        return http(200, "application/json", json.dumps(answer(request)), f"Mcp-Session-Id: s{number}")

    fake.dispatch = dispatch
    return opened


def test_a_users_session_is_opened_with_the_users_own_token_alone(start):
    fake = fake_of(start, legacy=True)
    opened = with_sessions(fake)
    mapped = {"forward_headers": {"X-Github-Token": "Authorization: Bearer"}}
    gateway = start.gateway([row(fake, **mapped)], env={"GITHUB_TOKEN": FIXED.split()[1]}).offers("github_read")
    gateway.call("github_read", headers={"X-Github-Token": USERS})
    call = fake.calls()[-1].headers

    assert opened == {1: [FIXED], 2: [f"Bearer {USERS}"]}
    assert call["Mcp-Session-Id"] == "s2" and call.get_all("Authorization") == [f"Bearer {USERS}"]


def test_connectors_at_one_url_share_no_session_when_their_headers_differ(start):
    fake = fake_of(start, legacy=True)
    opened = with_sessions(fake)
    rows = [{"name": n, "url": fake.url, "headers": {"Authorization": n}} for n in ("one", "two")]
    gateway = start.gateway(rows).offers("one_read", "two_read")
    sessions = {}
    for name in ("one", "two") * 4:
        gateway.call(f"{name}_read")
        sessions.setdefault(name, set()).add(fake.calls()[-1].headers["Mcp-Session-Id"])
        assert fake.calls()[-1].headers["Authorization"] == name

    assert sorted(opened.values()) == [["one"], ["two"]]
    assert all(opened[int(s[1:])] == [name] for name, ids in sessions.items() for s in ids)


def test_a_session_is_opened_anew_with_another_fixed_header(start):
    fake = fake_of(start, legacy=True)
    gateway = start.gateway([row(fake, headers={"X-Key": "old"})]).offers("github_read")
    gateway.reload(connectors=[row(fake, headers={"X-Key": "new"})])

    wait_until(lambda: [r.headers["X-Key"] for r in fake.requests if r.method == "initialize"] == ["old", "new"], "initialize")


@pytest.mark.parametrize(
    "headers,word",
    [
        ({"Host": "planted"}, "host"),
        ({"Mcp-Session-Id": "planted"}, "mcp-session-id"),
        ({"Guiche-Principal": "planted"}, "guiche-principal"),
        ({"Cookie": "planted"}, "cookie"),
        ({"X-A": "planted\r\nX-B: 1"}, "control"),
        ({"X-A": "planted" * 1200}, "8192"),
        ({"Authorization": "planted ${EMPTY:-}"}, "blank"),
    ],
)
def test_a_header_that_cannot_be_sent_is_refused_without_its_value(folder, headers, word):
    path = folder / "guiche.yaml"
    config = {"auth": {"hs256_secret": JWT_SECRET}, "connectors": [{"name": "a", "url": "unix:/x", "headers": headers}]}
    path.write_text(json.dumps(config))
    done = run("check", path)

    assert done.returncode != 0 and word in done.stderr and "planted" not in done.stderr + done.stdout
