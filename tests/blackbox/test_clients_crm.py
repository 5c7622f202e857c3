"""The clients on the real CRM: a whole crew, and every tool as each SDK sees it (they check answers against outputSchema)."""

import pathlib
import re
import sqlite3
import sys

import pytest

from harness import SLOW, token

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "clients"))
import clients  # noqa: E402
from clients import LIST, call  # noqa: E402

pytestmark = pytest.mark.clients


def qualifications(crm):
    with sqlite3.connect(crm.database.removeprefix("sqlite:")) as database:
        return set(database.execute("SELECT tenant_id, contact_id, status, reason, qualified_by FROM lead_qualifications"))


def test_a_crew_finds_the_top_agent_and_qualifies_a_lead(start):
    crm = start.crm()
    gateway = start.gateway([{"name": "crm", "url": crm.url}]).offers("crm_list_agents")
    before = qualifications(crm)

    report = clients.run_crew(gateway.url, token(tenant="demo", subject="the crew"), patience=60 * SLOW)
    crew = report.one("crew")

    assert not report.hung and "error" not in crew, crew
    assert [step["name"] for step in crew["calls"]] == ["crm_get_top_performing_agent", "crm_find_contacts", "crm_qualify_lead"]
    top, found, qualified = (step["result"] for step in crew["calls"])
    assert "Ana Souza" in top.splitlines()[0]
    contact = re.search(r"contact_id (\S+),", found)[1]
    assert contact in crew["text"] and "qualified" in qualified
    assert qualifications(crm) - before == {("demo", contact, "qualified", "For Ana Souza, who converts best.", "the crew")}
    calls = gateway.lines(message="request", method="tools/call")
    assert [line["tool"] for line in calls] == [step["name"] for step in crew["calls"]]  # each once, none repeated


def every_tool(gateway):
    """A valid call of each tool."""
    answer = gateway.call("crm_list_agents")["structuredContent"]
    agents = [agent["agent_id"] for agent in answer["agents"]]
    contact = gateway.call("crm_find_contacts")["structuredContent"]["contacts"][0]["contact_id"]
    pipeline = gateway.call("crm_list_pipelines")["structuredContent"]["pipelines"][0]
    stage = pipeline["stages"][2]["stage_id"]
    return {
        "crm_get_leads_count": {"period": "year", "status": "qualified"},
        "crm_get_agent_conversion_stats": {"start_date": "2020-01-01", "agent_ids": agents[:2]},
        "crm_get_top_performing_agent": {"metric": "response_time", "period": "quarter"},
        "crm_analyze_agent_messages": {"agent_id": agents[0]},
        "crm_compare_agents": {"agent_ids": agents[:2]},
        "crm_qualify_lead": {"contact_id": contact, "status": "qualified", "bant_scores": {"budget": 7, "need": 8.5}},
        "crm_update_pipeline_stage": {"contact_id": contact, "pipeline_id": pipeline["pipeline_id"], "stage_id": stage},
        "crm_assign_to_agent": {"contact_id": contact, "agent_id": agents[0]},
        "crm_list_agents": {},
        "crm_find_contacts": {},
        "crm_list_pipelines": {},
    }


@pytest.fixture(scope="module")
def gateway(start_module):
    crm = start_module.crm()
    return start_module.gateway([{"name": "crm", "url": crm.url}]).offers("crm_list_agents")


@pytest.mark.parametrize("client", [name for name in clients.CLIENTS if name not in ("py_sdk2_legacy", "ts_client2_modern")])
def test_every_tool_of_the_crm_works_in_every_client(gateway, client):
    wanted = every_tool(gateway)
    sdk = not client.startswith("crewai")
    streams = ("crm_compare_agents", "crm_analyze_agent_messages")
    steps = [LIST, *[call(name, arguments, progress=sdk and name in streams) for name, arguments in wanted.items()]]

    report = clients.run(client, gateway.url, token(), steps, patience=30 * SLOW)

    assert report.tools == list(wanted)  # in the connector's own order
    for line in report.calls:
        assert "error" not in line, line
        assert line["isError"] in (False, None) and line["text"], line
        if sdk:
            assert line["structuredContent"]
        if sdk and line["name"] in streams:
            assert len(line["progress"]) >= 3
            assert all(a["progress"] < b["progress"] for a, b in zip(line["progress"], line["progress"][1:]))


@pytest.mark.parametrize("client", ["crewai_adapter", "crewai_native"])
def test_what_crewai_does_to_arguments_that_are_not_given_does_no_harm(gateway, client):
    """The adapter sends null for them, the native client drops null, [] and {} (docs/docs/clients.md "CrewAI")."""
    arguments = {"start_date": None, "end_date": None, "agent_ids": None}

    report = clients.run(client, gateway.url, token(), [LIST, call("crm_get_agent_conversion_stats", arguments), call("crm_get_agent_conversion_stats")])

    assert report.calls[0]["text"] == report.calls[1]["text"]
    assert report.calls[0]["text"].startswith("all time: 9 agents")


@pytest.mark.parametrize("client", ["crewai_adapter", "crewai_native", "py_sdk1", "ts_client2_auto"])
def test_a_bad_argument_is_named_to_the_model(gateway, client):
    steps = [call("crm_qualify_lead", {"contact_id": "nobody", "status": "qualified"}), call("crm_list_agents", {"limit": 100000})]
    report = clients.run(client, gateway.url, token(), [LIST, *steps])

    assert "No contact \"nobody\"" in report.calls[0]["text"]
    assert "limit" in (report.calls[1].get("text") or report.calls[1]["error"]["message"])
