"""What operators see: health, readiness, status, metrics and logs (docs/architecture.md "Threads", docs/clients.md, docs/operating.md; docs/operating.md)."""

import json
import re
import subprocess

import httpx
import pytest

import harness
from fake_connector import text_result, tool
from harness import GUICHE, JWT_SECRET, SLOW, bearer, free_port, wait_until

ADMIN = {"permissions": ["admin"]}


def page(gateway, path, **options):
    return gateway.http.get(path, headers=bearer(**(options or ADMIN)))


def samples(text):
    """{name: [(labels, value)]} of a Prometheus text; every line must be one."""
    found = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, labels, value = re.fullmatch(r"([a-z_]+)(\{.*\})? ([-+0-9.eE]+|NaN|\+Inf)", line).groups()
            found.setdefault(name, []).append((dict(re.findall(r'([a-z_]+)="([^"]*)"', labels or "")), float(value)))
    return found


class Lab:
    def __init__(self, start, **config):
        self.fake = start.fake(
            tools=[tool("read"), tool("write", read_only=False)], on_call=lambda r: text_result("x"), ttl_ms=3_600_000
        )
        self.admin = free_port()
        self.gateway = start.gateway(
            [{"name": "lab", "url": self.fake.url}], admin_listen=f"127.0.0.1:{self.admin}", **config
        )

    def admin_page(self, path, method="GET"):
        return httpx.request(method, f"http://127.0.0.1:{self.admin}{path}", timeout=10)


@pytest.fixture(scope="module")
def lab(start_module):
    return Lab(start_module)


def test_health_is_ok_in_these_bytes(lab, stack):
    for client in (lab.gateway.http, stack.crm.http):
        answer = client.get("/health")
        assert answer.status_code == 200 and answer.json() == {"status": "ok"}


def test_ready_is_200_when_a_catalog_is_there(lab, stack):
    assert lab.gateway.http.get("/ready").status_code == 200
    assert stack.crm.http.get("/ready").status_code == 200


@pytest.mark.parametrize("path", ["/status", "/metrics"])
def test_the_main_port_shows_its_insides_to_admins_only(lab, path):
    # docs/clients.md, docs/operating.md: on the main port permission admin
    assert lab.gateway.http.get(path).status_code == 401
    assert page(lab.gateway, path, permissions=["lab.read", "lab.write"]).status_code == 403
    assert "admin" in page(lab.gateway, path, permissions=["lab.read"]).json()["error"]["message"]
    assert page(lab.gateway, path).status_code == 200
    assert page(lab.gateway, path, permissions=["*"]).status_code == 200


@pytest.mark.parametrize("path", ["/status", "/metrics", "/ready", "/health"])
def test_the_admin_port_needs_no_token(lab, path):
    assert lab.admin_page(path).status_code == 200


@pytest.mark.parametrize("path", ["/mcp", "/", "/v1/tools/list", "/v1/tools/execute"])
def test_the_admin_port_serves_no_tool(lab, path):
    for method in ("GET", "POST"):
        assert lab.admin_page(path, method).status_code in (404, 405)


def test_the_status_has_for_each_connector_what_the_design_names(lab):
    # docs/clients.md, docs/operating.md: state, era, tools, last error, stale since, quarantined
    (entry,) = page(lab.gateway, "/status").json()["connectors"]

    assert (entry["name"], entry["state"], entry["era"], entry["tools"]) == ("lab", "ok", "modern", 2)
    assert entry["last_error"] is None and entry["stale_since"] is None
    assert entry["quarantined"] == [] and entry["refused"] == []


def test_the_metrics_count_calls_errors_and_time_per_tool(start):
    # issue part 3: requests, errors, latency histogram per connector and tool, pool, loop lag, memory, log drops
    lab = Lab(start)
    for _ in range(3):
        lab.gateway.call("lab_read")
    lab.fake.on_call = lambda r: b"garbage"
    lab.gateway.call("lab_write")
    found = samples(lab.admin_page("/metrics").text)
    of = lambda name, tool: sum(
        v for labels, v in found[name] if labels.get("tool") == tool and labels.get("connector") == "lab"
    )

    assert of("guiche_tool_calls_total", "lab_read") == 3
    assert of("guiche_tool_errors_total", "lab_read") == 0
    assert of("guiche_tool_errors_total", "lab_write") == 1
    assert of("guiche_tool_call_seconds_count", "lab_read") == 3
    buckets = [v for labels, v in found["guiche_tool_call_seconds_bucket"] if labels["tool"] == "lab_read"]
    assert buckets == sorted(buckets) and buckets[-1] == 3
    assert any("loop_lag" in name for name in found) and any("memory" in name or "resident" in name for name in found)
    assert any("dropped" in name for name in found) and any("hop_connections" in name for name in found)


def test_metrics_are_prometheus_text(lab, stack):
    for answer in (lab.admin_page("/metrics"), stack.crm.http.get("/metrics")):
        assert answer.headers["content-type"].startswith("text/plain")
        assert samples(answer.text)
        assert answer.text.endswith("\n")
        kinds = re.findall(r"^# TYPE ([a-z_]+) (counter|gauge|histogram)$", answer.text, re.M)
        assert len(kinds) == len(set(kinds)) > 3


def test_no_caller_can_make_a_metric_label(lab):
    # docs/clients.md, docs/operating.md: labels only from catalog names, all else `other`
    before = len(lab.admin_page("/metrics").text.splitlines())
    for i in range(20):
        lab.gateway.call(f"planted_{i}")
        lab.gateway.rpc(f"planted/method_{i}")
        lab.gateway.rest(f"planted_{i}")
        lab.gateway.http.get(f"/planted/{i}", headers=bearer(tenant=f"planted-tenant-{i}", subject="planted-subject"))
    text = lab.admin_page("/metrics").text

    assert "planted" not in text and "demo" not in text and "tester" not in text
    assert len(text.splitlines()) == before


def test_connectors_name_no_tenant_or_principal_in_their_metrics(stack):
    stack.call("crm_list_agents", auth=bearer(tenant="other", subject="planted-subject"))
    text = stack.crm.http.get("/metrics").text

    assert "list_agents" in text
    assert "planted" not in text and "tenant" not in text and "demo" not in text


def test_each_call_has_one_line_with_the_id_the_caller_got(lab):
    # issue part 3; line_of() insists on exactly one
    answer = lab.gateway.rpc("tools/call", {"name": "lab_read"}, auth=bearer(subject="anna", tenant="acme"))
    line = lab.gateway.line_of(answer.headers["x-request-id"])

    assert (line["tool"], line["connector"], line["outcome"]) == ("lab_read", "lab", "ok")
    assert (line["subject"], line["tenant"], line["status"]) == ("anna", "acme", 200)
    assert isinstance(line["ms"], (int, float)) and isinstance(line["upstream_ms"], (int, float))
    assert (line["method"], line["era"], line["path"]) == ("tools/call", "legacy", "/mcp")


OUTCOMES = [
    ("rest of an unknown tool", lambda g: g.rest("no_such_tool"), "unknown"),
    ("denied", lambda g: g.rpc("tools/call", {"name": "lab_read"}, auth=bearer(permissions=[])), "denied"),
    ("no token", lambda g: g.rpc("ping", auth={}), "unauthorized"),
    ("garbage", lambda g: g.http.post("/mcp", content=b"{", headers=bearer()), "protocol"),
    ("list", lambda g: g.rpc("tools/list"), "ok"),
    ("rest", lambda g: g.rest("lab_read"), "ok"),
    ("rest list", lambda g: g.http.get("/v1/tools/list", headers=bearer()), "ok"),
    ("stream", lambda g: g.http.get("/v1/tools/lab_read/stream", headers=bearer()), "ok"),
]


@pytest.mark.parametrize("ask,outcome", [o[1:] for o in OUTCOMES], ids=[o[0] for o in OUTCOMES])
def test_every_outcome_is_logged_once(lab, ask, outcome):
    line = lab.gateway.line_of(ask(lab.gateway).headers["x-request-id"])

    assert line["outcome"] == outcome


def test_paths_are_logged_without_their_query(lab):
    answer = lab.gateway.http.post("/mcp?u=anna-planted", content=b"{}", headers=bearer())

    assert lab.gateway.line_of(answer.headers["x-request-id"])["path"] == "/mcp"
    assert "anna-planted" not in lab.gateway.text()


def test_every_line_of_a_log_is_json_with_time_and_level(lab, stack):
    for process in (lab.gateway, stack.crm):
        lines = process.text().rpartition("\n")[0].splitlines()  # the last one may be on its way
        assert lines
        for line in lines:
            entry = json.loads(line)
            assert {"time", "level", "message"} <= set(entry), line


def test_the_request_id_reaches_a_connector_of_ours_and_its_log(stack):
    # docs/architecture.md "Trust": Guiche-Request-Id
    answer = stack.rpc("tools/call", {"name": "crm_list_agents", "arguments": {}})
    request_id = answer.headers["x-request-id"]

    wait_until(lambda: stack.crm.lines(request_id=request_id), "the connector's line")


def test_a_call_whose_client_went_away_is_logged_as_gone(start):
    lab = Lab(start)
    lab.fake.on_call = lambda r: r.hung_up(20 * SLOW) and text_result("x")
    with pytest.raises(httpx.TimeoutException):
        body = json.dumps(harness.message("tools/call", {"name": "lab_read"}, "modern"))
        lab.gateway.http.post(
            "/mcp",
            content=body,
            headers=harness.message_headers("tools/call", {"name": "lab_read"}, "modern") | bearer(),
            timeout=1,  # long enough for the call to have begun
        )

    wait_until(lambda: lab.gateway.lines(tool="lab_read", outcome="gone"), "the line")


def test_a_log_that_nobody_reads_never_stops_a_call(folder):
    # docs/architecture.md "Threads": a terminal that is paused never stops a call; dropped lines are counted
    port = free_port()
    path = folder / "guiche.yaml"
    path.write_text(json.dumps({"listen": f"127.0.0.1:{port}", "workers": 1, "auth": {"hs256_secret": JWT_SECRET}}))
    gateway = subprocess.Popen([GUICHE, "serve", path], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            wait_until(lambda: client.get("/health").status_code == 200, "the gateway")
            body = json.dumps(harness.message("tools/call", {"name": "x" * 3000}, "legacy"))
            for _ in range(600):  # a pipe holds 64 KiB
                assert client.post("/mcp", content=body, headers=bearer()).status_code == 200
            dropped = samples(client.get("/metrics", headers=bearer()).text)["guiche_log_lines_dropped_total"]
            assert dropped[0][1] > 0
    finally:
        gateway.stderr.close()
        gateway.kill()
        gateway.wait()


@pytest.mark.parametrize(
    "proxies,forwarded,client",
    [
        ([], ["203.0.113.9"], "127.0.0.1"),
        (["10.0.0.0/8"], ["203.0.113.9"], "127.0.0.1"),
        (["127.0.0.0/8"], ["203.0.113.9"], "203.0.113.9"),
        (["127.0.0.1"], ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        (["127.0.0.0/8", "203.0.113.0/24"], ["198.51.100.1, 203.0.113.9"], "198.51.100.1"),
        (["127.0.0.0/8", "203.0.113.0/24"], ["198.51.100.1", "203.0.113.9"], "198.51.100.1"),
        (["127.0.0.0/8"], ["not an address"], "127.0.0.1"),
        (["127.0.0.0/8"], ["2001:db8::7"], "2001:db8::7"),
        (["127.0.0.0/8"], [], "127.0.0.1"),
    ],
)
def test_forwarded_addresses_are_believed_as_far_as_trusted_proxies_reach(start, proxies, forwarded, client):
    # docs/architecture.md "Trust": and no further
    gateway = start.gateway(trusted_proxies=proxies)
    answer = gateway.http.get(
        "/v1/tools/list", headers=list(bearer().items()) + [("X-Forwarded-For", f) for f in forwarded]
    )

    assert gateway.line_of(answer.headers["x-request-id"])["client"] == client
