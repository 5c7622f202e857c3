"""Forwarded calls: connections, sizes, eras, tokens, hops, and our own runtime behind the gateway."""

import statistics
import subprocess

import measure
import messages
import world

TCP, UNIX = "gateway, TCP hop", "gateway, unix hop"
COLD_CALLS = 4000


def basic(bench, stage):
    """64 connections, 400 B each way: the case the limits are about."""
    targets = [stage.direct(), *stage.proxies()]
    samples, rows = bench.compare("basic", "64 connections, 400 B request and reply, HS256 token seen before", targets, connections=64)
    bench.figure("direct_ratio", rows["direct"]["rps_ratio"][0])
    for name, key in ((TCP, "tcp"), (UNIX, "unix")):
        bench.figure(f"cpu_{key}", rows[name]["cpu_ratio"][0])
        bench.figure(f"rps_{key}", rows[name]["rps_ratio"][0])
        bench.figure(f"p99_{key}", rows[name]["p99_ratio"][0])
    memory = ", ".join(f"{p.name} {p.memory_kb()['VmRSS'] / 1024:.1f} MB" for p in (stage.nginx, stage.haproxy, stage.gateway))
    bench.note("memory", f"RSS after the rounds with 64 connections: {memory}.")


def added_latency(samples, name):
    """Per round: what `name` adds to the p50 of a direct call, in units of what nginx adds."""
    rounds = zip(samples[name], samples["nginx"], samples["direct"])
    return statistics.median((own["p50_us"] - direct["p50_us"]) / max(nginx["p50_us"] - direct["p50_us"], 1) for own, nginx, direct in rounds)


def connections(bench, stage):
    for count in (1, 16, 256):
        targets = [stage.direct(), *stage.proxies()]
        samples, rows = bench.compare(f"connections-{count}", f"{count} connection{'s' * (count > 1)}, 400 B, HS256 seen before", targets, connections=count)
        if count == 1:
            for name, key in ((TCP, "tcp"), (UNIX, "unix")):
                bench.figure(f"added_p50_{key}", added_latency(samples, name))
                bench.figure(f"p99_one_{key}", rows[name]["p99_ratio"][0])


def sizes(bench, stage):
    for key, title, call in (
        ("reply-4k", "4 KB reply", {"tool": "r4k"}),
        ("reply-64k", "64 KB reply", {"tool": "r64k"}),
        ("request-4k", "4 KB request", {"size": 4096}),
        ("request-64k", "64 KB request", {"size": 65536}),
    ):
        _, rows = bench.compare(key, f"64 connections, {title}, the other way 400 B", stage.proxies(**call), connections=64)
        bench.figure(f"rps_{key}", rows[TCP]["rps_ratio"][0])


def eras(bench, stage):
    legacy, modern = stage.call_files()[0], stage.call_files(call=messages.modern_call)[0]
    targets = [
        stage.target("nginx", stage.nginx, legacy),
        stage.target("gateway, legacy client", stage.gateway, legacy),
        stage.target("nginx, modern request", stage.nginx, modern),
        stage.target("gateway, modern client", stage.gateway, modern),
    ]
    bench.compare("eras", "64 connections, 400 B, TCP hop: clients of both eras, a modern connector", targets, connections=64)


def mint(bench):
    """Tokens enough for every round, each asked with once; their key is in the gateway's jwks_file."""
    count = (bench.rounds + 1) * COLD_CALLS
    argv = [world.BUILT / "tools" / "mint", world.DIR / "jwks.json", str(count), messages.compact(messages.claims()).decode()]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()


def cold(bench, stage):
    tokens = mint(bench)
    gateway = bench.world.gateway({"t": f"http://127.0.0.1:{stage.responder.port}/mcp"}, "gateway-es256", jwks=True)
    warm = stage.call_files()[0]
    samples = {"nginx": [], "gateway, token seen before": [], "gateway, ES256 token never seen": []}
    for number in range(bench.rounds + 1):
        fresh = tokens[number * COLD_CALLS : (number + 1) * COLD_CALLS]
        once = stage.file("cold", [messages.legacy_call("t_r400", token) for token in fresh])
        targets = [
            stage.target("nginx", stage.nginx, warm),
            stage.target("gateway, token seen before", gateway, warm),
            stage.target("gateway, ES256 token never seen", gateway, once, once=True, count=COLD_CALLS, warmup=0, seconds=30),
        ]
        for target in targets:
            sample = bench.sample(target, connections=64)
            if number > 0:
                samples[target.name].append(sample)
    bench.table("cold", f"64 connections, 400 B: each of {bench.rounds} x {COLD_CALLS:,} calls with an ES256 token of its own", [measure.row(samples, name, "nginx") for name in samples])
    bench.world.stop(gateway)


def runtime(bench, stage):
    """The connector shares its core with the generator; `alone` has no tokens to check."""
    alone, behind = bench.world.hello("alone"), bench.world.hello()
    gateway = bench.world.gateway({"hello": behind.url}, "gateway-hello")

    def greet(tool):
        body = messages.compact(messages.legacy("tools/call", {"name": tool, "arguments": {"name": "Anna", "tone": "warm"}}))
        return stage.file(f"greet-{tool}", messages.post(body, stage.token, ["MCP-Protocol-Version: 2025-11-25"]))

    targets = [
        stage.target("nginx", stage.nginx, stage.call_files()[0]),
        measure.Target("mcp-hello alone (its CPU)", alone.url, [alone.pid], greet("greet"), alone=False),
        measure.Target("gateway, then mcp-hello", f"127.0.0.1:{gateway.port}", [gateway.pid, behind.pid], greet("hello_greet")),
    ]
    samples, rows = bench.compare("runtime", "64 connections: our connector runtime with a trivial tool, unix hop", targets, connections=64)
    own = statistics.median(s["cpu_us"][1] for s in samples["gateway, then mcp-hello"])
    bench.note("runtime", f"Behind the gateway mcp-hello itself takes {own:.1f} us CPU per call (token, arguments, JSON).")
    bench.figure("runtime_cpu_us", own)
    for process in (gateway, behind, alone):
        bench.world.stop(process)


def crewai(bench, stage):
    tool = "t_r400"
    one = stage.file("fresh-one", messages.legacy_call(tool, stage.token))
    four = stage.file("fresh-four", messages.crewai_conversation(tool, stage.token))
    targets = [
        stage.target("nginx, one request", stage.nginx, one, fresh=True),
        stage.target("gateway, one request", stage.gateway, one, fresh=True),
        stage.target("gateway, CrewAI's four", stage.gateway, four, fresh=True),
    ]
    for count in (1, 16):
        samples, rows = bench.compare(
            f"crewai-{count}", f"fresh connection each time, {count} at once: initialize, initialized, tools/call, tools/list", targets, base="nginx, one request", connections=count
        )
        mine = rows["gateway, CrewAI's four"]
        if count == 1:
            bench.figure("crewai_time", measure.paired(samples, mine["name"], "nginx, one request", "p50_us")[0])
        else:
            bench.figure("crewai_cpu", mine["cpu_ratio"][0])
