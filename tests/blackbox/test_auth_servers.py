"""Tokens of an identity provider: key sets, issuer, audience, RFC 9728 metadata and scopes (docs/architecture.md "Trust")."""

import hashlib
import json

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from door import AUDIENCE, API_KEY, Door, ISSUER, OLD_SECRET
from harness import JWT_SECRET, bearer, token
from signing import HS256, b64, claims, forge


@pytest.fixture(scope="module")
def door(start_module):
    api_key = {
        "name": "nightly",
        "sha256": hashlib.sha256(API_KEY.encode()).hexdigest(),
        "tenant_id": "acme",
        "permissions": ["crm.read", "x"],
    }
    return Door(start_module, auth={"hs256_secret": [JWT_SECRET, OLD_SECRET], "api_keys": [api_key]})


RSA = rsa.generate_private_key(65537, 2048)
EC = ec.generate_private_key(ec.SECP256R1())
EC384 = ec.generate_private_key(ec.SECP384R1())
ED = ed25519.Ed25519PrivateKey.generate()
STRANGER = rsa.generate_private_key(65537, 2048)


def number(value):
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def rsa_jwk(key, **more):
    public = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(public.n), "e": number(public.e)} | more


def ec_jwk(key, crv, size, **more):
    public = key.public_key().public_numbers()
    return {
        "kty": "EC",
        "crv": crv,
        "x": b64(public.x.to_bytes(size, "big")),
        "y": b64(public.y.to_bytes(size, "big")),
    } | more


JWKS = {
    "keys": [
        rsa_jwk(RSA, kid="rsa", use="sig"),
        ec_jwk(EC, "P-256", 32, kid="ec"),
        ec_jwk(EC384, "P-384", 48, kid="ec384"),
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": b64(ED.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)),
            "kid": "ed",
        },
        {"kty": "of the future", "kid": "unknown"},
    ]
}


@pytest.fixture(scope="module")
def jwks_door(start_module, module_folder):
    path = module_folder / "jwks.json"
    path.write_text(json.dumps(JWKS))
    return Door(start_module, name="jwks", auth={"jwks_file": str(path), "issuer": ISSUER, "audience": AUDIENCE})


def signed(key, algorithm, kid=None, **changes):
    body = {"iss": ISSUER, "aud": AUDIENCE} | claims() | changes
    return jwt.encode(
        {k: v for k, v in body.items() if v is not None}, key, algorithm, headers={"kid": kid} if kid else None
    )


GOOD_KEYS = [
    (RSA, "RS256", "rsa"),
    (RSA, "RS384", "rsa"),
    (RSA, "RS512", None),
    (RSA, "PS256", "rsa"),
    (EC, "ES256", "ec"),
    (EC, "ES256", None),
    (EC384, "ES384", "ec384"),
    (ED, "EdDSA", "ed"),
]


@pytest.mark.parametrize("key,algorithm,kid", GOOD_KEYS, ids=[f"{a} {k}" for _, a, k in GOOD_KEYS])
def test_every_kind_of_public_key_holds(jwks_door, key, algorithm, kid):
    assert jwks_door.principal(signed(key, algorithm, kid))["sub"] == "anna"


def public_pem():
    return RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


JWKS_REFUSED = {
    "HS256 with the PEM of the RSA key": forge(HS256 | {"kid": "rsa"}, claims(iss=ISSUER, aud=AUDIENCE), public_pem()),
    "HS256 with its DER": forge(
        HS256 | {"kid": "rsa"},
        claims(iss=ISSUER, aud=AUDIENCE),
        RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    ),
    "HS256 with its n": forge(HS256 | {"kid": "rsa"}, claims(iss=ISSUER, aud=AUDIENCE), JWKS["keys"][0]["n"]),
    "HS256 with an empty key": forge(HS256, claims(iss=ISSUER, aud=AUDIENCE), ""),
    "a stranger's key": signed(STRANGER, "RS256", "rsa"),
    "a stranger's key in the header": jwt.encode(
        claims(iss=ISSUER, aud=AUDIENCE), STRANGER, "RS256", headers={"jwk": rsa_jwk(STRANGER)}
    ),
    "unknown kid": signed(STRANGER, "RS256", "nobody"),
    "ES256 with a 384 bit key": forge({"alg": "ES256", "kid": "ec384"}, claims(iss=ISSUER, aud=AUDIENCE)),
    "alg none": f"{b64({'alg': 'none', 'kid': 'rsa'})}.{b64(claims(iss=ISSUER, aud=AUDIENCE))}.",
    "wrong audience": signed(RSA, "RS256", "rsa", aud="https://other.example.com/mcp"),
    "audience missing": signed(RSA, "RS256", "rsa", aud=None),
    "audience of a prefix": signed(RSA, "RS256", "rsa", aud=AUDIENCE[:-1]),
    "wrong issuer": signed(RSA, "RS256", "rsa", iss="https://evil.example.com"),
    "issuer missing": signed(RSA, "RS256", "rsa", iss=None),
    "issuer list": forge({"alg": "RS256"}, claims(iss=[ISSUER], aud=AUDIENCE)),
}


@pytest.mark.parametrize("bad", JWKS_REFUSED.values(), ids=JWKS_REFUSED.keys())
def test_a_token_that_the_key_set_does_not_vouch_for_is_refused(jwks_door, bad):
    # docs/architecture.md "Trust": the algorithm is fixed by the key's type; RFC 8725 3.1
    assert jwks_door.knock(f"Bearer {bad}").status_code == 401


@pytest.mark.parametrize(
    "word,changes",
    [("audience", {"aud": "https://other.example.com"}), ("issuer", {"iss": "https://evil.example.com"})],
)
def test_a_wrong_audience_or_issuer_is_named(jwks_door, word, changes):
    answer = jwks_door.knock(f"Bearer {signed(RSA, 'RS256', 'rsa', **changes)}")

    assert word in answer.json()["error"]["message"]


def test_one_of_several_audiences_is_enough(jwks_door):
    # RFC 7519 4.1.3
    assert jwks_door.principal(signed(RSA, "RS256", "rsa", aud=["x", AUDIENCE]))["sub"] == "anna"


def test_a_default_tenant_stands_in_for_the_missing_one(start):
    door = Door(start, auth={"hs256_secret": JWT_SECRET, "default_tenant": "acme"})

    assert door.principal(token(tenant=None))["tenant_id"] == "acme"
    assert door.principal(token(tenant="own"))["tenant_id"] == "own"


def test_the_challenge_names_what_is_wrong_with_a_token(door):
    # RFC 6750 3.1: no error code where no token was sent
    assert "error" not in door.knock(None).headers["www-authenticate"]
    assert 'error="invalid_token"' in door.knock("Bearer garbage").headers["www-authenticate"]


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    ],
)
def test_without_authorization_servers_there_is_no_metadata(door, path):
    # docs/architecture.md "Trust": so that clients do not start an OAuth dance that cannot end
    assert door.gateway.http.get(path).status_code == 404


@pytest.fixture(scope="module")
def oauth_door(start_module):
    return Door(
        start_module,
        name="oauth",
        public_url=AUDIENCE,
        auth={"hs256_secret": JWT_SECRET, "authorization_servers": [ISSUER]},
    )


@pytest.mark.parametrize("path", ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"])
def test_the_resource_metadata_come_from_the_public_url(oauth_door, path):
    # RFC 9728 2, never from the Host header
    answer = oauth_door.gateway.http.get(path, headers={"Host": f"localhost:{oauth_door.gateway.port}"})

    assert answer.status_code == 200
    assert answer.json()["resource"] == AUDIENCE
    assert answer.json()["authorization_servers"] == [ISSUER]
    assert answer.json()["bearer_methods_supported"] == ["header"]


def test_the_challenge_names_the_metadata(oauth_door):
    # RFC 9728 5.1
    challenge = oauth_door.knock(None).headers["www-authenticate"]

    assert 'resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource/mcp"' in challenge


def test_missing_scope_is_403_for_a_modern_client_of_an_authorization_server(oauth_door):
    # MCP 2026-07-28 basic/authorization "Scope Challenge Handling"; docs/architecture.md "Failures, deadlines, repeats"
    answer = oauth_door.gateway.rpc(
        "tools/call", {"name": "crm_echo"}, "modern", auth=bearer(permissions=(), scope="other.read")
    )
    challenge = answer.headers["www-authenticate"]

    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in challenge and 'scope="crm.read"' in challenge
    assert "resource_metadata=" in challenge


def test_missing_permission_is_a_result_where_it_does_not_come_from_scopes(oauth_door):
    scoped, listed = bearer(permissions=(), scope="other.read"), bearer(permissions=["other.read"])

    assert oauth_door.gateway.call("crm_echo", era="legacy", auth=scoped)["isError"] is True
    assert oauth_door.gateway.call("crm_echo", era="modern", auth=listed)["isError"] is True
