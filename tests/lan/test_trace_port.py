"""Captures on request: a device's own port and its loopback; and the LAN's own, kept small, on one LAN."""

import json
import signal
from collections.abc import Iterator

import pytest

from lan.trace.pcapng import Reader
from lan.trace.rotation import parts

from ..command import Command, Up

PINGS = 600


@pytest.fixture(scope="module")
def up(shared_lan: Command) -> Iterator[Up]:
    small = ("--snaplen", "1000", "--trace-size", "1M", "--trace-files", "2")
    with shared_lan.up("single:2", "--switch", "bridge", *small) as there:
        yield there


def seen_while(up: Up, words: list[str], *program: str) -> str:
    """What ``lan trace WORDS`` printed of a program on h1."""
    with up.start("trace", *words) as tracing:
        assert tracing.stdout is not None
        first = tracing.stdout.readline()
        assert "captured from now on" in first
        assert up.exec("h1", *program).code == 0
        tracing.send_signal(signal.SIGINT)
        out, err = tracing.communicate(timeout=60)
    assert (tracing.returncode, err) == (0, "")
    return str(out)


def test_a_devices_own_port_shows_what_it_sent_and_got(up: Up) -> None:
    out = seen_while(up, ["--port", "h1:eth0", "--filter", "icmp"], "ping", "-c", "1", "10.0.0.2")
    request, reply = [line.split() for line in out.splitlines() if " ICMP " in line]
    assert request[3:5] == ["h1", "h2"] and "request" in request
    assert reply[3:5] == ["h2", "h1"] and "reply" in reply


def test_a_devices_loopback_shows_each_frame_once(up: Up) -> None:
    out = seen_while(up, ["--loopback", "h1"], "ping", "-c", "2", "-i", "0.01", "127.0.0.1")
    said = [line.partition("echo ")[2].split()[0] for line in out.splitlines() if " ICMP " in line]
    assert said == ["request", "reply"] * 2


def test_a_full_capture_file_gives_way_and_numbers_go_on(up: Up) -> None:
    assert up.exec("h1", "ping", "-f", "-q", "-c", str(PINGS), "-s", "1400", "10.0.0.2").code == 0
    last = json.loads(up.run("trace", "--hops", "--json", "-n", "1", check=0).out)["number"]
    files, reader = parts(up.state / "trace.pcapng"), Reader()
    numbers = [frame.number for file in files for frame in reader.feed(file.read_bytes())]
    assert len(files) == 2 and all(file.stat().st_size <= 1 << 20 for file in files)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] > 1 and numbers[-1] >= last >= PINGS * 4  # request and reply, each at two ports; ARP may follow


@pytest.mark.parametrize("words", [["--port", "h1:eth0"], ["--loopback", "h1"]], ids=lambda words: words[0])
def test_a_lan_that_goes_down_ends_what_captures_its_port(shared_lan: Command, words: list[str]) -> None:
    with shared_lan.up("single:2", "--switch", "bridge") as there, there.start("trace", *words) as tracing:
        assert tracing.stdout is not None and "captured from now on" in tracing.stdout.readline()
        shared_lan.run("down", there.name, check=0)
        _, err = tracing.communicate(timeout=60)
    assert (tracing.returncode, err.splitlines()[0]) == (1, f"lan: LAN {there.name} is gone")


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--port", "h1:eth9"], "did you mean 'h1:eth0'?"),
        (["--port", "s1:eth1"], "the LAN's own capture has it"),
        (["--port", "h1:eth0", "--pcap", "none/h1.pcapng"], "--pcap none/h1.pcapng: No such file or directory"),
        (["--port", "h1:eth0", "--pcap", "/"], "--pcap /: Is a directory"),
    ],
)
def test_what_can_not_be_captured_is_told(up: Up, words: list[str], why: str) -> None:
    assert why in up.run("trace", *words, check=2).err
