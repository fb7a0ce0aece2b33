"""The bare server and client of figure 4-6 over loopback, in a network namespace of the test's own."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOUSE = Path(__file__).resolve().parents[2]
PATIENCE_S = 60

# Both programs in one fresh namespace: the server says on stderr when it listens, then the client starts.
PROGRAM = """
import subprocess, sys
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
words = sys.argv[1:]
python = [sys.executable, "-m"]
with subprocess.Popen([*python, "lan.services.sockets.server", "--listen", "127.0.0.1:8080", "--json",
                       "--connections", words.pop(0)],
                      stdout=open("server", "wb"), stderr=subprocess.PIPE, text=True) as server:
    assert "ready: tcp 127.0.0.1:8080" in server.stderr.readline()
    while words:
        client = [*python, "lan.services.sockets.client", "127.0.0.1", "8080", *words.pop(0).split()]
        subprocess.run(client, check=True, stdout=open("client", "ab"))
    assert server.wait() == 0
"""


def met(folder: Path, *clients: str) -> tuple[str, str]:
    """What the server and its clients, started with these words, said."""
    words = ["unshare", "--user", "--map-root-user", "--net", "--", sys.executable, "-c", PROGRAM]
    done = subprocess.run(
        [*words, str(len(clients)), *clients],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"no network namespace to be had: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    return (folder / "server").read_text(), (folder / "client").read_text()


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_server_and_client_take_the_steps_of_the_figure_in_order(tmp_path: Path) -> None:
    server, client = map(events, met(tmp_path, "--json"))
    assert [one["step"] for one in server] == ["S1", "S2", "S3", "S4", "S5", "S6", "S7", "S8", "S9"]
    assert [one["step"] for one in client] == ["C1", "C2", "C3", "C4", "C5", "C6", "C7", "C6", "C7", "C8"]
    assert [one["call"] for one in server] == [
        *("socket", "bind", "listen", "accept", "accept", "read", "read", "write", "close")
    ]
    states = {one["step"]: one["state"] for one in (*client, *server)}
    assert [states[step] for step in ("S1", "S2", "S3", "S5", "S7")] == [
        *("CLOSED", "CLOSED", "LISTEN", "ESTABLISHED", "ESTABLISHED")
    ]
    assert [states[step] for step in ("C2", "C3", "C4")] == ["CLOSED", "CLOSED", "ESTABLISHED"]
    assert states["C5"] in {"ESTABLISHED", "CLOSE-WAIT"}  # a quick server may have closed when `write` comes back


def test_the_server_closes_first_and_each_end_sees_it(tmp_path: Path) -> None:
    server, client = map(events, met(tmp_path, "--json"))
    *_, last_read, close = client
    assert (last_read["size_bytes"], last_read["state"]) == (0, "CLOSE-WAIT")
    assert server[-1]["state"] in {"FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT"}
    assert close["state"] in {"LAST-ACK", "CLOSED"}


def test_both_ends_name_one_connection_by_its_four_values(tmp_path: Path) -> None:
    server, client = map(events, met(tmp_path, "--json"))
    tuples = {(one["local"], one["peer"]) for one in client if one["local"] and one["peer"]}
    mirrored = {(one["peer"], one["local"]) for one in server if one["local"] and one["peer"]}
    assert len(tuples) == 1
    assert tuples == mirrored


def test_a_half_closed_client_still_gets_its_response() -> None:
    """The server here answers only behind the client's FIN, so the response comes on a half-closed connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        words = [sys.executable, "-m", "lan.services.sockets.client", "127.0.0.1", str(listening.getsockname()[1])]
        with subprocess.Popen(
            [*words, "--json", "--half-close"], cwd=HOUSE, stdout=subprocess.PIPE, text=True
        ) as client:
            listening.settimeout(PATIENCE_S)
            with listening.accept()[0] as s2:
                s2.settimeout(PATIENCE_S)
                while s2.recv(4096):
                    pass
                assert client.stdout is not None
                said = ""
                while '"shutdown"' not in said:  # its state is told before the response comes
                    said += client.stdout.readline()
                s2.sendall(b"late")
            told = events(said + client.communicate(timeout=PATIENCE_S)[0])
    shut = next(at for at, one in enumerate(told) if one["call"] == "shutdown")
    assert told[shut]["state"] in {"FIN-WAIT-1", "FIN-WAIT-2"}
    assert [one["size_bytes"] for one in told[shut:] if one["size_bytes"] is not None] == [4, 0]
    assert told[-1]["state"] == "TIME-WAIT"  # it closed first


def test_a_blocking_server_serves_one_client_after_the_other(tmp_path: Path) -> None:
    server, client = met(tmp_path, "", "--target /second")
    accepts = [one["step"] for one in events(server) if one["call"] in {"accept", "close"}]
    assert accepts == ["S4", "S5", "S9"] * 2
    assert "   | GET /second HTTP/1.0" in client.splitlines()
    assert [line for line in client.splitlines() if line.startswith("C4 connect     ESTABLISHED  127.0.0.1:")]


def test_what_fails_is_said_in_words(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "lan.services.sockets.client"]
    how: dict[str, Any] = {"cwd": HOUSE, "capture_output": True, "text": True, "check": False}
    refused = subprocess.run([*words, "127.0.0.1", "1"], **how)
    assert refused.returncode == 1
    assert "connect: connection refused\n  try       start lan-tcp-server" in refused.stderr
    assert subprocess.run([*words, "127.0.0.1", "0"], **how).returncode == 2
