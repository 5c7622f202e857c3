"""The gateway as a process: start, memory, workers, and what one call costs in memory calls and system calls."""

import re
import statistics
import struct
import subprocess
import time

import messages
import world

COUNTED_CALLS = 2000


def hundred_tools(bench):
    started = [bench.world.responder(f"hundred-{i}", ["--tools", 20]) for i in range(5)]
    return started, {f"c{i}": p.url for i, p in enumerate(started)}


def milliseconds_until_ready(bench, urls):
    """From exec to /health and to /ready (a catalog of all connectors is there)."""
    since = time.monotonic()
    gateway = bench.world.gateway(urls, "gateway-start", wait=False)
    times = []
    for path in ("/health", "/ready"):
        while world.status_of(gateway.port, path) != 200:
            time.sleep(0.0005)
        times.append((time.monotonic() - since) * 1000)
    bench.world.stop(gateway)
    return times


def start(bench, stage):
    """Time to answer, and memory with a catalog of 100 tools after some work."""
    started, urls = hundred_tools(bench)
    times = [milliseconds_until_ready(bench, urls) for _ in range(max(bench.rounds, 5))]
    alive, ready = (statistics.median(t[i] for t in times) for i in (0, 1))
    bench.figure("start_ms", ready)
    gateway = bench.world.gateway(urls, "gateway-hundred")
    work = [messages.legacy_call("c0_r400", stage.token), messages.legacy_list(stage.token)]
    bench.sample(stage.target("gateway", gateway, stage.file("hundred", work)), connections=16)
    memory = gateway.memory_kb()
    bench.figure("rss_mb", memory["VmRSS"] / 1024)
    bench.figure("anon_mb", memory["RssAnon"] / 1024)
    sizes = f"RSS {memory['VmRSS'] / 1024:.1f} MB, of which {memory['RssAnon'] / 1024:.1f} MB anonymous"
    bench.note("start", f"exec to /health {alive:.0f} ms, to /ready with 100 tools of 5 connectors {ready:.0f} ms; {sizes}.")
    for process in (gateway, *started):
        bench.world.stop(process)


def workers(bench, stage):
    """Where there are only two cores, generator and responder take their part of both."""
    cores = world.CORES[:2]
    elsewhere = world.CORES[2:] or world.CORES
    requests = {
        "calls": stage.file("workers", messages.legacy_call("u_r400", stage.token)),
        "ping": stage.file("ping", messages.post(messages.compact(messages.legacy("ping")), stage.token)),
    }
    gateways = [bench.world.gateway({"u": stage.responder.url}, f"gateway-{n}", cores=cores, workers=n) for n in (1, 2)]
    for what, file in requests.items():
        targets = [stage.target(f"{n} worker{'s' * (n > 1)}", g, file, alone=False) for n, g in zip((1, 2), gateways)]
        title = {"calls": "calls forwarded over unix sockets", "ping": "ping, answered by the gateway itself"}[what]
        _, rows = bench.compare(f"workers-{what}", f"64 connections, {title}; gateway on {len(cores)} cores of {len(world.CORES)}", targets, base="1 worker", connections=64, cores=elsewhere)
        bench.figure(f"workers_{what}", rows["2 workers"]["rps_ratio"][0])
    for gateway in gateways:
        bench.world.stop(gateway)


def counted_allocations(bench, stage, gateway, target):
    counter = world.DIR / "malloc-count"

    def read():
        return struct.unpack("QQ", counter.read_bytes()[:16])

    before = read()
    done = bench.sample(target, connections=64, warmup=0, seconds=60, count=COUNTED_CALLS)["requests"]
    return [(b - a) / done for a, b in zip(before, read())]


def traced_calls(bench, gateway, target):
    """System calls per forwarded call by name, as strace counts them; None where it is not installed or not allowed."""
    summary = world.DIR / "strace.txt"
    if not world.found("strace"):
        return None
    tracer = subprocess.Popen([world.found("strace"), "-f", "-c", "-p", str(gateway.pid), "-o", str(summary)], stderr=subprocess.PIPE, text=True)
    if "attached" not in tracer.stderr.readline():
        tracer.wait()
        return None
    done = bench.sample(target, connections=64, warmup=0, seconds=60, count=COUNTED_CALLS)["requests"]
    tracer.terminate()
    tracer.wait()
    rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", summary.read_text(), re.M)
    return {name: int(count) / done for count, name in rows if name != "total" and int(count) / done >= 0.05}


def calls(bench, stage):
    counter = world.DIR / "malloc-count"
    counter.unlink(missing_ok=True)
    env = {"LD_PRELOAD": str(world.BUILT / "tools" / "libmalloc_count.so"), "MALLOC_COUNT": str(counter)}
    gateway = bench.world.gateway({"u": stage.responder.url}, "gateway-counted", env=env)
    target = stage.target("gateway", gateway, stage.file("counted", messages.legacy_call("u_r400", stage.token)))
    bench.sample(target, connections=64)
    allocations, frees = counted_allocations(bench, stage, gateway, target)
    bench.figure("mallocs_per_call", allocations)
    bench.note("allocations", f"Memory calls per forwarded call (400 B, unix hop): {allocations:.1f} allocations, {frees:.1f} frees.")
    traced = traced_calls(bench, gateway, target)
    if traced:
        bench.figure("syscalls_per_call", sum(traced.values()))
        bench.note("system-calls", f"System calls per forwarded call: {sum(traced.values()):.1f}: " + ", ".join(f"{n} {c:.2f}" for n, c in sorted(traced.items(), key=lambda x: -x[1])) + ".")
    bench.world.stop(gateway)
