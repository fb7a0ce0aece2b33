"""A recording written to a file: its owner's alone where it holds secrets, and nothing else's mode is touched."""

import os
from pathlib import Path

import pytest

from lan.cli.exporting import write_pcapng
from lan.cli.source import Source
from lan.trace.timeline import Timeline

from ..trace.tls_talk import TlsTalk


@pytest.fixture
def source(tmp_path: Path) -> Source:
    """A LAN's recording with one TLS connection, whose secrets are known."""
    talk = TlsTalk(tmp_path)
    talk.say("pc1", b"GET / HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets(f"# of pc1\n{talk.key_log}")
    timeline.feed(talk.frames)
    return Source(timeline, "office", tmp_path, None)


def test_a_file_with_secrets_is_its_owners_alone(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "copy.pcapng"
    target.touch(0o644)
    assert write_pcapng(source, source.timeline.all_frames, target) == 1
    assert target.stat().st_mode & 0o777 == 0o600


def test_what_is_no_file_keeps_its_mode(source: Source, tmp_path: Path) -> None:
    """As root, `--pcap /dev/null` would take it from everybody else."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    pipe.chmod(0o622)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert write_pcapng(source, source.timeline.all_frames, pipe) == 1
        assert pipe.stat().st_mode & 0o777 == 0o622
        assert os.read(reader, 4) == b"\x0a\x0d\x0d\x0a"
    finally:
        os.close(reader)
