"""The reading tools of mcp-crm, through the gateway and at the connector: each figure is computed again from the database."""

import datetime
import json

import pytest

from crm_world import METRICS, Door, Figures, add_session, connect, contents, insert, now, overall, period_start, rank, read_time, rows, when, within_one_day
from harness import utc_day

READING = [
    "get_leads_count",
    "get_agent_conversion_stats",
    "get_top_performing_agent",
    "analyze_agent_messages",
    "compare_agents",
    "list_agents",
    "find_contacts",
    "list_pipelines",
]
WRITING = ["qualify_lead", "update_pipeline_stage", "assign_to_agent"]
ZONES = ["America/Sao_Paulo", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"]


@pytest.fixture(scope="module", params=["gateway", "connector"])
def door(request, stack):
    return Door(stack.crm, stack if request.param == "gateway" else None)


@pytest.fixture(scope="module")
def figures(stack):
    return Figures(stack.crm)


def close(wanted):
    return None if wanted is None else pytest.approx(wanted, abs=1e-9)


# ---- the table of tools


def test_the_tools_are_those_of_the_contract(door):
    # In their order: the order of the list is the order of the table.
    assert list(door.tools) == READING[:5] + WRITING + READING[5:]
    enums = {
        ("get_leads_count", "period"): ["today", "week", "month", "year", "all"],
        ("get_leads_count", "status"): ["all", "qualified", "unqualified"],
        ("get_top_performing_agent", "metric"): ["conversion_rate", "response_time", "satisfaction"],
        ("get_top_performing_agent", "period"): ["week", "month", "quarter"],
        ("qualify_lead", "status"): ["qualified", "unqualified"],
        ("assign_to_agent", "priority"): ["low", "medium", "high"],
    }
    for (tool, argument), values in enums.items():
        assert door.tools[tool]["inputSchema"]["properties"][argument]["enum"] == values
    required = {name: sorted(tool["inputSchema"].get("required", [])) for name, tool in door.tools.items()}
    assert required == {
        "get_leads_count": ["period"],
        "get_agent_conversion_stats": [],
        "get_top_performing_agent": ["metric", "period"],
        "analyze_agent_messages": ["agent_id"],
        "compare_agents": ["agent_ids"],
        "qualify_lead": ["contact_id", "status"],
        "update_pipeline_stage": ["contact_id", "pipeline_id", "stage_id"],
        "assign_to_agent": ["agent_id", "contact_id"],
        "list_agents": [],
        "find_contacts": [],
        "list_pipelines": [],
    }


def test_every_tool_says_whether_it_writes(door):
    for name, tool in door.tools.items():
        assert tool["annotations"]["readOnlyHint"] is (name in READING), name
        assert tool["outputSchema"]["type"] == "object" and tool["description"]


def a_call_of_each_reading_tool(door):
    agents = [agent["agent_id"] for agent in door.call("list_agents")["agents"]]
    return {
        "get_leads_count": {"period": "year"},
        "get_agent_conversion_stats": {"agent_ids": agents[:3]},
        "get_top_performing_agent": {"metric": "conversion_rate", "period": "month"},
        "analyze_agent_messages": {"agent_id": agents[0]},
        "compare_agents": {"agent_ids": agents[:5]},
        "list_agents": {"query": "a"},
        "find_contacts": {"query": "a", "status": "qualified"},
        "list_pipelines": {"active_only": True},
    }


def test_what_says_it_only_reads_changes_nothing(door):
    calls = a_call_of_each_reading_tool(door)
    assert sorted(calls) == sorted(READING)
    before = contents(door.crm)

    for name, arguments in calls.items():
        assert door.tools[name]["annotations"]["readOnlyHint"] is True
        door.call(name, arguments)

    assert contents(door.crm) == before


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_both_eras_get_the_same_answers(door, era):
    for name, arguments in a_call_of_each_reading_tool(door).items():
        one, two = (without_now(door.call(name, arguments, era=each)) for each in ("legacy", era))
        assert one == two, name


def without_now(value):
    """An answer without the moments at which periods end: those are now."""
    if isinstance(value, dict):
        return {key: without_now(each) for key, each in value.items() if key != "to"}
    return [without_now(each) for each in value] if isinstance(value, list) else value


# ---- leads


@pytest.mark.parametrize("period", ["today", "week", "month", "year", "all"])
@pytest.mark.parametrize("tenant", ["demo", "other"])
@within_one_day
def test_leads_are_counted_by_period_and_status(door, stack, tenant, period):
    qualified, unqualified = Figures(stack.crm, tenant).leads(period)

    answer = door.call("get_leads_count", {"period": period}, tenant)

    assert answer["by_status"] == {"qualified": qualified, "unqualified": unqualified}
    assert answer["total_leads"] == qualified + unqualified
    assert answer["total_leads"] > 0 or stack.crm.made_on != utc_day()
    for status, count in answer["by_status"].items():
        one = door.call("get_leads_count", {"period": period, "status": status}, tenant)
        assert (one["total_leads"], one["by_status"], one["status"]) == (count, answer["by_status"], status)


@pytest.mark.parametrize("zone", ZONES)
@within_one_day
def test_days_begin_at_midnight_in_the_time_zone_of_the_crm(start, zone):
    crm = start.crm(env={"CRM_TIMEZONE": zone}, name=f"crm{len(start.started)}")
    door = Door(crm)
    before = {period: door.call("get_leads_count", {"period": period})["total_leads"] for period in ("today", "week", "month", "year", "all")}
    millisecond = datetime.timedelta(milliseconds=1)
    database = connect(crm)
    starts = {period: period_start(period, zone) for period in before}
    for moment in {at for at in starts.values() if at}:
        insert(database, "contacts", tenant_id="demo", created_at=moment)  # the first instant is in
        insert(database, "contacts", tenant_id="demo", created_at=moment - millisecond)  # the one before is not
    database.commit()
    distinct = {at for at in starts.values() if at}

    for period, at in starts.items():
        added = sum((1 if not at or each >= at else 0) + (1 if not at or each - millisecond >= at else 0) for each in distinct)
        answer = door.call("get_leads_count", {"period": period})
        assert answer["total_leads"] == before[period] + added, period
        assert answer["timezone"] == zone
        if at:
            assert datetime.datetime.fromisoformat(answer["from"]) == at
            assert answer["from"][11:19] == "00:00:00"
    qualified, unqualified = Figures(crm, zone=zone).leads("today")
    assert door.call("get_leads_count", {"period": "today"})["by_status"] == {"qualified": qualified, "unqualified": unqualified}


def test_the_latest_qualification_counts_and_deleted_leads_do_not(start):
    crm = start.crm()
    door = Door(crm)
    before = door.call("get_leads_count", {"period": "all"})["by_status"]
    database = connect(crm)
    moment = now()
    changed, deleted = (insert(database, "contacts", tenant_id="demo", created_at=moment) for _ in range(2))
    database.execute("UPDATE contacts SET deleted_at = ? WHERE id = ?", (when(moment), deleted))
    for contact in (changed, deleted):
        for seconds, status in enumerate(["qualified", "unqualified", "qualified"]):
            at = moment - datetime.timedelta(seconds=10 - seconds)
            insert(database, "lead_qualifications", tenant_id="demo", contact_id=contact, status=status, created_at=at)
    # What another tenant says about our lead is nothing to us.
    insert(database, "lead_qualifications", tenant_id="other", contact_id=changed, status="unqualified", created_at=moment)
    database.commit()

    assert door.call("get_leads_count", {"period": "all"})["by_status"] == before | {"qualified": before["qualified"] + 1}
    assert deleted not in json.dumps(door.call("find_contacts", {"limit": 100}))


def test_a_tenant_without_rows_gets_zeros_and_empty_lists(door):
    call = lambda tool, arguments=None: door.call(tool, arguments, "a-tenant-without-rows")  # noqa: E731

    for period in ("today", "all"):
        answer = call("get_leads_count", {"period": period})
        assert answer["total_leads"] == 0 and answer["by_status"] == {"qualified": 0, "unqualified": 0}
    stats = call("get_agent_conversion_stats")
    assert stats["agents"] == [] and stats["team"] == {"agents": 0, "sessions": 0, "converted_sessions": 0, "conversion_rate": 0}
    top = call("get_top_performing_agent", {"metric": "satisfaction", "period": "quarter"})
    assert (top["agent"], top["value"], top["ranking"], top["not_ranked"]) == (None, None, [], [])
    assert call("list_agents")["agents"] == call("find_contacts")["contacts"] == call("list_pipelines")["pipelines"] == []


def test_a_period_without_sessions_answers_zeros(door):
    agents = [agent["agent_id"] for agent in door.call("list_agents")["agents"]]
    long_ago = {"start_date": "1999-01-01", "end_date": "1999-12-31"}

    stats = door.call("get_agent_conversion_stats", long_ago)
    assert len(stats["agents"]) == len(agents)
    for agent in stats["agents"]:
        figures = [agent[key] for key in ("sessions", "converted_sessions", "conversion_rate", "response_time_seconds", "satisfaction")]
        assert figures == [0, 0, 0, None, None]
    compared = door.call("compare_agents", long_ago | {"agent_ids": agents[:2]})
    assert compared["winner"] is None and len(compared["not_ranked"]) == 2
    analysis = door.call("analyze_agent_messages", long_ago | {"agent_id": agents[0]})
    assert analysis["messages_analyzed"] == 0 and analysis["overall"] == 0


# ---- agents


@pytest.mark.parametrize("tenant", ["demo", "other"])
@pytest.mark.parametrize("days", [None, (400, 200), (90, 30), (3, 0), (0, 0)])
def test_conversion_stats_are_those_of_the_sessions(door, stack, tenant, days):
    midnight = period_start("today")
    arguments, start, end = {}, None, None
    if days:
        start, last = (midnight - datetime.timedelta(days=d) for d in days)
        end = last + datetime.timedelta(days=1)
        arguments = {"start_date": f"{start:%Y-%m-%d}", "end_date": f"{last:%Y-%m-%d}"}
    figures = Figures(stack.crm, tenant)

    answer = door.call("get_agent_conversion_stats", arguments, tenant)

    wanted = figures.stats(start, end)
    assert {agent["agent_id"] for agent in answer["agents"]} == set(wanted)
    for agent in answer["agents"]:
        for key, value in wanted[agent["agent_id"]].items():
            assert agent[key] == close(value), (agent["name"], key)
    best_first = [(-agent["conversion_rate"], -agent["sessions"], agent["agent_id"]) for agent in answer["agents"]]
    assert best_first == sorted(best_first)
    sessions, converted = figures.team(set(wanted), start, end)
    assert answer["team"] == {
        "agents": len(wanted),
        "sessions": sessions,
        "converted_sessions": converted,
        "conversion_rate": close(converted / sessions if sessions else 0),
    }


def test_conversion_stats_of_some_agents(door, figures):
    wanted = figures.stats()
    some = sorted(wanted)[:3]

    answer = door.call("get_agent_conversion_stats", {"agent_ids": some})

    assert sorted(agent["agent_id"] for agent in answer["agents"]) == some
    sessions, converted = figures.team(set(some))
    assert (answer["team"]["agents"], answer["team"]["sessions"], answer["team"]["converted_sessions"]) == (3, sessions, converted)


@pytest.mark.parametrize("tenant", ["demo", "other"])
@pytest.mark.parametrize("period", ["week", "month", "quarter"])
@pytest.mark.parametrize("metric", METRICS)
@within_one_day
def test_the_top_agent_is_the_best_of_those_who_are_ranked(door, stack, tenant, period, metric):
    stats = Figures(stack.crm, tenant).stats(period_start(period))
    wanted = rank(stats, metric)

    answer = door.call("get_top_performing_agent", {"metric": metric, "period": period}, tenant)

    assert [agent["agent_id"] for agent in answer["ranking"]] == wanted
    assert [agent["rank"] for agent in answer["ranking"]] == list(range(1, len(wanted) + 1))
    for agent in answer["ranking"]:
        assert agent["value"] == close(stats[agent["agent_id"]][METRICS[metric]])
        assert agent["sessions"] == stats[agent["agent_id"]]["sessions"] >= 5
    if wanted or stack.crm.made_on == utc_day():
        assert answer["agent"]["agent_id"] == wanted[0] and answer["value"] == answer["ranking"][0]["value"]
    assert {agent["agent_id"] for agent in answer["not_ranked"]} == set(stats) - set(wanted)
    assert (answer["ranked_count"], answer["not_ranked_count"]) == (len(wanted), len(stats) - len(wanted))
    assert all("5" in agent["reason"] for agent in answer["not_ranked"])


@pytest.fixture
def small_team(start):
    """A tenant "small", made by hand: equal figures, few sessions, sessions without figures, others' rows in between."""
    crm = start.crm()
    database = connect(crm)
    moment = max(now() - datetime.timedelta(minutes=1), period_start("today"))
    names = ["even", "busy", "busy too", "four", "silent", "gone"]
    team = {name: insert(database, "agents", tenant_id="small", name=name, active=True) for name in names}
    database.execute("UPDATE agents SET deleted_at = ? WHERE id = ?", (when(moment), team["gone"]))
    sessions = {"even": (6, 3), "busy": (8, 4), "busy too": (8, 4), "four": (4, 4), "silent": (5, 0), "gone": (9, 9)}
    for name, (count, converted) in sessions.items():
        for n in range(count):
            figures = {} if name == "silent" else {"response": 60, "score": 0.25}
            add_session(database, [team[name]], moment, "small", converted=n < converted, **figures)
    stranger = rows(crm, "SELECT id FROM agents WHERE tenant_id = 'other' AND deleted_at IS NULL")[0]["id"]
    add_session(database, [stranger], moment, "small", converted=True)  # an agent of another tenant in our session
    add_session(database, [team["even"]], moment, "other", converted=True)  # and ours in theirs
    database.commit()
    database.close()
    return crm, team, stranger


def test_equal_figures_are_ranked_by_sessions_and_then_by_id(small_team):
    crm, team, stranger = small_team
    door = Door(crm)

    for metric in METRICS:
        answer = door.call("get_top_performing_agent", {"metric": metric, "period": "quarter"}, "small")
        ranking = [agent["agent_id"] for agent in answer["ranking"]]
        wanted = sorted([team["busy"], team["busy too"]]) + [team["even"]]
        assert ranking == wanted + ([team["silent"]] if metric == "conversion_rate" else [])
        reasons = {agent["agent_id"]: agent["reason"] for agent in answer["not_ranked"]}
        assert "4 sessions" in reasons[team["four"]]
        assert team["gone"] not in reasons and stranger not in reasons
        if metric != "conversion_rate":
            assert f"no {metric}" in reasons[team["silent"]]
    figures = Figures(crm, "small")
    stats = door.call("get_agent_conversion_stats", {}, "small")
    assert {a["agent_id"]: a["sessions"] for a in stats["agents"]} == {id: s["sessions"] for id, s in figures.stats().items()}
    assert stats["team"]["sessions"] == 6 + 8 + 8 + 4 + 5


def test_a_comparison_names_a_winner_per_dimension_and_overall(door, figures):
    stats = figures.stats()
    for some in (sorted(stats)[:2], sorted(stats)[2:5], sorted(stats)[-5:]):
        chosen = {id: stats[id] for id in some}

        answer = door.call("compare_agents", {"agent_ids": some})

        assert [agent["agent_id"] for agent in answer["agents"]] == some
        for agent in answer["agents"]:
            for key, value in chosen[agent["agent_id"]].items():
                assert agent[key] == close(value)
        for dimension in answer["dimensions"]:
            ranked = rank(chosen, dimension["dimension"])
            assert (dimension["winner"] or {}).get("agent_id") == (ranked[0] if ranked else None)
            assert all(agent["name"] in dimension["why"] for agent in answer["agents"])
        assert [d["dimension"] for d in answer["dimensions"]] == list(METRICS)
        assert answer["winner"]["agent_id"] == overall(chosen)
        assert answer["winner"]["name"] in answer["why"]
        won = {agent["agent_id"]: agent["dimensions_won"] for agent in answer["agents"]}
        assert won == {id: sum(rank(chosen, metric)[:1] == [id] for metric in METRICS) for id in some}


def test_who_has_too_few_sessions_cannot_win_a_comparison(small_team):
    crm, team, _ = small_team
    door = Door(crm)

    answer = door.call("compare_agents", {"agent_ids": [team["four"], team["even"]]}, "small")
    assert answer["winner"]["agent_id"] == team["even"]
    assert [agent["agent_id"] for agent in answer["not_ranked"]] == [team["four"]] and "4 sessions" in answer["not_ranked"][0]["reason"]
    tie = door.call("compare_agents", {"agent_ids": [team["busy"], team["busy too"]]}, "small")
    assert tie["winner"]["agent_id"] == min(team["busy"], team["busy too"])
    assert "gone" not in json.dumps(door.call("list_agents", {}, "small"))
    assert team["gone"] in door.refusal("compare_agents", {"agent_ids": [team["even"], team["gone"]]}, "small")


# ---- lists


def test_agents_are_listed_in_the_order_of_their_names_page_by_page(door, figures):
    agents = figures.agents()
    wanted = sorted(agents, key=lambda id: (agents[id]["name"].encode(), id))

    listed, offset = [], 0
    while offset is not None:
        page = door.call("list_agents", {"limit": 4, "offset": offset})
        assert page["count"] == len(page["agents"]) <= 4
        listed += [agent["agent_id"] for agent in page["agents"]]
        offset = page["next_offset"]
        assert page["has_more"] is (offset is not None)

    assert listed == wanted
    active = [agent["agent_id"] for agent in door.call("list_agents", {"active_only": True})["agents"]]
    assert active == [id for id in wanted if agents[id]["active"]] != wanted


@pytest.mark.parametrize("query, names", [("ANA", ["Ana Souza"]), ("souza", ["Ana Souza"]), ("@demo", 9), ("%", 0), ("_", 0), ("'", 0), ("agent3@", ["Carla Mendes"])])
def test_agents_are_searched_by_name_and_address(door, query, names):
    found = [agent["name"] for agent in door.call("list_agents", {"query": query})["agents"]]

    assert (len(found) if isinstance(names, int) else found) == names


def test_a_search_knows_letters_beyond_ascii(door):
    found = door.call("list_agents", {"query": "JOÃO"}, "other")["agents"]
    assert [agent["name"] for agent in found] == ["João Batista"]


def all_contacts(door, arguments=None, tenant="demo"):
    found, offset = [], 0
    while offset is not None:
        page = door.call("find_contacts", (arguments or {}) | {"limit": 100, "offset": offset}, tenant)
        found += page["contacts"]
        offset = page["next_offset"]
    return found


@pytest.mark.parametrize("tenant", ["demo", "other"])
def test_every_contact_that_is_not_deleted_is_found_once(door, stack, tenant):
    found = all_contacts(door, tenant=tenant)
    wanted = {c["id"]: c for c in Figures(stack.crm, tenant).table("contacts") if not c["deleted_at"]}

    assert len(found) == len(wanted) and {c["contact_id"] for c in found} == set(wanted)
    latest_first = [(wanted[c["contact_id"]]["last_interaction_at"]) for c in found]
    assert latest_first == sorted(latest_first, reverse=True)
    for contact in found[:30]:
        row = wanted[contact["contact_id"]]
        assert (contact["name"], contact["email"], contact["phone"]) == (row["name"], row["email"], row["phone"])
        assert contact["tags"] == json.loads(row["tags"])
        assert datetime.datetime.fromisoformat(contact["created_at"]) == read_time(row["created_at"]).replace(microsecond=0)


def test_contacts_are_found_by_status(door, figures):
    qualified, unqualified = figures.leads("all")

    assert len(all_contacts(door, {"status": "qualified"})) == qualified
    assert len(all_contacts(door, {"status": "unqualified"})) == unqualified
    assert {c["status"] for c in all_contacts(door, {"status": "qualified"})} == {"qualified"}


@pytest.mark.parametrize("column", ["name", "email", "phone", "external_id"])
def test_contacts_are_found_by_a_part_of(door, figures, column):
    row = next(c for c in figures.table("contacts") if not c["deleted_at"])
    part = row[column][1:-1]

    assert row["id"] in {c["contact_id"] for c in all_contacts(door, {"query": part})}
    assert all(part.lower() in json.dumps(c, ensure_ascii=False).lower() for c in all_contacts(door, {"query": part}))


def test_pipelines_count_the_contacts_in_each_stage(door, stack):
    answer = door.call("list_pipelines")

    assert [pipeline["name"] for pipeline in answer["pipelines"]] == ["Sales", "Onboarding"]
    contacts = {c["id"] for c in Figures(stack.crm).table("contacts") if not c["deleted_at"]}
    open_rows = [k for k in Figures(stack.crm).table("contact_pipeline_statuses") if not k["exited_at"] and k["contact_id"] in contacts]
    for pipeline in answer["pipelines"]:
        for stage in pipeline["stages"]:
            assert stage["contacts"] == sum(k["status_id"] == stage["stage_id"] for k in open_rows)
    assert sum(stage["contacts"] for stage in answer["pipelines"][0]["stages"]) > 100
