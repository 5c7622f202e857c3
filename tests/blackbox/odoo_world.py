"""mcp-odoo behind a gateway, on the stand-in of Odoo; what it sent, decoded by Python's own XML-RPC; the recorded exchanges."""

import csv
import pathlib
import xmlrpc.client

import jsonschema

import harness

ANA, AZURE, BRANDON = 6, 2, 9  # contacts of the stand-in
RECORDED = harness.ROOT / "tests/unit/data"
SERVICE = {"ODOO_DB": "demo", "ODOO_USERNAME": "demo@example.com", "ODOO_PASSWORD": "demo", "TENANTS": "demo"}
METHODS = "sale.order:action_confirm, sale.order:action_cancel, res.partner:toggle_active, res.partner:name_search"


def credentials(login, key):
    return {"X-Odoo-Login": login, "X-Odoo-Api-Key": key}


class Odoo:
    """call() checks each answer against the tool's own schema."""

    def __init__(self, start, env=None, row=None, upstream=None, name=None, **config):
        self.upstream = upstream or start.standin("odoo")
        settings = {"ODOO_URL": self.upstream, "ODOO_ALLOWED_METHODS": METHODS, "LOG_LEVEL": "debug"} | SERVICE | (env or {})
        self.connector = start.connector("odoo", {k: v for k, v in settings.items() if v is not None}, name=name)
        self.gateway = start.gateway([self.connector.row(**(row or {}))], name=name or "gateway", log_level="debug", **config).offers("odoo_search_records")
        listed = self.gateway.rpc("tools/list").json()["result"]["tools"]
        self.tools = {t["name"].removeprefix("odoo_"): t for t in listed}

    def ask(self, tool, arguments=None, **options):
        """The whole result, failed or not."""
        return self.gateway.call(f"odoo_{tool}", arguments, **options)

    def call(self, tool, arguments=None, **options):
        result = self.ask(tool, arguments, **options)
        assert not result.get("isError"), result
        schema = self.tools[tool]["outputSchema"]
        jsonschema.validate(result["structuredContent"], schema)
        (block,) = result["content"]
        assert block["text"]
        return result["structuredContent"]

    def text(self, tool, arguments=None, **options):
        return self.ask(tool, arguments, **options)["content"][0]["text"]

    def refusal(self, tool, arguments=None, **options):
        """The sentence of a call that must fail."""
        result = self.ask(tool, arguments, **options)
        assert result.get("isError") is True, result
        return result["content"][0]["text"]

    def sent(self, method="execute_kw"):
        """The params of the XML-RPC calls so far."""
        found = []
        for request in self.upstream.requests(method="POST"):
            params, name = xmlrpc.client.loads(request["body"].encode(), use_builtin_types=True)
            if name == method:
                found.append(params)
        return found

    def executed(self):
        """(model, method, args, kwargs) of each execute_kw."""
        return [(p[3], p[4], p[5], p[6] if len(p) > 6 else {}) for p in self.sent()]

    def rpc(self, model, method, args, kwargs=None, uid=2, password="admin"):
        """Straight to the stand-in, as its administrator."""
        proxy = xmlrpc.client.ServerProxy(f"{self.upstream.url}/xmlrpc/2/object")
        return proxy.execute_kw("demo", uid, password, model, method, args, kwargs or {})


def recorded(folder, name):
    """The params of a recorded execute_kw: (model, method, args, kwargs)."""
    params, _ = xmlrpc.client.loads((RECORDED / folder / f"{name}.request.xml").read_bytes(), use_builtin_types=True)
    return (params[3], params[4], params[5], params[6] if len(params) > 6 else {})


def index(folder):
    with open(RECORDED / folder / "INDEX.tsv", newline="") as file:
        return [row["name"] for row in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)]


def exchange(folder, name):
    path = pathlib.Path(RECORDED / folder)
    request = path / f"{name}.request.xml"
    return request.read_bytes() if request.exists() else b"", (path / f"{name}.response.xml").read_bytes()
