"""Many connections that do nothing: idle ones, and slow ones beside others who work."""

import contextlib
import statistics
import subprocess
import time

import measure
import messages
import world

IDLE, SLOW = 10000, 1000
GIVEN_BACK = 2.5  # seconds: the server looks every two whether a crowd has left


@contextlib.contextmanager
def crowd(kind, process, requests, count):
    argv = [world.BUILT / "tools" / "crowd", kind, "--to", f"127.0.0.1:{process.port}", "--requests", requests, "--connections", count]
    people = subprocess.Popen([str(a) for a in argv], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=world.on_cores(world.OTHER_CORES))
    try:
        if not people.stdout.readline().startswith("open"):
            raise SystemExit(f"bench: {count} {kind} connections could not be opened.")
        yield people
    finally:
        people.communicate()


def slow(bench, stage):
    """Rounds with the crowd and without take turns; the gateway is the same."""
    calls = stage.target("gateway", stage.gateway, stage.call_files()[0])
    large = stage.file("slow", messages.legacy_call("t_r64k", stage.token, 4096))
    ratios, without, beside = [], [], []
    for _ in range(bench.rounds):
        without.append(bench.sample(calls, connections=16))
        with crowd("slow", stage.gateway, large, SLOW):
            beside.append(bench.sample(calls, connections=16))
        ratios.append(beside[-1]["p99_us"] / without[-1]["p99_us"])
    samples = {"without": without, f"beside {SLOW:,} slow clients": beside}
    bench.table("slow", "16 connections, 400 B, TCP hop", [measure.row(samples, name, "without") for name in samples], "without")
    bench.figure("slow_p99", statistics.median(ratios))


def settled(process):
    """Its RSS in KB once that has stopped moving."""
    before = process.memory_kb()["VmRSS"]
    for _ in range(20):
        time.sleep(0.5)
        now = process.memory_kb()["VmRSS"]
        if abs(now - before) < 16:
            break
        before = now
    return now


def idle(bench, stage):
    gateway = bench.world.gateway({"u": stage.responder.url}, "gateway-idle")
    calls = stage.file("idle", messages.legacy_call("u_r400", stage.token))
    target = stage.target("gateway", gateway, calls)
    bench.sample(target, connections=64)
    before, open_before = settled(gateway), gateway.descriptors()
    quiet = bench.sample(target, connections=1)["p50_us"]
    with crowd("idle", gateway, calls, IDLE):
        during = settled(gateway)
        busy = bench.sample(target, connections=1)["p50_us"]
    world.wait_until(lambda: gateway.descriptors() <= open_before, "the descriptors of closed connections")
    time.sleep(GIVEN_BACK)
    after = settled(gateway)
    bench.figure("idle_kb", (during - before) / IDLE)
    bench.figure("idle_back", after / before)
    memory = f"RSS {before / 1024:.1f} MB before, {during / 1024:.1f} MB with them, {after / 1024:.1f} MB after"
    bench.note("idle", f"{IDLE:,} idle connections: {memory}; p50 of a call {quiet:.0f} us without, {busy:.0f} us with them.")
    bench.world.stop(gateway)
