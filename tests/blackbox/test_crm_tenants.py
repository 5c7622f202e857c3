"""Tenants never see each other. The first half is made from the tool table: every tool, every argument that is an id, an id
of the other tenant. A new tool is in it by existing; a new kind of id has to be added to `ids_of` and is missed loudly.
"""

import json
import re

import pytest

from crm_world import TABLES, Door, connect, contents, insert, now, rows, within_one_day

ARGUMENTS = {  # for required arguments that are no ids
    "period": "month",
    "metric": "satisfaction",
    "status": "qualified",
}


def ids_of(door, tenant):
    """A few ids of each kind, by the name tools give it: agent_id, contact_id, ..."""
    contact = door.call("find_contacts", {"limit": 1}, tenant)["contacts"][0]
    pipeline = door.call("list_pipelines", {}, tenant)["pipelines"][0]
    elsewhere = next(stage for stage in pipeline["stages"] if stage["stage_id"] != contact["stages"][0]["stage_id"])
    return {
        "agent_id": [agent["agent_id"] for agent in door.call("list_agents", {"active_only": True}, tenant)["agents"]],
        "contact_id": [contact["contact_id"]],
        "pipeline_id": [pipeline["pipeline_id"]],
        "stage_id": [elsewhere["stage_id"]],
    }


def is_id(argument):
    return argument.endswith(("_id", "_ids"))


def value_of(argument, schema, ids):
    """An argument of a valid call."""
    if not is_id(argument):
        return ARGUMENTS[argument]
    kind = argument.removesuffix("s")
    assert kind in ids, f"{argument} is an id of a kind this test does not know: add it to ids_of()"
    return ids[kind][: max(2, schema.get("minItems", 1))] if argument.endswith("_ids") else ids[kind][0]


def valid_call(tool, ids):
    schema = tool["inputSchema"]
    return {name: value_of(name, schema["properties"][name], ids) for name in schema.get("required", [])}


def calls_with_foreign_ids(tool, ours, theirs):
    """(argument, arguments) for each argument that is an id: once theirs alone, in lists also among ours."""
    for argument, schema in tool["inputSchema"]["properties"].items():
        if not is_id(argument):
            continue
        foreign = value_of(argument, schema, theirs)
        yield argument, valid_call(tool, ours) | {argument: foreign}
        if isinstance(foreign, list):
            yield argument, valid_call(tool, ours) | {argument: value_of(argument, schema, ours)[:1] + foreign[:1]}


@pytest.fixture(scope="module", params=["gateway", "connector"])
def door(request, stack):
    return Door(stack.crm, stack if request.param == "gateway" else None)


def try_foreign_ids(door, contents):
    """Every tool with every id of the other tenant; `contents` gives a digest of the database. Returns what was tried."""
    ours, theirs = ids_of(door, "demo"), ids_of(door, "other")
    nobodys = {kind: ["00000000-0000-4000-8000-00000000000%d" % n for n in range(1, 6)] for kind in ours}
    before = contents()
    tried = set()
    for name, tool in door.tools.items():
        foreign, unknown = (list(calls_with_foreign_ids(tool, ours, ids)) for ids in (theirs, nobodys))
        for (argument, arguments), (_, same_with_nobody) in zip(foreign, unknown):
            refusal = door.refusal(name, arguments)
            # Not even that it exists may be seen: the answer is that to an id nobody has.
            assert without_ids(refusal) == without_ids(door.refusal(name, same_with_nobody)), (name, argument)
            assert contents() == before, (name, argument)
            tried.add((name, argument))
    return tried


def id_arguments(door):
    return {(name, argument) for name, tool in door.tools.items() for argument in tool["inputSchema"]["properties"] if is_id(argument)}


def test_every_id_of_another_tenant_is_refused_as_if_it_were_nothing(door, stack):
    tried = try_foreign_ids(door, lambda: contents(stack.crm))

    assert tried == id_arguments(door) and len(tried) >= 10


def without_ids(text):
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)


def test_the_calls_that_were_refused_are_valid_with_own_ids(start):
    """Else the test above would prove nothing."""
    crm = start.crm()
    door = Door(crm)
    ids = ids_of(door, "demo")

    for name, tool in door.tools.items():
        for _, arguments in calls_with_foreign_ids(tool, ids, ids | {"agent_id": ids["agent_id"][::-1]}):
            door.call(name, arguments)


def secrets_of(crm, tenant):
    """Every id of a tenant's rows, and what its people are called and how they are reached."""
    found = set()
    for table in TABLES:
        columns = {row["name"] for row in rows(crm, f"SELECT name FROM pragma_table_info('{table}')")}
        if "tenant_id" in columns:
            wanted = columns & {"id", "email", "phone"} if table != "contacts" else {"id", "email"}
            for row in rows(crm, f"SELECT * FROM {table} WHERE tenant_id = ?", tenant):
                found |= {row[column] for column in wanted if row[column]}
    found |= {row["name"] for row in rows(crm, "SELECT name FROM agents WHERE tenant_id = ?", tenant)}
    found |= {row["id"] for row in rows(crm, "SELECT s.id FROM pipeline_statuses s JOIN pipelines p ON p.id = s.pipeline_id WHERE p.tenant_id = ?", tenant)}
    return found


@pytest.mark.parametrize("tenant, stranger", [("demo", "other"), ("other", "demo")])
def test_no_answer_holds_anything_of_another_tenant(door, stack, tenant, stranger):
    hidden = secrets_of(stack.crm, stranger)
    ids = ids_of(door, tenant)
    assert len(hidden) > 1000

    for name, tool in door.tools.items():
        if not tool["annotations"]["readOnlyHint"]:
            continue
        more = {"limit": 100} if "limit" in tool["inputSchema"]["properties"] else {}
        text = json.dumps(door.result(name, valid_call(tool, ids) | more, tenant), ensure_ascii=False)
        leaked = {each for each in hidden if each in text}
        assert not leaked, (name, leaked)


@within_one_day
def test_rows_that_cross_tenants_do_not_open_a_way(start):
    """Tables without tenant_id can be wrong: a stage, an agent's seat or an assignment that points at another tenant."""
    crm = start.crm(name=f"crm{len(start.started)}")
    door = Door(crm)
    ours, theirs = ids_of(door, "demo"), ids_of(door, "other")
    before = {name: door.call(name, valid_call(tool, ours)) for name, tool in door.tools.items() if tool["annotations"]["readOnlyHint"]}
    sessions = [rows(crm, "SELECT id FROM sessions WHERE tenant_id = ? LIMIT 1", tenant)[0]["id"] for tenant in ("demo", "other")]
    database = connect(crm)
    insert(database, "agent_sessions", agent_id=theirs["agent_id"][0], session_id=sessions[0], joined_at=now())
    insert(database, "agent_sessions", agent_id=ours["agent_id"][0], session_id=sessions[1], joined_at=now())
    contact = ours["contact_id"][0]
    insert(
        database, "contact_pipeline_statuses", tenant_id="other", contact_id=contact, pipeline_id=theirs["pipeline_id"][0], status_id=theirs["stage_id"][0], entered_at=now()
    )
    insert(
        database, "contact_pipeline_statuses", tenant_id="demo", contact_id=contact, pipeline_id=theirs["pipeline_id"][0], status_id=theirs["stage_id"][0], entered_at=now()
    )
    insert(database, "contact_assignments", tenant_id="demo", contact_id=contact, agent_id=theirs["agent_id"][0], priority="low", created_at=now())
    insert(database, "lead_qualifications", tenant_id="other", contact_id=contact, status="qualified", created_at=now())
    insert(database, "messages", tenant_id="other", agent_id=ours["agent_id"][0], from_me=True, text="of the other tenant", timestamp=now())
    database.commit()

    for name, answer in before.items():
        again = door.call(name, valid_call(door.tools[name], ours))
        assert without_moments(again) == without_moments(answer), name


def without_moments(answer):
    return re.sub(r'"to": "[^"]*"', "", json.dumps(answer))


def test_the_tenant_is_the_token_s_and_nothing_in_the_request_changes_it(door):
    mine = door.call("list_agents")

    for meta in ({"tenant_id": "other"}, {"guiche/tenant": "other"}):
        assert door.call("list_agents", _meta=meta) == mine
    for name in ("tenant_id", "tenant", "Tenant_Id"):
        assert name in door.refusal("list_agents", {name: "other"})
