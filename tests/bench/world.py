"""The processes of a bench: responders, nginx, haproxy and the gateway, each on its core, with files below build/bench."""

import http.client
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import messages

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
DIR = ROOT / "build" / "bench"
BUILT = DIR / "cmake"
HOP_SECRET = "another secret of the bench, for the hop only"
CORES = sorted(os.sched_getaffinity(0))
PROXY_CORES = CORES[:1]
OTHER_CORES = CORES[1:] or CORES
REALTIME = False  # what a bench starts runs before all other work of the machine (--realtime)

def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def found(name):
    """A program, also where a user's PATH does not look; None when it is not installed."""
    return shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")


def which(name):
    return found(name) or sys.exit(f"bench: {name} is not installed.")


def wait_until(condition, what, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"bench: waited {seconds} s for {what}; see {DIR}")
        time.sleep(0.01)


def accepts(address):
    try:
        if address.startswith("unix:"):
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(address[5:])
        else:
            socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), 1).close()
        return True
    except OSError:
        return False


def status_of(port, path):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        connection.request("GET", path)
        return connection.getresponse().status
    except OSError:
        return None


def on_cores(cores):
    """For a child before it starts: its cores, its priority, and as many descriptors as it may have."""

    def prepare():
        os.sched_setaffinity(0, cores)
        if REALTIME:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    return prepare


class Process:
    """A program on its cores; its output goes to build/bench/NAME.log."""

    def __init__(self, name, argv, cores, env=None):
        self.name = name
        self.log = DIR / f"{name}.log"
        with open(self.log, "ab") as output:
            self.popen = subprocess.Popen(
                [str(a) for a in argv],
                env=os.environ | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                preexec_fn=on_cores(cores),
            )
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def stop(self):
        if self.alive():
            self.popen.terminate()
            try:
                self.popen.wait(45)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()

    def memory_kb(self):
        """VmRSS, RssAnon, ... of /proc/PID/status."""
        lines = pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return {line.split(":")[0]: int(line.split()[1]) for line in lines if line.startswith(("VmRSS", "Rss"))}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class World:
    """Everything that one bench starts; stopped together."""

    def __init__(self, build):
        self.build = pathlib.Path(build or BUILT / "product").resolve()
        DIR.mkdir(parents=True, exist_ok=True)
        for old in DIR.glob("*.log"):
            old.unlink()
        self.sockets = pathlib.Path(tempfile.mkdtemp(prefix="guiche-bench-", dir="/tmp"))
        self.processes = []
        self.token = messages.hs256_token()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            process.stop()
        shutil.rmtree(self.sockets, ignore_errors=True)

    def start(self, name, argv, cores, env=None):
        process = Process(name, argv, cores, env)
        self.processes.append(process)
        return process

    def stop(self, process):
        process.stop()
        self.processes.remove(process)

    def trim_logs(self):
        """Logs are written, that costs time; kept they would only fill the disk."""
        for log in [*DIR.glob("*.log")]:
            os.truncate(log, 0)

    # ---- what stands behind

    def responder(self, name="responder", options=(), cores=OTHER_CORES):
        port, path = free_port(), f"unix:{self.sockets / name}.sock"
        process = self.start(name, [BUILT / "tools" / "responder", *options, f"127.0.0.1:{port}", path], cores)
        wait_until(lambda: accepts(f":{port}") and accepts(path), name)
        process.port, process.url = port, path
        return process

    def hello(self, name="hello"):
        """Our runtime with its example tool `greet`, for the gateway; with name `alone`, without tokens, for a client."""
        url = f"unix:{self.sockets / name}.sock"
        key = subprocess.run([self.build / "gateway" / "guiche", "hop-key", name], env=os.environ | {"GUICHE_HOP_SECRET": HOP_SECRET}, check=True, capture_output=True, text=True)
        alone = ["--no-auth", "acme"] if name == "alone" else []
        process = self.start(name, [BUILT / "hello" / "mcp-hello", *alone], OTHER_CORES, {"LISTEN": url} | ({} if alone else {"HOP_KEY": key.stdout.strip()}))
        wait_until(lambda: accepts(url), name)
        process.url = url
        return process

    # ---- the proxies

    def config_from(self, template, **words):
        text = (HERE / template).read_text()
        for word, value in words.items():
            text = text.replace(f"@{word}@", str(value))
        path = DIR / template
        path.write_text(text)  # read once, at the start
        return path

    def nginx(self, responder, name="nginx"):
        port = free_port()
        user = "user root;" if os.getuid() == 0 else ""
        config = self.config_from("nginx.conf", DIR=DIR, NAME=name, USER=user, RESPONDER=responder.port, NGINX=port)
        process = self.start(name, [which("nginx"), "-c", config, "-e", DIR / "nginx-error.log"], PROXY_CORES)
        wait_until(lambda: accepts(f":{port}"), name)
        process.port = port
        children = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
        wait_until(lambda: children.read_text().split(), "nginx's worker")
        process.pid = int(children.read_text().split()[0])
        return process

    def haproxy(self, responder):
        port = free_port()
        config = self.config_from("haproxy.cfg", RESPONDER=responder.port, HAPROXY=port)
        process = self.start("haproxy", [which("haproxy"), "-db", "-q", "-f", config], PROXY_CORES)
        wait_until(lambda: accepts(f":{port}"), "haproxy")
        process.port = port
        return process

    def gateway(self, connectors, name="gateway", cores=PROXY_CORES, env=None, wait=True, jwks=False, **more):
        """connectors: name to URL. All features on: JWT, policies, log, metrics, admin port, hop tokens."""
        port, admin_port = free_port(), free_port()
        config = {
            "listen": f"127.0.0.1:{port}",
            "admin_listen": f"127.0.0.1:{admin_port}",
            "public_url": messages.AUDIENCE,
            "workers": 1,
            "auth": {"hs256_secret": messages.SECRET, "audience": messages.AUDIENCE},
            "hop_secret": HOP_SECRET,
            "cors": {"origins": ["https://app.example.com"]},
            "connectors": [{"name": n, "prefix": f"{n}_", "url": u, "trust": "guiche"} for n, u in connectors.items()],
            "policies": [
                {"permission": "sales", "allow": ["*_find_1*", "*_get_*"]},
                {"permission": "support", "allow": ["*_find_2*", "*_search_*"]},
                {"permission": "bench.call", "allow": ["*"]},
                {"permission": "bench.write", "allow": ["*_write_*"]},
            ],
        } | more
        if jwks:
            config["auth"]["jwks_file"] = str(DIR / "jwks.json")
        path = DIR / f"{name}.yaml"
        path.write_text(json.dumps(config, indent=1))
        process = self.start(name, [self.build / "gateway" / "guiche", "serve", path], cores, env)
        process.port, process.admin_port = port, admin_port
        if wait:
            wait_until(lambda: process.alive() and status_of(port, "/ready") == 200, name)
        return process
