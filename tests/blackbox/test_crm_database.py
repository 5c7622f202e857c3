"""What becomes of calls when the SQLite file is locked, full, damaged or gone: a sentence, nothing half written, and a
connector that works again when the file does."""

import concurrent.futures
import os
import re
import resource
import shutil
import sqlite3
import time

import httpx
import pytest

from crm_world import Door, connect, contents, insert, now, path_of, rows
from harness import SLOW, wait_until

IGNORE_SIGXFSZ = ("sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh")


def a_lead(door):
    return {"contact_id": door.call("find_contacts", {"limit": 1})["contacts"][0]["contact_id"], "status": "qualified"}


def qualifications(crm):
    return rows(crm, "SELECT COUNT(*) AS n FROM lead_qualifications")[0]["n"]


def test_a_write_waits_for_another_writer_and_then_happens(start):
    crm = start.crm()
    door = Door(crm)
    lead = a_lead(door)
    before = qualifications(crm)
    with connect(crm) as writer:
        writer.execute("BEGIN IMMEDIATE")
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            answer = thread.submit(door.call, "qualify_lead", lead)
            time.sleep(0.7)
            assert not answer.done()
            assert door.call("get_leads_count", {"period": "all"})["total_leads"] > 0  # readers do not wait
            writer.rollback()
            assert answer.result(30 * SLOW)["status"] == "qualified"
    assert qualifications(crm) == before + 1


@pytest.mark.parametrize("tool", ["qualify_lead", "assign_to_agent", "update_pipeline_stage"])
def test_a_write_that_waits_too_long_says_so_and_nothing_is_written(start, tool):
    crm = start.crm(env={"DB_STATEMENT_TIMEOUT": "2s"})
    door = Door(crm)
    arguments = a_lead(door)
    if tool != "qualify_lead":
        del arguments["status"]
    if tool == "assign_to_agent":
        arguments["agent_id"] = door.call("list_agents")["agents"][0]["agent_id"]
    if tool == "update_pipeline_stage":
        pipeline = door.call("list_pipelines")["pipelines"][1]
        arguments |= {"pipeline_id": pipeline["pipeline_id"], "stage_id": pipeline["stages"][0]["stage_id"]}
    before = contents(crm)
    writer = connect(crm)
    writer.execute("BEGIN IMMEDIATE")

    since = time.monotonic()
    refusal = door.refusal(tool, arguments)

    assert "busy" in refusal and "othing was written" in refusal and "try again" in refusal
    assert 1.5 < time.monotonic() - since < 12 * SLOW
    writer.rollback()
    assert contents(crm) == before
    door.call(tool, arguments)


def test_a_write_whose_deadline_passes_is_not_done_later(start):
    crm = start.crm()
    gateway = start.gateway([{"name": "crm", "url": crm.url, "timeout": "2s"}]).offers("crm_list_agents")
    door = Door(crm, gateway)
    lead = a_lead(door)
    before = contents(crm)
    writer = connect(crm)
    writer.execute("BEGIN IMMEDIATE")

    refusal = door.refusal("qualify_lead", lead)

    # The statement's time is the call's, so either may be seen to end first.
    assert re.search("did not finish.*check before repeating|busy with another writer. Nothing was written", refusal)
    writer.rollback()
    time.sleep(0.5)
    assert contents(crm) == before


def test_a_write_whose_caller_hangs_up_is_not_done_later(start):
    crm = start.crm()
    door = Door(crm)
    lead = a_lead(door)
    before = contents(crm)
    writer = connect(crm)
    writer.execute("BEGIN IMMEDIATE")

    crm.http.timeout = 0.5
    with pytest.raises(httpx.ReadTimeout):
        door.call("qualify_lead", lead, era="modern")
    crm.http.timeout = 30
    gone = 'guiche_connector_calls_gone_total{connector="crm",tool="qualify_lead"} 1'
    wait_until(lambda: gone in crm.http.get("/metrics").text, "the hang-up to be seen")
    writer.rollback()
    time.sleep(0.5)

    assert contents(crm) == before
    door.call("qualify_lead", lead)


def test_a_statement_that_takes_too_long_is_stopped(start):
    crm = start.crm(env={"DB_STATEMENT_TIMEOUT": "1s"})
    door = Door(crm)
    database = connect(crm)
    contact = insert(database, "contacts", tenant_id="slow", created_at=now())
    # The latest of many qualifications of one lead: quadratic work.
    moments = [(f"q{n}", f"2026-01-01 00:00:{n % 60:02d}.{n:05d}"[:26]) for n in range(40000)]
    database.executemany("INSERT INTO lead_qualifications (id, tenant_id, contact_id, status, created_at) VALUES (?, 'slow', ?, 'qualified', ?)", [(i, contact, m) for i, m in moments])
    database.execute("DROP INDEX lead_qualifications_by_contact")
    database.commit()

    since = time.monotonic()
    refusal = door.refusal("get_leads_count", {"period": "all"}, "slow")

    assert "took too long" in refusal
    assert time.monotonic() - since < 10 * SLOW
    assert door.call("list_agents")["agents"]


def test_a_full_disk_is_told_and_every_answer_is_true(start):
    """A limit on file sizes stands in for a full disk: it needs neither root nor a file system of its own."""
    crm = start.crm(wrapper=IGNORE_SIGXFSZ)
    door = Door(crm)
    lead = a_lead(door)
    before = qualifications(crm)
    resource.prlimit(crm.popen.pid, resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))

    results = [door.result("qualify_lead", lead | {"reason": "x" * 3000}) for _ in range(30)]

    done = [r for r in results if not r.get("isError")]
    refused = [r["content"][0]["text"] for r in results if r.get("isError")]
    assert refused and all("full" in text and "othing was written" in text for text in refused), refused
    assert qualifications(crm) == before + len(done)
    assert door.call("get_leads_count", {"period": "all"})["total_leads"] > 0  # reading goes on

    resource.prlimit(crm.popen.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    door.call("qualify_lead", lead)
    assert qualifications(crm) == before + len(done) + 1
    assert rows(crm, "PRAGMA integrity_check")[0]["integrity_check"] == "ok"


def test_a_full_disk_leaves_no_half_transaction(start):
    crm = start.crm(wrapper=IGNORE_SIGXFSZ)
    door = Door(crm)
    contacts = [c["contact_id"] for c in door.call("find_contacts", {"limit": 40})["contacts"]]
    pipeline = door.call("list_pipelines")["pipelines"][0]
    resource.prlimit(crm.popen.pid, resource.RLIMIT_FSIZE, (64 * 1024, resource.RLIM_INFINITY))

    refused = 0
    for n, contact in enumerate(contacts):
        stage = pipeline["stages"][n % 6]["stage_id"]
        result = door.result("update_pipeline_stage", {"contact_id": contact, "pipeline_id": pipeline["pipeline_id"], "stage_id": stage, "notes": "y" * 3000})
        open_rows = rows(crm, "SELECT status_id FROM contact_pipeline_statuses WHERE contact_id = ? AND exited_at IS NULL", contact)
        assert len(open_rows) == 1
        if result.get("isError"):
            refused += 1
        else:
            assert open_rows[0]["status_id"] == stage
    assert refused


def test_a_read_only_file_can_be_read(start, folder):
    """As another user: root may write anything."""
    crm = start.crm()
    path = path_of(crm)
    crm.stop()
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA journal_mode = DELETE")
    os.chmod(path, 0o444)
    os.chmod(folder.path, 0o755)
    wrapper = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups") if os.getuid() == 0 else ()
    os.mkdir(folder / "run")
    os.chmod(folder / "run", 0o777)
    reader = start.crm(database=crm.database, name="run/reader", wrapper=wrapper)
    door = Door(reader)

    assert door.call("list_agents")["agents"]
    assert "may only be read" in (refusal := door.refusal("qualify_lead", a_lead(door))) and "othing was written" in refusal


def test_a_file_that_is_damaged_is_said_to_be_and_works_again_once_it_is_restored(start):
    crm = start.crm()
    door = Door(crm)
    path = path_of(crm)
    connect(crm).execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, path + ".good")
    with open(path, "r+b") as file:
        file.write(b"this is no database any more" * 200)

    refusals = [door.result("get_leads_count", {"period": "all"}) for _ in range(4)]

    assert any(r.get("isError") and "damaged" in r["content"][0]["text"] for r in refusals), refusals
    assert all(path not in r["content"][0]["text"] for r in refusals)
    with open(path + ".good", "rb") as good, open(path, "r+b") as file:
        file.write(good.read())
    wait_until(lambda: not door.result("get_leads_count", {"period": "all"}).get("isError"), "the restored database", 20)


def test_a_file_that_goes_away_makes_the_connector_not_ready_until_it_is_back(start):
    crm = start.crm()
    door = Door(crm)
    path = path_of(crm)
    wait_until(lambda: crm.http.get("/ready").status_code == 200, "/ready")
    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix):
            os.rename(path + suffix, path + suffix + ".away")

    result = door.result("list_agents")  # on a connection that is open, or a new one
    assert not result.get("isError") or "cannot be opened" in result["content"][0]["text"]
    assert crm.http.get("/health").status_code == 200

    for suffix in ("", "-wal", "-shm"):
        if os.path.exists(path + suffix + ".away"):
            os.rename(path + suffix + ".away", path + suffix)
    wait_until(lambda: not door.result("list_agents").get("isError"), "the database that is back", 20)


def test_many_calls_at_once_are_all_answered(start):
    crm = start.crm()
    gateway = start.gateway([{"name": "crm", "url": crm.url}]).offers("crm_list_agents")
    door = Door(crm, gateway)
    leads = [c["contact_id"] for c in door.call("find_contacts", {"limit": 50})["contacts"]]
    before = qualifications(crm)

    def work(n):
        if n % 2:
            return door.call("qualify_lead", {"contact_id": leads[n % len(leads)], "status": "qualified"})
        return door.call("get_agent_conversion_stats")

    with concurrent.futures.ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(work, range(120)))

    assert len(answers) == 120 and qualifications(crm) == before + 60
