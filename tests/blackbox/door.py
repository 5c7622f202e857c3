"""A gateway whose connector tells which principal it was given."""

import jwt

from fake_connector import text_result, tool
from harness import hop_key

OLD_SECRET = "the secret before the rotation, still valid"
API_KEY = "an API key of a nightly job, made by openssl rand"
ISSUER = "https://id.example.com"
AUDIENCE = "https://mcp.example.com/mcp"


class Door:
    """A gateway whose connector tells which principal it was given."""

    def __init__(self, start, **config):
        self.fake = start.fake(tools=[tool("echo")], on_call=lambda r: text_result("x"), ttl_ms=3_600_000)
        self.gateway = start.gateway([{"name": "crm", "url": self.fake.url}], **config)

    def knock(self, bearer_token):
        headers = {} if bearer_token is None else {"Authorization": bearer_token}
        return self.gateway.rpc("tools/call", {"name": "crm_echo", "arguments": {}}, auth=headers)

    def principal(self, bearer_token):
        """What the connector is told about who asks."""
        self.fake.requests.clear()
        answer = self.knock(f"Bearer {bearer_token}")
        assert answer.status_code == 200, answer.text
        assert not answer.json()["result"].get("isError"), answer.text
        return jwt.decode(self.fake.calls()[0].headers["Guiche-Principal"], hop_key("crm"), ["HS256"], audience="crm")
