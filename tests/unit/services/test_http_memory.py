"""What the C library keeps of freed memory is given back, and not too often; and nothing small stands in its way."""

import re
import socket
import ssl
from pathlib import Path

import pytest

from lan.services.http import memory
from lan.services.http.memory import EVERY_S, Thrift
from lan.services.http.proxy.channel import Channel, TlsChannel
from lan.services.http.proxy.loop import Loop

from ...pem import write_pem

PIECE, PIECES = 16 * 1024, 4096
MESSAGES = [b"GET /%d HTTP/1.1\r\nHost: web\r\n\r\n" % number for number in range(300)]


def held_kib() -> int:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


@pytest.mark.skipif(memory._trim is None, reason="this C library has no malloc_trim")
def test_the_holes_between_what_is_in_use_are_given_back() -> None:
    pieces = [bytearray(b"x") * PIECE for _ in range(PIECES)]
    kept = pieces[::8]  # no two neighbours, so that the heap can't shrink at its end
    del pieces
    before = held_kib()
    assert memory.give_back()
    assert before - held_kib() > PIECE * PIECES / 1024 / 2
    assert len(kept) == PIECES / 8


def test_it_is_done_each_ten_seconds_and_no_more_often() -> None:
    thrift = Thrift(100.0)
    assert [thrift.look(100.0 + now) for now in (0, EVERY_S - 0.1, EVERY_S, EVERY_S + 1, 2 * EVERY_S)] == [
        False, False, True, False, True,
    ]  # fmt: skip


class Keeper:
    """The owner of a channel, who keeps all that it brings."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def received(self, channel: Channel, data: bytes) -> None:
        self.kept.append(data)

    def has_room(self, channel: Channel) -> None:
        raise AssertionError("it was never full")

    def broke(self, channel: Channel, error: OSError) -> None:
        raise error


def in_heap(small: list[bytes]) -> list[bytes]:
    """Those that lie in the C library's heap: for what is small Python has rooms of its own."""
    found = re.search(r"^(\w+)-(\w+) .*\[heap\]$", Path("/proc/self/maps").read_text(), re.MULTILINE)
    heap = range(0) if found is None else range(int(found[1], 16), int(found[2], 16))
    return [one for one in small if id(one) in heap]


def test_a_message_that_is_kept_lies_where_small_things_lie() -> None:
    keeper, loop = Keeper(), Loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    channel = Channel(near, loop, keeper)
    for message in MESSAGES:
        far.send(message)
        loop.step()
    assert keeper.kept == MESSAGES
    assert in_heap(keeper.kept) == []
    channel.close()
    loop.close()
    far.close()


def test_a_message_under_tls_that_is_kept_lies_there_too(tmp_path: Path) -> None:
    write_pem(tmp_path, "web")
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ours.load_cert_chain(tmp_path / "pair.pem")
    theirs.load_verify_locations(tmp_path / "authority.pem")
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = theirs.wrap_bio(came, goes, server_hostname="web")
    keeper, loop = Keeper(), Loop()
    near, far = socket.socketpair()
    near.setblocking(False)
    channel = TlsChannel(near, loop, keeper, ours)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    while client.version() is None:
        far.send(goes.read())
        loop.step()
        came.write(far.recv(65536))
        client.do_handshake()
    for message in MESSAGES:
        client.write(message)
        far.send(goes.read())
        loop.step()
    assert b"".join(keeper.kept) == b"".join(MESSAGES)
    assert in_heap(keeper.kept) == []
    channel.close()
    loop.close()
    far.close()
