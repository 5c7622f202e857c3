"""What must hold, in one place: the figure a case leaves, its limit, and what is aimed at."""

# (figure, what it says, limit, aim); a limit that begins with >= is a smallest value.
LIMITS = (
    ("direct_ratio", "direct / nginx, else the run is void", ">= 1.5", ""),
    ("waited_share", "share of time the proxies waited for their core, else the run is void", "<= 0.05", ""),
    ("cpu_tcp", "CPU per call / nginx, TCP hop", "<= 1.8", "1.3"),
    ("cpu_unix", "CPU per call / nginx, unix hop", "<= 1.6", "1.2"),
    ("rps_tcp", "requests per second / nginx, TCP hop", ">= 0.75", "0.9"),
    ("rps_unix", "requests per second / nginx, unix hop", ">= 0.85", "1.0"),
    ("rps_reply-64k", "64 KB reply, requests per second / nginx", ">= 0.7", "0.9"),
    ("rps_request-64k", "64 KB request, requests per second / nginx", ">= 0.4", "0.6"),
    ("added_p50_tcp", "p50 added at one connection / what nginx adds", "<= 1.5", ""),
    ("p99_one_tcp", "p99 at one connection / nginx", "<= 1.5", ""),
    ("p99_tcp", "p99 at 64 connections / nginx", "<= 1.5", ""),
    ("crewai_time", "CrewAI's four requests, time / one of nginx, fresh connection", "<= 2.5", ""),
    ("crewai_cpu", "CrewAI's four requests, CPU / one of nginx, fresh connection", "<= 2.5", ""),
    ("list_ratio", "tools/list p99 / health p99, 5 connectors", "<= 1.2", ""),
    ("list_ratio_bad", "tools/list p99 / health p99, 20 connectors, one dead, one slow", "<= 1.2", ""),
    ("sse_us", "CPU us per relayed event, each event alone", "<= 20", ""),
    ("rss_mb", "RSS with 100 tools, MB", "<= 16", ""),
    ("anon_mb", "of which anonymous, MB", "<= 5", ""),
    ("idle_kb", "KB per idle connection, of 10,000", "<= 4.5", ""),
    ("idle_back", "RSS after they closed / before", "<= 1.2", ""),
    ("start_ms", "exec to answering, ms", "<= 50", ""),
    ("slow_p99", "p99 beside 1,000 slow clients / without", "<= 1.2", ""),
    ("soak_growth", "RSS in the last fifth of the soak / in its second", "<= 1.05", ""),
    ("soak_descriptors", "descriptors in the last fifth of the soak - in its second", "<= 8", ""),
    ("soak_errors", "errors during the soak", "<= 0", ""),
)


def holds(value, limit):
    sign, bound = limit.split()
    return value <= float(bound) if sign == "<=" else value >= float(bound)


def checked(figures):
    """One row per limit whose case ran."""
    rows = []
    for name, text, limit, aim in LIMITS:
        if name in figures:
            verdict = "ok" if holds(figures[name], limit) else "NOT"
            rows.append({"name": name, "text": text, "measured": f"{figures[name]:.3g}", "limit": limit, "aim": aim, "verdict": verdict})
    return rows
