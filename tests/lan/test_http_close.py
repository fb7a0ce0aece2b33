"""The close as the seed draws it, on a real cable: FIN, ACK, FIN, ACK, and who holds TIME_WAIT."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lan.engine.certificates import Authority

HOUSE = Path(__file__).resolve().parents[2]
CABLE = HOUSE / "tests" / "lan" / "http_over_a_cable.py"

CLIENT_FIRST = ["client FIN, ACK", "server ACK", "server FIN, ACK", "client ACK"]
SERVER_FIRST = ["server FIN, ACK", "client ACK", "client FIN, ACK", "server ACK"]


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and the server's certificate and key."""
    folder = tmp_path_factory.mktemp("pem")
    authority = Authority.create("a cable")
    certificate, key = authority.issue(["web"], ["10.7.0.2"])
    for name, data in (("authority", authority.certificate_pem), ("server", certificate), ("key", key)):
        (folder / f"{name}.pem").write_bytes(data)
    return folder


def over_the_cable(pem: Path, scheme: str, times: int, program: str, *server: str) -> tuple[list[list[Any]], int]:
    """The segments of each connection, and how many sockets the client holds in TIME_WAIT."""
    tls = (
        ["--tls", "--certificate", str(pem / "server.pem"), "--key", str(pem / "key.pem")] if scheme == "https" else []
    )
    trusted = str(pem / "authority.pem")
    done = subprocess.run(
        [
            *("unshare", "--user", "--map-root-user", "--net", "--", sys.executable, str(CABLE)),
            *(f"{scheme}://10.7.0.2/", str(times), program, *tls, *server),
        ],
        env={**os.environ, "PYTHONPATH": str(HOUSE), "SSL_CERT_FILE": trusted, "CURL_CA_BUNDLE": trusted},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare failed" in done.stderr:
        pytest.skip(f"no network namespace to be had: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    *connections, last = map(json.loads, done.stdout.splitlines())
    assert len(connections) == times
    return [one["segments"] for one in connections], last["client_time_wait"]


def end(segments: list[Any]) -> list[str]:
    """What passed from the first FIN on, but for TLS's farewell (close_notify is data), and each segment once:
    on a busy machine a FIN whose ACK is a few milliseconds late is sent again (tail loss probe, RFC 8985 §7)."""
    first = next(at for at, segment in enumerate(segments) if "FIN" in segment["flags"])
    bare = [one for one in segments[first:] if not one["length"]]
    once = {(one["from"], one["flags"], one["seq"], one["ack"]): f"{one['from']} {one['flags']}" for one in bare}
    return list(once.values())


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_client_closes_in_four_segments_every_time_and_holds_time_wait(pem: Path, scheme: str) -> None:
    connections, time_wait = over_the_cable(pem, scheme, 200, "lan-fetch")
    assert [end(segments) for segments in connections] == [CLIENT_FIRST] * 200
    assert time_wait == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_turned_round_the_server_closes_in_four_segments(pem: Path, scheme: str) -> None:
    program = "lan-fetch --closes-first server"
    connections, time_wait = over_the_cable(pem, scheme, 50, program, "--closes-first", "server")
    assert [end(segments) for segments in connections] == [SERVER_FIRST] * 50
    assert time_wait == 0


def test_without_quickack_the_kernel_lets_the_ack_ride_on_the_fin(pem: Path) -> None:
    """The mutant of the close: so the test above would fail if the server set no TCP_QUICKACK."""
    [segments], _ = over_the_cable(pem, "http", 1, "lan-fetch", "--no-quickack")
    assert end(segments) == ["client FIN, ACK", "server FIN, ACK", "client ACK"]


@pytest.mark.parametrize("program", ["curl --silent", "curl --silent --header Connection:close", "wget -q -O -"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_other_programs_see_the_same_close(pem: Path, program: str, scheme: str) -> None:
    if shutil.which(program.split()[0]) is None:
        pytest.skip(f"no {program.split()[0]} here")
    if program.startswith("wget"):
        program += f" --ca-certificate={pem / 'authority.pem'}"
    connections, time_wait = over_the_cable(pem, scheme, 3, program)
    assert [end(segments) for segments in connections] == [CLIENT_FIRST] * 3
    assert time_wait == 3


def test_the_response_is_one_segment_and_says_close(pem: Path) -> None:
    [segments], _ = over_the_cable(pem, "http", 1, "lan-fetch")
    assert [one["from"] for one in segments if one["length"]] == ["client", "server"]
