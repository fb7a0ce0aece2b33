"""iperf3 in the benchmarks: what ends early, or fails, is told, and nobody waits for ever."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from benchmarks import iperf3, trace_capturing

RATE = json.dumps({"end": {"sum_received": {"bits_per_second": 3e6}}})
LISTENS = "print('Server listening on 5201', flush=True);"
FOR_EVER = LISTENS + "import signal; signal.pause()"


def server(program: str) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)


def test_the_rate_is_what_arrived() -> None:
    assert iperf3.mbit_s(server(LISTENS), lambda: RATE) == 3.0


def test_a_server_that_ends_before_it_listens_is_told_with_its_words() -> None:
    with pytest.raises(RuntimeError, match="before it listened: in use"):
        iperf3.mbit_s(server("print('in use')"), lambda: RATE)


def test_a_client_that_fails_ends_the_server() -> None:
    def fail() -> str:
        raise subprocess.CalledProcessError(1, "iperf3")

    waits = server(FOR_EVER)
    with pytest.raises(subprocess.CalledProcessError):
        iperf3.mbit_s(waits, fail)
    assert waits.returncode
    waits = server(FOR_EVER)
    with pytest.raises(RuntimeError, match="unable to connect"):
        iperf3.mbit_s(waits, lambda: json.dumps({"end": {}, "error": "unable to connect"}))
    assert waits.returncode


def test_a_run_may_take_longer_than_it_measures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    limits_s: list[float] = []

    class Host:
        def popen(self, *_: object, **__: object) -> "subprocess.Popen[str]":
            return server(LISTENS)

        def run(self, command: list[str], *, timeout: float = 0) -> SimpleNamespace:
            if command[0] == "iperf3":
                limits_s.append(timeout)
                return SimpleNamespace(stdout=RATE)
            link = {"ifname": "eth0", "stats64": {"rx": {"packets": 1}, "tx": {"packets": 1}}}
            return SimpleNamespace(stdout=json.dumps([link]))

    @contextmanager
    def lan(*_: object, **__: object) -> Iterator[Any]:
        yield SimpleNamespace(device=lambda _: Host(), pid="self")

    monkeypatch.setattr(trace_capturing, "_lan", lan)
    monkeypatch.setattr(trace_capturing, "_taps", lambda _: 0)
    assert trace_capturing._load(tmp_path, "bridge", 0, 300, is_captured=False).mbit_s == 3.0
    assert limits_s[0] > 300
