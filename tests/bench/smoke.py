"""Whether the bench itself works, in a few seconds: every tool of it against the gateway, and against nginx and haproxy
where they are installed. Numbers are only asked to be numbers."""

import cases_crowds
import cases_process
import messages
import stage
import world


def positive(name, *values):
    if not all(v and v > 0 for v in values):
        raise SystemExit(f"bench: {name} measured {values}")


def loads(bench, on):
    """Every kind of load: kept, fresh, paced, once each."""
    calls = on.call_files()[0]
    for options in ({}, {"fresh": True}, {"rate": 200}):
        sample = bench.sample(on.target(f"gateway {options}", on.gateway, calls, **options), connections=8)
        positive(str(options), sample["rps"], sample["p99_us"], *sample["cpu_us"])
    four = on.file("smoke-four", messages.crewai_conversation("u_r400", on.token))
    positive("CrewAI's four", bench.sample(on.target("CrewAI's four", on.gateway, four, fresh=True), connections=2)["rps"])
    each = on.file("smoke-once", [messages.modern_call("u_r4k", on.token)] * 100)
    once = bench.sample(on.target("once", on.gateway, each, once=True, count=100, warmup=0, seconds=10), connections=4)
    if once["requests"] != 100:
        raise SystemExit(f"bench: 100 requests once each were {once['requests']}")


def streams(bench, on):
    """Counted by a client, the events are those that the responder sends."""
    responder = bench.world.responder("responder-smoke", ["--events", 20, "--pause-us", 1000])
    gateway = bench.world.gateway({"t": responder.url}, "gateway-smoke")
    file = on.file("smoke-sse", messages.legacy_call("t_sse", on.token, progress=True))
    sample = bench.sample(on.target("sse", gateway, file), connections=2, count=10, warmup=0, seconds=10)
    positive("events", sample["cpu_us_per_event"])
    events = sample["cpu_us"][0] / sample["cpu_us_per_event"]
    if not 19.5 < events < 20.5:
        raise SystemExit(f"bench: a stream of 20 events had {events:.1f}")


def others(bench, on):
    calls = on.call_files()[0]
    for process in (on.nginx, on.haproxy):
        if process:
            positive(process.name, bench.sample(on.target(process.name, process, calls), connections=8)["rps"])
    positive("direct", bench.sample(on.direct(), connections=8)["rps"])


def run(bench):
    cases_crowds.IDLE, cases_crowds.SLOW = 200, 60
    on = stage.Stage(bench, others=bool(world.found("nginx") and world.found("haproxy")))
    loads(bench, on)
    streams(bench, on)
    others(bench, on)
    cases_crowds.idle(bench, on)
    cases_crowds.slow(bench, on)
    cases_process.start(bench, on)
    cases_process.calls(bench, on)
    positive("figures", *(bench.figures[f] for f in ("idle_back", "slow_p99", "start_ms", "rss_mb", "mallocs_per_call")))
    if bench.errors:
        raise SystemExit("\n".join(bench.errors))
