"""Fixtures: a folder, starters that stop what they started, ready gateways (with the CRM, with Qlik, with a
connector whose answers are scripted) per module, and PostgreSQL."""

import pytest

import harness
from fake_connector import FakeConnector
from lab import Lab
from postgres import Database, Postgres, demo_database
from qlik_world import Qlik
from session_connector import SessionConnector


@pytest.fixture
def folder():
    folder = harness.Folder()
    yield folder
    folder.remove()


@pytest.fixture(scope="module")
def module_folder():
    folder = harness.Folder()
    yield folder
    folder.remove()


class Starter:
    def __init__(self, folder):
        self.folder = folder
        self.started = []

    def crm(self, **options):
        self.started.append(harness.Crm(self.folder, **options))
        return self.started[-1]

    def connector(self, connector, env=None, **options):
        """mcp-NAME with these variables; a Standin among the values counts as its URL."""
        values = {k: v.url if isinstance(v, harness.Standin) else v for k, v in (env or {}).items()}
        self.started.append(harness.Connector(self.folder, connector, values, **options))
        return self.started[-1]

    def standin(self, upstream, *args, **options):
        self.started.append(harness.Standin(self.folder, upstream, *args, **options))
        return self.started[-1]

    def stack_with(self, *connectors, **options):
        """A gateway before these connectors, once it offers the tools of each."""
        gateway = self.gateway([c.row() for c in connectors], **options)
        for c in connectors:
            harness.wait_until(lambda c=c: gateway.connector_status(c.connector)["tools"], f"the tools of {c.connector}")
        return gateway

    def gateway(self, connectors=(), **options):
        self.started.append(harness.Gateway(self.folder, connectors, **options))
        return self.started[-1]

    def fake(self, **options):
        self.started.append(FakeConnector(**options))
        return self.started[-1]

    def session_connector(self, **options):
        self.started.append(SessionConnector(**options))
        return self.started[-1]

    def stop(self):
        harness.stop_all(self.started)


@pytest.fixture
def start(folder):
    starter = Starter(folder)
    yield starter
    starter.stop()


@pytest.fixture(scope="module")
def start_module(module_folder):
    starter = Starter(module_folder)
    yield starter
    starter.stop()


@pytest.fixture(scope="module")
def stack(start_module):
    """A gateway with the CRM behind it, for tests that change neither."""
    crm = start_module.crm()
    gateway = start_module.gateway([{"name": "crm", "url": crm.url}])
    gateway.crm = crm
    return gateway


@pytest.fixture(scope="module")
def whole_lab(start_module):
    return Lab(start_module)


@pytest.fixture
def lab(whole_lab):
    yield whole_lab
    assert whole_lab.gateway.alive()


@pytest.fixture(scope="module")
def shared_qlik(start_module):
    return Qlik(start_module)


@pytest.fixture
def qlik(shared_qlik):
    shared_qlik.cloud.forget()
    return shared_qlik


@pytest.fixture(scope="session")
def postgres():
    """One server for all; databases are made by make_database."""
    server = Postgres()
    yield server
    server.remove()


@pytest.fixture(scope="session")
def postgres_demo(postgres):
    """The demo data; not to be used, but to be copied: make_database(postgres_demo.name)."""
    return demo_database(postgres)


@pytest.fixture
def make_database(postgres):
    """Makes a database, empty or as a copy of another, and drops it after the test."""
    made = []

    def make(template="template0"):
        made.append(Database(postgres, postgres.new_name(), template))
        return made[-1]

    yield make
    for database in made:
        database.drop()


def pytest_sessionfinish(session, exitstatus):
    harness.remove_demo_database()
