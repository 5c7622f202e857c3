"""What the tests of mcp-crm share: ways to call it, rows put into its SQLite file by hand, and its figures computed once
more, in Python, from that file (`Figures`)."""

import datetime
import functools
import hashlib
import json
import sqlite3
import time
import uuid
import zoneinfo

import jsonschema
import jwt

from harness import bearer, hop_key, message, message_headers, rpc_body

TABLES = [
    "contacts", "agents", "sessions", "agent_sessions", "messages", "pipelines", "pipeline_statuses",
    "contact_pipeline_statuses", "notes", "lead_qualifications", "contact_assignments",
]  # fmt: skip


# ---- calling


def hop_header(tenant="demo", permissions=("*",), subject="tester", ttl=60, **claims):
    """What the gateway would send to the connector."""
    now = int(time.time())
    body = {"aud": "crm", "iat": now, "exp": now + ttl, "sub": subject, "tenant_id": tenant, "permissions": list(permissions)} | claims
    return {"Guiche-Principal": jwt.encode(body, hop_key("crm"), algorithm="HS256", headers={"typ": "guiche-hop+jwt"})}


class Door:
    """The tools of mcp-crm, through the gateway or at the connector itself. Every answer is checked against the schema its
    tool promises."""

    def __init__(self, crm, gateway=None):
        self.crm = crm
        self.gateway = gateway
        self.prefix = "crm_" if gateway else ""
        self.tools = {tool["name"].removeprefix(self.prefix): tool for tool in self.rpc("tools/list").json()["result"]["tools"]}

    def rpc(self, method, params=None, tenant="demo", era="legacy", subject="tester"):
        if self.gateway:
            return self.gateway.rpc(method, params, era, auth=bearer(tenant=tenant, subject=subject))
        headers = message_headers(method, params, era) | hop_header(tenant, subject=subject)
        return self.crm.http.post("/mcp", content=json.dumps(message(method, params, era)), headers=headers)

    def result(self, tool, arguments=None, tenant="demo", era="legacy", **more):
        name = self.prefix + tool
        answer = self.rpc("tools/call", {"name": name, "arguments": arguments or {}} | more, tenant, era)
        assert answer.status_code == 200, answer.text
        body = json.loads(rpc_body(answer))
        assert "result" in body, body
        if not body["result"].get("isError"):
            self.check(tool, body["result"]["structuredContent"])
        return body["result"]

    def call(self, tool, arguments=None, tenant="demo", **more):
        """The structured answer of a call that must succeed."""
        result = self.result(tool, arguments, tenant, **more)
        assert not result.get("isError"), result["content"][0]["text"]
        assert result["content"][0]["text"].strip()
        return result["structuredContent"]

    def refusal(self, tool, arguments=None, tenant="demo", **more):
        """The sentence of a call that must fail."""
        result = self.result(tool, arguments, tenant, **more)
        assert result.get("isError") is True, result
        return result["content"][0]["text"]

    def check(self, tool, structured):
        schema = self.tools[tool]["outputSchema"]
        jsonschema.Draft202012Validator(schema).validate(structured)
        undeclared = list(not_in_schema(structured, schema, tool))
        assert not undeclared, undeclared


def not_in_schema(value, schema, path):
    """Members that the schema does not name, in objects whose members it names at all."""
    if isinstance(value, dict) and "properties" in schema:
        for key, each in value.items():
            if key in schema["properties"]:
                yield from not_in_schema(each, schema["properties"][key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(value, list) and "items" in schema:
        for each in value:
            yield from not_in_schema(each, schema["items"], f"{path}[]")


# ---- the file


def path_of(crm):
    return crm.database.removeprefix("sqlite:")


def connect(crm):
    database = sqlite3.connect(path_of(crm), timeout=20)
    database.create_collation("C", lambda a, b: (a.encode() > b.encode()) - (a.encode() < b.encode()))
    database.row_factory = sqlite3.Row
    return database


def rows(crm, sql, *values):
    database = connect(crm)
    try:
        return [dict(row) for row in database.execute(sql, values)]
    finally:
        database.close()


def contents(crm):
    """A digest of every row of every table."""
    database = connect(crm)
    digest = hashlib.sha256()
    for line in database.iterdump():
        digest.update(line.encode("utf-8", "surrogateescape"))
    database.close()
    return digest.hexdigest()


def when(moment):
    """A time as the connector stores it."""
    return moment.astimezone(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]


def insert(database, table, **columns):
    columns = {"id": str(uuid.uuid4())} | columns
    columns = {key: when(value) if isinstance(value, datetime.datetime) else value for key, value in columns.items()}
    names = ", ".join(f'"{name}"' for name in columns)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(columns))})", list(columns.values()))
    return columns["id"]


def add_session(database, agents, at, tenant="demo", converted=False, response=None, score=None, contact=None):
    """A session with these agents in it."""
    session = insert(
        database, "sessions", tenant_id=tenant, started_at=at, converted=converted, agent_response_time_seconds=response, sentiment_score=score, contact_id=contact
    )
    for agent in agents:
        insert(database, "agent_sessions", agent_id=agent, session_id=session, joined_at=at)
    return session


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def within_one_day(test):
    """For a test that looks at the calendar twice: it is done once more when it failed while a day began somewhere (every
    time zone's begins at a quarter of an hour)."""

    @functools.wraps(test)
    def tested(*arguments, **options):
        quarter = int(time.time()) // 900
        try:
            test(*arguments, **options)
        except AssertionError:
            if int(time.time()) // 900 == quarter:
                raise
            test(*arguments, **options)

    return tested


# ---- the figures, again


def read_time(text):
    text = text.replace("T", " ")
    pattern = "%Y-%m-%d %H:%M:%S.%f" if "." in text else "%Y-%m-%d %H:%M:%S"
    return datetime.datetime.strptime(text, pattern).replace(tzinfo=datetime.timezone.utc)


def period_start(name, zone="UTC", moment=None):
    """When the calendar period that `moment` is in began, None for all time."""
    tz = zoneinfo.ZoneInfo(zone)
    today = (moment or now()).astimezone(tz).replace(hour=0, minute=0, second=0, microsecond=0)
    first = {
        "today": today.day,
        "week": today.day,
        "month": 1,
        "quarter": 1,
        "year": 1,
    }
    if name == "all":
        return None
    month = {"quarter": (today.month - 1) // 3 * 3 + 1, "year": 1}.get(name, today.month)
    start = datetime.datetime(today.year, month, first[name], tzinfo=tz)
    if name == "week":
        start = datetime.datetime.combine(start.date() - datetime.timedelta(days=today.weekday()), datetime.time(), tz)
    return start


class Figures:
    def __init__(self, crm, tenant="demo", zone="UTC"):
        self.crm = crm
        self.tenant = tenant
        self.zone = zone

    def table(self, name, tenant=True):
        return rows(self.crm, f"SELECT * FROM {name}" + (" WHERE tenant_id = ?" if tenant else ""), *([self.tenant] if tenant else []))

    def leads(self, period):
        """(qualified, unqualified)"""
        latest = {}
        for row in sorted(self.table("lead_qualifications"), key=lambda q: (q["created_at"], q["id"])):
            latest[row["contact_id"]] = row["status"]
        start = period_start(period, self.zone)
        leads = [c for c in self.table("contacts") if not c["deleted_at"] and (not start or read_time(c["created_at"]) >= start)]
        qualified = sum(latest.get(c["id"]) == "qualified" for c in leads)
        return qualified, len(leads) - qualified

    def agents(self):
        return {a["id"]: a for a in self.table("agents") if not a["deleted_at"]}

    def sessions(self, start=None, end=None):
        """Sessions that began in [start, end), by id."""
        found = {}
        for session in self.table("sessions"):
            at = read_time(session["started_at"])
            if (not start or at >= start) and (not end or at < end):
                found[session["id"]] = session
        return found

    def stats(self, start=None, end=None):
        """By agent id: sessions, converted_sessions, conversion_rate, response_time_seconds, satisfaction."""
        sessions = self.sessions(start, end)
        pairs = {(x["agent_id"], x["session_id"]) for x in self.table("agent_sessions", tenant=False)}
        figures = {}
        for agent in self.agents():
            mine = [sessions[s] for a, s in pairs if a == agent and s in sessions]
            converted = sum(bool(s["converted"]) for s in mine)
            figures[agent] = {
                "sessions": len(mine),
                "converted_sessions": converted,
                "conversion_rate": converted / len(mine) if mine else 0,
                "response_time_seconds": mean(s["agent_response_time_seconds"] for s in mine),
                "satisfaction": mean(s["sentiment_score"] for s in mine),
            }
        return figures

    def team(self, agents, start=None, end=None):
        """(sessions, converted) of sessions that at least one of these agents was in."""
        sessions = self.sessions(start, end)
        shared = {x["session_id"] for x in self.table("agent_sessions", tenant=False) if x["agent_id"] in agents}
        mine = [s for id, s in sessions.items() if id in shared]
        return len(mine), sum(bool(s["converted"]) for s in mine)


METRICS = {"conversion_rate": "conversion_rate", "response_time": "response_time_seconds", "satisfaction": "satisfaction"}


def rank(stats, metric):
    """Agent ids, best first: those with five sessions and a value; equal values by sessions, then id."""
    key = METRICS[metric]
    sign = 1 if metric == "response_time" else -1
    ranked = [id for id, s in stats.items() if s["sessions"] >= 5 and s[key] is not None]
    return sorted(ranked, key=lambda id: (sign * round(stats[id][key], 9), -stats[id]["sessions"], id))


def overall(stats):
    """The winner of compare_agents: most metrics won, then the better conversion rate and its tie rules."""
    wins = [rank(stats, metric)[:1] for metric in METRICS]
    points = {id: sum([id] == won for won in wins) for id in stats}
    most = max(points.values())
    if most == 0:
        return None
    return next(id for id in rank(stats, "conversion_rate") if points[id] == most)


def mean(values):
    values = [v for v in values if v is not None]
    return sum(values) / len(values) if values else None


def a_lead(door):
    """Arguments of qualify_lead that hold."""
    return {"contact_id": door.call("find_contacts", {"limit": 1})["contacts"][0]["contact_id"], "status": "qualified"}
