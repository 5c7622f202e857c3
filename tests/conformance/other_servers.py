"""Servers of other people, as they come from npm and PyPI (setup), and what a config says of each."""

import signal
import subprocess

import harness
import suite

PYTHON = harness.ROOT / "build/conformance/python/bin"
LOOPBACK = harness.ROOT / "tests/conformance/loopback.mjs"


class Server(harness.Process):
    """One that listens on HTTP. How it ends is its own affair."""

    def __init__(self, folder, name, port, argv, env=None):
        self.url = f"http://127.0.0.1:{port}/mcp"
        super().__init__(argv, folder / f"{name}.log", {"HOME": str(folder.path)} | (env or {}), cwd=folder.path)
        harness.wait_until(lambda: (self.alive() or self.fail()) and listens(port), name, seconds=90)

    def fail(self):
        raise AssertionError(self.text())

    def stop(self, expected=None):
        self.popen.send_signal(signal.SIGTERM)
        try:
            self.popen.wait(10)
        except subprocess.TimeoutExpired:
            pass
        self.kill()


def listens(port):
    with harness.socket.create_connection(("127.0.0.1", port), timeout=1):
        return True


def everything(folder, name="everything"):
    """npm @modelcontextprotocol/server-everything: 2025-11-25, with sessions."""
    port = harness.free_port()
    program = suite.PACKAGES / "server-everything/dist/index.js"
    argv = [suite.NODE, "--import", LOOPBACK, program, "streamableHttp"]
    return Server(folder, name, port, argv, {"PORT": str(port)})


def excel(folder):
    """PyPI excel-mcp-server: 2026-07-28."""
    port = harness.free_port()
    books = folder / "books"
    books.mkdir(exist_ok=True)
    argv = [PYTHON / "excel-mcp-server", "streamable-http", "--host", "127.0.0.1", "--port", port]
    return Server(folder, "excel", port, [*argv, "--allow-dir", books, "--tools", "workbooks,data"])


def time():
    """PyPI mcp-server-time, over stdio."""
    return [str(PYTHON / "mcp-server-time"), "--local-timezone", "Europe/Lisbon"]


def memory():
    """npm @modelcontextprotocol/server-memory, over stdio; keeps its graph in MEMORY_FILE_PATH."""
    return [str(suite.NODE), str(suite.PACKAGES / "server-memory/dist/index.js")]
