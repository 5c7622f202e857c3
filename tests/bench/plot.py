"""One picture: what a call costs, how much goes through, how sizes matter, and how far each figure is from its limit."""

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

import limits

NAMES = ("nginx", "haproxy", "gateway, TCP hop", "gateway, unix hop")
COLOURS = dict(zip(NAMES, ("#9aa5b1", "#616e7c", "#e8833a", "#b4471f")))
SIZES = (("basic", "400 B"), ("reply-4k", "4 KB\nreply"), ("reply-64k", "64 KB\nreply"), ("request-4k", "4 KB\nrequest"), ("request-64k", "64 KB\nrequest"))
CONNECTIONS = (("connections-1", 1), ("connections-16", 16), ("basic", 64), ("connections-256", 256))


def rows_of(results):
    """{case: {name: row}}"""
    return {t["key"]: {r["name"]: r for r in t["rows"]} for t in results["tables"]}


def cost(axes, rows):
    axes.set_title("CPU of the proxy per call\n64 connections, 400 B each way")
    values = [rows["basic"][n]["cpu_us"] for n in NAMES]
    bars = axes.barh([n.replace(", ", ",\n") for n in NAMES], values, color=[COLOURS[n] for n in NAMES])
    axes.bar_label(bars, [f"{v:.1f} µs" for v in values], padding=3)
    axes.set_xlim(0, max(values) * 1.25)
    axes.invert_yaxis()
    axes.set_xlabel("µs, less is better")


def throughput(axes, rows):
    axes.set_title("Calls per second of one worker\n400 B each way")
    cases = [(key, count) for key, count in CONNECTIONS if key in rows]
    for name in NAMES:
        axes.plot([str(count) for _, count in cases], [rows[key][name]["rps"] / 1000 for key, _ in cases], marker="o", color=COLOURS[name], label=name)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("connections")
    axes.set_ylabel("thousand per second, more is better")
    axes.legend(fontsize=8)


def sizes(axes, rows):
    axes.set_title("Calls per second beside nginx\n64 connections")
    cases = [(key, label) for key, label in SIZES if key in rows]
    for i, name in enumerate(NAMES[1:]):
        ratios = [rows[key][name]["rps_ratio"] for key, _ in cases]
        whiskers = [[r[0] - r[1] for r in ratios], [r[2] - r[0] for r in ratios]]
        axes.bar([x + (i - 1) * 0.27 for x in range(len(cases))], [r[0] for r in ratios], 0.25, yerr=whiskers, color=COLOURS[name], ecolor="#52606d", label=name)
    axes.axhline(1, color=COLOURS["nginx"])
    axes.text(len(cases) - 0.45, 1.01, "nginx", ha="right", color=COLOURS["haproxy"], fontsize=8)
    axes.set_xticks(range(len(cases)), [label for _, label in cases], fontsize=8)
    axes.set_ylabel("x nginx, more is better")


def margin(check):
    """How much of its limit a figure uses; 1 is the limit, less is better."""
    bound, value = float(check["limit"].split()[1]), float(check["measured"])
    if check["limit"].startswith(">="):
        return bound / value if value else 9
    return value / bound if bound else (0 if value <= 0 else 9)


def distances(axes, figures):
    axes.set_title("Every limit: how much of it is used")
    checks = [c for c in limits.checked(figures) if "void" not in c["text"]]
    used = [min(margin(c), 2) for c in checks]
    axes.barh([c["text"] for c in checks], used, color=["#3f9142" if c["verdict"] == "ok" else "#ba2525" for c in checks])
    axes.axvline(1, color="#323f4b")
    for y, check in enumerate(checks):
        axes.text((used[y] if used[y] < 0.8 or used[y] > 1 else 1) + 0.02, y, f"{check['measured']}  ({check['limit']})", va="center", fontsize=7)
    axes.tick_params(axis="y", labelsize=7)
    axes.set_xlim(0, 2.2)
    axes.set_xlabel("part of the limit; past the line it is not met (cut at 2)")
    axes.invert_yaxis()


def draw(results, path):
    rows = rows_of(results)
    figure = plt.figure(figsize=(13, 9), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=(1, 1.1))
    first, second, third = top.subplots(1, 3)
    if "basic" in rows:
        cost(first, rows)
        throughput(second, rows)
        sizes(third, rows)
    distances(bottom.subplots(), results["figures"])
    figure.savefig(path, dpi=110)
    plt.close(figure)
