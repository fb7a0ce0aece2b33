"""A proxy's connection under TLS: what waits for the handshake is bounded, as all that waits for the peer is."""

import ssl
from pathlib import Path

from lan.services.http.proxy.channel import FULL_BYTES, Channel, TlsChannel

from ...pem import write_pem
from .played_proxy import PlayedLoop, PlayedSocket


class Heard:
    """Who has a channel, and what it has heard of it."""

    def __init__(self) -> None:
        self.rooms = 0
        self.got = b""

    def received(self, channel: Channel, data: bytes) -> None:
        self.got += data

    def has_room(self, channel: Channel) -> None:
        self.rooms += 1

    def broke(self, channel: Channel, error: OSError) -> None:
        raise AssertionError(error)


def test_what_waits_for_the_handshake_makes_the_channel_full(tmp_path: Path) -> None:
    """A server that never says a word of TLS must not have us keep all that a client sends."""
    write_pem(tmp_path, "web")
    ours, theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_verify_locations(tmp_path / "authority.pem")
    theirs.load_cert_chain(tmp_path / "pair.pem")
    near, loop, heard = PlayedSocket(1), PlayedLoop(), Heard()
    channel = TlsChannel(near, loop, heard, ours, "web")  # type: ignore[arg-type]
    channel.write(bytes(FULL_BYTES // 2))
    assert not channel.is_full
    channel.write(b"x" * FULL_BYTES)
    assert channel.is_full
    came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
    server, plain = theirs.wrap_bio(came, goes, server_side=True), b""
    while not plain.endswith(b"x" * FULL_BYTES):
        channel.flush()
        came.write(near.sent)
        near.sent = b""
        try:
            while piece := server.read(65536):
                plain += piece
        except ssl.SSLWantReadError:
            pass
        if said := goes.read():
            near.arrived.append(said)
            channel.ready(loop.watched[1][1])
    assert plain == bytes(FULL_BYTES // 2) + b"x" * FULL_BYTES
    assert (channel.is_full, heard.rooms) == (False, 1)
