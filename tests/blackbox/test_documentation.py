"""What the documentation shows works as it stands: its commands are run, its configuration is checked."""

import json
import re
import subprocess

import jwt
import pytest

from certificates import Authority
from harness import GUICHE, HOP_SECRET, JWT_SECRET, ROOT, SLOW, bearer, run, token

RFC_8037_KEY = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}


def blocks(path, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / path).read_text(), re.S)


def shell(script, stack):
    settings = {"PATH": "/usr/bin:/bin", "GUICHE_URL": stack.url, "GUICHE_TOKEN": token(), "JWT_SECRET": JWT_SECRET}
    script = script.replace("build/release/gateway/guiche", str(GUICHE)).replace("\nguiche ", f"\n{GUICHE} ")
    done = subprocess.run(
        ["bash", "-euc", script], env=settings, cwd=ROOT, capture_output=True, text=True, timeout=30 * SLOW
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def stack(start_module):
    qlik = start_module.connector("qlik", env={"QLIK_CLOUD_TENANT_URL": start_module.standin("qlik")})
    return start_module.stack_with(start_module.crm(), qlik)


def getting_started(word):
    """The script of all shell blocks up to the one with this word: later ones use what earlier ones set."""
    shown = [b for b in blocks("docs/getting-started.md", "sh") if "curl" in b or "guiche " in b]
    wanted = next(i for i, b in enumerate(shown) if word in b)
    return "".join(shown[: wanted + 1])


@pytest.mark.parametrize("word,result", [("tools/call", " leads"), ("qlik_get_apps", "app_id"), ("execute", "total_leads"), ("stream?", "winner")])
def test_the_curl_lines_of_getting_started_work(stack, word, result):
    printed = shell(getting_started(word), stack)

    assert result in printed and '"error"' not in printed and '"isError":true' not in printed


@pytest.fixture(scope="module")
def odoo(start_module):
    upstream = start_module.standin("odoo")
    settings = {"ODOO_URL": upstream, "ODOO_DB": "demo", "ODOO_USERNAME": "demo@example.com", "ODOO_PASSWORD": "demo", "TENANTS": "demo"}
    return start_module.stack_with(start_module.connector("odoo", env=settings))


def test_the_resource_of_getting_started_is_read(odoo):
    (block,) = [b for b in blocks("docs/getting-started.md", "sh") if "resources/read" in b]

    assert "sale.order" in shell(block, odoo)


def test_the_listening_line_of_getting_started_is_acknowledged(odoo):
    (block,) = [b for b in blocks("docs/getting-started.md", "sh") if "subscriptions/listen" in b]
    heard = shell(block.replace("curl ", "curl -m 5 ").rstrip() + " || [ $? = 28 ]", odoo)

    assert "notifications/subscriptions/acknowledged" in heard and '"toolsListChanged":true' in heard


def test_the_command_lines_of_getting_started_work(stack):
    (block,) = [b for b in blocks("docs/getting-started.md", "sh") if "guiche tools" in b]

    assert "crm_get_top_performing_agent" in shell(block, stack)


def test_the_token_of_getting_started_sees_what_is_said(stack):
    (block,) = [b for b in blocks("docs/getting-started.md", "sh") if "guiche token" in b]
    lines = [line for line in block.splitlines() if not line.startswith(("export", ". build/run"))]
    made = shell("\n" + "\n".join(lines), stack).strip()

    assert jwt.decode(made, JWT_SECRET, ["HS256"])["tenant_id"] == "other"
    assert "crm_list_agents" in stack.tool_names(auth={"Authorization": f"Bearer {made}"})
    assert "crm_qualify_lead" not in stack.tool_names(auth={"Authorization": f"Bearer {made}"})


def test_the_modern_curl_line_of_the_clients_page_works(stack):
    (block,) = [b for b in blocks("docs/clients.md", "sh") if "2026-07-28" in b]

    assert "crm_list_agents" in shell(block, stack)


def checked(folder, text):
    (folder / "jwks.json").write_text(json.dumps({"keys": [RFC_8037_KEY]}))
    path = folder / "guiche.yaml"
    text = text.replace("/etc/guiche/partner-ca.pem", str(Authority(folder).path))
    path.write_text(text.replace("/etc/guiche/jwks.json", str(folder / "jwks.json")))
    settings = {"HOME": "/home/anna", "GITHUB_TOKEN": "t", "MCP_CRM_URL": "unix:/run/crm.sock"}
    return run("check", path, env={"JWT_SECRET": JWT_SECRET, "GUICHE_HOP_SECRET": HOP_SECRET, **settings})


def test_the_configuration_with_everything_in_it_holds(folder):
    (text,) = [b for b in blocks("docs/configuration.md", "yaml") if "listen:" in b]
    done = checked(folder, text)

    assert done.returncode == 0, done.stderr
    for word in ("127.0.0.1:8080", "127.0.0.1:9090", "x-qlik-access-token", "sales"):
        assert word in done.stdout.lower()


@pytest.mark.parametrize(
    "page, words",
    [
        ("README.md", ["crm_", "github_", "authorization: Bearer", "runs npx"]),
        ("docs/getting-started.md", ["crm_", "runs /home/anna/time/bin/mcp-server-time"]),
    ],
)
def test_the_short_configurations_hold(folder, page, words):
    (text,) = blocks(page, "yaml")
    done = checked(folder, text)

    assert done.returncode == 0, done.stderr
    for word in words:
        assert word in done.stdout


def test_an_api_key_is_made_as_the_documentation_says(start, stack):
    (block,) = [b for b in blocks("docs/configuration.md", "sh") if "sha256sum" in b]
    line = next(line for line in block.splitlines() if "sha256sum" in line)
    key, digest = shell(line.split("   #")[0] + "; echo $KEY", stack).replace("-", "").split()[::-1]
    entry = {"name": "nightly", "sha256": digest, "tenant_id": "demo", "permissions": ["*"]}
    gateway = start.gateway(auth={"hs256_secret": JWT_SECRET, "api_keys": [entry]})

    assert gateway.rpc("ping", auth={"Authorization": f"Bearer {key}"}).status_code == 200


@pytest.mark.parametrize("path", ["docs/operating.md"])
def test_every_route_the_documentation_names_is_served(stack, path):
    for route in re.findall(r"`GET (/[a-z]+)`", (ROOT / path).read_text()):
        assert stack.http.get(route, headers=bearer()).status_code == 200, route


def test_every_metric_the_documentation_names_exists(stack):
    metrics = stack.http.get("/metrics", headers=bearer()).text
    for name in re.findall(r"`(guiche_[a-z_]+)`", (ROOT / "docs/operating.md").read_text()):
        assert name in metrics, name


def test_the_helpdesk_of_the_examples_asks_with_the_users_token_or_the_service_account(start):
    desk = start.standin("helpdesk")
    connector = start.connector("helpdesk", env={"HELPDESK_URL": desk, "HELPDESK_TOKEN": "demo-token", "TENANTS": "demo"})
    gateway = start.gateway([connector.row(trust="guiche", forward_headers=["X-Helpdesk-Token"])]).offers("helpdesk_find_ticket")

    mine = gateway.call("helpdesk_find_ticket", {"id": "17"}, headers={"X-Helpdesk-Token": "user-token"})
    ours = gateway.call("helpdesk_find_ticket", {"id": "17"})
    missing = gateway.call("helpdesk_find_ticket", {"id": "18"})
    elsewhere = gateway.call("helpdesk_find_ticket", {"id": "17"}, auth=bearer(tenant="other"))

    assert mine["structuredContent"] == ours["structuredContent"] == {"subject": "The printer is on fire", "status": "open"}
    assert [r["headers"]["api-key"] for r in desk.requests()] == ["user-token", "demo-token", "demo-token"]
    assert missing["isError"] and "404" in missing["content"][0]["text"]
    assert elsewhere["isError"] and "X-Helpdesk-Token" in elsewhere["content"][0]["text"]
