"""What is printed from the code and kept in files is what the code prints now."""

import re
import subprocess

import pytest

import harness


def printed(*command):
    return subprocess.run([str(c) for c in command], check=True, capture_output=True, text=True, cwd=harness.ROOT).stdout


def test_env_example_is_what_the_programs_print():
    now = printed("tests/env-example", harness.BUILD)
    assert (harness.ROOT / ".env.example").read_text() == now, "run: tests/env-example build/dev > .env.example"


@pytest.mark.parametrize("name", sorted(page.stem for page in (harness.ROOT / "docs/connectors").glob("*.md")))
def test_a_connectors_page_has_the_tables_that_it_prints(name):
    page = (harness.ROOT / f"docs/connectors/{name}.md").read_text()
    rows = [line for line in printed(harness.program(name), "--markdown").splitlines() if line.startswith("|")]
    assert len(rows) > 30
    assert [row for row in rows if row not in page] == []


def test_docs_link_only_to_files_that_are_there():
    missing = []
    for page in [harness.ROOT / "README.md", *(harness.ROOT / "docs").rglob("*.md")]:
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                missing.append(f"{page.name}: {target}")
    assert missing == []


@pytest.mark.parametrize("name", ["GUICHE_LISTEN", "JWT_SECRET", "GUICHE_HOP_SECRET", "MCP_CRM_URL", "ENVIRONMENT", "LOG_LEVEL"])
def test_the_configuration_page_names_every_variable_of_the_gateway(name):
    assert f"`{name}`" in (harness.ROOT / "docs/configuration.md").read_text()
