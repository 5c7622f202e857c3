"""mcp-qlik behind a gateway, on the stand-in of Qlik Cloud."""

import jsonschema

import harness
from crm_world import not_in_schema

MISSING = "Missing Qlik access token. User needs to connect Qlik account."
SALES = "00000001-7fb9-4983-8e23-5ccd8c508722"  # an app of the stand-in that everybody sees
BROKEN = "00000003-7fb9-4983-8e23-5ccd8c508722"  # one whose reload fails
ANAS, BRUNOS = "00000005-7fb9-4983-8e23-5ccd8c508722", "00000006-7fb9-4983-8e23-5ccd8c508722"
DEPLOYMENT = "5f1e-deployment"

# One call of each tool that succeeds on the stand-in.
CALLS = {
    "get_apps": {"limit": 2},
    "get_app": {"app_id": SALES},
    "describe_app_data": {"app_id": SALES, "limit": 2},
    "list_spaces": {},
    "list_items": {"resource_type": "automl-deployment"},
    "reload_app": {"app_id": SALES},
    "list_reloads": {"app_id": SALES},
    "ask_question": {"text": "sales by region", "app_ids": [SALES]},
    "recommend_analysis": {"app_id": SALES, "text": "sales by region"},
    "list_data_files": {"all_spaces": True},
    "predict": {"deployment_id": DEPLOYMENT, "rows": [{"age": 41, "plan": "basic"}, {"age": 12}]},
    "get_user": {},
}


class Qlik:
    """A gateway, mcp-qlik and the stand-in. call() checks each answer against the tool's own schema."""

    def __init__(self, start, *standin_options, env=None, row=None, **config):
        self.cloud = start.standin("qlik", "--reload-seconds", "1", *standin_options)
        self.connector = start.connector("qlik", {"QLIK_CLOUD_TENANT_URL": self.cloud, "LOG_LEVEL": "debug"} | (env or {}))
        self.gateway = start.gateway([self.connector.row(**(row or {}))], log_level="debug", **config).offers("qlik_get_user")
        listed = self.gateway.rpc("tools/list").json()["result"]["tools"]
        self.tools = {t["name"].removeprefix("qlik_"): t for t in listed}

    def ask(self, tool, arguments=None, user="demo-token", **options):
        """The whole result, failed or not."""
        headers = {"X-Qlik-Access-Token": user} if user else {}
        return self.gateway.call(f"qlik_{tool}", arguments, headers=headers, **options)

    def call(self, tool, arguments=None, user="demo-token", **options):
        result = self.ask(tool, arguments, user, **options)
        assert not result.get("isError"), result
        schema = self.tools[tool]["outputSchema"]
        jsonschema.validate(result["structuredContent"], schema)
        assert not list(not_in_schema(result["structuredContent"], schema, tool))
        (block,) = result["content"]
        assert block["text"]
        return result["structuredContent"]

    def text(self, tool, arguments=None, user="demo-token", **options):
        return self.ask(tool, arguments, user, **options)["content"][0]["text"]

    def refusal(self, tool, arguments=None, user="demo-token", **options):
        """The sentence of a call that must fail."""
        result = self.ask(tool, arguments, user, **options)
        assert result.get("isError") is True, result
        return result["content"][0]["text"]

    def stream(self, tool, arguments, user="demo-token"):
        """The events of a call with progress, over REST."""
        headers = harness.bearer() | {"X-Qlik-Access-Token": user}
        return harness.events(self.gateway.http.post(f"/v1/tools/qlik_{tool}/stream", json=arguments, headers=headers).text)

    def reloads_asked_for(self):
        return self.cloud.requests(method="POST", path="/api/v1/reloads")
