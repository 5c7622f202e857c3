"""What callers are told when PostgreSQL waits, refuses, hangs up, goes away or comes back. Locks held by another session
stand in for slow queries: no tool can be made slow."""

import concurrent.futures
import re
import signal
import threading
import time

import httpx
import pytest

from crm_world import Door, a_lead
from harness import SLOW, wait_until
from postgres import Session, contents
from test_crm_tenants import ids_of


@pytest.fixture
def database(make_database, postgres_demo):
    return make_database(postgres_demo.name)


@pytest.fixture
def crm(start, database):
    return start.crm(database=database.url)


@pytest.fixture
def door(crm):
    return Door(crm)


class Background:
    """A call in a thread."""

    def __init__(self, call, *arguments, **options):
        self.answer = concurrent.futures.Future()
        threading.Thread(target=self.run, args=(call, arguments, options), daemon=True).start()

    def run(self, call, arguments, options):
        try:
            self.answer.set_result(call(*arguments, **options))
        except BaseException as problem:
            self.answer.set_exception(problem)

    def result(self, seconds=20):
        return self.answer.result(seconds * SLOW)


def blocked(database, table, mode="ACCESS EXCLUSIVE"):
    session = Session(database)
    session.sql(f"BEGIN; LOCK TABLE {table} IN {mode} MODE")
    return session


def wait_for_lock(database, count=1):
    return wait_until(lambda: len(rows := database.waiting()) == count and rows, f"{count} queries that wait for a lock")


def test_a_query_that_waits_too_long_is_stopped_by_the_statement_timeout(start, database):
    door = Door(start.crm(database=database.url, env={"DB_STATEMENT_TIMEOUT": "700ms"}))
    lead = a_lead(door)
    with blocked(database, "agents"), blocked(database, "lead_qualifications"):
        for tool, arguments in (("list_agents", {}), ("qualify_lead", lead)):
            since = time.monotonic()
            refusal = door.refusal(tool, arguments)
            assert "took too long" in refusal and "othing was written" in refusal
            assert 0.6 < time.monotonic() - since < 8 * SLOW
        assert wait_until(lambda: not database.waiting(), "the queries to end")
    assert door.call("list_agents")["agents"] and door.call("qualify_lead", lead)


def test_a_read_whose_connection_is_terminated_is_asked_again(database, door):
    with blocked(database, "agents") as lock:
        call = Background(door.call, "list_agents")
        ((pid, *_),) = wait_for_lock(database)
        database.terminate("wait_event_type = 'Lock'")
        wait_until(lambda: (rows := database.waiting()) and rows[0][0] != pid, "the query on another connection")
        lock.sql("COMMIT")
        assert len(call.result()["agents"]) == 9


def test_a_read_whose_connection_is_terminated_twice_is_an_error(database, door):
    with blocked(database, "agents"):
        call = Background(door.refusal, "list_agents")
        ((pid, *_),) = wait_for_lock(database)
        database.terminate("wait_event_type = 'Lock'")
        wait_until(lambda: (rows := database.waiting()) and rows[0][0] != pid, "the query on another connection")
        database.terminate("wait_event_type = 'Lock'")
        assert "lost" in (refusal := call.result()) and "try again" in refusal


def test_a_write_whose_connection_is_terminated_is_not_repeated(database, door):
    lead = a_lead(door)
    before = contents(database)
    with blocked(database, "lead_qualifications", "SHARE") as lock:  # may be read, not written
        call = Background(door.refusal, "qualify_lead", lead)
        wait_for_lock(database)
        database.terminate("wait_event_type = 'Lock'")
        refusal = call.result()
        lock.sql("COMMIT")
    assert "lost" in refusal and "othing was written" in refusal
    assert contents(database) == before
    door.call("qualify_lead", lead)


def test_idle_connections_that_were_cut_are_not_noticed_by_callers(database, door):
    for _ in range(5):
        assert door.call("list_agents")["agents"]
        database.terminate()
    assert door.call("qualify_lead", a_lead(door))["status"] == "qualified"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT])
def test_a_server_that_goes_away_in_mid_query_is_told_and_found_again(postgres, database, crm, door, how):
    lead = a_lead(door)
    wait_until(lambda: crm.http.get("/ready").status_code == 200, "/ready")
    session = blocked(database, "agents")
    call = Background(door.result, "list_agents")
    wait_for_lock(database)

    postgres.stop(how)
    try:
        answer = call.result()
        # The server ends its sessions in any order: where the one with the lock goes first, the query gets its rows yet.
        assert answer.get("structuredContent", {}).get("agents") or re.search("lost|cannot be reached|restarting", answer["content"][0]["text"])
        for tool, arguments in (("list_agents", {}), ("qualify_lead", lead), ("list_agents", {})):
            since = time.monotonic()
            refusal = door.refusal(tool, arguments)
            assert re.search("lost|cannot be reached|restarting", refusal) and str(postgres.folder) not in refusal
            assert time.monotonic() - since < 8 * SLOW
        if how == signal.SIGQUIT:  # looked at every 30 s only, which is long for a test to wait twice
            wait_until(lambda: crm.http.get("/ready").status_code == 503, "/ready to say no", 45)
        assert crm.http.get("/health").status_code == 200
    finally:
        session.psql.kill()
        postgres.start()
    wait_until(lambda: not door.result("list_agents").get("isError"), "the connector to find the server again", 20)
    wait_until(lambda: crm.http.get("/ready").status_code == 200, "/ready", 20)
    assert door.call("qualify_lead", lead)


def test_a_connector_that_starts_before_its_server_waits_for_it(postgres, database, start):
    postgres.stop()
    try:
        crm = start.crm(database=database.url)
        gateway = start.gateway([{"name": "crm", "url": crm.url}]).offers("crm_list_agents")
        door = Door(crm, gateway)
        assert "cannot be reached" in door.refusal("list_agents")
        assert crm.http.get("/ready").status_code == 503
    finally:
        postgres.start()
    wait_until(lambda: not door.result("list_agents").get("isError"), "the first answer", 20)
    wait_until(lambda: crm.http.get("/ready").status_code == 200, "/ready", 20)


def test_a_caller_who_hangs_up_frees_the_connection(start, database):
    door = Door(start.crm(database=database.url, env={"DB_CONNECTIONS": "1"}))
    with blocked(database, "agents"):
        door.crm.http.timeout = 0.4
        for _ in range(3):
            with pytest.raises(httpx.ReadTimeout):
                door.call("list_agents", era="modern")
        wait_until(lambda: not database.backends("state = 'active'"), "the queries to be cancelled")
        door.crm.http.timeout = 10
        assert door.call("list_pipelines")["pipelines"]  # the one connection is free again


def test_a_write_whose_caller_hangs_up_is_rolled_back(database, door):
    lead = a_lead(door)
    before = contents(database)
    with blocked(database, "lead_qualifications", "SHARE") as lock:
        door.crm.http.timeout = 3
        call = Background(door.call, "qualify_lead", lead, era="modern")
        wait_for_lock(database)
        with pytest.raises(httpx.ReadTimeout):
            call.result()
        wait_until(lambda: not database.backends("state <> 'idle'"), "the transaction to end")
        lock.sql("COMMIT")
    time.sleep(0.3)
    assert contents(database) == before
    door.crm.http.timeout = 30
    assert door.call("qualify_lead", lead)


def test_a_caller_of_the_gateway_who_hangs_up_frees_the_connection_too(start, database, crm):
    gateway = start.gateway([{"name": "crm", "url": crm.url}]).offers("crm_list_agents")
    door = Door(crm, gateway)
    with blocked(database, "agents"):
        gateway.http.timeout = 0.5
        with pytest.raises(httpx.ReadTimeout):
            door.call("list_agents", era="modern")
        wait_until(lambda: not database.backends("state = 'active'"), "the query to be cancelled")
    gateway.http.timeout = 30
    assert door.call("list_agents")["agents"]


def test_calls_beyond_the_pool_wait_for_a_connection(start, database):
    door = Door(start.crm(database=database.url, env={"DB_CONNECTIONS": "3"}))
    with blocked(database, "agents") as lock:
        calls = [Background(door.call, "list_agents") for _ in range(12)]
        wait_for_lock(database, 3)
        time.sleep(0.3)
        assert len(database.backends()) == 3
        lock.sql("COMMIT")
        assert all(len(call.result()["agents"]) == 9 for call in calls)
    assert len(database.backends()) <= 3


def test_of_many_moves_at_once_one_status_is_open(database, door):
    ids = ids_of(door, "demo")
    contact = ids["contact_id"][0]
    pipeline = door.call("list_pipelines")["pipelines"][0]
    agents = ids["agent_id"]

    def work(n):
        if n % 2:
            return door.result("assign_to_agent", {"contact_id": contact, "agent_id": agents[n % len(agents)]})
        stage = pipeline["stages"][n % 6]["stage_id"]
        return door.result("update_pipeline_stage", {"contact_id": contact, "pipeline_id": pipeline["pipeline_id"], "stage_id": stage})

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(work, range(40)))

    for table, ended in (("contact_pipeline_statuses", "exited_at"), ("contact_assignments", "ended_at")):
        assert database.value(f"SELECT COUNT(*) FROM {table} WHERE contact_id = '{contact}' AND {ended} IS NULL") == "1"
    failed = [answer["content"][0]["text"] for answer in answers if answer.get("isError")]
    assert all("at the same time" in text or "in the way" in text for text in failed), failed


REFUSALS = {
    "53100": "disk.*full",
    "53200": "overloaded",
    "40001": "Another writer",
    "40P01": "Another writer",
    "22001": "too long",
    "23514": "refused",
    "P0001": "refused",
    "58030": "refused",
}


@pytest.mark.parametrize("table, tool", [("lead_qualifications", "qualify_lead"), ("contact_assignments", "assign_to_agent"), ("contact_pipeline_statuses", "update_pipeline_stage")])
def test_a_write_that_the_server_refuses_leaves_no_trace(database, door, table, tool):
    ids = {kind: some[0] for kind, some in ids_of(door, "demo").items()}
    needed = {"qualify_lead": ["contact_id"], "assign_to_agent": ["contact_id", "agent_id"], "update_pipeline_stage": ["contact_id", "pipeline_id", "stage_id"]}
    arguments = {kind: ids[kind] for kind in needed[tool]} | ({"status": "qualified"} if tool == "qualify_lead" else {})
    before = contents(database)
    for sqlstate, words in REFUSALS.items():
        database.sql(
            f"CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the value of a row' USING ERRCODE = '{sqlstate}'; END $$;"
            f"CREATE OR REPLACE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
        )

        refusal = door.refusal(tool, arguments)

        assert re.search(words, refusal) and "othing was written" in refusal and "value of a row" not in refusal
        assert contents(database) == before
    database.sql(f"DROP TRIGGER refuse ON {table}")
    assert door.call(tool, arguments)


def test_rights_that_are_missing_are_named(start, postgres, database):
    role = f"reader_{next(postgres.numbers)}"
    database.sql(f"CREATE ROLE {role} LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
    door = Door(start.crm(database=postgres.url(database.name, role)))

    assert door.call("list_agents")["agents"]
    assert "grant" in (refusal := door.refusal("qualify_lead", a_lead(door))) and "othing was written" in refusal


def test_a_database_that_may_only_be_read_says_so(start, database):
    database.sql(f"ALTER DATABASE {database.name} SET default_transaction_read_only TO on")
    door = Door(start.crm(database=database.url))

    assert door.call("list_agents")["agents"]
    assert "only be read" in door.refusal("qualify_lead", a_lead(door))


@pytest.mark.parametrize("url", ["postgresql://crm:secret-word@/no_such_database?host={}", "postgresql://no_such_role:secret-word@/postgres?host={}", "postgresql://crm:secret-word@127.0.0.1:9/x"])
def test_a_login_that_fails_tells_no_secrets(start, postgres, url):
    crm = start.crm(database=url.format(postgres.folder))

    refusal = Door(crm).refusal("list_agents")
    ready = wait_until(lambda: (a := crm.http.get("/ready")).status_code == 503 and "CRM database" in a.text and a, "/ready to say why").text

    for text in (refusal, ready, crm.text()):
        assert "secret-word" not in text
    for text in (refusal, ready):
        assert "no_such" not in text and str(postgres.folder) not in text and "127.0.0.1" not in text
    assert "CRM database" in refusal


def test_nothing_but_our_own_connections_is_left_when_the_connector_stops(start, database):
    crm = start.crm(database=database.url)
    assert Door(crm).call("list_agents") and database.backends()

    crm.stop()

    wait_until(lambda: not database.backends(), "the connections to be closed")
