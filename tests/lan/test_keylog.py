"""The TLS secrets of a LAN: kept by each device for itself, read by the trace, and kept off where the user says so."""

import stat
import sys
from pathlib import Path

from lan.engine import environment
from lan.trace.opening import open_capture

from ..command import Command

FETCH = "import urllib.request; print(urllib.request.urlopen('https://www.ark-inflearn.com/').status)"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_https_of_a_lan_is_read_in_the_clear_and_written_for_wireshark(lan: Command, tmp_path: Path) -> None:
    with lan.up("office", "--switch", "bridge") as up:
        assert up.exec("pc1", sys.executable, "-c", FETCH, check=0).out.strip() == "200"
        listed = up.run("flow", "--list", check=0).out
        assert "HTTPS pc1 → web: GET www.ark-inflearn.com/ → 200 OK" in listed
        assert "1 TLS connection" in up.run("trace", "--pcap", str(tmp_path / "all.pcapng"), check=0).out
        kept = up.state / "devices"
        for device in ("pc1", "web"):  # the client's program and our server, each its own
            assert mode(kept / device / "tls-keys.log") == 0o600
            assert "SERVER_TRAFFIC_SECRET_0" in (kept / device / "tls-keys.log").read_text()
        assert "tls-keys" not in up.exec("pc1", "ls", "-R", "/run", "/tmp", "/root", check=0).out
        assert up.exec("dns", "cat", "/var/lib/lan/tls-keys.log", check=0).out == ""  # nobody sees another's
    assert mode(tmp_path / "all.pcapng") == 0o600
    [transaction] = open_capture(tmp_path / "all.pcapng").timeline.http
    assert (transaction.status, transaction.session is not None) == (200, True)


def test_without_a_key_log_no_secret_is_kept(lan: Command) -> None:
    with lan.up("single:1", "--switch", "bridge", "--no-keylog") as up:
        assert "SSLKEYLOGFILE" not in up.exec("h1", "env", check=0).out
        assert not list((up.state / "devices").glob("*/tls-keys.log"))


def test_a_topology_does_not_say_where_secrets_go() -> None:
    own = {"SSLKEYLOGFILE": "/tmp/elsewhere"}
    assert environment.of_device("pc1", {}, own, key_log=True)["SSLKEYLOGFILE"] == "/var/lib/lan/tls-keys.log"
