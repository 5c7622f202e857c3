"""Who gets in at the front door, and what is said to those who do not (docs/architecture.md "Trust")."""

import hashlib
import json
import re
import time

import jwt
import pytest

from door import API_KEY, Door, OLD_SECRET
from harness import HOP_SECRET, JWT_SECRET, message, token
from signing import HS256, NOW, b64, claims, forge


@pytest.fixture(scope="module")
def door(start_module):
    api_key = {
        "name": "nightly",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "tenant_id": "acme",
        "permissions": ["crm.read", "x"],
    }
    return Door(start_module, auth={"hs256_secret": [JWT_SECRET, OLD_SECRET], "api_keys": [api_key]})


def test_the_principal_reaches_the_connector_in_a_token_of_its_own(door):
    # docs/architecture.md "Trust": typ guiche-hop+jwt, aud the connector, exp 60 s; sub, tenant_id, permissions
    principal = door.principal(token(subject="anna", tenant="acme", permissions=["crm.read", "y"]))
    header = jwt.get_unverified_header(door.fake.calls()[0].headers["Guiche-Principal"])

    assert header == {"alg": "HS256", "typ": "guiche-hop+jwt"}
    assert (principal["sub"], principal["tenant_id"], principal["aud"]) == ("anna", "acme", "crm")
    assert sorted(principal["permissions"]) == ["crm.read", "y"]
    assert 0 < principal["exp"] - time.time() <= 61


@pytest.mark.filterwarnings("ignore:The HMAC key is")  # 32 bytes are what we ask for
@pytest.mark.parametrize("secret", [JWT_SECRET, OLD_SECRET], ids=["new", "old"])
@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_both_secrets_of_a_rotation_hold(door, secret, algorithm):
    assert door.principal(token(secret=secret, algorithm=algorithm))["sub"] == "tester"


def test_an_api_key_is_a_principal_of_its_own(door):
    principal = door.principal(API_KEY)

    assert (principal["sub"], principal["tenant_id"]) == ("nightly", "acme")
    assert principal["permissions"] == ["crm.read", "x"]


def test_an_api_key_that_is_not_configured_is_refused(door):
    assert door.knock(f"Bearer {API_KEY}x").status_code == 401
    assert door.knock(f"Bearer {hashlib.sha256(API_KEY.encode()).hexdigest()}").status_code == 401


@pytest.mark.parametrize(
    "given,permissions",
    [
        ({"scope": "crm.read a.b"}, ["a.b", "crm.read"]),
        ({"scp": ["crm.read", "c"]}, ["c", "crm.read"]),
        ({"scp": "crm.read d"}, ["crm.read", "d"]),
        ({"permissions": ["crm.read"], "scope": "e"}, ["crm.read", "e"]),
    ],
)
def test_permissions_are_those_of_the_list_and_of_the_scopes(door, given, permissions):
    # docs/architecture.md "Trust": permissions = permissions[] plus scope/scp
    body = claims(permissions=None) | given

    assert sorted(door.principal(forge(HS256, body))["permissions"]) == permissions


def test_user_id_stands_in_for_sub(door):
    assert door.principal(forge(HS256, claims(sub=None, user_id="u-7")))["sub"] == "u-7"


@pytest.mark.parametrize("typ", ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt", None])
def test_access_tokens_of_either_type_hold(door, typ):
    # RFC 9068 2.1; RFC 7515 4.1.9 (no application/, any case)
    header = {"alg": "HS256"} | ({"typ": typ} if typ else {})

    assert door.principal(forge(header, claims()))["sub"] == "anna"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_may_be_written_in_any_case(door, scheme):
    # RFC 9110 11.1
    assert door.knock(f"{scheme} {token()}").status_code == 200


REFUSED = {
    "missing": (None, "missing"),
    "empty": ("", None),
    "no scheme": (token(), "Bearer"),
    "scheme alone": ("Bearer", "Bearer"),
    "basic": ("Basic dGVzdDp0ZXN0", "Bearer"),
    "garbage": ("Bearer garbage", "malformed"),
    "three dots": ("Bearer a.b.c", "malformed"),
    "five parts": ("Bearer a.b.c.d.e", "malformed"),
    "no signature": ("Bearer " + token().rsplit(".", 1)[0] + ".", None),
    "space inside": ("Bearer " + token() + " x", None),
    "cut": ("Bearer " + token()[:-3], "signature"),
    "changed payload": (
        "Bearer " + ".".join([token().split(".")[0], b64(claims(tenant_id="other")), token().split(".")[2]]),
        "signature",
    ),
    "wrong key": ("Bearer " + token(secret="not the secret of this gateway at all"), "signature"),
    "alg none": ("Bearer " + f"{b64({'alg': 'none'})}.{b64(claims())}.", None),
    "alg None": ("Bearer " + f"{b64({'alg': 'None'})}.{b64(claims())}.x", None),
    "alg missing": ("Bearer " + forge({"typ": "JWT"}, claims()), None),
    "alg no string": ("Bearer " + forge({"alg": ["HS256"]}, claims()), None),
    "alg RS256 on a secret": ("Bearer " + forge({"alg": "RS256"}, claims()), None),
    "hop typ": ("Bearer " + forge({"alg": "HS256", "typ": "guiche-hop+jwt"}, claims()), None),
    "other typ": ("Bearer " + forge({"alg": "HS256", "typ": "id+jwt"}, claims()), None),
    "unknown crit": ("Bearer " + forge(HS256 | {"crit": ["exp"], "exp": 1}, claims()), None),
    "expired": ("Bearer " + token(ttl=-120), "expired"),
    "not yet": ("Bearer " + token(nbf=NOW + 86400, ttl=2 * 86400), "not yet|not valid"),
    "no exp": ("Bearer " + token(exp=None), "exp"),
    "exp text": ("Bearer " + forge(HS256, claims(exp=str(NOW + 86400))), "exp"),
    "exp huge": ("Bearer " + forge(HS256, b'{"sub":"a","tenant_id":"t","exp":1e400}'), None),
    "nbf text": ("Bearer " + forge(HS256, claims(nbf="now")), "nbf"),
    "no sub": ("Bearer " + token(sub=None), "sub"),
    "sub number": ("Bearer " + forge(HS256, claims(sub=7)), "sub"),
    "sub empty": ("Bearer " + token(subject=""), "sub"),
    "no tenant": ("Bearer " + token(tenant=None), "tenant"),
    "tenant number": ("Bearer " + forge(HS256, claims(tenant_id=5)), "tenant"),
    "tenant with NUL": ("Bearer " + forge(HS256, claims(tenant_id="demo\x00x")), None),
    "permissions text": ("Bearer " + forge(HS256, claims(permissions="*")), "permissions"),
    "duplicate sub": (
        "Bearer " + forge(HS256, b'{"sub":"a","sub":"b","tenant_id":"demo","exp":%d}' % (NOW + 86400)),
        None,
    ),
    "duplicate alg": ("Bearer " + forge(b'{"alg":"HS256","alg":"none"}', claims()), None),
    "payload no object": ("Bearer " + forge(HS256, b"[]"), None),
    "payload no JSON": ("Bearer " + forge(HS256, b"sub=a"), None),
    "invalid UTF-8": ("Bearer " + forge(HS256, b'{"sub":"\xff","tenant_id":"demo","exp":%d}' % (NOW + 86400)), None),
    "10 KB": ("Bearer " + token(x="y" * 10_000), None),
    "made with the hop secret": ("Bearer " + token(secret=HOP_SECRET), "signature"),
}


@pytest.mark.parametrize("authorization,why", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_that_does_not_hold_is_401_and_says_why(door, authorization, why):
    # RFC 6750 3; docs/architecture.md "Trust": 401 says why in one sentence
    door.fake.requests.clear()
    answer = door.knock(authorization)
    text = answer.json()["error"]["message"]

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert text and (why is None or re.search(why, text)), text
    assert "resource_metadata" not in answer.headers["www-authenticate"]
    assert not authorization or len(authorization) < 20 or authorization.split()[-1] not in answer.text
    assert door.fake.calls() == []


def test_two_authorization_headers_are_refused(door):
    body = json.dumps(message("ping", None, "legacy"))
    answer = door.gateway.http.post(
        "/mcp", content=body, headers=[("Authorization", f"Bearer {token()}"), ("Authorization", f"Bearer {token()}")]
    )

    assert answer.status_code == 401


@pytest.mark.parametrize("era", ["legacy", "modern"])
@pytest.mark.parametrize("method", ["initialize", "server/discover", "ping", "tools/list", "notifications/initialized"])
def test_every_method_needs_a_token(door, method, era):
    # 401 already on initialize: later it would break the session of CrewAI's adapter for good (docs/clients.md).
    answer = door.gateway.rpc(method, {} if method == "initialize" else None, era, auth={})

    assert answer.status_code == 401


def test_the_token_comes_before_the_body_is_looked_at(door):
    for body in (b"garbage", b"", b"[]"):
        assert door.gateway.http.post("/mcp", content=body).status_code == 401


TOKEN_ROUTES = [
    ("POST", "/mcp"),
    ("POST", "/"),
    ("GET", "/v1/tools/list"),
    ("POST", "/v1/tools/execute"),
    ("GET", "/v1/tools/crm_echo/stream"),
    ("POST", "/v1/tools/crm_echo/stream"),
    ("POST", "/tools/list"),
    ("GET", "/metrics"),
    ("GET", "/status"),
]


@pytest.mark.parametrize("method,path", TOKEN_ROUTES)
def test_every_route_of_the_table_that_needs_a_token_asks_for_one(door, method, path):
    # docs/clients.md, docs/operating.md
    answer = door.gateway.http.request(method, path, content=b"{}" if method == "POST" else None)

    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]["message"]


@pytest.mark.parametrize("path", ["/health", "/ready"])
def test_health_and_readiness_need_no_token(door, path):
    assert door.gateway.http.get(path).status_code == 200


@pytest.mark.parametrize("query", ["access_token", "token", "authorization"])
def test_a_token_in_the_query_lets_nobody_in(door, query):
    # MCP authorization "Token Requirements": never in the query string
    assert (
        door.gateway.http.post(
            f"/mcp?{query}={token()}", content=json.dumps(message("ping", None, "legacy"))
        ).status_code
        == 401
    )


def test_an_expired_token_is_refused_though_it_was_seen_while_it_held(door):
    # docs/architecture.md "One call": kept until min(exp, 60 s)
    expires = int(time.time()) + 6
    short = token(exp=expires)
    assert door.knock(f"Bearer {short}").status_code == 200
    time.sleep(expires - time.time() + 0.1)

    assert door.knock(f"Bearer {short}").status_code == 401
