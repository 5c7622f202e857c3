"""Results as text for a terminal and as markdown for docs/performance.md."""

import limits
import machine

COLUMNS = ("", "req/s", "x base", "spread", "CPU us", "x base", "spread", "p50 us", "p99 us")


def number(value, digits=0):
    return "-" if value is None else f"{value:,.{digits}f}"


def ratio(triple):
    return ("-", "") if triple is None else (f"{triple[0]:.2f}", f"{triple[1]:.2f}-{triple[2]:.2f}")


def cells(row):
    return [
        row["name"],
        number(row["rps"]),
        *ratio(row["rps_ratio"]),
        number(row["cpu_us"], 1),
        *ratio(row["cpu_ratio"]),
        number(row["p50_us"]),
        number(row["p99_us"]),
    ]


def check_cells(check):
    return [check["text"], check["measured"], check["limit"], check["aim"], check["verdict"]]


def aligned(lines):
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    return "\n".join("   " + "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths))) for line in lines)


def text_table(table):
    return f"\n{table['title']}  (base: {table['base']})\n" + aligned([list(COLUMNS), *(cells(r) for r in table["rows"])])


def limits_table(figures):
    checks = [check_cells(c) for c in limits.checked(figures)]
    return "\nMust hold\n" + aligned([["", "measured", "limit", "aim", ""], *checks]) if checks else ""


def markdown_row(texts):
    return "| " + " | ".join(texts) + " |"


def markdown_table(head, lines):
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join(markdown_row(line) for line in (head, rule, *lines))


def markdown_ratio(triple):
    """A base has no spread worth a cell."""
    middle, spread = ratio(triple)
    return middle if middle == "-" or triple[1] == triple[2] else f"{middle} ({spread})"


def markdown_cells(row):
    return [
        row["name"],
        number(row["rps"]),
        markdown_ratio(row["rps_ratio"]),
        number(row["cpu_us"], 1),
        markdown_ratio(row["cpu_ratio"]),
        number(row["p50_us"]),
        number(row["p99_us"]),
    ]


def markdown_case(table):
    head = [f"to {table['base']}", "per second", "ratio", "CPU µs", "ratio", "p50 µs", "p99 µs"]
    title = table["title"][0].upper() + table["title"][1:]
    return f"**{title}**\n\n" + markdown_table(head, [markdown_cells(r) for r in table["rows"]])


def markdown_profile(title, rows):
    return f"**Where the gateway's time goes: {title}**\n\n" + markdown_table(["function", "in", "share"], [[f"`{f}`", o, f"{s:.1f} %"] for s, o, f in rows])


def markdown(results):
    """basic first: it is what the limits are about."""
    tables = sorted(results["tables"], key=lambda t: t["key"] != "basic")
    head = ["", "measured", "must be", "aim", "holds"]
    parts = [
        machine.sentence(results["machine"]),
        "### What must hold\n\n" + markdown_table(head, [check_cells(c) for c in limits.checked(results["figures"])]),
        "### All cases\n\nRatios are medians over rounds of the quotient within one round, with the smallest and the largest.",
        *(markdown_case(t) for t in tables),
        "### Beside them\n\n" + "\n".join(f"- {note}" for note in results["notes"].values()),
        *(markdown_profile(title, rows) for title, rows in results["profiles"].items()),
    ]
    return "\n\n".join(parts)
