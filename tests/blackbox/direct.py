"""A connector asked as the gateway asks it, with hop tokens of the tests, but without a gateway in between; and the same words
through one."""

import json
import time

import httpx
import jwt

import harness
from harness import BUILD, events, hop_key, message, message_headers, rpc_body, wait_until

CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
SUBSCRIPTION = "io.modelcontextprotocol/subscriptionId"
NAMED_BY = {"tools/call": "name", "prompts/get": "name", "resources/read": "uri"}


class Door:
    """What asks one connector. open_client() makes a httpx.Client of it."""

    def __init__(self, connector, open_client, key=None):
        self.connector, self.open_client = connector, open_client
        self.key = key or hop_key(connector)
        self.http = open_client()

    def principal(self, subject="tester", tenant="demo", permissions=("*",)):
        now = int(time.time())
        claims = {"sub": subject, "tenant_id": tenant, "permissions": list(permissions), "aud": self.connector, "iat": now, "exp": now + 60}
        return {"Guiche-Principal": jwt.encode(claims, self.key, "HS256", headers={"typ": "guiche-hop+jwt"})}

    def request(self, method, params=None, era="modern", capabilities=None, meta=None, headers=None, id=1, **who):
        """What httpx needs to send it."""
        params = dict(params or {})
        if era == "modern":
            params["_meta"] = {CAPABILITIES: capabilities or {}} | (meta or {})
        elif meta:
            params["_meta"] = meta
        named = {"Mcp-Name": params[NAMED_BY[method]]} if era == "modern" and method in NAMED_BY else {}
        return {
            "content": json.dumps(message(method, params, era, id)),
            "headers": message_headers(method, params, era) | named | self.principal(**who) | (headers or {}),
        }

    def rpc(self, method, params=None, era="modern", **options):
        return self.http.post("/mcp", **self.request(method, params, era, **options))

    def result(self, method, params=None, era="modern", **options):
        answer = self.rpc(method, params, era, **options)
        said = json.loads(rpc_body(answer))
        assert "result" in said, answer.text
        return said["result"]

    def error(self, method, params=None, era="modern", **options):
        answer = self.rpc(method, params, era, **options)
        return answer.status_code, json.loads(rpc_body(answer))["error"]

    def call(self, name, arguments=None, era="modern", **options):
        more = options.pop("more", {})
        return self.result("tools/call", {"name": name, "arguments": arguments or {}} | more, era, **options)

    def answer(self, id, **said):
        """A legacy client's answer to a question, on a connection of its own."""
        with self.open_client() as http:
            body = json.dumps({"jsonrpc": "2.0", "id": id} | said)
            sent = http.post("/mcp", content=body, headers=message_headers("", None, "legacy") | self.principal())
            assert sent.status_code == 202, sent.text

    def asked(self, name, arguments, answer_to):
        """A legacy call that asks: answer_to(question) gives result= or error=. The questions, and the result."""
        questions = []
        sent = self.request("tools/call", {"name": name, "arguments": arguments}, "legacy")
        with self.http.stream("POST", "/mcp", **sent) as stream:
            for line in stream.iter_lines():
                for said in events(line):
                    if "method" in said and "id" in said:
                        questions.append(said)
                        self.answer(said["id"], **answer_to(said))
                    elif "result" in said:
                        return questions, said["result"]
        raise AssertionError(f"no result after {questions}")


class Through(Door):
    """The same through a gateway, by tokens of its clients."""

    def __init__(self, gateway):
        self.open_client = lambda: httpx.Client(base_url=gateway.base, timeout=60)
        self.http = gateway.http

    def principal(self, **who):
        return harness.bearer(**who)


class Conformance(harness.Process):
    """mcp-conformance with its key of the hop. Two of them are replicas."""

    def __init__(self, folder, name="conformance", key=None):
        self.socket = folder / f"{name}.sock"
        program = BUILD / "tests/conformance/connector/mcp-conformance"
        self.door = Door("conformance", self.open_client, key)
        super().__init__([program], folder / f"{name}.log", {"LISTEN": f"unix:{self.socket}", "HOP_KEY": self.door.key})
        wait_until(lambda: self.alive() and self.door.http.get("/health").status_code == 200, "mcp-conformance")

    def open_client(self):
        return httpx.Client(transport=httpx.HTTPTransport(uds=str(self.socket)), base_url="http://localhost", timeout=30)


class Listen:
    """An open subscriptions/listen. next() waits for a message."""

    def __init__(self, process, wanted, id="listen-1"):
        self.http = process.open_client()
        sent = process.door.request("subscriptions/listen", {"notifications": wanted}, id=id)
        self.stream = self.http.stream("POST", "/mcp", **sent)
        self.lines = self.stream.__enter__().iter_lines()

    def next(self):
        for line in self.lines:
            for said in events(line):
                return said
        return None

    def close(self):
        self.stream.__exit__(None, None, None)
        self.http.close()
