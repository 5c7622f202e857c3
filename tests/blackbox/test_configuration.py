"""guiche.yaml, its refusals, and the environment alone (docs/configuration.md; docs/configuration.md)."""

import re

import httpx
import pytest

import harness
from harness import GUICHE, HOP_SECRET, JWT_SECRET, bearer, free_port, run, wait_until

GOOD = "auth: {hs256_secret: '%s'}\n" % JWT_SECRET
FILES = {
    "unknown key": (GOOD + "conectors: []\n", ":2:", "connectors"),
    "unknown key inside": (GOOD + "connectors:\n  - name: a\n    url: 'unix:/x'\n    timout: 5s\n", ":5:", "timeout"),
    "duplicate key": (GOOD + "workers: 1\nworkers: 2\n", ":3:", "workers"),
    "wrong type": (GOOD + "workers: [1]\n", ":2:", "a list"),
    "no number": (GOOD + "workers: many\n", ":2:", "many"),
    "text for a map": (GOOD + "limits: big\n", ":2:", "headers"),
    "unset variable": (GOOD + "public_url: ${NO_SUCH_VARIABLE}\n", ":2:", "NO_SUCH_VARIABLE"),
    "bad time": (GOOD + "timeouts: {headers: soon}\n", ":2:", "soon"),
    "bad size": (GOOD + "limits: {body: 4 elephants}\n", ":2:", "4 elephants"),
    "no yaml": ("auth: {hs256_secret: [\n", ":", ""),
    "empty file": ("", "", "empty"),
    "connector without url": (GOOD + "connectors:\n  - name: a\n", ":3:", "url"),
    "connector twice": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x'}\n  - {name: a, prefix: b_, url: 'unix:/y'}\n",
        "",
        "a",
    ),
    "a missing ca_file": (GOOD + "connectors:\n  - {name: a, url: 'https://example.com/mcp', ca_file: /none.pem}\n", ":3:", "ca_file"),
    "mapped Authorization": (
        GOOD + "connectors:\n  - name: a\n    url: 'unix:/x'\n    forward_headers: {Authorization: X-Token}\n",
        ":5:",
        "authorization is never forwarded",
    ),
    "mapped to Cookie": (
        GOOD + "connectors:\n  - name: a\n    url: 'unix:/x'\n    forward_headers: {X-A: Cookie}\n",
        ":5:",
        "cookie is the gateway's to write",
    ),
    "command": (GOOD + "connectors:\n  - name: a\n    command: [x]\n", ":", "command|url"),
    "forwarded Authorization": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x', forward_headers: [Authorization]}\n",
        ":3:",
        "(?i)authorization",
    ),
    "forwarded Cookie": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x', forward_headers: [Cookie]}\n",
        ":3:",
        "(?i)cookie",
    ),
    "forwarded Mcp-Name": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x', forward_headers: [Mcp-Name]}\n",
        ":3:",
        "(?i)mcp-name",
    ),
    "forwarded Guiche-Principal": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x', forward_headers: [Guiche-Principal]}\n",
        ":3:",
        "(?i)guiche-principal",
    ),
    "forwarded Transfer-Encoding": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x', forward_headers: [Transfer-Encoding]}\n",
        ":3:",
        "(?i)transfer-encoding",
    ),
    "required but not forwarded": (
        GOOD + "connectors:\n  - {name: a, url: 'unix:/x', required_headers: {X-A: 'No.'}}\n",
        "",
        "forward_headers",
    ),
    "bad prefix": (GOOD + "connectors:\n  - {name: a, prefix: 'A-', url: 'unix:/x'}\n", ":3:", "prefix"),
    "bad name": (GOOD + "connectors:\n  - {name: 'A b', url: 'unix:/x'}\n", ":3:", "A b"),
    "bad listen": (GOOD + "listen: somewhere\n", "", "somewhere"),
    "bad lists": (GOOD + "lists: some\n", ":2:", "some"),
    "bad proxy": (GOOD + "trusted_proxies: [here]\n", "", "here"),
    "cors star": (GOOD + "cors: {origins: ['*']}\n", "", r"\*"),
}


@pytest.mark.parametrize("text,place,words", FILES.values(), ids=FILES.keys())
def test_a_bad_file_is_refused_with_file_line_and_what_was_meant(folder, text, place, words):
    # docs/configuration.md
    path = folder / "guiche.yaml"
    path.write_text(text)
    done = run("check", path)

    assert done.returncode != 0
    assert f"guiche.yaml{place}" in done.stderr, done.stderr
    assert re.search(words, done.stderr), done.stderr
    assert len(done.stderr.splitlines()) == 1 and JWT_SECRET not in done.stderr


@pytest.mark.parametrize(
    "value,expected",
    [("${V}", "3"), ("${V:-5}", "3"), ("${UNSET:-5}", "5"), ("'${V}'", "3"), ("$V", None), ("${}", None)],
)
def test_variables_are_expanded_in_values(folder, value, expected):
    # docs/configuration.md
    path = folder / "guiche.yaml"
    path.write_text(GOOD + f"workers: {value}\n")
    done = run("check", path, env={"V": "3"})

    assert (done.returncode == 0) == (expected is not None), done.stderr
    assert expected is None or f"({expected} workers)" in done.stdout


def test_a_variable_cannot_change_the_structure_of_the_file(folder):
    # docs/configuration.md: expanded in scalar values after parsing
    path = folder / "guiche.yaml"
    path.write_text(GOOD + "public_url: ${URL}\n")
    done = run("check", path, env={"URL": "https://a.example/mcp\nlists: all\nworkers: 99"})

    assert "99 workers" not in done.stdout


def test_an_empty_default_means_absent(folder):
    path = folder / "guiche.yaml"
    path.write_text(GOOD + "admin_listen: ${ADMIN:-}\nredis: ${REDIS_URL:-}\n")

    assert run("check", path).returncode == 0


def test_a_file_that_is_not_there_is_a_sentence():
    done = run("check", "/tmp/no-such-guiche.yaml")

    assert done.returncode == 1 and "/tmp/no-such-guiche.yaml" in done.stderr


def test_redis_is_accepted_with_a_warning(start, folder):
    # issue, "Not in this issue": accepted with a warning that nothing uses them yet
    gateway = start.gateway(
        [{"name": "one", "url": start.fake().url}], redis="redis://:planted-password@localhost:6379"
    )
    checked = run("check", gateway.path)

    assert "redis" in gateway.text() and "redis" in checked.stdout
    assert "planted-password" not in gateway.text() + checked.stdout


def test_the_environment_alone_is_enough(start, folder):
    # docs/configuration.md
    crm = start.crm()
    port = free_port()
    settings = {
        "GUICHE_LISTEN": f"127.0.0.1:{port}",
        "JWT_SECRET": JWT_SECRET,
        "GUICHE_HOP_SECRET": HOP_SECRET,
        "MCP_CRM_URL": crm.url,
        "REDIS_URL": "redis://localhost",
    }
    process = harness.Process([GUICHE, "serve"], folder / "log", settings, cwd=str(folder.path))
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until(lambda: client.get("/ready").status_code == 200, "the gateway")
            answer = client.post(
                "/v1/tools/execute",
                json={"tool_name": "crm_get_leads_count", "arguments": {"period": "all"}},
                headers=bearer(),
            )
        assert answer.json()["result"]["total_leads"] > 0
        assert "REDIS_URL" in process.text()
    finally:
        process.stop()


def test_the_usual_connectors_have_their_names_prefixes_and_headers():
    settings = {
        f"MCP_{name.upper()}_URL": f"http://127.0.0.1:1{i}"
        for i, name in enumerate(["odoo", "qdrant", "chatwoot", "qlik", "crm"])
    }
    done = run("check", env=settings | {"JWT_SECRET": JWT_SECRET, "GUICHE_HOP_SECRET": HOP_SECRET})

    assert done.returncode == 0, done.stderr
    for name in ("odoo", "qdrant", "chatwoot", "qlik", "crm"):
        assert f"{name}_" in done.stdout
    assert "x-qlik-access-token" in done.stdout.lower()


@pytest.mark.parametrize(
    "env,word",
    [
        ({}, "JWT_SECRET"),
        ({"JWT_SECRET": "short"}, "32"),
        ({"JWT_SECRET": JWT_SECRET, "MCP_CRM_URL": "unix:/x"}, "GUICHE_HOP_SECRET"),
        ({"JWT_SECRET": JWT_SECRET, "GUICHE_HOP_SECRET": JWT_SECRET, "MCP_CRM_URL": "unix:/x"}, "same"),
        ({"JWT_SECRET": JWT_SECRET, "ENVIRONMENT": "prod"}, "ENVIRONMENT"),
        ({"JWT_SECRET": JWT_SECRET, "GUICHE_LISTEN": "here"}, "here"),
    ],
)
def test_an_environment_that_lacks_something_is_refused(env, word):
    done = run("check", env=env)

    assert done.returncode != 0 and word in done.stderr, done.stderr


def test_production_refuses_development_secrets():
    secret = "a development secret that is long enough"
    done = run("check", env={"ENVIRONMENT": "production", "JWT_SECRET": secret})

    assert done.returncode != 0 and "production" in done.stderr
    assert run("check", env={"JWT_SECRET": secret}).returncode == 0
