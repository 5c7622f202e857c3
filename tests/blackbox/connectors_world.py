"""The connectors of the product in one table, for what must hold for each of them and between them. A new connector joins by a
row: how it is started on its stand-in, and one reading call by which users can be told apart."""

import dataclasses
import json

from fake_connector import text_result, tool
from harness import USER_HEADERS, bearer


@dataclasses.dataclass(frozen=True)
class User:
    headers: dict  # the user's own credentials; {} where tenants alone tell users apart
    sees: str  # in this user's answer
    never: str = ""  # in other users' answers, not in this one's
    tenant: str = "demo"


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    call: tuple  # a reading tool and its arguments
    users: tuple  # two or more
    standin: tuple = ()  # the options of its stand-in; it is called like the connector
    url: str = ""  # the variable of its upstream's address; "": it has no stand-in
    settings: dict = dataclasses.field(default_factory=dict)  # besides the address
    service: dict = dataclasses.field(default_factory=dict)  # the service account
    service_sees: str = ""

    def start_upstream(self, start):
        return start.standin(self.name, *self.standin) if self.url else None

    def start_on(self, start, upstream, with_service=False, **env):
        """The connector; the second time in the place of the first."""
        if not self.url:
            return start.crm(database=f"sqlite:{start.folder / 'crm.sqlite'}" if (start.folder / "crm.sqlite").exists() else None, env=env)
        account = self.service | {"TENANTS": "demo"} if with_service else {}
        return start.connector(self.name, {self.url: upstream} | self.settings | account | env)

    @property
    def tool(self):
        return f"{self.name}_{self.call[0]}"

    @property
    def arguments(self):
        return self.call[1]


CASES = [
    Case(
        "crm",
        call=("find_contacts", {"limit": 3}),
        users=(User({}, "contact_id", tenant="demo"), User({}, "contact_id", tenant="other")),
    ),
    Case(
        "qlik",
        call=("get_user", {}),
        standin=("--users", "6"),
        url="QLIK_CLOUD_TENANT_URL",
        service={"QLIK_API_KEY": "demo-service-key"},
        service_sees="Reporting service",
        users=tuple(
            User({"X-Qlik-Access-Token": f"token-of-user-{n}"}, f"user{n}@example.com", tenant=("demo", "other")[n % 2]) for n in range(1, 7)
        ),
    ),
    Case(
        "chatwoot",
        call=("list_inboxes", {}),
        url="CHATWOOT_URL",
        service={"CHATWOOT_API_KEY": "chatwoot-demo-agent-token-5f3a"},
        service_sees="Site",
        users=(
            User({"X-Chatwoot-Access-Token": "chatwoot-demo-admin-token-5f3a"}, "WhatsApp", "Other site"),
            User({"X-Chatwoot-Access-Token": "chatwoot-demo-other-token-5f3a"}, "Other site", "WhatsApp", tenant="other"),
        ),
    ),
    Case(
        "qdrant",
        call=("list_collections", {}),
        standin=("--users", "6"),
        url="QDRANT_URL",
        service={"QDRANT_API_KEY": "demo-qdrant-key"},
        users=tuple(
            User({"X-Qdrant-Api-Key": f"key-of-user-{n}"}, f"notes-of-user-{n}", tenant=("demo", "other")[n % 2]) for n in range(1, 7)
        ),
    ),
    Case(
        "odoo",
        call=("search_records", {"model": "ir.model", "limit": 1}),
        url="ODOO_URL",
        settings={"ODOO_DB": "demo"},
        service={"ODOO_USERNAME": "demo@example.com", "ODOO_PASSWORD": "demo-api-key"},
        users=(
            User({"X-Odoo-Login": "demo@example.com", "X-Odoo-Api-Key": "demo-api-key"}, "1 record", "not allowed"),
            User({"X-Odoo-Login": "portal@example.com", "X-Odoo-Api-Key": "portal-api-key"}, "not allowed", "1 record", tenant="other"),
        ),
    ),
]


def with_credentials():
    return [case for case in CASES if USER_HEADERS.get(case.name)]


def ids(case):
    return case.name


class World:
    """Every connector on its stand-in behind one gateway, and one connector that writes down what it is sent."""

    def __init__(self, start, cases=CASES, with_service=False):
        self.upstreams = {case.name: case.start_upstream(start) for case in cases}
        self.connectors = {case.name: case.start_on(start, self.upstreams[case.name], with_service, LOG_LEVEL="debug") for case in cases}
        self.spy = start.fake(tools=[tool("echo")], on_call=lambda r: text_result("seen"), ttl_ms=3_600_000)
        rows = [connector.row() for connector in self.connectors.values()]
        self.gateway = start.gateway([*rows, {"name": "spy", "url": self.spy.url}], log_level="debug")
        self.gateway.offers("spy_echo", *(case.tool for case in cases))

    def text(self, case, user, era="legacy", **more):
        answer = self.gateway.call(case.tool, case.arguments, era, headers=user.headers, auth=bearer(tenant=user.tenant), **more)
        return answer["content"][0]["text"]

    def written(self):
        """All that the processes write or show by themselves."""
        pages = [self.gateway.http.get(path, headers=bearer()).text for path in ("/metrics", "/status", "/ready")]
        pages += [c.http.get(path).text for c in self.connectors.values() for path in ("/metrics", "/ready", "/health")]
        return [*pages, self.gateway.text(), *(c.text() for c in self.connectors.values())]

    def reached(self, besides):
        """All that reached any upstream but one, and the connector that writes down."""
        others = [u.requests() for name, u in self.upstreams.items() if u is not None and name != besides]
        return [json.dumps(others), *(str(r.headers) + json.dumps(r.body) for r in self.spy.requests)]
