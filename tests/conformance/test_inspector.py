"""The official inspector's command line, which is what people try a server with, against the gateway in each era."""

import json
import subprocess

import pytest

import other_servers
import suite
from connectors_world import CASES
from harness import SLOW, Connector, Crm, Gateway, Standin, token

INSPECTOR = suite.PACKAGES / "inspector/clients/launcher/build/index.js"
ERAS = ["legacy", "modern"]
# Without these a connector leaves tools out.
ALL_TOOLS = {
    "odoo": {"ODOO_ALLOWED_METHODS": "sale.order:action_confirm"},
    "qdrant": {"EMBEDDINGS_URL": "http://127.0.0.1:1/v1", "EMBEDDINGS_API_KEY": "none", "EMBEDDINGS_MODEL": "none"},
}


def connector_of(start, case):
    """A connector of ours on its stand-in."""
    if not case.url:
        return start(Crm)
    upstream = start(Standin, case.name, *case.standin)
    return start(Connector, case.name, {case.url: upstream.url} | case.settings | ALL_TOOLS.get(case.name, {}))


@pytest.fixture(scope="module")
def gateway(start):
    """All connectors of ours and a server of other people, behind a token."""
    rows = [connector_of(start, case).row() for case in CASES]
    rows.append({"name": "everything", "url": start(other_servers.everything, name="inspected").url})
    return start(Gateway, rows, name="inspector").offers("everything_echo", *(case.tool for case in CASES))


@pytest.fixture
def inspect(gateway, tmp_path):
    """inspect(era, METHOD, ...) runs it once: (exit status, result object, what it said on stderr)."""

    def inspect(era, method, *more):
        command = [suite.NODE, INSPECTOR, "--cli", "--server-url", gateway.url, "--transport", "http", "--protocol-era", era]
        command += ["--header", f"Authorization: Bearer {token()}", "--format", "json", "--method", method, *more]
        environment = suite.environment(home=str(tmp_path))
        done = subprocess.run(command, capture_output=True, text=True, timeout=60 * SLOW, env=environment, check=False)
        return done.returncode, json.loads(done.stdout)["result"] if done.stdout else None, done.stderr

    return inspect


@pytest.mark.parametrize("era", ERAS)
def test_it_finds_nothing_wrong_with_any_tool(inspect, era):
    status, result, complaints = inspect(era, "tools/list", "--strict")

    assert status == 0, complaints
    listed = {tool["name"] for tool in result["tools"]}
    assert {"everything_echo", "odoo_call_method", "qdrant_store_texts", *(case.tool for case in CASES)} <= listed
    assert "error" not in complaints.lower() and "warning" not in complaints.lower(), complaints


@pytest.mark.parametrize("era", ERAS)
def test_it_calls_a_tool(inspect, era):
    status, result, complaints = inspect(era, "tools/call", "--tool-name", "everything_get_sum", "--tool-arg", "a=2", "b=3")

    assert status == 0, complaints
    assert "5" in result["content"][0]["text"]


@pytest.mark.parametrize("era", ERAS)
def test_it_lists_and_gets_prompts(inspect, era):
    _, listed, complaints = inspect(era, "prompts/list")
    assert "everything_args_prompt" in [prompt["name"] for prompt in listed["prompts"]], complaints

    status, got, complaints = inspect(era, "prompts/get", "--prompt-name", "everything_args_prompt", "--prompt-args", "city=Porto")

    assert status == 0, complaints
    assert "Porto" in got["messages"][0]["content"]["text"]


@pytest.mark.parametrize("era", ERAS)
def test_it_lists_and_reads_resources(inspect, era):
    _, listed, complaints = inspect(era, "resources/list")
    assert listed["resources"], complaints
    _, templates, complaints = inspect(era, "resources/templates/list")
    assert templates["resourceTemplates"], complaints

    status, read, complaints = inspect(era, "resources/read", "--uri", "demo://resource/dynamic/text/7")

    assert status == 0, complaints
    assert "Resource 7" in read["contents"][0]["text"]


def test_it_sets_the_log_level_of_the_legacy_era(inspect):
    status, _, complaints = inspect("legacy", "logging/setLevel", "--log-level", "debug")

    assert status == 0, complaints
