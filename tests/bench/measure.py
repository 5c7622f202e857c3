"""One load, many loads in interleaved rounds, and what a comparison makes of them.

A ratio is always taken between two loads of the same round, then the median over rounds; absolute figures of a shared
machine move by a factor of two between minutes, ratios within seconds do not.
"""

import json
import statistics
import subprocess
import time

import report
import world

NOISY = 0.05
WARMUP = 0.2  # seconds


class Target:
    """Where a load goes, and whose CPU time it costs. pids: the proxy first. alone: it has its core for itself."""

    def __init__(self, name, address, pids, requests, alone=True, **options):
        self.name, self.address, self.pids, self.requests, self.alone, self.options = name, address, pids, requests, alone, options


def command(target, **options):
    argv = [world.BUILT / "tools" / "load", "--to", target.address, "--requests", target.requests]
    for pid in target.pids:
        argv += ["--pid", pid]
    for name, value in (options | target.options).items():
        argv += [f"--{name}"] if value is True else [f"--{name}", value]
    return [str(a) for a in argv]


def start(target, cores=None, **options):
    return subprocess.Popen(command(target, **options), stdout=subprocess.PIPE, text=True, preexec_fn=world.on_cores(cores or world.OTHER_CORES))


def finish(process, target):
    output, _ = process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"bench: the load on {target.name} failed; see {world.DIR}/*.log")
    raw = json.loads(output)
    count = max(raw["requests"], 1)
    return {
        "rps": raw["requests"] / raw["seconds"],
        "cpu_us": [p["cpu_us"] / count for p in raw["processes"]],
        "waited_share": raw["processes"][0]["waited_us"] / 1e6 / raw["seconds"] if raw["processes"] else 0,
        "own_share": raw["own_cpu_us"] / 1e6 / raw["seconds"],
        "cpu_us_per_event": raw["processes"][0]["cpu_us"] / raw["events"] if raw["events"] else None,
        "requests": raw["requests"],
        "p50_us": raw["p50_us"],
        "p99_us": raw["p99_us"],
        "errors": raw["errors"],
        "first_error": raw["first_error"],
    }


def load(target, cores=None, **options):
    return finish(start(target, cores, **options), target)


def spread(values):
    """Median, smallest, largest."""
    return [statistics.median(values), min(values), max(values)]


def value_of(sample, key):
    return sample["cpu_us"][0] if key == "cpu_us" else sample[key]


def paired(samples, name, base, key):
    """The ratio of two targets in each round."""
    ratios = [value_of(a, key) / value_of(b, key) for a, b in zip(samples[name], samples[base]) if value_of(b, key)]
    return spread(ratios) if ratios else None


def row(samples, name, base):
    mine = samples[name]

    def median(key):
        return statistics.median(value_of(s, key) for s in mine)

    return {
        "name": name,
        "rps": median("rps"),
        "rps_ratio": paired(samples, name, base, "rps"),
        "cpu_us": median("cpu_us") if mine[0]["cpu_us"] else None,
        "cpu_ratio": paired(samples, name, base, "cpu_us") if mine[0]["cpu_us"] and samples[base][0]["cpu_us"] else None,
        "p50_us": median("p50_us"),
        "p99_us": median("p99_us"),
        "p99_ratio": paired(samples, name, base, "p99_us"),
    }


class Bench:
    """Measures within a world and keeps what was found."""

    def __init__(self, here, rounds, seconds, count=None):
        """count: a load ends after so many answers even when its seconds are not over."""
        self.world, self.rounds, self.seconds = here, rounds, seconds
        self.usual = {"seconds": seconds, "warmup": WARMUP} | ({"count": count} if count else {})
        self.tables = []
        self.figures = {}
        self.notes = {}
        self.profiles = {}
        self.errors = []
        self.waited = []  # share of each load's time in which the proxy was ready and had no core
        self.series = []

    def say(self, text):
        print(f"   {text}", flush=True)

    def note(self, key, text):
        self.notes[key] = text
        self.say(text)

    def figure(self, name, value):
        self.figures[name] = value

    def seen(self, target, sample):
        if sample["errors"]:
            self.errors.append(f"{target.name}: {sample['errors']} errors, the first: {sample['first_error']}")
        if target.alone:
            self.waited.append(sample["waited_share"])
        self.world.trim_logs()
        return sample

    def sample(self, target, **options):
        since = time.monotonic()
        found = self.seen(target, load(target, **(self.usual | options)))
        if world.REALTIME:
            time.sleep(time.monotonic() - since)  # the others' turn
        return found

    def interleaved(self, targets, **options):
        """{name: a sample per round}; every round asks each target once, and one round before them warms all up."""
        samples = {t.name: [] for t in targets}
        for number in range(self.rounds + 1):
            for target in targets:
                sample = self.sample(target, **options)
                if number > 0:
                    samples[target.name].append(sample)
        return samples

    def quiet(self):
        """Whether the proxies had their core for themselves: the share of time they waited for it, and a sentence."""
        share = statistics.median(self.waited) if self.waited else 0
        often = sum(w > NOISY for w in self.waited)
        self.figure("waited_share", share)
        return f"The proxies waited for their core {share:.1%} of the time (median); more than {NOISY:.0%} in {often} of {len(self.waited)} loads."

    def compare(self, key, title, targets, base="nginx", **options):
        samples = self.interleaved(targets, **options)
        rows = [row(samples, t.name, base) for t in targets]
        self.table(key, title, rows, base)
        return samples, {r["name"]: r for r in rows}

    def table(self, key, title, rows, base="nginx"):
        self.tables.append({"key": key, "title": title, "base": base, "rows": rows})
        print(report.text_table(self.tables[-1]), flush=True)
