"""`guiche help | token | hop-key | tools | call | check | version`."""

import hashlib
import hmac
import json
import re
import time

import jwt
import pytest

from fake_connector import tool
from harness import HOP_SECRET, JWT_SECRET, free_port, run, token


def test_help_names_every_verb():
    for word in ("help", "--help"):
        done = run(word)
        assert done.returncode == 0
        for verb in ("serve", "check", "token", "hop-key", "tools", "call", "version"):
            assert verb in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("frobnicate",),
        ("check", "a", "b"),
        ("token",),
        ("token", "--sub"),
        ("hop-key",),
        ("tools",),
        ("call", "http://127.0.0.1:1/mcp"),
        ("serve", "--frob"),
    ],
)
def test_a_wrong_command_line_says_what_is_missing(arguments):
    done = run(*arguments)

    assert done.returncode == 2 and done.stderr


def test_version_is_printed():
    assert re.match(r"guiche \d+\.\d+", run("version").stdout)


def test_a_token_made_by_the_command_line_opens_the_door(stack):
    done = run(
        "token",
        "--sub",
        "anna",
        "--tenant",
        "demo",
        "--permission",
        "crm.read",
        "--permission=x",
        "--ttl",
        "1h",
        env={"JWT_SECRET": JWT_SECRET},
    )
    made = done.stdout.strip()
    claims = jwt.decode(made, JWT_SECRET, ["HS256"])

    assert (claims["sub"], claims["tenant_id"], claims["permissions"]) == ("anna", "demo", ["crm.read", "x"])
    assert 3540 < claims["exp"] - time.time() <= 3600
    assert stack.rpc("ping", auth={"Authorization": f"Bearer {made}"}).status_code == 200


def test_secrets_may_come_from_files(folder):
    # docs/architecture.md "Trust": Docker and Kubernetes secrets; a newline at the end is dropped
    (folder / "secret").write_text(JWT_SECRET + "\n")
    done = run("token", "--sub", "a", "--tenant", "t", "--permission", "*", env={"JWT_SECRET_FILE": folder / "secret"})

    assert jwt.decode(done.stdout.strip(), JWT_SECRET, ["HS256"])["sub"] == "a"


@pytest.mark.parametrize(
    "arguments,env,word",
    [
        (("token", "--sub", "a", "--tenant", "t", "--permission", "x"), {}, "JWT_SECRET"),
        (("token", "--sub", "a", "--tenant", "t", "--permission", "x"), {"JWT_SECRET": "short"}, "32"),
        (
            ("token", "--sub", "a", "--tenant", "t", "--permission", "x", "--ttl", "soon"),
            {"JWT_SECRET": JWT_SECRET},
            "ttl",
        ),
        (("hop-key", "crm"), {}, "GUICHE_HOP_SECRET"),
        (("hop-key", "crm"), {"GUICHE_HOP_SECRET": "short"}, "32"),
    ],
)
def test_what_a_secret_lacks_is_said(arguments, env, word):
    done = run(*arguments, env=env)

    assert done.returncode != 0 and word in done.stderr


def test_hop_keys_differ_by_connector_and_are_always_the_same():
    # docs/architecture.md "Trust": HMAC-SHA256(GUICHE_HOP_SECRET, connector name)

    keys = [
        run("hop-key", name, env={"GUICHE_HOP_SECRET": HOP_SECRET}).stdout.strip() for name in ("crm", "odoo", "crm")
    ]

    assert keys[0] == keys[2] != keys[1]
    assert keys[0] == hmac.new(HOP_SECRET.encode(), b"crm", hashlib.sha256).hexdigest()


def test_tools_lists_what_the_token_may_call(stack):
    done = run("tools", stack.url, env={"GUICHE_TOKEN": token(permissions=["crm.write"])})

    assert done.returncode == 0, done.stderr
    assert "crm_qualify_lead" in done.stdout and "crm_list_agents" not in done.stdout


def test_call_prints_the_answer_and_types_its_values(stack):
    environment = {"GUICHE_TOKEN": token()}
    ids = [a["agent_id"] for a in stack.rest("crm_list_agents").json()["result"]["agents"]][:2]
    single = run("call", stack.url, "crm_get_leads_count", "period=all", env=environment)
    several = run("call", stack.url, "crm_compare_agents", "agent_ids=" + ",".join(ids), env=environment)
    limited = run("call", stack.url, "crm_find_contacts", "limit=1", env=environment)

    for done in (single, several, limited):
        assert done.returncode == 0 and done.stdout.strip(), done.stderr


@pytest.mark.parametrize(
    "arguments,env,words",
    [
        (("crm_get_leads_count", "period=decade"), {"GUICHE_TOKEN": token()}, "period"),
        (("crm_get_leads_count", "period"), {"GUICHE_TOKEN": token()}, "key=value"),
        (("no_such_tool",), {"GUICHE_TOKEN": token()}, "no_such_tool"),
        (("crm_list_agents",), {"GUICHE_TOKEN": token(secret="not the secret of this gateway at all")}, "signature"),
        (("crm_list_agents",), {}, "token|GUICHE_TOKEN"),
    ],
    ids=["wrong value", "no value", "no tool", "wrong token", "no token"],
)
def test_a_call_that_fails_says_why_and_ends_badly(stack, arguments, env, words):
    done = run("call", stack.url, *arguments, env=env)

    assert done.returncode != 0
    assert re.search(words, done.stdout + done.stderr)


def test_call_takes_any_json_by_another_sign(start):
    schema = {"type": "object", "properties": {"scores": {"type": "object"}, "note": {"type": "string"}}}
    fake = start.fake(tools=[tool("rate", inputSchema=schema)])
    gateway = start.gateway([{"name": "fake", "url": fake.url}])
    environment = {"GUICHE_TOKEN": token()}
    good = run("call", gateway.url, "fake_rate", 'scores:={"budget":7}', "note=fine", env=environment)
    bad = run("call", gateway.url, "fake_rate", "scores:={budget", env=environment)

    assert good.returncode == 0, good.stderr
    assert fake.calls()[0].arguments == {"scores": {"budget": 7}, "note": "fine"}
    assert bad.returncode == 2 and "is not JSON" in bad.stderr


def test_tools_says_when_a_token_sees_none(stack):
    done = run("tools", stack.url, env={"GUICHE_TOKEN": token(permissions=["nothing"])})

    assert done.returncode == 0 and "no tools" in done.stderr


def test_a_gateway_that_is_not_there_is_a_sentence():
    done = run("tools", f"http://127.0.0.1:{free_port()}/mcp", env={"GUICHE_TOKEN": "x"})

    assert done.returncode == 1 and len(done.stderr.splitlines()) == 1


def test_check_says_what_would_run_and_shows_no_secret(folder):
    path = folder / "guiche.yaml"
    path.write_text(
        json.dumps(
            {
                "listen": "127.0.0.1:8080",
                "auth": {"hs256_secret": JWT_SECRET},
                "hop_secret": HOP_SECRET,
                "connectors": [{"name": "crm", "url": "unix:/run/guiche/crm.sock", "timeout": "7s"}],
            }
        )
    )
    done = run("check", path)

    assert done.returncode == 0
    for word in ("127.0.0.1:8080", "crm", "crm_", "/run/guiche/crm.sock", "7 s"):
        assert word in done.stdout
    assert JWT_SECRET not in done.stdout and HOP_SECRET not in done.stdout
