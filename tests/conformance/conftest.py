"""Fixtures: what starts and stops processes (of the black-box tests), and the servers that the suite is run against."""

import functools
import pathlib
import sys

import httpx
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "blackbox"))

import harness  # noqa: E402  (of the black-box tests)

CONNECTOR = harness.BUILD / "tests/conformance/connector/mcp-conformance"
TENANT = "conformance"


def pytest_addoption(parser):
    parser.addoption(
        "--before",
        metavar="URL",
        help="take the MCP server at URL, which has the suite's fixtures, instead of our connector",
    )


@pytest.fixture(scope="session")
def folder():
    folder = harness.Folder()
    yield folder
    folder.remove()


@pytest.fixture(scope="session")
def start(folder):
    """start(Class, ...) starts a process of the harness with this folder first, and stops it at the end."""
    yield from harness.starting(folder)


class Connector(harness.Process):
    """mcp-conformance alone: no gateway, no token."""

    def __init__(self, folder):
        port = harness.free_port()
        self.url = f"http://127.0.0.1:{port}/mcp"
        super().__init__([CONNECTOR, "--no-auth", TENANT], folder / "connector.log", {"LISTEN": f"127.0.0.1:{port}"})
        harness.wait_until(lambda: self.alive() and httpx.get(f"http://127.0.0.1:{port}/health"), "mcp-conformance")


def bare_gateway(folder, url, **more):
    """A gateway that asks nobody who they are, before one connector whose names it leaves alone."""
    row = {"name": "only", "prefix": "", "url": url}
    return harness.Gateway(folder, [row | more.pop("row", {})], auth={"mode": "none"}, hop_secret=None, **more)


@pytest.fixture(scope="session")
def url_of(request, start):
    """url_of(target): where to find what the suite is run against; started at the first question."""
    before = request.config.getoption("--before")

    @functools.cache
    def url(target):
        if target == "connector":
            return before or start(Connector).url
        workers = int(target.removeprefix("gateway-"))
        return start(bare_gateway, url("connector"), name=target, workers=workers).url

    return url
