"""The suite's scenarios for clients, with the gateway as the client: its server is the gateway's only connector, and a
real client of each era makes the gateway work (client_through_gateway.py)."""

import pathlib
import sys

import pytest

import suite

DRIVER = pathlib.Path(__file__).parent / "client_through_gateway.py"
LEGACY = "legacy"
MODERN = "2026-07-28"

# Scenario, revision of the suite's server, how the client before the gateway opens. Where a scenario is about what the
# gateway itself sends, a client of each era must make no difference; the one about schemas asks for what a legacy client
# need not be shown.
SCENARIOS = [
    ("initialize", "2025-11-25", LEGACY),
    ("initialize", "2025-11-25", MODERN),
    ("tools_call", "2025-11-25", LEGACY),
    ("tools_call", "2025-11-25", MODERN),
    ("tools_call", "2026-07-28", LEGACY),
    ("tools_call", "2026-07-28", MODERN),
    ("request-metadata", "2026-07-28", MODERN),
    ("http-standard-headers", "2026-07-28", LEGACY),
    ("http-standard-headers", "2026-07-28", MODERN),
    ("http-custom-headers", "2026-07-28", LEGACY),
    ("http-custom-headers", "2026-07-28", MODERN),
    ("http-invalid-tool-headers", "2026-07-28", LEGACY),  # a modern client of the SDK would leave them out by itself
    ("sep-2322-client-request-state", "2026-07-28", LEGACY),
    ("sep-2322-client-request-state", "2026-07-28", MODERN),
    ("json-schema-ref-no-deref", "2026-07-28", LEGACY),
    ("json-schema-ref-no-deref", "2026-07-28", MODERN),
    ("json-schema-2020-12-preservation", "2025-11-25", LEGACY),
    ("json-schema-2020-12-preservation", "2026-07-28", MODERN),
    ("sse-retry", "2025-11-25", LEGACY),
    ("sse-retry", "2025-11-25", MODERN),
    ("elicitation-sep1034-client-defaults", "2025-11-25", LEGACY),
]
# What the modern wire does not have.
NOT_SENT = ["initialize", "notifications/initialized"]


def may_be_left_out(check):
    """Whether a check was skipped with reason: it is of a request that the modern wire does not have, or of a capability
    that a client need not declare."""
    said = check.get("errorMessage") or ""
    return check["id"].startswith("sep-2575-client-declares-") or any(f"send a {method} request" in said for method in NOT_SENT)


def complaints(outcome):
    skipped = [check for check in outcome.having("SKIPPED") if not may_be_left_out(check)]
    return outcome.having("FAILURE", "WARNING") + skipped


@pytest.mark.parametrize("scenario, revision, mode", SCENARIOS, ids=[f"{s} {r} by a client of {m}" for s, r, m in SCENARIOS])
def test_the_gateway_is_a_conforming_client(scenario, revision, mode):
    done, outcomes = suite.run_client(f"{sys.executable} {DRIVER}", scenario, revision, GUICHE_CLIENT_MODE=mode)

    assert scenario in outcomes, done.stdout + done.stderr
    assert not complaints(outcomes[scenario]), f"{complaints(outcomes[scenario])}\n{done.stderr[-6000:]}"
    assert done.returncode == 0, done.stderr[-6000:]
