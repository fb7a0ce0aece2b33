"""What a TLS connection carried, in the clear, for whoever has its secrets.  RFC 8446 §5, RFC 5246 §6.  Pure.

`Decryption` reads both directions of a connection record by record, as they grow.  Where the secrets are not known
(yet), it waits: they may come later than the frames.  A record that the keys don't open ends the reading of its
direction, and says so in `fault`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field

from lan.trace import decryption_keys as keys
from lan.trace import keylog
from lan.trace.decryption_keys import Opener, Opener13, Undecipherable
from lan.trace.frame import Frame
from lan.trace.keylog import KeyLog
from lan.trace.reassembly_messages import Message, tls_records
from lan.trace.stream import Stream
from lan.wire import tls
from lan.wire.tls import ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, HANDSHAKE, RECORD_HEADER_BYTES
from lan.wire.tls_handshake import CLIENT_HELLO, SERVER_HELLO, TYPE_NAMES
from lan.wire.tls_hello import Hello, read_hello

TLS_1_2, TLS_1_3 = "TLS 1.2", "TLS 1.3"
FINISHED, KEY_UPDATE, END_OF_EARLY_DATA = 20, 24, 5
ENCRYPT_THEN_MAC, EARLY_DATA = 22, 42
HANDSHAKE_HEADER_BYTES = 4


class ClearStream:
    """The application's bytes of one direction; `frames_of` names the frames that brought them."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._ends: list[int] = []
        self._frames: list[list[Frame]] = []

    @property
    def data(self) -> bytearray:
        return self._data

    @property
    def gaps(self) -> list[tuple[int, int]]:
        """None: what is behind a missing record can't be opened."""
        return []

    def __repr__(self) -> str:
        return f"<ClearStream {len(self.data)} bytes>"

    def add(self, data: bytes, frames: list[Frame]) -> None:
        """The next bytes, and who brought the record that held them."""
        if data:
            self._data += data
            self._ends.append(len(self.data))
            self._frames.append(frames)

    def frames_of(self, start: int, end: int) -> list[Frame]:
        """The frames that brought the bytes from offset `start` to `end`."""
        if start >= end:
            return []
        first, last = bisect_right(self._ends, start), bisect_left(self._ends, end)
        found = [frame for frames in self._frames[first : last + 1] for frame in frames]
        return list({frame.number: frame for frame in found}.values())


@dataclass(frozen=True, slots=True)
class Opened:
    """One record that was encrypted, in the clear: its true content type, in words, and what it held."""

    content_type: str
    data: bytes
    frames: list[Frame]
    is_client: bool

    def words(self) -> str:
        """``Finished``, ``alert: close notify``, ``application data, 92 bytes``."""
        if self.content_type == "handshake":
            return ", ".join(TYPE_NAMES.get(kind, f"handshake {kind}") for kind, _ in messages(self.data))
        if self.content_type == "alert" and len(self.data) == 2:
            return f"alert: {tls.ALERTS.get(self.data[1]) or f'number {self.data[1]}'}"
        return f"{self.content_type}, {len(self.data)} bytes"


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and body of the handshake messages that are whole."""
    at = 0
    while at + HANDSHAKE_HEADER_BYTES <= len(data):
        after = at + HANDSHAKE_HEADER_BYTES + int.from_bytes(data[at + 1 : at + HANDSHAKE_HEADER_BYTES], "big")
        if after > len(data):
            return
        yield data[at], data[at + HANDSHAKE_HEADER_BYTES : after]
        at = after


@dataclass(slots=True)
class _Way:
    """One direction: how far it is read, and its keys."""

    stream: Stream
    is_client: bool
    clear: ClearStream = field(default_factory=ClearStream)
    opener: Opener | None = None
    is_changed: bool = False
    """Whether its ChangeCipherSpec is past: up to TLS 1.2 what follows is encrypted."""
    is_handshake_over: bool = False
    is_early: bool = False
    waiting: Message | None = None
    handshake: bytearray = field(default_factory=bytearray)
    fault: str = ""


class Decryption:
    """Both directions of one connection.  `opened` are the records that were encrypted, in the order of reading.

    `starts` are the offsets where TLS begins in the client's and in the server's stream: behind 0 in a tunnel.
    """

    def __init__(self, client: Stream, server: Stream, key_log: KeyLog, *, starts: tuple[int, int] = (0, 0)) -> None:
        self.key_log = key_log
        self.opened: list[Opened] = []
        self._client, self._server = _Way(client, is_client=True), _Way(server, is_client=False)
        self._cutters = {True: tls_records(client, starts[0]), False: tls_records(server, starts[1])}
        self._client_hello: Hello | None = None
        self._server_hello: Hello | None = None
        self._has_asked_again = False

    @property
    def client(self) -> ClearStream:
        """What the client's application sent."""
        return self._client.clear

    @property
    def server(self) -> ClearStream:
        """What the server's application sent."""
        return self._server.clear

    @property
    def fault(self) -> str:
        """Why a direction is not read further; "" while it is."""
        return self._client.fault or self._server.fault

    @property
    def client_random(self) -> bytes | None:
        """By which the connection stands in a key log; None before the ClientHello."""
        return self._client_hello.random if self._client_hello else None

    @property
    def has_keys(self) -> bool:
        """Whether the key log has secrets of this connection."""
        return self.client_random is not None and self.client_random in self.key_log

    @property
    def is_waiting(self) -> bool:
        """Whether a record is here whose keys are not known yet."""
        return any(way.waiting is not None and not way.fault for way in (self._client, self._server))

    def go_on(self) -> bool:
        """Read what has become readable; whether that was anything.

        The server first: its hello tells how the client's records are to be read.
        """
        has_any = False
        while self._read(self._server) or self._read(self._client):
            has_any = True
        return has_any

    def _read(self, way: _Way) -> bool:
        """Read one record of a direction; False where there is none, or its keys are not known yet."""
        if way.fault:
            return False
        cutter = self._cutters[way.is_client]
        record = way.waiting or next(cutter.take(), None)
        if record is None:
            if cutter.is_lost:
                way.fault = f"no TLS record at byte {cutter.at}: a piece was not captured, or it is damaged"
            return False
        way.waiting = record
        try:
            is_read = self._take(way, record)
        except Undecipherable as fault:
            way.fault, is_read = str(fault), False
        if is_read:
            way.waiting = None
        return is_read

    def _take(self, way: _Way, record: Message) -> bool:
        header, content = record.data[:RECORD_HEADER_BYTES], record.data[RECORD_HEADER_BYTES:]
        if header[0] == CHANGE_CIPHER_SPEC:
            way.is_changed = True
            return True
        if way.is_changed and self._server_hello is None and not self._has_asked_again:
            return False  # a client in a hurry: nobody knows yet how its records are to be read
        if not self._is_encrypted(way, header[0]):
            if header[0] == HANDSHAKE:
                self._hear(way, content)
            return True
        if way.opener is None and not self._find_keys(way):
            return False
        assert way.opener is not None
        try:
            kind, plain = way.opener.open(header, content)
        except Undecipherable:
            if not (way.is_early and not way.is_handshake_over):
                raise
            way.is_early, way.opener = False, None  # the server took no early data: the handshake's keys are next
            return self._take(way, record)
        frames = way.stream.frames_of(record.start, record.end)
        self.opened.append(Opened(tls.CONTENT_TYPES.get(kind, f"type {kind}"), plain, frames, way.is_client))
        if kind == APPLICATION_DATA:
            way.clear.add(plain, frames)
        elif kind == HANDSHAKE:
            self._follow(way, plain)
        return True

    def _is_encrypted(self, way: _Way, kind: int) -> bool:
        """Up to TLS 1.2 all that follows ChangeCipherSpec; in 1.3 what is told to be application data."""
        if kind == APPLICATION_DATA:
            return True
        version = self._server_hello.version if self._server_hello else ""
        return way.is_changed and version != TLS_1_3 and kind in (HANDSHAKE, ALERT) and self._server_hello is not None

    def _hear(self, way: _Way, content: bytes) -> None:
        """A handshake record in the clear: the hellos tell what is agreed on.  A message may span records."""
        way.handshake += content
        for kind, body in messages(bytes(way.handshake)):
            del way.handshake[: HANDSHAKE_HEADER_BYTES + len(body)]
            if kind in (CLIENT_HELLO, SERVER_HELLO):
                hello = read_hello(body, 0, len(body), is_client=way.is_client)
                if way.is_client:
                    self._client_hello = self._client_hello or hello
                    way.is_early = hello is not None and EARLY_DATA in hello.extensions
                elif hello is not None and not hello.is_retry:
                    self._server_hello = hello
                elif hello is not None:  # a server that asks again takes no early data
                    self._has_asked_again, self._client.is_early = True, False

    def _find_keys(self, way: _Way) -> bool:
        """The keys of a direction's next records; False while they are not known."""
        if self._client_hello is None or self._client_hello.random is None:
            return False
        if self._server_hello is None or self._server_hello.random is None:
            return False
        name = next(iter(self._server_hello.ciphers), "")
        suite = keys.suite_of(name)
        if suite is None:
            raise Undecipherable(f"{name} is not known here")
        if self._server_hello.version == TLS_1_3:
            secret = self._secret(self._label(way))
            if secret is not None:
                way.opener = Opener13(suite, secret)
            return secret is not None
        if self._server_hello.version != TLS_1_2:
            raise Undecipherable(f"{self._server_hello.version} is not opened")
        master = self._secret(keylog.MASTER)
        if master is None:
            return False
        is_outside = ENCRYPT_THEN_MAC in self._server_hello.extensions
        randoms = self._client_hello.random, self._server_hello.random
        pair = keys.openers_12(suite, master, *randoms, is_mac_outside=is_outside)
        self._client.opener, self._server.opener = pair
        return True

    def _label(self, way: _Way) -> str:
        if way.is_client:
            early = way.is_early and self._secret(keylog.CLIENT_EARLY) is not None
            return (
                keylog.CLIENT_DATA if way.is_handshake_over else keylog.CLIENT_EARLY if early
                else keylog.CLIENT_HANDSHAKE
            )  # fmt: skip
        return keylog.SERVER_DATA if way.is_handshake_over else keylog.SERVER_HANDSHAKE

    def _secret(self, label: str) -> bytes | None:
        random = self.client_random
        return None if random is None else self.key_log.secret(random, label)

    def _follow(self, way: _Way, content: bytes) -> None:
        """An encrypted handshake record: some messages change the keys of what follows (TLS 1.3)."""
        if self._server_hello is None or self._server_hello.version != TLS_1_3:
            return
        way.handshake += content
        for kind, body in messages(bytes(way.handshake)):
            del way.handshake[: HANDSHAKE_HEADER_BYTES + len(body)]
            if kind == FINISHED:
                way.is_handshake_over, way.opener = True, None
            elif kind == END_OF_EARLY_DATA:
                way.is_early, way.opener = False, None
            elif kind == KEY_UPDATE and isinstance(way.opener, Opener13):
                way.opener = way.opener.updated()
