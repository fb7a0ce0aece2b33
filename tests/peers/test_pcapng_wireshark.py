"""The files that we write for Wireshark in its own tools: comments, ports, and HTTPS in the clear without a setting."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from lan.reasons import Reason
from lan.trace.journey import Journey, Stop
from lan.trace.timeline import Timeline
from lan.trace.views import pcapng_export
from lan.trace.why.saying import Explained
from tests.unit.trace.test_decryption import REQUEST, RESPONSE, SETTINGS
from tests.unit.trace.tls_talk import TlsTalk

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")


def told(stop: Stop, journey: Journey) -> list[Explained]:
    return [
        Explained(2, way, f"test.{way}", Reason("here", f"{stop.device} {way}: 이유"), False) for way in ("in", "out")
    ]


def run(*command: str, home: Path) -> str:
    """A tool's output, without a word of trouble and without settings of anybody's."""
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(home)})
    trouble = [line for line in done.stderr.splitlines() if 'user "root"' not in line]
    assert trouble == []
    return done.stdout


@pytest.mark.parametrize("name", ["TLS 1.3", "AES-GCM", "CBC"])
def test_wireshark_shows_https_in_the_clear_and_our_reasons(name: str, tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, SETTINGS[name])
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    talk.close()
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets(talk.key_log)
    timeline.feed(talk.frames)
    path = tmp_path / "file.pcapng"
    path.write_bytes(b"".join(pcapng_export.write(timeline, pcapng_export.secrets_of(timeline), told)))
    words = run("capinfos", str(path), home=tmp_path)
    assert f"Number of packets:   {len(talk.frames)}" in words
    assert "Name = s1:pc1" in words
    fields = [word for name in ("http.request.uri", "http.response.code", "frame.number") for word in ("-e", name)]
    shown = run("tshark", "-n", "-r", str(path), "-Y", "http", "-T", "fields", *fields, home=tmp_path).splitlines()
    [transaction] = timeline.http
    last = [message.frames[-1].number for message in (transaction.request, transaction.response) if message]
    assert shown == [f"/a\t\t{last[0]}", f"/a\t200\t{last[1]}"] or shown == [f"/a\t\t{last[0]}", f"\t200\t{last[1]}"]
    comments = run("tshark", "-n", "-r", str(path), "-T", "fields", "-e", "frame.comment", home=tmp_path).splitlines()
    assert comments[0] == r"pc1, layer 2: pc1 out: 이유 (test.out)\ns1, layer 2: s1 in: 이유 (test.in)"
    assert run("tshark", "-n", "-r", str(path), "-Y", "_ws.malformed", home=tmp_path) == ""
