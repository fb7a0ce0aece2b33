"""A server and a client on a real cable: how their connections end, as the cable saw it."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HOUSE = Path(__file__).resolve().parents[1]
CABLE = HOUSE / "tests" / "lan" / "http_over_a_cable.py"

CLIENT_FIRST = ["client FIN, ACK", "server ACK", "server FIN, ACK", "client ACK"]
SERVER_FIRST = ["server FIN, ACK", "client ACK", "client FIN, ACK", "server ACK"]


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
    """What passed from the first FIN on, but for TLS's farewell (close_notify is data), ACKs of data, and each
    segment once: on a busy machine a FIN whose ACK is a few milliseconds late is sent again (tail loss probe,
    RFC 8985 §7).  Its second ACK meets a connection that is gone, and gets a RST (RFC 9293 §3.10.7.1)."""
    fins = {segment["from"]: segment for segment in segments if "FIN" in segment["flags"]}
    first = next(at for at, segment in enumerate(segments) if "FIN" in segment["flags"])
    bare = [one for one in segments[first:] if not one["length"] and not is_about_data(one, fins)]
    once: dict[Any, str] = {}
    acknowledged_again: set[int] = set()
    for one in bare:
        acknowledged = None if "FIN" in one["flags"] else one["ack"]
        key = one["from"], one["flags"], one["seq"], acknowledged
        if key in once:
            acknowledged_again.add(one["ack"])
        elif one["flags"] != "RST" or one["seq"] not in acknowledged_again:
            once[key] = f"{one['from']} {one['flags']}"
    return list(once.values())


def is_about_data(segment: dict[str, Any], fins: dict[str, dict[str, Any]]) -> bool:
    """Whether it is a bare ACK of what came before the other side's FIN."""
    fin = next((fin for side, fin in fins.items() if side != segment["from"]), None)
    if segment["flags"] != "ACK":
        return False
    covered = 0 if fin is None else (segment["ack"] - fin["seq"] - fin["length"]) & 0xFFFFFFFF
    return covered == 0 or covered >= 1 << 31
