"""Starts the distribution's PostgreSQL for tests: a cluster of its own in a temporary folder, on a unix socket only.

The server refuses to run as root, so root runs it as postgres (or nobody). It is ended by its own pid.
"""

import csv
import io
import itertools
import os
import pathlib
import pwd
import re
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading

import harness
from crm_world import TABLES
from harness import MCP_CRM, SLOW, wait_until



def newest_bin():
    """Debian keeps the server's programs out of PATH, by version."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3]))
    assert found, "PostgreSQL is not installed; on Debian: apt install postgresql"
    return found[-1].parent


def server_user():
    """Options of subprocess that make it somebody else than root."""
    if os.getuid() != 0:
        return {}
    names = [entry.pw_name for entry in pwd.getpwall()]
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Postgres:
    def __init__(self):
        self.bin = newest_bin()
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="g-pg-", dir="/tmp"))
        self.user = server_user()
        self.environment = {"PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC", "PGTZ": "UTC", "PGHOST": str(self.folder), "PGUSER": "crm", "HOME": str(self.folder)}
        self.folder.chmod(0o755)
        if self.user:
            os.chown(self.folder, self.user["user"], self.user["group"])
        self.data = self.folder / "data"
        self.server = None
        self.numbers = itertools.count(1)
        options = ["--auth=trust", "--username=crm", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        subprocess.run([self.bin / "initdb", *options, self.data], env=self.environment, cwd="/", check=True, capture_output=True, **self.user)
        self.start()

    def start(self):
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": self.folder,
            "max_connections": 60,
            # Nothing here outlives the tests.
            "fsync": "off",
            "full_page_writes": "off",
            "autovacuum": "off",
            "wal_level": "minimal",
            "max_wal_senders": 0,
            "max_wal_size": "64MB",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        log = open(self.folder / "log", "ab")
        self.server = subprocess.Popen([self.bin / "postgres", "-D", self.data, *options], env=self.environment, cwd="/", stdout=log, stderr=log, stdin=subprocess.DEVNULL, **self.user)
        log.close()
        wait_until(lambda: self.run("pg_isready", "-d", "postgres", check=False).returncode == 0, "PostgreSQL", 30)

    def stop(self, how=signal.SIGINT):
        """SIGINT hangs up on everybody; SIGQUIT is what a crash looks like to clients."""
        if self.server:
            self.server.send_signal(how)
            self.server.wait(30)
            self.server = None

    def remove(self):
        self.stop(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, program, *arguments, check=True, stdin=None):
        done = subprocess.run([self.bin / program, *arguments], env=self.environment, cwd="/", capture_output=True, text=True, input=stdin, timeout=60)
        assert not check or done.returncode == 0, done.stderr
        return done

    def new_name(self):
        return f"test_{next(self.numbers)}"

    def url(self, name, user="crm"):
        return f"postgresql://{user}@/{name}?host={self.folder}"


class Database:
    """One database of a server, made as a copy of `template`."""

    def __init__(self, server, name, template="template0"):
        self.server = server
        self.name = name
        self.url = server.url(name)
        server.run("psql", "-qX", "-d", "postgres", "-c", f"CREATE DATABASE {name} TEMPLATE {template}")

    def drop(self):
        """Before the server writes it out: forty of these would be half a gigabyte."""
        self.server.run("psql", "-qX", "-d", "postgres", "-c", f"DROP DATABASE {self.name} WITH (FORCE)")

    def sql(self, text):
        """Runs SQL; returns the rows of its last statement as lists of texts."""
        done = self.server.run("psql", "-qXAt", "-F", "\x1f", "-v", "ON_ERROR_STOP=1", "-d", self.name, "-c", text)
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    def value(self, text):
        return self.sql(text)[0][0]

    def copy_in(self, table, columns, csv):
        names = ", ".join(f'"{column}"' for column in columns)
        self.server.run("psql", "-qX", "-v", "ON_ERROR_STOP=1", "-d", self.name, "-c", f"COPY {table} ({names}) FROM STDIN WITH (FORMAT csv, NULL '')", stdin=csv)

    def dump(self, *options):
        """pg_dump, without the line that is another one each time."""
        text = self.server.run("pg_dump", *options, self.name).stdout
        return re.sub(r"^\\(un)?restrict .*$", "", text, flags=re.MULTILINE)

    def backends(self, where="TRUE"):
        """What mcp-crm's connections do."""
        return self.sql(f"SELECT pid, state, wait_event_type, query FROM pg_stat_activity WHERE datname = '{self.name}' AND application_name = 'mcp-crm' AND {where}")

    def waiting(self):
        return self.backends("wait_event_type = 'Lock'")

    def terminate(self, where="TRUE"):
        self.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}' AND application_name = 'mcp-crm' AND {where}")


class Session:
    """A connection that stays open, to hold locks with."""

    def __init__(self, database):
        command = [database.server.bin / "psql", "-qXAt", "-v", "ON_ERROR_STOP=1", "-d", database.name]
        self.psql = subprocess.Popen(command, env=database.server.environment, cwd="/", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def sql(self, text):
        """Runs SQL and waits for it; returns what it printed."""
        self.psql.stdin.write(f"{text};\n\\echo done\n")
        self.psql.stdin.flush()
        printed = []
        watchdog = threading.Timer(30, self.psql.kill)
        watchdog.start()
        for line in self.psql.stdout:
            if line == "done\n":
                break
            printed.append(line.rstrip("\n"))
        watchdog.cancel()
        return printed

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.psql.stdin.close()
        self.psql.wait(10)
        self.psql.stdout.close()


def mcp_crm(verb, database, **environment):
    """One run of `mcp-crm --VERB` on a database."""
    return subprocess.run([MCP_CRM, verb], env={"DATABASE_URL": database.url} | environment, capture_output=True, text=True, timeout=60 * SLOW)


def migrate(database):
    done = mcp_crm("--migrate", database)
    assert done.returncode == 0, done.stderr
    return done.stdout


def demo_database(server):
    """A database with the very rows of the SQLite demo database."""
    database = Database(server, "template_demo")
    migrate(database)
    source = sqlite3.connect(harness.demo_database())
    for table in TABLES:
        cursor = source.execute(f"SELECT * FROM {table}")
        lines = io.StringIO()
        csv.writer(lines).writerows(cursor)
        database.copy_in(table, [column[0] for column in cursor.description], lines.getvalue())
    source.close()
    database.sql("ANALYZE")
    return database


def contents(database):
    """Every row, as text: equal before and after what must change nothing."""
    return database.dump("--data-only")
