"""Ports, unix sockets and slow or too many clients."""

import json
import os
import socket
import subprocess
import time

import httpx
import pytest

import harness
from harness import GUICHE, JWT_SECRET, MCP_CRM, SLOW, free_port, hop_key, message, token, wait_until


def refused_start(*arguments, env=None, program=GUICHE):
    done = subprocess.run(
        [program, *map(str, arguments)],
        env={"PATH": os.environ["PATH"]} | (env or {}),
        capture_output=True,
        text=True,
        timeout=20 * SLOW,
        cwd="/tmp",
    )
    assert done.returncode not in (0, -6, -11), done.stderr
    return done.stderr


def test_a_port_in_use_is_a_sentence(folder):
    # issue part 5
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        path = folder / "guiche.yaml"
        path.write_text(json.dumps({"listen": f"127.0.0.1:{port}", "auth": {"hs256_secret": JWT_SECRET}}))
        text = refused_start("serve", path)

    assert str(port) in text and "another program" in text and len(text.splitlines()) == 1


def test_a_second_gateway_does_not_share_the_port_of_the_first(start, folder):
    # SO_REUSEPORT is for our own workers: half the calls would go to another process
    path = folder / "guiche.yaml"
    path.write_text(json.dumps({"listen": f"127.0.0.1:{start.gateway().port}", "auth": {"hs256_secret": JWT_SECRET}}))

    assert "another program" in refused_start("serve", path)


def test_the_gateway_listens_on_a_unix_socket_too(folder):
    path, sock = folder / "guiche.yaml", folder / "g.sock"
    path.write_text(json.dumps({"listen": f"unix:{sock}", "workers": 2, "auth": {"mode": "none"}}))
    process = harness.Process([GUICHE, "serve", path], folder / "log")
    try:
        client = httpx.Client(transport=httpx.HTTPTransport(uds=str(sock)), base_url="http://localhost")
        wait_until(lambda: client.get("/health").status_code == 200, "the gateway")
        assert oct(sock.stat().st_mode)[-3:] == "660"
        assert client.post("/mcp", content=json.dumps(harness.message("ping", None, "legacy"))).json()["result"] == {}
    finally:
        process.stop()


def test_a_stale_socket_is_taken_over_and_a_live_one_is_not(start, folder):
    # docs/architecture.md "Trust": a stale one removed only if nobody answers
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(folder / "crm.sock"))
    crm = start.crm()
    text = refused_start(
        env={"LISTEN": f"unix:{crm.socket}", "DATABASE_URL": crm.database, "HOP_KEY": hop_key("crm")}, program=MCP_CRM
    )

    assert "crm.sock" in text
    assert crm.http.get("/health").status_code == 200


def test_a_file_that_is_no_socket_is_not_removed(folder):
    path = folder / "precious.txt"
    path.write_text("precious")
    refused_start(
        env={"LISTEN": f"unix:{path}", "DATABASE_URL": f"sqlite:{folder / 'x'}", "HOP_KEY": hop_key("crm")},
        program=MCP_CRM,
    )

    assert path.read_text() == "precious"


@pytest.mark.parametrize(
    "sent",
    [
        b"POST /mcp HTTP/1.1\r\nHost: x\r\n",
        f"POST /mcp HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token()}\r\nContent-Length: 100\r\n\r\n{{".encode(),
    ],
    ids=["headers", "body"],
)
def test_a_client_that_is_too_slow_is_let_go(start, sent):
    # docs/clients.md, docs/operating.md: headers 10 s, body 15 s; absolute, so a byte now and then does not help
    gateway = start.gateway(timeouts={"headers": "500ms", "body": "500ms"})
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as client:
        client.sendall(sent)
        began = time.monotonic()
        received = b""
        try:
            while time.monotonic() - began < 12 * SLOW:
                client.settimeout(0.2)
                try:
                    piece = client.recv(1000)
                    if not piece:
                        break
                    received += piece
                except TimeoutError:
                    client.sendall(b"x")
        except OSError:
            pass
    assert time.monotonic() - began < 8 * SLOW
    assert received == b"" or b" 408 " in received.split(b"\r\n")[0]


def test_the_gateway_listens_on_ipv6_loopback(folder):
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        base = f"http://[::1]:{probe.getsockname()[1]}"
    path = folder / "six.yaml"
    path.write_text(json.dumps({"listen": base.removeprefix("http://"), "auth": {"mode": "none"}}))
    process = harness.Process([GUICHE, "serve", path], folder / "log")
    try:
        wait_until(lambda: httpx.get(f"{base}/health").status_code == 200, "the gateway")
        assert httpx.post(f"{base}/mcp", json=message("ping", None, "legacy")).json()["result"] == {}
    finally:
        process.stop()


def test_an_admin_port_in_use_is_a_sentence(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        path = folder / "guiche.yaml"
        admin = f"127.0.0.1:{taken.getsockname()[1]}"
        path.write_text(
            json.dumps(
                {"listen": f"127.0.0.1:{free_port()}", "admin_listen": admin, "auth": {"hs256_secret": JWT_SECRET}}
            )
        )

        assert "another program" in refused_start("serve", path)
