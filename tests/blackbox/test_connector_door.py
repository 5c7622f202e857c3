"""The second door: a connector believes the gateway alone; and what no configuration may open (docs/architecture.md "Trust")."""

import hashlib
import json
import os
import re
import subprocess

import jwt
import pytest

from door import AUDIENCE, API_KEY, Door, ISSUER, OLD_SECRET
from harness import HOP_SECRET, JWT_SECRET, MCP_CRM, SLOW, free_port, hop_key, message, message_headers, run, token
from signing import NOW, b64, claims


@pytest.fixture(scope="module")
def door(start_module):
    api_key = {
        "name": "nightly",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "tenant_id": "acme",
        "permissions": ["crm.read", "x"],
    }
    return Door(start_module, auth={"hs256_secret": [JWT_SECRET, OLD_SECRET], "api_keys": [api_key]})


def test_without_auth_everybody_is_local_with_every_permission(start):
    # docs/architecture.md "Trust": principal local, tenant local, permission *
    door = Door(start, auth={"mode": "none"})
    assert door.knock(None).status_code == 200
    principal = jwt.decode(door.fake.calls()[-1].headers["Guiche-Principal"], hop_key("crm"), ["HS256"], audience="crm")

    assert (principal["sub"], principal["tenant_id"], principal["permissions"]) == ("local", "local", ["*"])


def refusal_of(folder, env=None, **config):
    """What `guiche check` and `guiche serve` say about a config that must be refused."""
    path = folder / "refused.yaml"
    path.write_text(json.dumps({"listen": f"127.0.0.1:{free_port()}", "auth": {"hs256_secret": JWT_SECRET}} | config))
    checked, served = (run(verb, path, env=env) for verb in ("check", "serve"))
    assert checked.returncode != 0 and served.returncode != 0
    assert "refused.yaml" in checked.stderr
    return checked.stderr + served.stderr


CRM = {"name": "crm", "url": "unix:/tmp/nobody.sock"}
CONFIGS = {
    "none on all addresses": ({"listen": "0.0.0.0:0", "auth": {"mode": "none"}}, {}, "loopback"),
    "none in production": ({"auth": {"mode": "none"}}, {"ENVIRONMENT": "production"}, "production"),
    "short secret": ({"auth": {"hs256_secret": "short"}}, {}, "32"),
    "short secret in a list": ({"auth": {"hs256_secret": [JWT_SECRET, "short"]}}, {}, "32"),
    "equal secrets": ({"hop_secret": JWT_SECRET, "connectors": [CRM]}, {}, "same"),
    "old secret equals the hop's": (
        {"auth": {"hs256_secret": [JWT_SECRET, OLD_SECRET]}, "hop_secret": OLD_SECRET, "connectors": [CRM]},
        {},
        "same",
    ),
    "no hop secret": ({"connectors": [CRM]}, {}, "hop_secret"),
    "short hop secret": ({"hop_secret": "short", "connectors": [CRM]}, {}, "32"),
    "nobody could log in": ({"auth": {"mode": "jwt"}}, {}, "hs256_secret"),
    "a key set without audience": ({"auth": {"jwks_file": "/tmp/jwks.json"}}, {}, "audience|jwks"),
    "authorization servers without public_url": (
        {"auth": {"hs256_secret": JWT_SECRET, "authorization_servers": [ISSUER]}},
        {},
        "public_url",
    ),
    "keys by plain http": ({"auth": {"jwks_url": "http://id.example.com/jwks", "audience": AUDIENCE}}, {}, "jwks_url"),
    "api key that is no digest": (
        {"auth": {"api_keys": [{"name": "a", "sha256": "xyz", "tenant_id": "t", "permissions": ["*"]}]}},
        {},
        "sha256",
    ),
    "unknown mode": ({"auth": {"mode": "ldap"}}, {}, "mode"),
}


@pytest.mark.parametrize("config,env,words", CONFIGS.values(), ids=CONFIGS.keys())
def test_a_config_that_would_be_unsafe_is_refused_with_a_sentence(folder, config, env, words):
    text = refusal_of(folder, env, **config)

    assert re.search(words, text), text
    assert JWT_SECRET not in text and OLD_SECRET not in text


def crm_answer(crm, **headers):
    body = json.dumps(message("tools/call", {"name": "get_leads_count", "arguments": {"period": "all"}}, "legacy"))
    named = message_headers("tools/call", {}, "legacy") | {k.replace("_", "-"): v for k, v in headers.items()}
    return crm.http.post("/mcp", content=body, headers=named)


def hop_token(key=None, typ="guiche-hop+jwt", **changes):
    return jwt.encode(claims(aud="crm") | changes, key or hop_key("crm"), headers={"typ": typ})


def test_a_connector_takes_the_hop_token_made_for_it(stack):
    answer = crm_answer(stack.crm, Guiche_Principal=hop_token())

    assert answer.status_code == 200 and answer.json()["result"]["structuredContent"]["total_leads"] > 0


@pytest.mark.parametrize(
    "make",
    [
        lambda: {},
        lambda: {"Authorization": f"Bearer {token()}"},
        lambda: {"Authorization": f"Bearer {hop_token()}"},
        lambda: {"Guiche_Principal": token()},
        lambda: {"Guiche_Principal": jwt.encode(claims(aud="crm"), JWT_SECRET, headers={"typ": "guiche-hop+jwt"})},
        lambda: {"Guiche_Principal": hop_token(typ="JWT")},
        lambda: {"Guiche_Principal": hop_token(typ="at+jwt")},
        lambda: {"Guiche_Principal": hop_token(key=hop_key("odoo"))},
        lambda: {"Guiche_Principal": hop_token(key=HOP_SECRET)},
        lambda: {"Guiche_Principal": hop_token(aud="odoo")},
        lambda: {"Guiche_Principal": hop_token(exp=NOW - 120)},
        lambda: {"Guiche_Principal": f"{b64({'alg': 'none', 'typ': 'guiche-hop+jwt'})}.{b64(claims(aud='crm'))}."},
        lambda: {"Guiche_Principal": "garbage"},
        lambda: {"Guiche_Principal": f"Bearer {hop_token()}"},
    ],
    ids=[
        "nothing",
        "client token",
        "hop token as bearer",
        "client token in its place",
        "signed by the client secret",
        "typ JWT",
        "typ at+jwt",
        "another connector's key",
        "the secret itself",
        "another audience",
        "expired",
        "alg none",
        "garbage",
        "with Bearer",
    ],
)
def test_a_connector_refuses_everything_else(stack, make):
    # docs/architecture.md "Trust": hop and client tokens are told apart by typ and refused at each other's door.
    answer = crm_answer(stack.crm, **make())

    assert answer.status_code == 401
    assert "total_leads" not in answer.text


def test_a_captured_hop_token_opens_neither_the_front_door_nor_another_connector(door, stack):
    door.principal(token())
    captured = door.fake.calls()[0].headers["Guiche-Principal"]

    assert door.knock(f"Bearer {captured}").status_code == 401
    assert stack.rpc("ping", auth={"Authorization": f"Bearer {captured}"}).status_code == 401


def test_the_front_door_does_not_look_at_a_hop_header(door):
    # Nobody may bring a principal of their own.
    answer = door.gateway.rpc("ping", auth={"Guiche-Principal": hop_token()})
    assert answer.status_code == 401
    door.gateway.rpc(
        "tools/call",
        {"name": "crm_echo"},
        headers={"Guiche-Principal": hop_token(tenant_id="other"), "Guiche-Request-Id": "forged"},
    )

    seen = door.fake.calls()[-1].headers
    assert jwt.decode(seen["Guiche-Principal"], hop_key("crm"), ["HS256"], audience="crm")["tenant_id"] == "demo"
    assert seen["Guiche-Request-Id"] != "forged"
    assert len(seen.get_all("Guiche-Principal")) == 1


def connector_refusal(folder, *arguments, **env):
    settings = {"DATABASE_URL": f"sqlite:{folder / 'x.sqlite'}", "LISTEN": f"unix:{folder / 'x.sock'}"} | env
    done = subprocess.run(
        [MCP_CRM, *arguments],
        env={"PATH": os.environ["PATH"]} | settings,
        capture_output=True,
        text=True,
        timeout=20 * SLOW,
    )
    assert done.returncode != 0, done.stdout
    return done.stderr


def test_a_connector_without_its_key_refuses_to_start(folder):
    # docs/architecture.md "Trust"
    text = connector_refusal(folder)

    assert "HOP_KEY" in text and "hop-key" in text


def test_a_connector_with_a_short_key_refuses_to_start(folder):
    assert "HOP_KEY" in connector_refusal(folder, HOP_KEY="short")


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0"])
def test_a_connector_without_auth_binds_loopback_only(folder, listen):
    # docs/architecture.md "Trust": --no-auth TENANT binds loopback or a unix socket
    assert "loopback" in connector_refusal(folder, "--no-auth", "demo", LISTEN=listen)


def test_a_connector_without_auth_is_refused_in_production(folder):
    assert "production" in connector_refusal(folder, "--no-auth", "demo", ENVIRONMENT="production")


def test_a_connector_without_auth_serves_its_one_tenant(start):
    crm = start.crm(args=("--no-auth", "other"))
    answer = crm_answer(crm, Guiche_Principal=hop_token(tenant_id="demo"))

    assert answer.status_code == 200
    found, expected = (a.json()["result"]["structuredContent"] for a in (answer, crm_answer(crm)))
    for report in (found, expected):
        report.pop("to")  # now, which may be two different seconds
    assert found == expected
