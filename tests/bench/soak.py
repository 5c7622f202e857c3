"""Half the load the gateway can take, for minutes: does anything grow?"""

import statistics
import time

import measure
import messages

EVERY_S = 5


def watch(bench, gateway, running, minutes):
    """(seconds, RSS KB, descriptors) while the load runs."""
    since, seen, told = time.monotonic(), [], 0
    while running.poll() is None:
        memory = gateway.memory_kb()
        seen.append((time.monotonic() - since, memory["VmRSS"], gateway.descriptors()))
        bench.world.trim_logs()
        if seen[-1][0] >= 60 * told:
            told += 1
            bench.say(f"{seen[-1][0] / 60:4.1f} of {minutes:g} min: RSS {memory['VmRSS'] / 1024:.2f} MB, {seen[-1][2]} descriptors")
        time.sleep(min(EVERY_S, minutes * 60 / 25))
    return seen


def fifth(seen, which, column):
    """The median of a column in one fifth of the soak; single values move with what is open at that moment."""
    part = seen[which * len(seen) // 5 : (which + 1) * len(seen) // 5]
    return statistics.median(line[column] for line in part)


def loads(bench, stage):
    """Calls of three sizes over both hops, a list and a refused call on kept connections; CrewAI's four on fresh ones."""
    token = stage.token
    kept = [
        messages.legacy_call("t_r400", token),
        messages.modern_call("u_r4k", token),
        messages.legacy_list(token),
        messages.legacy_call("t_r64k", token, 4096),
        messages.legacy_call("u_nobody", token),
    ]
    fresh = messages.crewai_conversation("u_r400", token)
    return (
        stage.target("soak", stage.gateway, stage.file("soak", kept)),
        stage.target("soak, fresh connections", stage.gateway, stage.file("soak-fresh", fresh), fresh=True),
    )


def soak(bench, stage, minutes=10.0):
    """Half of what it can take: most of it on kept connections; a conversation of four costs as much as five kept calls."""
    kept, fresh = loads(bench, stage)
    most = bench.sample(kept, connections=32, seconds=3)["rps"]
    options = {"seconds": minutes * 60, "warmup": 1, "connections": 32}
    running = [(kept, measure.start(kept, rate=most * 0.4, **options)), (fresh, measure.start(fresh, rate=most * 0.02, **options))]
    seen = watch(bench, stage.gateway, running[0][1], minutes)
    samples = [bench.seen(target, measure.finish(process, target)) for target, process in running]
    rss, opened = ([fifth(seen, which, column) for which in (1, 4)] for column in (1, 2))
    bench.figure("soak_growth", rss[1] / rss[0])
    bench.figure("soak_descriptors", opened[1] - opened[0])
    bench.figure("soak_errors", sum(s["errors"] for s in samples))
    bench.series = seen
    done = sum(s["requests"] for s in samples)
    memory = f"RSS {rss[0] / 1024:.2f} MB in its second fifth, {rss[1] / 1024:.2f} MB in its last; descriptors {opened[0]:.0f} and {opened[1]:.0f}"
    bench.note("soak", f"Soak of {minutes:g} min at half load, {done:,} requests and conversations: {memory}; {bench.figures['soak_errors']} errors.")
