"""What most cases stand on: one responder behind nginx, haproxy and the gateway, and files of requests for them."""

import http.client
import json

import measure
import messages
import world


class Stage:
    def __init__(self, bench, others=True):
        """others: nginx and haproxy too; the smoke test can do without them."""
        here = bench.world
        self.bench, self.token = bench, here.token
        self.responder = here.responder()
        self.in_place = here.responder("responder-in-place", cores=world.PROXY_CORES)
        self.nginx = here.nginx(self.responder) if others else None
        self.haproxy = here.haproxy(self.responder) if others else None
        self.gateway = here.gateway({"t": f"http://127.0.0.1:{self.responder.port}/mcp", "u": self.responder.url})
        for process in (self.in_place, self.nginx, self.haproxy, self.gateway):
            if process:
                verify(process.port, self.token)

    def file(self, name, requests):
        return messages.write(world.DIR / f"{name}.requests", requests)

    def target(self, name, process, requests, **options):
        return measure.Target(name, f"127.0.0.1:{process.port}", [process.pid], requests, **options)

    def call_files(self, tool="r400", size=400, call=messages.legacy_call):
        """The same call for the TCP and the unix hop: only the tool's prefix differs."""
        return [self.file(f"{call.__name__}-{hop}-{tool}-{size}", call(f"{hop}_{tool}", self.token, size)) for hop in "tu"]

    def proxies(self, **call):
        tcp, unix = self.call_files(**call)
        return [
            self.target("nginx", self.nginx, tcp),
            self.target("haproxy", self.haproxy, tcp),
            self.target("gateway, TCP hop", self.gateway, tcp),
            self.target("gateway, unix hop", self.gateway, unix),
        ]

    def direct(self, **call):
        """A second responder on the proxies' core: what the generator reaches when nothing is between."""
        return self.target("direct", self.in_place, self.call_files(**call)[0])


def verify(port, token):
    """What is measured are answers: each size comes back as the result that was asked for, as large as it says."""
    for tool, size in (("r400", 400), ("r4k", 4096), ("r64k", 65536)):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        head, _, body = messages.legacy_call(f"t_{tool}", token, 4096).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        connection.request("POST", "/mcp", body, headers)
        text = connection.getresponse().read()
        result = json.loads(text).get("result", {})
        rows = result.get("structuredContent", {}).get("rows", [])
        if result.get("isError") or abs(len(text) - size) > 100 or len(rows) < size // 200:
            raise SystemExit(f"bench: {tool} through port {port} was answered with {text[:200]}")
        connection.close()
