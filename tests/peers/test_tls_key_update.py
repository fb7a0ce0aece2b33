"""Keys that change within a connection, by OpenSSL's own programs: what they said is read to its end."""

import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from lan.engine.certificates import Authority
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline
from tests.unit.trace.talk import Talk

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
PATIENCE_S = 60


class Relay:
    """Stands between the two programs; what passes is `frames`, as a tap between pc1 and web would see it."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.talk = Talk(server_port=443)
        self.frames: list[Frame] = self.talk.open()
        self._passed = threading.Condition()
        pairs = ((client, server, "pc1"), (server, client, "web"))
        self._threads = [threading.Thread(target=self._pump, args=pair, daemon=True) for pair in pairs]
        for thread in self._threads:
            thread.start()

    def _pump(self, here: socket.socket, there: socket.socket, who: str) -> None:
        try:
            while data := here.recv(1400):
                with self._passed:  # noted before it is handed on: who has read an answer knows what passed
                    self.frames.append(self.talk.say(who, "ACK", data))
                    self._passed.notify_all()
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)
        except OSError:
            return

    def wait_for(self, who: str, number: int) -> None:
        """Wait until so many segments of one side have passed."""
        with self._passed:
            assert self._passed.wait_for(lambda: self.count(who) >= number, PATIENCE_S)

    def count(self, who: str) -> int:
        return sum(frame.from_device == who for frame in self.frames)

    def finish(self) -> None:
        for thread in self._threads:
            thread.join(PATIENCE_S)


@contextmanager
def program(*words: object) -> Iterator["subprocess.Popen[bytes]"]:
    quiet = subprocess.DEVNULL
    command = ["openssl", *map(str, words)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, bufsize=0) as process:
        try:
            yield process
        finally:
            process.kill()


def say(process: "subprocess.Popen[bytes]", line: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(line)


def hear(process: "subprocess.Popen[bytes]", wanted: bytes) -> bytes:
    """Its output until a line that holds this."""
    assert process.stdout is not None
    line = next(line for line in process.stdout if wanted in line)
    return bytes(line)


def test_both_sides_change_their_keys_and_are_read_to_the_end(tmp_path: Path) -> None:
    authority = Authority.create("test")
    (tmp_path / "server.pem").write_bytes(b"".join(authority.issue(["www.lan.test"], [])))
    pem = tmp_path / "server.pem"
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        server = stack.enter_context(program("s_server", "-accept", "127.0.0.1:0", "-cert", pem, "-key", pem))
        port = int(hear(server, b"ACCEPT").rpartition(b":")[2])
        where = f"127.0.0.1:{listening.getsockname()[1]}"
        client = stack.enter_context(program("s_client", "-connect", where, "-keylogfile", tmp_path / "keys.log"))
        ends = stack.enter_context(listening.accept()[0]), socket.create_connection(("127.0.0.1", port))
        relay = Relay(*ends)
        say(client, b"one\n")
        hear(server, b"one")
        before = relay.count("pc1")
        say(client, b"K\n")  # its command for: new keys, and yours too
        relay.wait_for("pc1", before + 1)
        say(client, b"two\n")
        hear(server, b"two")
        say(server, b"three\n")
        hear(client, b"three")
        say(client, b"Q\n")
        client.wait(PATIENCE_S)
        relay.finish()
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets((tmp_path / "keys.log").read_text())
    timeline.feed(relay.frames)
    decryption = timeline.tls[0].decryption
    assert decryption is not None
    assert decryption.fault == ""
    assert [opened.is_client for opened in decryption.opened if opened.words() == "KeyUpdate"] == [True, False]
    assert bytes(decryption.client.data) == b"one\ntwo\n"
    assert bytes(decryption.server.data) == b"three\n"
