"""Where the gateway's CPU time goes, as perf samples it, for the cases that most often miss a limit. Needs linux-perf."""

import re
import subprocess

import measure
import world

SECONDS = 4
SHOWN = 12


def sampled(process, target):
    """[(per cent, object, function)] while the load runs."""
    data = world.DIR / "perf.data"
    load = measure.start(target, connections=64, warmup=0.5, seconds=SECONDS + 1)
    subprocess.run([world.which("perf"), "record", "-q", "-F", "4999", "-e", "cpu-clock", "-p", str(process.pid), "-o", data, "--", "sleep", str(SECONDS)], check=True, capture_output=True)
    measure.finish(load, target)
    argv = [world.which("perf"), "report", "-i", data, "--stdio", "--no-children", "--sort", "dso,symbol", "--percent-limit", "0"]
    text = subprocess.run(argv, check=True, capture_output=True, text=True).stdout
    rows = re.findall(r"^ +([\d.]+)% +(\S+) +\[[k.]\] (\S+)", text, re.M)
    return [(float(share), place, function) for share, place, function in rows]


def by_object(rows):
    totals = {}
    for share, place, _ in rows:
        totals[place] = totals.get(place, 0) + share
    return ", ".join(f"{place} {share:.0f} %" for place, share in sorted(totals.items(), key=lambda x: -x[1]) if share >= 1)


def profile(bench, stage):
    for title, call in (("400 B", {}), ("64 KB reply", {"tool": "r64k"}), ("64 KB request", {"size": 65536})):
        rows = sampled(stage.gateway, stage.target("gateway", stage.gateway, stage.call_files(**call)[0]))
        bench.profiles[title] = rows[:SHOWN]
        bench.note(f"profile-{title}", f"Profile, {title}, 64 connections, TCP hop: {by_object(rows)}.")
        for share, place, function in rows[:SHOWN]:
            print(f"   {share:5.1f} %  {place:24} {function}")
