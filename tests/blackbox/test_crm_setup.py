"""How mcp-crm starts, refuses to start, makes its tables and its demo data."""

import concurrent.futures
import json
import pathlib
import shutil
import sqlite3
import subprocess

import pytest

from crm_world import TABLES, Door, Figures, contents, hop_header, rows
from harness import MCP_CRM, SLOW, hop_key, utc_day, wait_until


def mcp_crm(*arguments, **environment):
    return subprocess.run([MCP_CRM, *arguments], env={"PATH": "/usr/bin:/bin"} | environment, capture_output=True, text=True, timeout=60 * SLOW, cwd="/tmp")


class File:
    """A SQLite file and what is in it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.database = f"sqlite:{path}"

    def run(self, *arguments, **environment):
        done = mcp_crm(*arguments, DATABASE_URL=self.database, **environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def schema(self):
        return {row["name"]: row["sql"] for row in rows(self, "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")}


@pytest.fixture
def file(folder):
    return File(folder / "crm.sqlite")


# ---- --migrate and --demo-data


def test_migrate_makes_every_table_and_the_second_time_nothing(file):
    told = file.run("--migrate")
    schema, before = file.schema(), contents(file)

    assert all(f"created table {table}" in told for table in TABLES)
    assert set(TABLES) <= set(schema)
    assert "nothing to do" in file.run("--migrate")
    assert file.schema() == schema and contents(file) == before


def test_two_migrations_at_once_both_succeed(file):
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        told = list(threads.map(lambda _: file.run("--migrate"), range(4)))

    assert sum("nothing to do" in each for each in told) == 3


LIVE_TABLES = """
CREATE TABLE contacts (id VARCHAR(40) PRIMARY KEY, tenant_id TEXT, name TEXT, email TEXT, phone TEXT, external_id TEXT,
  source_channel TEXT, language TEXT, tags JSON, first_interaction_at TEXT, last_interaction_at TEXT, created_at TEXT,
  updated_at TEXT, deleted_at TEXT, profile_picture BLOB, custom JSON);
CREATE TABLE agents (id TEXT PRIMARY KEY, tenant_id TEXT, name TEXT, email TEXT, type TEXT, status TEXT, active BOOLEAN,
  sessions_handled INT, average_response_ms INT, last_activity_at TEXT, created_at TEXT, updated_at TEXT, deleted_at TEXT,
  permissions JSON);
"""


def test_migrate_alters_nothing_that_is_there(file):
    """A live CRM has more columns, other types and rows."""
    with sqlite3.connect(file.path) as database:
        database.executescript(LIVE_TABLES)
        database.execute("CREATE TABLE campaigns (id TEXT, budget NUMERIC)")
        database.execute("CREATE INDEX ours ON contacts (phone)")
        database.execute("INSERT INTO contacts (id, tenant_id, name, created_at, profile_picture) VALUES ('c-1', 't', 'Lia', '2026-01-05 10:00:00', x'00ff')")
        database.execute("INSERT INTO agents (id, tenant_id, name) VALUES ('a-1', 't', 'Rui')")
    before = file.schema()
    old_rows = [rows(file, f"SELECT * FROM {table}") for table in before if table != "ours"]

    told = file.run("--migrate")

    after = file.schema()
    assert {name: after[name] for name in before} == before
    assert [rows(file, f"SELECT * FROM {table}") for table in before if table != "ours"] == old_rows
    assert "created table contacts" not in told and "created table agents" not in told and "created table lead_qualifications" in told
    # No index of ours on a table of theirs.
    assert {row["name"] for row in rows(file, "SELECT name FROM sqlite_master WHERE type = 'index' AND tbl_name = 'contacts' AND sql IS NOT NULL")} == {"ours"}


def test_a_database_with_rows_of_its_own_works_after_migrate(start, file):
    test_migrate_alters_nothing_that_is_there(file)
    door = Door(start.crm(database=file.database))

    assert door.call("get_leads_count", {"period": "all"}, "t")["total_leads"] == 1
    answer = door.call("qualify_lead", {"contact_id": "c-1", "status": "qualified"}, "t")
    assert answer["name"] == "Lia"
    assert door.call("assign_to_agent", {"contact_id": "c-1", "agent_id": "a-1"}, "t")["changed"] is True
    assert door.call("find_contacts", {}, "t")["contacts"][0]["assigned_to"]["name"] == "Rui"


def test_demo_data_is_written_once(file):
    assert "written" in file.run("--demo-data")  # makes the tables too
    before = contents(file)

    assert "nothing was written" in file.run("--demo-data")
    assert contents(file) == before


def test_demo_data_is_two_tenants_with_a_year_of_work(file):
    day = utc_day()
    file.run("--demo-data")

    for tenant, contacts in (("demo", 300), ("other", 150)):  # one sees at a glance whose figures they are
        figures = Figures(file, tenant)
        assert len(figures.agents()) >= 5
        assert contacts <= len(figures.table("contacts")) < contacts + 50 and len(figures.table("sessions")) >= contacts
        months = {session["started_at"][:7] for session in figures.table("sessions")}
        assert len(months) >= 12
        assert sum(figures.leads("all")) >= contacts
        assert sum(figures.leads("today")) > 0 or utc_day() != day
    ids = [row["id"] for table in TABLES for row in rows(file, f"SELECT id FROM {table}")]
    assert len(ids) == len(set(ids))


def test_demo_data_is_the_same_but_for_its_dates(file, folder):
    file.run("--demo-data")
    other = File(folder / "again.sqlite")
    other.run("--demo-data")

    for column, table in (("id", "contacts"), ("name", "contacts"), ("converted", "sessions"), ("text", "messages")):
        sql = f"SELECT id, {column} AS value FROM {table} ORDER BY id"
        assert rows(file, sql) == rows(other, sql)


def test_demo_data_is_not_added_to_a_tenant_that_has_contacts(file):
    file.run("--migrate")
    with sqlite3.connect(file.path) as database:
        database.execute("INSERT INTO contacts (id, tenant_id, created_at) VALUES ('real', 'demo', '2026-01-01 00:00:00')")

    file.run("--demo-data")

    assert rows(file, "SELECT COUNT(*) AS n FROM contacts") == [{"n": 1}] and rows(file, "SELECT * FROM agents") == []


def test_production_refuses_demo_data(folder, file):
    done = mcp_crm("--demo-data", DATABASE_URL=file.database, ENVIRONMENT="production")

    assert done.returncode != 0 and "production" in done.stderr
    assert not file.path.exists() or not file.schema()
    file.run("--demo-data")
    served = mcp_crm(DATABASE_URL=file.database, ENVIRONMENT="production", HOP_KEY=hop_key("crm"), LISTEN=f"unix:{folder / 'x.sock'}")
    assert served.returncode != 0 and "demo data" in served.stderr and "production" in served.stderr


def test_migrate_on_a_full_or_unwritable_place_is_one_sentence(folder):
    done = mcp_crm("--migrate", DATABASE_URL=f"sqlite:{folder / 'no' / 'such' / 'folder.sqlite'}")

    assert done.returncode != 0 and done.stderr.startswith("mcp-crm: ") or '"level"' in done.stderr
    assert "cannot be opened" in done.stderr


# ---- starting


def refusal(folder, file, **environment):
    """The one sentence by which mcp-crm refuses to start."""
    settings = {"LISTEN": f"unix:{folder / 'x.sock'}", "DATABASE_URL": file.database, "HOP_KEY": hop_key("crm")} | environment
    done = mcp_crm(**{name: value for name, value in settings.items() if value is not None})
    assert done.returncode == 2, done.stderr
    assert done.stdout == "" and done.stderr.startswith("mcp-crm: ") and done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    "environment, words",
    [
        ({"HOP_KEY": None}, ["HOP_KEY is not set", "guiche hop-key crm", "--no-auth"]),
        ({"HOP_KEY": "short"}, ["HOP_KEY", "64 digits"]),
        ({"DATABASE_URL": None}, ["DATABASE_URL"]),
        ({"DATABASE_URL": "mysql://u:secret-word@h/d"}, ["DATABASE_URL", "postgresql://", "sqlite:"]),
        ({"DATABASE_URL": "sqlite:"}, ["DATABASE_URL", "path"]),
        ({"DATABASE_URL": "sqlite::memory:"}, ["DATABASE_URL", "file"]),
        ({"DATABASE_URL": "sqlite:/tmp/there/is/no/such.file"}, ["no SQLite database", "--migrate", "--demo-data"]),
        ({"DATABASE_URL": "postgresql://u:secret-word@h:nonsense/d?x=%zz"}, ["PostgreSQL URL"]),
        ({"CRM_TIMEZONE": "Mars/Olympus"}, ["CRM_TIMEZONE=Mars/Olympus", "America/Sao_Paulo"]),
        ({"CRM_TIMEZONE": "../../etc/passwd"}, ["CRM_TIMEZONE"]),
        ({"CRM_TIMEZONE": "Etc"}, ["CRM_TIMEZONE"]),
        ({"LLM_URL": "http://127.0.0.1:9/v1"}, ["LLM_URL", "LLM_API_KEY", "LLM_MODEL", "together"]),
        ({"LLM_URL": "ftp://x", "LLM_API_KEY": "k", "LLM_MODEL": "m"}, ["LLM_URL", "https://"]),
        ({"DB_STATEMENT_TIMEOUT": "soon"}, ["DB_STATEMENT_TIMEOUT"]),
        ({"DB_CONNECTIONS": "0"}, ["DB_CONNECTIONS"]),
        ({"LISTEN": "nowhere"}, ["nowhere", "no address to listen on", "unix:/path"]),
        ({"ENVIRONMENT": "prod"}, ["ENVIRONMENT", "production"]),
    ],
)
def test_a_wrong_setting_is_one_sentence_that_names_it(folder, file, environment, words):
    file.run("--migrate")

    sentence = refusal(folder, file, **environment)

    assert all(word in sentence for word in words), sentence
    assert "secret-word" not in sentence


def test_no_auth_is_for_trying_out_only(folder, file):
    file.run("--migrate")
    settings = {"LISTEN": f"unix:{folder / 'x.sock'}", "DATABASE_URL": file.database}

    production = mcp_crm("--no-auth", "demo", ENVIRONMENT="production", **settings)
    assert production.returncode == 2 and "--no-auth" in production.stderr
    public = mcp_crm("--no-auth", "demo", **(settings | {"LISTEN": "0.0.0.0:0"}))
    assert public.returncode != 0 and "loopback" in public.stderr


def test_no_auth_serves_one_tenant(start):
    crm = start.crm(args=["--no-auth", "other"])
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_agents", "arguments": {}}}

    answer = crm.http.post("/mcp", json=body, headers={"MCP-Protocol-Version": "2025-11-25"})

    assert "Irene Castro" in answer.text and "Ana Souza" not in answer.text


def test_a_call_without_the_gateway_s_token_is_refused(stack):
    body = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "list_agents", "arguments": {}}}
    good = hop_header()["Guiche-Principal"]
    for headers in (
        {},
        {"Guiche-Principal": "nonsense"},
        {"Guiche-Principal": good[:-4] + "AAAA"},
        {"Authorization": f"Bearer {good}"},
        hop_header(ttl=-5),
        hop_header(aud="odoo"),
        hop_header(tenant_id=None),
    ):
        answer = stack.crm.http.post("/mcp", json=body, headers={"MCP-Protocol-Version": "2025-11-25"} | headers)
        assert answer.status_code == 401 and "Ana Souza" not in answer.text, headers


def test_a_database_that_was_not_migrated_is_not_ready_and_says_what_to_do(start, file):
    sqlite3.connect(file.path).execute("CREATE TABLE something_else (id)").connection.close()
    crm = start.crm(database=file.database)
    answer = wait_until(lambda: (a := crm.http.get("/ready")).status_code == 503 and "--migrate" in a.text and a, "/ready to name --migrate")

    assert crm.http.get("/health").json() == {"status": "ok"}
    assert "mcp-crm --migrate" in Door(crm).refusal("list_agents") and "mcp-crm --migrate" in answer.text
    file.run("--migrate")
    wait_until(lambda: crm.http.get("/ready").status_code == 200, "/ready after --migrate", 15)
    assert Door(crm).call("list_agents")["agents"] == []


def test_ready_tells_what_it_serves(stack, start, folder):
    wait_until(lambda: stack.crm.http.get("/ready").status_code == 200, "/ready")
    assert stack.crm.http.get("/ready").json()["about"] == "SQLite, demo data"
    shutil.copy(stack.crm.database.removeprefix("sqlite:"), folder / "real.sqlite")
    with sqlite3.connect(folder / "real.sqlite") as database:
        database.execute("UPDATE contacts SET external_id = NULL")
    real = start.crm(database=f"sqlite:{folder / 'real.sqlite'}", name="real")
    assert wait_until(lambda: real.http.get("/ready").json().get("about"), "what it serves") == "SQLite"


def test_the_manual_names_every_setting_and_tool():
    text = mcp_crm("--help").stdout
    example = mcp_crm("--env-example").stdout
    markdown = mcp_crm("--markdown").stdout

    for setting in ("DATABASE_URL", "DB_STATEMENT_TIMEOUT", "DB_CONNECTIONS", "CRM_TIMEZONE", "LLM_URL", "LLM_API_KEY", "LLM_MODEL", "HOP_KEY", "LISTEN"):
        assert setting in text and setting in example and setting in markdown
    for tool in ("get_leads_count", "qualify_lead", "list_pipelines"):
        assert tool in markdown
    assert "--migrate" in text and "--demo-data" in text
    assert mcp_crm("--version").returncode == 0
    unknown = mcp_crm("--migrat")
    assert unknown.returncode == 2 and "--migrat" in unknown.stderr


def test_the_log_is_json_lines_without_values(stack):
    door = Door(stack.crm)
    door.refusal("analyze_agent_messages", {"agent_id": "value-that-must-not-be-logged"})
    door.call("find_contacts", {"query": "query-that-must-not-be-logged"})

    # An answer may be there a moment before its line.
    wait_until(lambda: stack.crm.lines(message="call", tool="find_contacts"), "the line of the last call")
    lines = [json.loads(line) for line in stack.crm.text().splitlines()]
    assert all(line["process"] == "mcp-crm" for line in lines)
    assert "query-that-must-not-be-logged" not in stack.crm.text()
    last = [line for line in lines if line["message"] == "call"][-1]
    assert last["tool"] == "find_contacts" and last["tenant"] == "demo" and last["ms"] >= 0 and last["request_id"]
