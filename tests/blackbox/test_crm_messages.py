"""analyze_agent_messages by its fixed rules, and the progress that the two long tools tell."""

import json

import pytest

from crm_world import Door, connect, insert, now, rows, when
from harness import rpc_body
from test_crm import without_now


@pytest.fixture(scope="module", params=["gateway", "connector"])
def door(request, stack):
    return Door(stack.crm, stack if request.param == "gateway" else None)


def of_name(door, name):
    return next(agent["agent_id"] for agent in door.call("list_agents")["agents"] if agent["name"] == name)


def test_messages_are_judged_by_the_rubric_the_same_way_each_time(door, stack):
    ana, diego = (of_name(door, name) for name in ("Ana Souza", "Diego Rocha"))
    first, again, careless = (without_now(door.call("analyze_agent_messages", {"agent_id": id})) for id in (ana, ana, diego))

    assert first == again
    assert first["method"] == "rubric" and first["messages_analyzed"] == 50
    for dimension in ("grammar", "tone", "brand"):
        assert 0 <= careless[dimension]["score"] < first[dimension]["score"] <= 10, dimension
    texts = {row["text"] for row in rows(stack.crm, "SELECT text FROM messages WHERE agent_id = ?", diego)}
    for dimension in ("grammar", "tone", "brand"):
        assert careless[dimension]["examples"]
        for example in careless[dimension]["examples"]:
            assert example["quote"] in texts and example["finding"]


def test_the_sample_is_the_latest_messages_of_the_agent(door, stack):
    ana = of_name(door, "Ana Souza")
    sql = "SELECT m.id FROM messages m JOIN contacts c ON c.id = m.contact_id WHERE m.agent_id = ? AND m.from_me AND c.deleted_at IS NULL ORDER BY m.timestamp DESC, m.id"
    latest = [row["id"] for row in rows(stack.crm, sql, ana)]

    for size in (1, 7, 500):
        answer = door.call("analyze_agent_messages", {"agent_id": ana, "sample_size": size})
        assert answer["messages_analyzed"] == min(size, len(latest))
        quoted = {example["message_id"] for d in ("grammar", "tone", "brand") for example in answer[d]["examples"]}
        assert quoted <= set(latest[:size]) and quoted


def test_shouting_is_found_and_messages_of_deleted_contacts_are_not_read(start):
    crm = start.crm()
    database = connect(crm)
    agent = insert(database, "agents", tenant_id="demo", name="New", active=True)
    kept, deleted = (insert(database, "contacts", tenant_id="demo", created_at=now()) for _ in range(2))
    database.execute("UPDATE contacts SET deleted_at = ? WHERE id = ?", (when(now()), deleted))
    texts = {kept: ["YOU ARE WRONG!!! READ THE CONTRACT!!!", "Thank you for your patience, I will call you tomorrow."], deleted: ["secret of a deleted one"]}
    for contact, lines in texts.items():
        for line in lines:
            insert(database, "messages", tenant_id="demo", agent_id=agent, contact_id=contact, from_me=True, text=line, timestamp=now())
    insert(database, "messages", tenant_id="demo", agent_id=agent, contact_id=kept, from_me=False, text="from the customer", timestamp=now())
    insert(database, "messages", tenant_id="other", agent_id=agent, contact_id=kept, from_me=True, text="of another tenant", timestamp=now())
    database.commit()

    answer = Door(crm).call("analyze_agent_messages", {"agent_id": agent})

    assert answer["messages_analyzed"] == 2
    assert "YOU ARE WRONG" in answer["tone"]["examples"][0]["quote"]
    for hidden in ("deleted one", "from the customer", "another tenant"):
        assert hidden not in json.dumps(answer)


# ---- progress


def test_a_comparison_tells_progress_per_agent(door):
    agents = door.call("list_agents")["agents"][:4]
    arguments = {"agent_ids": [agent["agent_id"] for agent in agents]}

    steps = progress_of(door, "compare_agents", arguments)

    assert steps[0]["_meta"]["guiche/stage"] == "starting"
    told = [step["message"] for step in steps if step["_meta"]["guiche/stage"] == "processing"]
    assert [message.split(":")[0] for message in told] == [agent["name"] for agent in agents]
    assert steps[-1]["_meta"]["guiche/stage"] == "comparing"
    data = [step["_meta"]["guiche/data"]["agent_id"] for step in steps if step["_meta"]["guiche/stage"] == "processing"]
    assert data == arguments["agent_ids"]


def test_an_analysis_tells_its_stages(door):
    steps = progress_of(door, "analyze_agent_messages", {"agent_id": of_name(door, "Ana Souza")})

    assert [step["_meta"]["guiche/stage"] for step in steps] == ["starting", "processing", "analyzing"]


def progress_of(door, tool, arguments):
    params = {"name": door.prefix + tool, "arguments": arguments, "_meta": {"progressToken": "p"}}
    answer = door.rpc("tools/call", params)
    assert answer.headers["content-type"].startswith("text/event-stream")
    *steps, last = [json.loads(line[5:]) for line in answer.text.splitlines() if line.startswith("data:")]
    assert last["result"]["structuredContent"] and json.loads(rpc_body(answer)) == last
    steps = [step["params"] for step in steps]
    assert all(step["progressToken"] == "p" for step in steps)
    done = [step["progress"] for step in steps]
    assert done == sorted(set(done)) and all(step["progress"] < step["total"] for step in steps)
    return steps
