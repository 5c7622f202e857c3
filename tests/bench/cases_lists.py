"""tools/list beside /health: a list comes from memory, whatever the connectors do meanwhile."""

import statistics

import measure
import messages
import world

RATE = 2000  # a second, of each
CONNECTIONS = 8


def healthy(bench, count, tools, first=0):
    """Connectors that are refreshed every few seconds, so that a refresh falls into each measurement."""
    started = [bench.world.responder(f"list-{first + i}", ["--tools", tools, "--ttl-ms", 5000]) for i in range(count)]
    return started, {f"c{first + i}": p.url for i, p in enumerate(started)}


def both_at_once(bench, gateway, lists):
    """One load of each kind at a steady rate, at the same time: [(health, list), ...]."""
    health = measure.Target("GET /health", f"127.0.0.1:{gateway.port}", [gateway.pid], messages.write(world.DIR / "health.requests", messages.get("/health")))
    pairs = []
    for _ in range(bench.rounds):
        options = {"connections": CONNECTIONS, "rate": RATE, "seconds": max(bench.seconds * 2, 3), "warmup": 0.5}
        running = [(t, measure.start(t, **options)) for t in (health, lists)]
        pairs.append([bench.seen(t, measure.finish(p, t)) for t, p in running])
    return pairs


def report(bench, key, title, gateway):
    body = messages.write(world.DIR / "list.requests", messages.legacy_list(bench.world.token))
    lists = measure.Target("tools/list", f"127.0.0.1:{gateway.port}", [gateway.pid], body)
    pairs = both_at_once(bench, gateway, lists)
    samples = {"GET /health": [a for a, _ in pairs], "tools/list": [b for _, b in pairs]}
    rows = [measure.row(samples, name, "GET /health") | {"cpu_us": None, "cpu_ratio": None} for name in samples]  # they share one process
    bench.table(key, title, rows, "GET /health")
    return statistics.median(b["p99_us"] / a["p99_us"] for a, b in pairs)


def lists(bench, stage):
    five, urls = healthy(bench, 5, 20)
    gateway = bench.world.gateway(urls, "gateway-lists")
    bench.figure("list_ratio", report(bench, "lists", f"at once, {RATE:,}/s each: 5 connectors of 20 tools", gateway))
    bench.world.stop(gateway)
    for process in five:
        bench.world.stop(process)


def bad_lists(bench, stage):
    """As many tools as with the five, of eighteen healthy connectors; two of twenty are dead and slow."""
    good, urls = healthy(bench, 18, 5)
    slow = bench.world.responder("list-slow", ["--tools", 5, "--ttl-ms", 5000, "--delay-ms", 2000])
    urls |= {"dead": f"http://127.0.0.1:{world.free_port()}/mcp", "slow": slow.url}
    gateway = bench.world.gateway(urls, "gateway-bad-lists")
    title = f"at once, {RATE:,}/s each: 20 connectors, one dead, one answering after 2 s"
    bench.figure("list_ratio_bad", report(bench, "bad-lists", title, gateway))
    bench.world.stop(gateway)
    for process in (*good, slow):
        bench.world.stop(process)
