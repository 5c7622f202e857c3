"""Fixtures: a folder, starters that stop what they started, one ready gateway with the CRM per module, and PostgreSQL."""

import pytest

import harness
from fake_connector import FakeConnector
from postgres import Database, Postgres, demo_database


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

    def gateway(self, connectors=(), **options):
        self.started.append(harness.Gateway(self.folder, connectors, **options))
        return self.started[-1]

    def fake(self, **options):
        self.started.append(FakeConnector(**options))
        return self.started[-1]

    def stop(self):
        problems = []
        for process in reversed(self.started):
            try:
                process.stop()
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)


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
