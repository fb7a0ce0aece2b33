"""TLS connections between two devices as the tap would see them, spoken by OpenSSL in memory, with their key log."""

import ssl
from collections.abc import Callable
from pathlib import Path

from lan.engine.certificates import Authority
from lan.trace.frame import Frame

from .talk import Talk

NAME = "www.lan.test"
Settings = Callable[[ssl.SSLContext, ssl.SSLContext], None]


class TlsTalk:
    """One connection; `settings` may change the client's and the server's context before it begins."""

    def __init__(self, folder: Path, settings: Settings | None = None, *, segment_bytes: int = 1460) -> None:
        self.segment_bytes, self._keys = segment_bytes, folder / "keys.log"
        authority = Authority.create("test")
        (folder / "server.pem").write_bytes(b"".join(authority.issue([NAME], [])))
        here, there = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        there.load_cert_chain(folder / "server.pem")
        here.load_verify_locations(cadata=authority.certificate_pem.decode())
        here.keylog_filename = str(self._keys)
        if settings is not None:
            settings(here, there)
        self._boxes = {who: (ssl.MemoryBIO(), ssl.MemoryBIO()) for who in ("pc1", "web")}
        self.ends = {
            "pc1": here.wrap_bio(*self._boxes["pc1"], server_hostname=NAME),
            "web": there.wrap_bio(*self._boxes["web"], server_side=True),
        }
        self.talk = Talk(server_port=443)
        self.frames: list[Frame] = self.talk.open()
        waiting = {"pc1", "web"}
        while waiting:
            for who in sorted(waiting):
                try:
                    self.ends[who].do_handshake()
                    waiting.discard(who)
                except ssl.SSLWantReadError:
                    pass
                self._carry(who)

    @property
    def key_log(self) -> str:
        """The lines that the client has written."""
        return self._keys.read_text()

    def say(self, who: str, data: bytes) -> None:
        """Application data; the other end reads it."""
        self.ends[who].write(data)
        self._carry(who)
        peer, got = self.ends["web" if who == "pc1" else "pc1"], b""
        while len(got) < len(data):
            got += peer.read(1 << 16)

    def close(self) -> None:
        """Both say close notify and close."""
        for who in ("pc1", "web"):
            try:
                self.ends[who].unwrap()
            except ssl.SSLWantReadError:
                pass
            self._carry(who)
        self.frames += [self.talk.say("pc1", "FIN+ACK"), self.talk.say("web", "FIN+ACK"), self.talk.say("pc1", "ACK")]

    def _carry(self, who: str) -> None:
        data, size = self._boxes[who][1].read(), self.segment_bytes
        self._boxes["web" if who == "pc1" else "pc1"][0].write(data)
        self.frames += [self.talk.say(who, "ACK", data[at : at + size]) for at in range(0, len(data), size)]
