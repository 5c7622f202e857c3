"""The official conformance suite: which scenarios a revision requires, one run of them, what each check said.

The suite is a command line. One run of all scenarios of a revision takes it two or three seconds and a scenario by
itself nearly one, so a revision is run at once and its report (a file per scenario) taken apart here.
"""

import dataclasses
import functools
import json
import os
import pathlib
import re
import subprocess
import tempfile

from harness import SLOW

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE = ROOT / "build/clients/node/bin/node"
PACKAGES = ROOT / "build/conformance/node_modules/@modelcontextprotocol"
PROGRAM = PACKAGES / "conformance/dist/index.js"

# Revisions with a frozen set of required scenarios, and what we want of the suite beyond it.
REQUIRED = {"2025-11-25": 30, "2026-07-28": 37}
WANTED = {
    "2025-11-25": ["json-schema-2020-12", "server-session-lifecycle", "server-sse-polling"],
    "2026-07-28": ["json-schema-2020-12", "http-header-validation", "http-custom-header-server-validation"],
}
# Has no frozen set; its scenarios are those the suite knows for it.
KNOWN = {"2025-06-18": 27}
REVISIONS = [*REQUIRED, *KNOWN]

# Checks that a scenario must have passed, not merely not failed: the suite leaves out what a server does not offer.
PASSED = {
    ("server-stateless", "2026-07-28"): 30,
    ("json-schema-2020-12", "2025-11-25"): 8,
    ("json-schema-2020-12", "2026-07-28"): 8,
    ("http-header-validation", "2026-07-28"): 14,
    ("http-custom-header-server-validation", "2026-07-28"): 10,
}
# What the suite warns of, in its own words "may not work correctly": a server without sessions. We have none.
NO_SESSION = {"server-sse-multiple-streams-session", "server-sse-polling-session"}
PATIENCE = ["--timeout", 30_000 * SLOW]  # milliseconds for a scenario; the suite's own default is 30 s
# Variables that the harness of the black-box tests reads, or what it starts.
PASSED_ON = ["GUICHE_BUILD", "GUICHE_SANITIZED", "ASAN_OPTIONS", "UBSAN_OPTIONS"]


@dataclasses.dataclass
class Outcome:
    """What one scenario came to."""

    checks: list  # {id, status, errorMessage, ...} in the suite's order

    def having(self, *statuses):
        return [c for c in self.checks if c["status"] in statuses]

    def complaints(self):
        """Everything that is not as it should be, a line each. A warning is a SHOULD that was not kept."""
        wrong = [c for c in self.having("FAILURE", "WARNING", "SKIPPED") if c["id"] not in NO_SESSION]
        return "\n".join(f"{c['status']} {c['id']}: {c.get('errorMessage') or c.get('details')}" for c in wrong)


def environment(**more):
    """Of a program of Node: nothing of ours, and a home that is thrown away."""
    return {"PATH": f"{NODE.parent}:{os.environ['PATH']}", "HOME": more.pop("home", "/nonexistent"), "NO_COLOR": "1"} | more


def run(*arguments, seconds=150, **more):
    """One run of the suite's command line. Its exit status is part of what is tested, so it is not looked at here."""
    assert PROGRAM.exists(), f"{PROGRAM} is missing; tests/conformance/setup makes it"
    command = [NODE, PROGRAM, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=seconds * SLOW, env=environment(**more), check=False)


@functools.cache
def scenarios(revision):
    """Names of the server scenarios: of the frozen set where there is one, with those wanted beyond it at the end."""
    if revision in REQUIRED:
        listing = run("list", "--requirements", revision).stdout
        listing = listing.split("Client scenarios")[0]
    else:
        listing = run("list", "--server", "--spec-version", revision).stdout
    return re.findall(r"^  - (\S+)", listing, re.MULTILINE) + WANTED.get(revision, [])


def run_server(url, revision):
    """(exit status, what the suite printed, Outcome by scenario) of all server scenarios of a revision."""
    which = ["--requirements", revision] if revision in REQUIRED else ["--spec-version", revision]
    with tempfile.TemporaryDirectory() as folder:
        done = run("server", "--url", url, *which, *PATIENCE, "-o", folder)
        outcomes = read_outcomes(pathlib.Path(folder), "server-")
    return done.returncode, done.stdout + done.stderr, outcomes


def run_client(command, scenario, revision, **more):
    """(the run, Outcome by scenario) of one scenario for clients: `command URL` is the client. more: of its environment."""
    ours = {k: os.environ[k] for k in PASSED_ON if k in os.environ}
    with tempfile.TemporaryDirectory() as folder:
        which = ["--command", command, "--scenario", scenario, "--spec-version", revision]
        done = run("client", *which, *PATIENCE, "-o", folder, **ours, **more)
        return done, read_outcomes(pathlib.Path(folder))


def read_outcomes(folder, prefix=""):
    """The suite keeps each scenario's checks in PREFIX-SCENARIO-TIME/checks.json."""
    outcomes = {}
    for file in folder.glob("*/checks.json"):
        scenario = re.sub(r"-\d{4}-\d\d-\d\dT[\d-]+Z$", "", file.parent.name).removeprefix(prefix)
        outcomes[scenario] = Outcome(json.loads(file.read_text()))
    return outcomes
