"""What is kept of a bench in build/bench: results.json, table.txt, performance.png; and the block of docs/performance.md.

A run of all cases starts anew; a run of named cases replaces those in the results there are.
"""

import json

import limits
import report
import world

JSON = world.DIR / "results.json"
PAGE = world.ROOT / "docs" / "performance.md"
IMAGE = world.ROOT / "docs" / "images" / "performance.png"
BEGIN, END = "<!-- bench: what follows is written by tests/bench/run --write-docs -->", "<!-- bench: end -->"


NOTHING = {"tables": [], "figures": {}, "notes": {}, "profiles": {}, "series": []}


def last():
    return NOTHING | (json.loads(JSON.read_text()) if JSON.exists() else {})


def merged(old, bench, machine):
    """What was measured again takes the place of what was there."""
    tables = {t["key"]: t for t in [*old["tables"], *bench.tables]}
    return {
        "machine": machine if bench.tables else old.get("machine", machine),
        "tables": list(tables.values()),
        "figures": old["figures"] | bench.figures,
        "notes": old["notes"] | bench.notes,
        "profiles": old["profiles"] | bench.profiles,
        "series": bench.series or old["series"],
        "errors": bench.errors,
    }


def keep(results):
    JSON.write_text(json.dumps(results, indent=1))
    tables = [report.text_table(t) for t in results["tables"]] + [""] + [f"   {n}" for n in results["notes"].values()]
    (world.DIR / "table.txt").write_text("\n".join(tables + [report.limits_table(results["figures"])]) + "\n")


def draw(results, path):
    """matplotlib is a package of Debian (python3-matplotlib); ./dev bench installs it."""
    try:
        import plot
    except ImportError as missing:
        print(f"   No plot: {missing}.")
        return
    plot.draw(results, path)


def write_docs(results):
    before, _, rest = PAGE.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{report.markdown(results)}\n\n{END}{after}")
    IMAGE.parent.mkdir(exist_ok=True)
    draw(results, IMAGE)


def unmet(results):
    return [c["text"] for c in limits.checked(results["figures"]) if c["verdict"] != "ok"] + results["errors"]
