"""The official suite against the gateway before our conformance connector, with one and with four workers, and against
that connector alone. There is no list of expected failures: a scenario passes, or its test fails.

`pytest tests/conformance --before URL` takes another server that has the suite's fixtures instead of the connector.
"""

import functools

import pytest

import suite

TARGETS = ["gateway-1", "gateway-4", "connector"]


def pytest_generate_tests(metafunc):
    if "scenario" not in metafunc.fixturenames:
        return
    rows = [(t, r, s) for t in TARGETS for r in suite.REVISIONS for s in suite.scenarios(r)]
    metafunc.parametrize("target, revision, scenario", rows, ids=[" ".join(row) for row in rows])


@pytest.fixture(scope="session")
def report(url_of):
    """report(target, revision): what suite.run_server() gave, run once."""
    return functools.cache(lambda target, revision: suite.run_server(url_of(target), revision))


def test_the_suite_requires_what_we_think_it_does():
    for revision, count in suite.REQUIRED.items():
        assert len(suite.scenarios(revision)) == count + len(suite.WANTED[revision])
    for revision, count in suite.KNOWN.items():
        assert len(suite.scenarios(revision)) == count


def test_every_check_of_the_scenario_passes(report, target, revision, scenario):
    _, printed, outcomes = report(target, revision)

    assert scenario in outcomes, printed[-3000:]
    outcome = outcomes[scenario]
    assert not outcome.complaints(), outcome.complaints()
    if (scenario, revision) in suite.PASSED:
        assert len(outcome.having("SUCCESS")) == suite.PASSED[scenario, revision]


@pytest.mark.parametrize("revision", suite.REVISIONS)
@pytest.mark.parametrize("target", TARGETS)
def test_the_suite_itself_calls_it_conformant(report, target, revision):
    status, printed, _ = report(target, revision)

    assert status == 0, printed[-3000:]
