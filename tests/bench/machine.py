"""Where and with what it was measured."""

import datetime
import os
import pathlib
import platform
import re
import subprocess

import world


def output(*argv):
    try:
        done = subprocess.run(argv, capture_output=True, text=True, cwd=world.ROOT)
        return (done.stdout + done.stderr).strip()
    except OSError:
        return ""


def version(text):
    found = re.search(r"\d+\.\d+[\w.~+-]*", text)
    return found.group() if found else "absent"


def describe():
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    return {
        "date": datetime.date.today().isoformat(),
        "commit": output("git", "rev-parse", "--short", "HEAD") + (" and changes" if output("git", "status", "--porcelain", "--", "common", "gateway") else ""),
        "cpu": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count(),
        "kernel": platform.release(),
        "debian": pathlib.Path("/etc/debian_version").read_text().strip(),
        "nginx": version(output(world.which("nginx"), "-v")),
        "haproxy": version(output(world.which("haproxy"), "-v")),
        "libevent": output("dpkg-query", "-W", "-f", "${Version}", "libevent-2.1-7"),
    }


def sentence(machine):
    return (
        f"{machine['date']}, commit {machine['commit']}: {machine['cores']} cores of {machine['cpu']}, Linux {machine['kernel']}, "
        f"Debian {machine['debian']}, nginx {machine['nginx']}, haproxy {machine['haproxy']}, libevent {machine['libevent']}; {machine['rounds']}."
    )
