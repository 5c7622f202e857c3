"""Keys that tokens are checked with, fetched from their identity provider (docs/configuration.md "Keys by URL")."""

import datetime
import json
import signal

import httpx
import pytest

import harness
from door import Door
from harness import GUICHE, JWT_SECRET, free_port, run, token, wait_until
from identity_provider import AUDIENCE, IdentityProvider


@pytest.fixture
def provider():
    provider = IdentityProvider()
    yield provider
    provider.stop()


def auth_of(provider, **more):
    return {"hs256_secret": JWT_SECRET, "jwks_url": provider.url, "audience": AUDIENCE} | more


def mine(**claims):
    """A token of the secret beside the key set: for what tests ask /status."""
    return {"Authorization": f"Bearer {token(aud=AUDIENCE, **claims)}"}


def status(gateway):
    return gateway.http.get("/status", headers=mine()).json()["jwks"]


def wait_for_state(gateway, state):
    """The pause between two attempts doubles: on a slow machine a few of them may have failed."""
    return wait_until(lambda: (found := status(gateway))["state"] == state and found, f"the state {state}", 40)


def enters(door, jwt):
    return door.knock(f"Bearer {jwt}").status_code == 200


@pytest.fixture
def door(start, provider):
    return Door(start, auth=auth_of(provider))


def test_tokens_of_fetched_keys_and_of_the_secret_both_hold(door, provider):
    assert door.principal(provider.token("first", subject="anna"))["sub"] == "anna"
    assert door.principal(token(aud=AUDIENCE, subject="bert"))["sub"] == "bert"
    assert door.knock(f"Bearer {provider.token('first', aud='https://other.example')}").status_code == 401
    assert provider.requests == ["/jwks.json?planted-query"]
    assert status(door.gateway)["keys"] == 1 and status(door.gateway)["state"] == "ok"


def test_gateways_that_start_together_do_not_ask_again_together(start, provider):
    def lifetime_ms(gateway):
        found = wait_for_state(gateway, "ok")
        at = [datetime.datetime.fromisoformat(found[name]) for name in ("fetched_at", "refresh_at")]
        return (at[1] - at[0]) / datetime.timedelta(milliseconds=1)

    lifetimes = [lifetime_ms(Door(start, auth=auth_of(provider)).gateway) for _ in range(2)]
    assert lifetimes[0] != lifetimes[1]  # once in 135,000 runs they are the same


def test_a_new_key_is_fetched_when_a_token_names_it(door, provider):
    provider.publish("first", "second")
    answer = door.knock(f"Bearer {provider.token('second')}")

    assert answer.status_code == 401 and "not known" in answer.text and "try again" in answer.text
    wait_until(lambda: enters(door, provider.token("second")), "the second key")
    assert enters(door, provider.token("first")) and len(provider.requests) == 2


def test_a_key_that_was_taken_back_lets_nobody_in_though_its_token_is_remembered(door, provider):
    old = provider.token("first")
    for _ in range(8):  # at each worker
        assert enters(door, old)
    provider.publish("second")
    wait_until(lambda: enters(door, provider.token("second")), "the second key")

    wait_until(lambda: not enters(door, old), "the end of the first key")
    assert [enters(door, old) for _ in range(8)] == [False] * 8


def test_a_flood_of_one_unknown_kid_causes_one_fetch(door, provider):
    answers = [door.knock(f"Bearer {provider.token('unknown')}") for _ in range(60)]

    assert {a.status_code for a in answers} == {401}
    wait_until(lambda: len(provider.requests) == 2, "the one fetch")
    assert [door.knock(f"Bearer {provider.token('unknown')}").status_code for _ in range(10)] == [401] * 10
    assert not enters(door, provider.token("another"))
    wait_until(lambda: len(provider.requests) > 2, "the fetch of the other")
    assert len(provider.requests) == 3


def test_a_flood_of_many_unknown_kids_causes_a_handful_of_fetches(door, provider):
    for i in range(60):
        assert not enters(door, provider.token(f"unknown-{i}"))
    wait_until(lambda: len(provider.requests) > 1, "a fetch")

    assert len(provider.requests) <= 5
    assert enters(door, provider.token("first"))


def test_what_is_no_token_or_made_with_a_secret_causes_no_fetch(door, provider):
    forged = ["garbage", "a.b.c", token(secret="x" * 40, headers={"kid": "unknown"}), provider.token("first")[:-4]]
    for jwt in forged:
        assert not enters(door, jwt)
    assert not enters(door, provider.token("unknown"))
    wait_until(lambda: len(provider.requests) > 1, "the fetch of the last one")

    assert len(provider.requests) == 2


def test_an_outage_keeps_the_keys_and_is_told(door, provider):
    provider.stop()
    door.knock(f"Bearer {provider.token('second')}")
    found = wait_for_state(door.gateway, "stale")

    assert found["last_error"] and found["keys"] == 1
    assert enters(door, provider.token("first")) and door.gateway.http.get("/ready").status_code == 200
    (line,) = wait_until(lambda: door.gateway.lines(message="keys cannot be fetched"), "the log line")
    assert line["level"] == "warn" and line["keeps_last_keys"] is True
    provider.publish("first", "second")
    provider.start()
    wait_for_state(door.gateway, "ok")
    assert enters(door, provider.token("second"))


PRIVATE = {"kty": "EC", "crv": "P-256", "kid": "p", "x": "AA", "y": "AA", "d": "planted-private"}
BAD = {
    "no JSON": (200, {}, b"<html>planted</html>"),
    "empty": (200, {}, b""),
    "no keys": (200, {}, b"{}"),
    "an empty set": (200, {}, b'{"keys":[]}'),
    "only keys for encryption": (200, {}, json.dumps({"keys": [PRIVATE | {"use": "enc", "d": None}]}).encode()),
    "a private key": (200, {}, json.dumps({"keys": [PRIVATE]}).encode()),
    "a shared secret": (200, {}, b'{"keys":[{"kty":"oct","k":"cGxhbnRlZA"}]}'),
    "too large": (200, {}, b'{"keys":[],"x":"' + b"x" * 262144 + b'"}'),
    "not found": (404, {}, b"{}"),
    "an error": (500, {}, b"{}"),
    "redirected": (302, {"Location": "/elsewhere"}, b""),
}


@pytest.mark.parametrize("answer", BAD.values(), ids=BAD.keys())
def test_what_is_no_sound_key_set_changes_nothing(door, provider, answer):
    provider.answer = answer
    door.knock(f"Bearer {provider.token('second')}")
    found = wait_for_state(door.gateway, "stale")

    assert found["last_error"] and "planted" not in found["last_error"]
    assert enters(door, provider.token("first"))
    assert "/elsewhere" not in provider.requests


def test_a_set_with_one_broken_key_is_refused_as_a_whole(door, provider):
    provider.answer = (200, {}, json.dumps({"keys": [provider.jwk("second"), PRIVATE]}).encode())
    door.knock(f"Bearer {provider.token('second')}")
    wait_for_state(door.gateway, "stale")

    assert not enters(door, provider.token("second")) and enters(door, provider.token("first"))


def test_until_the_first_set_has_come_the_gateway_is_not_ready_and_says_so(start, provider):
    provider.stop()
    fake = start.fake()
    gateway = start.gateway([{"name": "one", "url": fake.url}], auth=auth_of(provider), wait=False)
    wait_until(lambda: gateway.alive_or_fail() and gateway.http.get("/health").status_code == 200, "the gateway")
    wait_for_state(gateway, "down")
    ready = gateway.http.get("/ready")
    answer = gateway.rpc("ping", auth={"Authorization": f"Bearer {provider.token('first')}"})

    assert ready.status_code == 503 and "jwks_url" in ready.text
    assert gateway.http.get("/status", headers=mine()).json()["ready"] is False
    assert answer.status_code == 503 and answer.headers["retry-after"] == "5"
    assert "www-authenticate" not in answer.headers and "try again" in answer.text
    assert gateway.rpc("ping", auth=mine()).status_code == 200  # the secret is known
    assert gateway.rpc("ping", auth=mine(secret="x" * 40)).status_code == 401
    provider.start()
    wait_until(lambda: gateway.http.get("/ready").status_code == 200, "the keys", 40)
    assert gateway.rpc("ping", auth={"Authorization": f"Bearer {provider.token('first')}"}).status_code == 200


@pytest.mark.parametrize(
    "given,shortest,longest",
    [
        ("max-age=3600", 2880, 3420),
        ("max-age=1", 240, 285),
        ("public, MAX-AGE=999999", 69120, 82080),
        ("no-store", 240, 285),
        (None, 720, 855),
    ],
)
def test_max_age_decides_when_it_is_fetched_again(start, provider, given, shortest, longest):
    provider.publish("first", **({"Cache_Control": given} if given else {}))
    found = status(Door(start, auth=auth_of(provider)).gateway)
    wait = datetime.datetime.fromisoformat(found["refresh_at"]) - datetime.datetime.fromisoformat(found["fetched_at"])

    assert shortest <= wait.total_seconds() <= longest


def test_over_tls_only_the_named_authority_is_believed(start, folder):
    provider = IdentityProvider(folder.path)
    try:
        door = Door(start, auth=auth_of(provider, jwks_ca_file=str(provider.ca_file)))
        assert enters(door, provider.token("first"))
        door.gateway.reload(auth=auth_of(provider))
        found = wait_for_state(door.gateway, "down")
        assert "certificate" in found["last_error"] and not enters(door, provider.token("first"))
    finally:
        provider.stop()


def test_a_reload_fetches_at_once_and_keeps_what_is_there(door, provider):
    provider.stop()
    door.gateway.signal(signal.SIGHUP)
    wait_for_state(door.gateway, "stale")
    assert enters(door, provider.token("first"))
    provider.start()
    provider.publish("third")
    door.gateway.signal(signal.SIGHUP)
    wait_until(lambda: enters(door, provider.token("third")), "the third key")


def test_a_reload_takes_the_fetched_keys_away_with_their_url(door, provider):
    jwt = provider.token("first")
    assert enters(door, jwt)
    door.gateway.reload(auth={"hs256_secret": JWT_SECRET, "audience": AUDIENCE})

    wait_until(lambda: not enters(door, jwt), "the end of the keys")
    assert "jwks" not in door.gateway.http.get("/status", headers=mine()).json()


def test_the_url_is_in_no_log_status_or_check(door, provider):
    provider.answer = BAD["no JSON"]
    door.knock(f"Bearer {provider.token('second')}")
    found = wait_for_state(door.gateway, "stale")
    checked = run("check", door.gateway.path)

    assert checked.returncode == 0 and "/jwks.json" in checked.stdout
    assert "planted" not in door.gateway.text() + json.dumps(found) + checked.stdout


@pytest.mark.parametrize(
    "changes,env,word",
    [
        ({"jwks_url": "http://id.example.com/jwks"}, {}, "https"),
        ({"jwks_url": "http://127.0.0.1.example.com/jwks"}, {}, "https"),
        ({"jwks_url": "http://unix:/jwks"}, {}, "https"),
        ({"jwks_url": "http://127.0.0.1/jwks"}, {"ENVIRONMENT": "production"}, "https"),
        ({"jwks_url": "ftp://id.example.com/jwks"}, {}, "https"),
        ({"jwks_url": "file:///etc/passwd"}, {}, "https"),
        ({"jwks_url": "https:///jwks"}, {}, "no URL"),
        ({"jwks_url": "https://user:planted@id.example.com/"}, {}, "no URL"),
        ({"jwks_url": "https://id.example.com/a b"}, {}, "no URL"),
        ({"audience": None}, {}, "audience"),
        ({"jwks_ca_file": "/no/such.pem"}, {}, "/no/such.pem"),
        ({"jwks_url": None, "hs256_secret": JWT_SECRET, "jwks_ca_file": "/etc/passwd"}, {}, "jwks_url"),
    ],
)
def test_a_url_that_keys_may_not_come_from_is_refused(folder, changes, env, word):
    auth = {"jwks_url": "https://id.example.com/jwks", "audience": AUDIENCE} | changes
    path = folder / "guiche.yaml"
    path.write_text(json.dumps({"auth": {k: v for k, v in auth.items() if v is not None}}))
    done = run("check", path, env=env)

    assert done.returncode != 0 and word in done.stderr, done.stderr
    assert "planted" not in done.stderr and len(done.stderr.splitlines()) == 1


def test_the_environment_alone_can_name_the_url(provider, folder):
    port = free_port()
    issuer = {"JWT_AUDIENCE": AUDIENCE, "JWT_ISSUER": "https://id.example.com"}
    settings = {"GUICHE_LISTEN": f"127.0.0.1:{port}", "JWKS_URL": provider.url, "JWT_SECRET": JWT_SECRET} | issuer
    made = run("token", "--sub", "a", "--tenant", "t", "--permission", "*", env={"JWT_SECRET": JWT_SECRET} | issuer)
    process = harness.Process([GUICHE, "serve"], folder / "log", settings, cwd=str(folder.path))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:

            def enters(jwt):
                return client.get("/v1/tools/list", headers={"Authorization": f"Bearer {jwt}"}).status_code == 200

            wait_until(lambda: enters(provider.token("first", iss="https://id.example.com")), "the keys")
            assert enters(made.stdout.strip())
            assert not enters(provider.token("first")) and not enters(token())
    finally:
        process.stop()
    assert "JWT_AUDIENCE" in run("check", env={"JWKS_URL": provider.url}).stderr
