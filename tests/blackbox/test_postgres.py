"""mcp-crm on a real PostgreSQL: the answers are those it gives on SQLite, and a live database is left as it is."""

import concurrent.futures
import json
import re

import pytest

from crm_world import Door, a_lead
from harness import wait_until
from postgres import contents, mcp_crm, migrate
from test_crm_tenants import id_arguments, ids_of, try_foreign_ids


@pytest.fixture
def database(make_database, postgres_demo):
    return make_database(postgres_demo.name)


@pytest.fixture
def crm(start, database):
    return start.crm(database=database.url)


@pytest.fixture
def door(crm):
    return Door(crm)


# ---- the same answers as on SQLite


def reading_calls(door):
    agents = [agent["agent_id"] for agent in door.call("list_agents")["agents"]]
    contact = door.call("find_contacts", {"limit": 1})["contacts"][0]
    for period in ("today", "week", "month", "year", "all"):
        for status in ("all", "qualified", "unqualified"):
            yield "get_leads_count", {"period": period, "status": status}
    for metric in ("conversion_rate", "response_time", "satisfaction"):
        for period in ("week", "month", "quarter"):
            yield "get_top_performing_agent", {"metric": metric, "period": period}
    for dates in ({}, {"start_date": "2020-01-01"}, {"end_date": "2020-01-01"}, {"start_date": contact["created_at"][:10], "end_date": contact["created_at"][:10]}):
        yield "get_agent_conversion_stats", dates
        yield "get_agent_conversion_stats", dates | {"agent_ids": agents[1:4]}
        yield "compare_agents", dates | {"agent_ids": agents[:5]}
        for agent in agents:
            yield "analyze_agent_messages", dates | {"agent_id": agent, "sample_size": 40}
    for query in ("ana", "JÚLIA", "%", "'", "demo-01", "\\", "+5511", "ção"):
        yield "list_agents", {"query": query}
        yield "find_contacts", {"query": query, "limit": 100}
        yield "list_pipelines", {"query": query}
    for offset in (0, 3, 300):
        yield "list_agents", {"limit": 5, "offset": offset}
        yield "find_contacts", {"limit": 50, "offset": offset, "status": "qualified"}
        yield "find_contacts", {"limit": 50, "offset": offset, "status": "unqualified"}
    for active in (True, False):
        yield "list_agents", {"active_only": active}
        yield "list_pipelines", {"active_only": active}


def without_now(result):
    """An answer without the moments that are now: the ends of periods, and what the call itself made."""
    text = json.dumps([result.get("isError"), result.get("structuredContent"), result["content"]], ensure_ascii=False)
    text = re.sub(r'"(to|qualified_at|assigned_at|entered_at)": "[^"]*"', r'"\1": ""', text)
    return re.sub(r'"(qualification_id|assignment_id|seconds_in_previous_stage)": [^,}]*', r'"\1": ""', text)


def expect_same(one, other, tool, arguments, tenant="demo"):
    """A day, a week or a month may end between the two: then they are asked again."""
    for last in (False, True):
        answers = [without_now(door.result(tool, arguments, tenant)) for door in (one, other)]
        if last or answers[0] == answers[1]:
            assert answers[0] == answers[1], (tool, arguments)
            return


@pytest.mark.parametrize("zone", ["UTC", "America/Sao_Paulo"])
@pytest.mark.parametrize("tenant", ["demo", "other", "nobody"])
def test_the_same_calls_give_the_same_answers_as_on_sqlite(start, database, tenant, zone):
    postgres, sqlite = (Door(start.crm(database=url, name=name, env={"CRM_TIMEZONE": zone})) for name, url in (("pg", database.url), ("lite", None)))

    for tool, arguments in list(reading_calls(sqlite)):
        expect_same(postgres, sqlite, tool, arguments, tenant)


def writing_calls(door):
    contacts = [contact["contact_id"] for contact in door.call("find_contacts", {"limit": 6})["contacts"]]
    agents = door.call("list_agents")["agents"]
    sales, onboarding = door.call("list_pipelines")["pipelines"]
    for n, contact in enumerate(contacts):
        yield "qualify_lead", {"contact_id": contact, "status": ["qualified", "unqualified"][n % 2], "reason": "é 😀 '", "bant_scores": {"budget": n, "need": n / 3}}
        yield "assign_to_agent", {"contact_id": contact, "agent_id": agents[n]["agent_id"], "priority": "high", "notes": None}
        yield "assign_to_agent", {"contact_id": contact, "agent_id": agents[n]["agent_id"], "priority": "high"}
        yield "assign_to_agent", {"contact_id": contact, "agent_id": agents[n - 1]["agent_id"]}
        for pipeline, stage in ((sales, n), (sales, n), (onboarding, n), (sales, -1)):
            yield "update_pipeline_stage", {"contact_id": contact, "pipeline_id": pipeline["pipeline_id"], "stage_id": pipeline["stages"][stage]["stage_id"], "notes": "n"}
        yield "update_pipeline_stage", {"contact_id": contact, "pipeline_id": sales["pipeline_id"], "stage_id": onboarding["stages"][0]["stage_id"]}
    yield "assign_to_agent", {"contact_id": contacts[0], "agent_id": next(a["agent_id"] for a in agents if not a["active"])}


def test_the_same_writes_leave_the_same_answers_as_on_sqlite(start, database):
    postgres, sqlite = (Door(start.crm(database=url, name=name)) for name, url in (("pg", database.url), ("lite", None)))

    for tool, arguments in [*writing_calls(sqlite), ("list_pipelines", {}), ("find_contacts", {"limit": 100}), ("get_leads_count", {"period": "all"})]:
        one, two = (door.result(tool, arguments) for door in (postgres, sqlite))
        assert without_now(one) == without_now(two), (tool, arguments)
    assert database.value("SELECT COUNT(*) FROM contact_pipeline_statuses WHERE exited_at IS NULL AND notes = 'n'") == "12"


def test_a_write_is_stored_in_the_database_s_own_types(database, door):
    lead = a_lead(door)
    answer = door.call("qualify_lead", lead | {"reason": "Tem orçamento", "bant_scores": {"budget": 7.5}})

    row = database.sql(f"SELECT tenant_id, contact_id, status, reason, budget, need IS NULL, qualified_by, now() - created_at < '1 minute' FROM lead_qualifications WHERE id = '{answer['qualification_id']}'")[0]
    assert row == ["demo", lead["contact_id"], "qualified", "Tem orçamento", "7.5", "t", "tester", "t"]


def test_sessions_of_the_server_with_other_habits_change_nothing(start, database, postgres_demo, make_database):
    plain = Door(start.crm(database=database.url, name="plain"))
    odd = make_database(postgres_demo.name)
    for setting in ("TimeZone TO 'Asia/Tokyo'", "DateStyle TO 'German, DMY'", "IntervalStyle TO 'sql_standard'", "bytea_output TO 'escape'", "standard_conforming_strings TO off", "extra_float_digits TO -5"):
        odd.sql(f"ALTER DATABASE {odd.name} SET {setting}")
    other = Door(start.crm(database=odd.url, name="odd"))

    for tool, arguments in list(reading_calls(plain))[::7]:
        expect_same(plain, other, tool, arguments)


# ---- tenants and ids


def test_every_id_of_another_tenant_is_refused(database, door):
    assert try_foreign_ids(door, lambda: contents(database)) == id_arguments(door)


NO_UUIDS = ["nobody", "123", "00000000-0000-0000-0000-00000000000", "' OR '1'='1", "{}", "x" * 200, "é"]


def test_an_id_that_is_no_uuid_names_nothing(database, door):
    ids = ids_of(door, "demo")
    agent, contact = {"agent_id": ids["agent_id"][0]}, {"contact_id": ids["contact_id"][0]}
    place = {"pipeline_id": ids["pipeline_id"][0], "stage_id": ids["stage_id"][0]}
    before = contents(database)
    for id in NO_UUIDS:
        for tool, arguments, word in [
            ("analyze_agent_messages", {"agent_id": id}, "agent"),
            ("find_contacts", {"agent_id": id}, "agent"),
            ("compare_agents", {"agent_ids": [ids["agent_id"][0], id]}, "agent"),
            ("get_agent_conversion_stats", {"agent_ids": [id]}, "agent"),
            ("qualify_lead", {"contact_id": id, "status": "qualified"}, "contact"),
            ("assign_to_agent", agent | {"contact_id": id}, "contact"),
            ("assign_to_agent", contact | {"agent_id": id}, "agent"),
            ("update_pipeline_stage", place | {"contact_id": id}, "contact"),
            ("update_pipeline_stage", contact | place | {"pipeline_id": id}, "pipeline"),
            ("update_pipeline_stage", contact | place | {"stage_id": id}, "stage"),
        ]:
            refusal = door.refusal(tool, arguments)
            assert id in refusal and word in refusal, refusal
    assert contents(database) == before


def test_an_id_in_capitals_is_the_same_uuid(door):
    agent = door.call("list_agents")["agents"][0]

    answer = door.call("analyze_agent_messages", {"agent_id": agent["agent_id"].upper()})

    assert answer["agent_id"] == agent["agent_id"]


# ---- live databases

LIVE = """
CREATE TYPE agent_status AS ENUM ('available', 'busy', 'offline');
CREATE TABLE projects (id {id} PRIMARY KEY, name varchar(100) NOT NULL);
CREATE TABLE contacts (id {id} PRIMARY KEY, project_id {id} NOT NULL REFERENCES projects, tenant_id varchar(64) NOT NULL,
  name varchar(255), email varchar(255), phone varchar(40), external_id varchar(255), source_channel varchar(30),
  language char(2), tags jsonb DEFAULT '[]', first_interaction_at timestamptz, last_interaction_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(), deleted_at timestamptz,
  version bigint NOT NULL DEFAULT 1, profile jsonb);
CREATE UNIQUE INDEX contacts_phone ON contacts (tenant_id, phone) WHERE deleted_at IS NULL;
CREATE TABLE agents (id {id} PRIMARY KEY, project_id {id}, user_id {id}, tenant_id varchar(64) NOT NULL, name text NOT NULL,
  email text, type varchar(20), status agent_status, active boolean NOT NULL DEFAULT true, sessions_handled bigint DEFAULT 0,
  average_response_ms bigint, last_activity_at timestamptz, created_at timestamptz, updated_at timestamptz,
  deleted_at timestamptz, permissions jsonb);
CREATE TABLE pipelines (id {id} PRIMARY KEY, tenant_id varchar(64) NOT NULL, name text, position smallint, active boolean, color text);
CREATE TABLE pipeline_statuses (id {id} PRIMARY KEY, pipeline_id {id} NOT NULL REFERENCES pipelines ON DELETE CASCADE,
  name text, status_type varchar(20), position smallint, active boolean);
CREATE TABLE sessions (id {id} PRIMARY KEY, contact_id {id} REFERENCES contacts, tenant_id varchar(64), pipeline_id {id},
  started_at timestamptz NOT NULL, ended_at timestamptz, status text, last_activity_at timestamptz, message_count bigint,
  messages_from_contact bigint, messages_from_agent bigint, duration_seconds bigint, agent_response_time_seconds bigint,
  contact_wait_time_seconds bigint, agent_ids jsonb, agent_transfers int, summary text, sentiment varchar(20),
  sentiment_score numeric(5,4), resolved boolean, escalated boolean, converted boolean, outcome_tags jsonb);
CREATE TABLE agent_sessions (id {id} PRIMARY KEY, agent_id {id} NOT NULL REFERENCES agents, session_id {id} NOT NULL REFERENCES
  sessions, role_in_session text, joined_at timestamptz, left_at timestamptz, is_active boolean);
CREATE TABLE messages (id {id} PRIMARY KEY, tenant_id varchar(64), "timestamp" timestamptz, from_me boolean, contact_id {id},
  session_id {id}, content_type varchar(20), text text, agent_id {id}, status varchar(20), language char(2),
  delivered_at timestamptz, read_at timestamptz, raw jsonb);
CREATE TABLE contact_pipeline_statuses (id {id} PRIMARY KEY, contact_id {id} NOT NULL REFERENCES contacts, pipeline_id {id} NOT
  NULL REFERENCES pipelines, status_id {id} NOT NULL REFERENCES pipeline_statuses, tenant_id varchar(64) NOT NULL,
  entered_at timestamptz NOT NULL DEFAULT now(), exited_at timestamptz, duration bigint, notes text,
  metadata jsonb DEFAULT '{{}}');
CREATE TABLE notes (id {id} PRIMARY KEY, contact_id {id}, tenant_id varchar(64), author_id {id}, author_type text, author_name
  text, content text, note_type text, priority text);
CREATE VIEW busy_agents AS SELECT * FROM agents WHERE status = 'busy';

INSERT INTO projects VALUES ('{0}90', 'p');
INSERT INTO contacts (id, project_id, tenant_id, name, email, phone, language, tags, last_interaction_at, profile) VALUES
  ('{0}10', '{0}90', 'live', 'Lia Sá', 'lia@x.example', '+351 1', 'pt', '["vip", "é"]', now() - interval '1 second', '{{"a": 1}}'),
  ('{0}11', '{0}90', 'live', 'Old', NULL, '+351 2', NULL, NULL, NULL, NULL),
  ('{0}12', '{0}90', 'else', 'Alien', NULL, '+351 3', NULL, '{{"not": "a list"}}', now(), NULL);
UPDATE contacts SET deleted_at = now() WHERE name = 'Old';
INSERT INTO agents (id, tenant_id, name, status, active, sessions_handled) VALUES ('{0}20', 'live', 'Rui', 'busy', true, 5000000000),
  ('{0}21', 'live', 'Eva', NULL, true, NULL), ('{0}22', 'else', 'Alien agent', 'busy', true, 1);
INSERT INTO pipelines VALUES ('{0}30', 'live', 'Vendas', 1, true, 'red'), ('{0}31', 'live', 'Pós-venda', 2, NULL, NULL);
INSERT INTO pipeline_statuses VALUES ('{0}40', '{0}30', 'Novo', 'open', 1, true), ('{0}41', '{0}30', 'Ganho', 'won', 2, true),
  ('{0}42', '{0}31', 'Feito', NULL, NULL, NULL);
INSERT INTO contact_pipeline_statuses (id, contact_id, pipeline_id, status_id, tenant_id, entered_at) VALUES
  ('{0}50', '{0}10', '{0}30', '{0}40', 'live', now() - interval '90 seconds');
INSERT INTO sessions (id, contact_id, tenant_id, started_at, agent_response_time_seconds, sentiment_score, converted, agent_ids)
  SELECT '{0}6' || n, '{0}10', 'live', now(), 10 * n, 0.1234, n > 3, '["x"]' FROM generate_series(1, 6) n;
INSERT INTO agent_sessions (id, agent_id, session_id) SELECT '{0}7' || n, '{0}20', '{0}6' || n FROM generate_series(1, 6) n;
INSERT INTO messages (id, tenant_id, "timestamp", from_me, contact_id, agent_id, text) VALUES
  ('{0}80', 'live', now(), true, '{0}10', '{0}20', 'Bom dia! Como posso ajudar?'), ('{0}81', 'live', now(), true, '{0}10', '{0}20', NULL);
"""
LIVE = re.sub(r"'\{0\}(\d+)'( \|\| n)?", lambda m: f"({{prefix}} || '{m[1]}'{m[2] or ''}){{cast}}", LIVE)
KINDS = {
    "uuid": {"id": "uuid", "prefix": "'aaaaaaaa-0000-4000-8000-0000000000'", "cast": "::uuid"},
    "text": {"id": "text", "prefix": "'ct_'", "cast": ""},
    "varchar": {"id": "varchar(40)", "prefix": "'ct_'", "cast": ""},
}


@pytest.fixture(params=[kind for kind in KINDS])
def live(request, make_database):
    """A database as the CRM has it: other types of ids, keys between tables, columns we do not know, an enum, a view."""
    database = make_database()
    kind = KINDS[request.param]
    database.sql(LIVE.format(**kind))
    database.id = lambda n: kind["prefix"].strip("'") + str(n)
    return database


def test_migrate_alters_nothing_of_a_live_database(live):
    theirs = [name for (name,) in live.sql("SELECT table_name FROM information_schema.tables WHERE table_schema = 'public' ORDER BY 1")]
    options = [f"--table={name}" for name in theirs]
    before = live.dump(*options)

    told = migrate(live)

    assert live.dump(*options) == before  # schema, keys, indexes and rows
    assert sorted(re.findall(r"created table (\w+)", told)) == ["contact_assignments", "lead_qualifications"]
    whole = live.dump()
    assert "nothing to do" in migrate(live)
    assert live.dump() == whole
    # The CRM can still delete its own rows.
    assert live.value("SELECT COUNT(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text IN ('lead_qualifications', 'contact_assignments')") == "0"


def test_every_tool_works_on_a_live_database(start, live):
    migrate(live)
    door = Door(start.crm(database=live.url))
    id = live.id
    call = lambda tool, arguments=None: door.call(tool, arguments or {}, "live")  # noqa: E731

    assert [(a["name"], a["agent_id"], a["status"], a["sessions_handled"]) for a in call("list_agents")["agents"]] == [("Eva", id(21), None, 0), ("Rui", id(20), "busy", 5000000000)]
    (lia,) = call("find_contacts")["contacts"]
    assert (lia["contact_id"], lia["name"], lia["tags"], lia["language"], lia["status"]) == (id(10), "Lia Sá", ["vip", "é"], "pt", "unqualified")
    assert [stage["stage"] for stage in lia["stages"]] == ["Novo"]
    assert call("find_contacts", {"query": "lia sá"})["count"] == 1
    assert call("get_leads_count", {"period": "all"})["total_leads"] == 1
    (rui, eva) = call("get_agent_conversion_stats")["agents"]
    assert (rui["sessions"], rui["conversion_rate"], rui["response_time_seconds"], rui["satisfaction"]) == (6, 0.5, 35, 0.1234)
    assert (eva["sessions"], eva["response_time_seconds"]) == (0, None)
    assert call("get_top_performing_agent", {"metric": "satisfaction", "period": "month"})["agent"]["name"] == "Rui"
    assert call("compare_agents", {"agent_ids": [id(20), id(21)]})["winner"]["name"] == "Rui"
    assert call("analyze_agent_messages", {"agent_id": id(20)})["messages_analyzed"] == 1
    assert [(p["name"], p["active"], len(p["stages"])) for p in call("list_pipelines")["pipelines"]] == [("Vendas", True, 2), ("Pós-venda", True, 1)]

    assert call("qualify_lead", {"contact_id": id(10), "status": "qualified", "bant_scores": {"need": 3}})["previous_status"] == "unqualified"
    moved = call("update_pipeline_stage", {"contact_id": id(10), "pipeline_id": id(30), "stage_id": id(41), "notes": "Boa"})
    assert moved["previous_stage"]["name"] == "Novo" and 89 <= moved["seconds_in_previous_stage"] <= 150
    assert call("assign_to_agent", {"contact_id": id(10), "agent_id": id(21)})["changed"] is True
    (lia,) = call("find_contacts", {"agent_id": id(21)})["contacts"]
    assert (lia["status"], lia["assigned_to"]["name"], lia["stages"][0]["stage"]) == ("qualified", "Eva", "Ganho")
    for tool, arguments in {
        "qualify_lead": {"contact_id": id(12), "status": "qualified"},
        "assign_to_agent": {"contact_id": id(10), "agent_id": id(22)},
        "update_pipeline_stage": {"contact_id": id(10), "pipeline_id": id(30), "stage_id": id(42)},
    }.items():
        door.refusal(tool, arguments, "live")
    assert live.value("SELECT COUNT(*) FROM contact_pipeline_statuses") == "2"


def test_two_migrations_at_once_both_succeed(make_database):
    """As when two replicas start."""
    database = make_database()
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        done = list(threads.map(lambda _: mcp_crm("--migrate", database), range(4)))

    assert [d.returncode for d in done] == [0] * 4, [d.stderr for d in done]


def test_demo_data_fills_postgresql_too(start, make_database):
    database = make_database()
    assert "written" in mcp_crm("--demo-data", database).stdout
    before = contents(database)
    assert "nothing was written" in mcp_crm("--demo-data", database).stdout
    assert mcp_crm("--demo-data", database, ENVIRONMENT="production").returncode != 0
    assert contents(database) == before
    crm = start.crm(database=database.url)
    wait_until(lambda: crm.http.get("/ready").json().get("about") == "PostgreSQL, demo data", "/ready to tell")
    assert Door(crm).call("get_top_performing_agent", {"metric": "conversion_rate", "period": "quarter"})["agent"]["name"] == "Ana Souza"


def test_a_database_that_was_not_migrated_says_what_to_do(start, make_database):
    crm = start.crm(database=make_database().url)

    assert "mcp-crm --migrate" in Door(crm).refusal("list_agents")
    wait_until(lambda: (a := crm.http.get("/ready")).status_code == 503 and "--migrate" in a.text, "/ready to say so")
