"""The writing tools of mcp-crm: what they leave in the database, all or nothing, and who did it."""

import concurrent.futures
import json

import pytest

from crm_world import Door, connect, contents, now, read_time, rows, when


@pytest.fixture(params=["gateway", "connector"])
def door(request, start):
    crm = start.crm()
    return Door(crm, start.gateway([{"name": "crm", "url": crm.url}]).offers("crm_list_agents") if request.param == "gateway" else None)


@pytest.fixture
def crm(door):
    return door.crm


def a_contact(door, **wanted):
    return door.call("find_contacts", {"limit": 1} | wanted)["contacts"][0]


def found(door, contact):
    return next(c for c in door.call("find_contacts", {"query": contact["external_id"]})["contacts"] if c["contact_id"] == contact["contact_id"])


# ---- qualify_lead


def test_qualifying_a_lead_adds_a_row_that_counts_from_then_on(door, crm):
    lead = a_contact(door, status="unqualified")
    before = door.call("get_leads_count", {"period": "all"})["by_status"]
    scores = {"budget": 8, "authority": 0, "need": 9.5, "timeline": 10}
    arguments = {"contact_id": lead["contact_id"], "status": "qualified", "reason": "Tem orçamento — e data.", "bant_scores": scores}

    answer = door.call("qualify_lead", arguments)

    assert (answer["contact_id"], answer["name"], answer["status"], answer["previous_status"]) == (lead["contact_id"], lead["name"], "qualified", "unqualified")
    assert answer["bant_scores"] == scores and answer["bant_total"] == 27.5
    (row,) = rows(crm, "SELECT * FROM lead_qualifications WHERE id = ?", answer["qualification_id"])
    assert abs((now() - read_time(row.pop("created_at"))).total_seconds()) < 120
    assert row == scores | {
        "id": answer["qualification_id"],
        "tenant_id": "demo",
        "contact_id": lead["contact_id"],
        "status": "qualified",
        "reason": "Tem orçamento — e data.",
        "qualified_by": "tester",
    }
    assert found(door, lead)["status"] == "qualified"
    counts = door.call("get_leads_count", {"period": "all"})["by_status"]
    assert counts == {"qualified": before["qualified"] + 1, "unqualified": before["unqualified"] - 1}

    again = door.call("qualify_lead", {"contact_id": lead["contact_id"], "status": "unqualified"})
    assert again["previous_status"] == "qualified" and again["bant_scores"] == {} and again["reason"] is None
    assert found(door, lead)["status"] == "unqualified"
    assert len(rows(crm, "SELECT id FROM lead_qualifications WHERE id IN (?, ?)", answer["qualification_id"], again["qualification_id"])) == 2


@pytest.mark.parametrize(
    "scores, named",
    [
        ({"budget": -0.5}, "budget"),
        ({"need": 10.5}, "need"),
        ({"authority": "high"}, "authority"),
        ({"timeline": True}, "timeline"),
        ({"money": 5}, "money"),
        ([1, 2, 3, 4], "bant_scores"),
        ("8", "bant_scores"),
    ],
)
def test_a_bad_score_is_named_and_nothing_is_written(door, crm, scores, named):
    lead = a_contact(door)
    before = contents(crm)

    assert named in door.refusal("qualify_lead", {"contact_id": lead["contact_id"], "status": "qualified", "bant_scores": scores})
    assert contents(crm) == before


@pytest.mark.parametrize("scores", [None, {}, {"budget": None, "need": None}])
def test_scores_that_are_null_count_as_not_given(door, scores):
    lead = a_contact(door)

    answer = door.call("qualify_lead", {"contact_id": lead["contact_id"], "status": "qualified", "bant_scores": scores, "reason": None})

    assert answer["bant_scores"] == {} and answer["bant_total"] is None


def test_a_contact_that_was_deleted_cannot_be_written_to(door, crm):
    deleted = rows(crm, "SELECT id FROM contacts WHERE tenant_id = 'demo' AND deleted_at IS NOT NULL")[0]["id"]
    agent = door.call("list_agents")["agents"][0]["agent_id"]
    pipeline = door.call("list_pipelines")["pipelines"][0]
    before = contents(crm)

    for tool, arguments in {
        "qualify_lead": {"status": "qualified"},
        "assign_to_agent": {"agent_id": agent},
        "update_pipeline_stage": {"pipeline_id": pipeline["pipeline_id"], "stage_id": pipeline["stages"][0]["stage_id"]},
    }.items():
        assert deleted in door.refusal(tool, arguments | {"contact_id": deleted})
    assert contents(crm) == before


# ---- update_pipeline_stage


def move(pipeline, contact, stage, **more):
    return {"contact_id": contact["contact_id"], "pipeline_id": pipeline["pipeline_id"], "stage_id": pipeline["stages"][stage]["stage_id"]} | more


def history(crm, contact, pipeline):
    sql = "SELECT * FROM contact_pipeline_statuses WHERE contact_id = ? AND pipeline_id = ? ORDER BY entered_at, id"
    return rows(crm, sql, contact["contact_id"], pipeline["pipeline_id"])


def elsewhere(contact, pipeline):
    """The index of a stage this contact is not in."""
    stage = contact["stages"][0]["stage_id"]
    return next(i for i, each in enumerate(pipeline["stages"]) if each["stage_id"] != stage)


def test_a_move_closes_the_old_status_and_opens_the_new_one(door, crm):
    contact, pipeline = a_contact(door), door.call("list_pipelines")["pipelines"][0]
    stage = elsewhere(contact, pipeline)
    before = history(crm, contact, pipeline)

    answer = door.call("update_pipeline_stage", move(pipeline, contact, stage, notes="Asked for a quote."))

    after = history(crm, contact, pipeline)
    assert answer["changed"] is True and answer["notes"] == "Asked for a quote."
    assert answer["previous_stage"]["stage_id"] == contact["stages"][0]["stage_id"]
    assert answer["stage"] == {"stage_id": pipeline["stages"][stage]["stage_id"], "name": pipeline["stages"][stage]["name"]}
    (closed,) = [row for row in after if row["id"] in {b["id"] for b in before} and row["exited_at"] and row not in before]
    assert closed["duration"] == pytest.approx((read_time(closed["exited_at"]) - read_time(closed["entered_at"])).total_seconds(), abs=1)
    (opened,) = [row for row in after if row["exited_at"] is None]
    assert (opened["tenant_id"], opened["status_id"], opened["notes"]) == ("demo", answer["stage"]["stage_id"], "Asked for a quote.")
    assert read_time(opened["entered_at"]) == read_time(closed["exited_at"])
    assert len(after) == len(before) + 1
    assert found(door, contact)["stages"][0]["stage_id"] == answer["stage"]["stage_id"]


def test_a_move_to_the_same_stage_changes_nothing(door, crm):
    contact, pipeline = a_contact(door), door.call("list_pipelines")["pipelines"][0]
    arguments = move(pipeline, contact, elsewhere(contact, pipeline))
    door.call("update_pipeline_stage", arguments)
    before = contents(crm)

    again = door.call("update_pipeline_stage", arguments)

    assert door.tools["update_pipeline_stage"]["annotations"]["idempotentHint"] is True
    assert again["changed"] is False and contents(crm) == before


def test_a_contact_can_enter_a_pipeline_it_was_not_in(door, crm):
    contact, pipeline = a_contact(door), door.call("list_pipelines")["pipelines"][1]
    sales = history(crm, contact, door.call("list_pipelines")["pipelines"][0])

    answer = door.call("update_pipeline_stage", move(pipeline, contact, 0))

    assert answer["changed"] is True and answer["previous_stage"] is None
    assert len(history(crm, contact, pipeline)) == 1
    assert history(crm, contact, door.call("list_pipelines")["pipelines"][0]) == sales


def test_a_stage_of_another_pipeline_is_refused(door, crm):
    sales, onboarding = door.call("list_pipelines")["pipelines"]
    contact = a_contact(door)
    foreign = onboarding["stages"][0]["stage_id"]
    before = contents(crm)

    refusal = door.refusal("update_pipeline_stage", move(sales, contact, 0) | {"stage_id": foreign})

    assert foreign in refusal or onboarding["stages"][0]["name"] in refusal
    assert "pipeline" in refusal and contents(crm) == before


def test_a_move_that_fails_in_the_middle_leaves_everything_as_it_was(door, crm):
    contact, pipeline = a_contact(door), door.call("list_pipelines")["pipelines"][0]
    stage = elsewhere(contact, pipeline)
    with connect(crm) as database:
        database.execute("CREATE TRIGGER refuse BEFORE INSERT ON contact_pipeline_statuses BEGIN SELECT RAISE(ABORT, 'not now'); END")
    before = contents(crm)

    refusal = door.refusal("update_pipeline_stage", move(pipeline, contact, stage))

    assert contents(crm) == before  # the old status was closed and is open again
    assert "othing was written" in refusal and "not now" not in refusal
    with connect(crm) as database:
        database.execute("DROP TRIGGER refuse")
    assert door.call("update_pipeline_stage", move(pipeline, contact, stage))["changed"] is True


def test_an_assignment_that_fails_in_the_middle_leaves_everything_as_it_was(door, crm):
    contact = a_contact(door)
    one, two = [agent["agent_id"] for agent in door.call("list_agents", {"active_only": True})["agents"]][:2]
    door.call("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": one})
    with connect(crm) as database:
        database.execute("CREATE TRIGGER refuse BEFORE INSERT ON contact_assignments BEGIN SELECT RAISE(ABORT, 'not now'); END")
    before = contents(crm)

    door.refusal("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": two})

    assert contents(crm) == before


def test_of_many_moves_at_once_one_is_the_last_and_one_status_is_open(door, crm):
    contact, pipeline = a_contact(door), door.call("list_pipelines")["pipelines"][0]
    before = len(history(crm, contact, pipeline))

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda n: door.result("update_pipeline_stage", move(pipeline, contact, n % 6)), range(24)))

    after = history(crm, contact, pipeline)
    moved = sum(not a.get("isError") and a["structuredContent"]["changed"] for a in answers)
    assert len([row for row in after if row["exited_at"] is None]) == 1
    assert len(after) == before + moved
    for answer in answers:
        assert not answer.get("isError") or "at the same time" in answer["content"][0]["text"]


# ---- assign_to_agent


def assignments(crm, contact):
    return rows(crm, "SELECT * FROM contact_assignments WHERE contact_id = ? ORDER BY created_at, ended_at IS NULL, id", contact["contact_id"])


def test_an_assignment_ends_the_one_before(door, crm):
    contact = a_contact(door)
    one, two = door.call("list_agents", {"active_only": True})["agents"][:2]

    first = door.call("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": one["agent_id"]})
    second = door.call("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": two["agent_id"], "priority": "high", "notes": "Call today."})

    assert first["agent"] == {"agent_id": one["agent_id"], "name": one["name"]} and first["previous_agent"] is None
    assert (first["priority"], first["changed"]) == ("medium", True)
    assert second["previous_agent"]["agent_id"] == one["agent_id"]
    old, new = assignments(crm, contact)
    assert old["id"] == first["assignment_id"] and old["ended_at"] == new["created_at"]
    assert new["ended_at"] is None
    assert {k: new[k] for k in ("id", "tenant_id", "agent_id", "priority", "notes", "assigned_by")} == {
        "id": second["assignment_id"],
        "tenant_id": "demo",
        "agent_id": two["agent_id"],
        "priority": "high",
        "notes": "Call today.",
        "assigned_by": "tester",
    }
    assert found(door, contact)["assigned_to"] == {"agent_id": two["agent_id"], "name": two["name"]}
    mine = door.call("find_contacts", {"agent_id": two["agent_id"]})["contacts"]
    assert [c["contact_id"] for c in mine] == [contact["contact_id"]]


def test_the_same_assignment_again_changes_nothing(door, crm):
    contact = a_contact(door)
    arguments = {"contact_id": contact["contact_id"], "agent_id": door.call("list_agents")["agents"][0]["agent_id"], "priority": "low"}
    first = door.call("assign_to_agent", arguments)
    before = contents(crm)

    again = door.call("assign_to_agent", arguments)

    assert again["changed"] is False and again["assignment_id"] == first["assignment_id"]
    assert contents(crm) == before


def test_agents_who_are_switched_off_or_deleted_take_no_contacts(door, crm):
    contact = a_contact(door)
    off = next(agent for agent in door.call("list_agents")["agents"] if not agent["active"])
    deleted = rows(crm, "SELECT id FROM agents WHERE tenant_id = 'demo' AND deleted_at IS NOT NULL")[0]["id"]
    before = contents(crm)

    assert "not active" in door.refusal("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": off["agent_id"]})
    assert deleted in door.refusal("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": deleted})
    assert contents(crm) == before


def test_an_agent_who_is_deleted_has_no_contacts_any_more(door, crm):
    contact, agent = a_contact(door), door.call("list_agents")["agents"][0]["agent_id"]
    door.call("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": agent})
    with connect(crm) as database:
        database.execute("UPDATE agents SET deleted_at = ? WHERE id = ?", (when(now()), agent))

    assert found(door, contact)["assigned_to"] is None
    assert agent in door.refusal("find_contacts", {"agent_id": agent})


def test_of_many_assignments_at_once_one_is_open(door, crm):
    contact = a_contact(door)
    agents = [agent["agent_id"] for agent in door.call("list_agents", {"active_only": True})["agents"]]

    def assign(n):
        return door.result("assign_to_agent", {"contact_id": contact["contact_id"], "agent_id": agents[n % len(agents)]})

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(assign, range(24)))

    assert not any(answer.get("isError") for answer in answers), answers
    assert len([row for row in assignments(crm, contact) if row["ended_at"] is None]) == 1


def test_who_wrote_is_the_subject_of_the_token(door, crm):
    contact = a_contact(door)
    params = {"name": door.prefix + "qualify_lead", "arguments": {"contact_id": contact["contact_id"], "status": "qualified"}}

    door.rpc("tools/call", params, subject="ana@example.com")

    (row,) = rows(crm, "SELECT qualified_by FROM lead_qualifications WHERE contact_id = ? ORDER BY created_at DESC LIMIT 1", contact["contact_id"])
    assert row["qualified_by"] == "ana@example.com"


def test_text_is_stored_as_it_came(door, crm):
    contact = a_contact(door)
    reason = "'); DROP TABLE contacts; -- \" \\ 😀 \t\n é"

    door.call("qualify_lead", {"contact_id": contact["contact_id"], "status": "qualified", "reason": reason})

    assert json.dumps([row["reason"] for row in rows(crm, "SELECT reason FROM lead_qualifications WHERE reason LIKE '%DROP%'")]) == json.dumps([reason])
