"""TLS sessions: what can be seen of a handshake and of the data behind it without keys, and with them.

RFC 8446 §4 to §6, RFC 5246 §7.  Pure.
"""

from bisect import bisect_left
from dataclasses import dataclass, field
from operator import attrgetter

from lan.trace.decryption import Decryption
from lan.trace.frame import Frame
from lan.trace.keylog import KeyLog
from lan.trace.stream import Stream
from lan.trace.trackers.tcp import Connection, Side
from lan.wire import tls
from lan.wire.tls import TlsRecord

ENCRYPTED_ALERT_BYTES = 19
"""A TLS 1.3 alert under its cover: two bytes, the true content type, the cipher's tag (RFC 8446 §5.2)."""
TLS_1_3, ENCRYPTED, CLOSE_NOTIFY = "TLS 1.3", "encrypted", "close notify"


@dataclass(slots=True, eq=False, repr=False)
class Session:
    """One connection's TLS, as far as it came."""

    connection: Connection
    starts: tuple[int, int] = (0, 0)
    """Where it begins in the client's and in the server's stream: behind 0 in a tunnel through a proxy."""
    client_hello: Frame | None = None
    server_hello: Frame | None = None
    client_random: bytes | None = None
    """By which its secrets stand in a key log."""
    server_name: str | None = None
    """The name that the client asked for (SNI)."""
    version: str | None = None
    """The version that the server chose."""
    cipher: str | None = None
    client_finished: Frame | None = None
    """The client's last handshake message: it has accepted the certificate."""
    alerts: list[tuple[str, str]] = field(default_factory=list)
    """(device, what it said), ``encrypted`` where only the keys would tell."""
    client_bytes: int = 0
    """Encrypted bytes that the client sent after its handshake."""
    server_bytes: int = 0
    """The same of the server; in TLS 1.3 its session tickets are among them."""
    frames: list[Frame] = field(default_factory=list)
    decryption: Decryption | None = None
    """What the session carried, in the clear; None where its secrets are not known."""

    @property
    def is_established(self) -> bool:
        """Whether the handshake came to its end on the client's side."""
        return self.server_hello is not None and self.client_finished is not None

    @property
    def has_data_both_ways(self) -> bool:
        """Whether each side sent encrypted data after the handshake."""
        return self.is_established and self.client_bytes > 0 and self.server_bytes > 0

    def _is_farewell(self, alert: str) -> bool:
        """Whether an alert only ends the session; behind a handshake that succeeded, an encrypted one does."""
        return alert == CLOSE_NOTIFY or (alert == ENCRYPTED and self.is_established)

    def __repr__(self) -> str:
        name = self.server_name or self.connection.server.ip
        words = [self.version or "no ServerHello"]
        words += [f"{self.client_bytes} bytes →, {self.server_bytes} bytes ←"] if self.is_established else []
        words += [f"alert by {device}: {text}" for device, text in self.alerts if not self._is_farewell(text)]
        words += ["in the clear"] if self.decryption is not None and self.decryption.opened else []
        return f"TLS {self.connection.client.device} → {self.connection.server.device}: {name}, {', '.join(words)}"


class Tracker:
    """Reads connections that speak TLS as their streams grow."""

    def __init__(self) -> None:
        self.sessions: list[Session] = []
        self.key_log = KeyLog()
        self._sessions: dict[Connection, Session] = {}
        self._readings: dict[tuple[Connection, tuple[int, int]], _Reading | None] = {}

    def add(self, connection: Connection, starts: tuple[int, int] = (0, 0)) -> Session | None:
        """A segment of this connection came in; its session where more of that is in the clear now.

        `starts` are the offsets in both streams behind which a proxy's tunnel begins.
        """
        key = connection, starts
        if key not in self._readings:
            data, at, header = connection.client.stream.data, starts[0], tls.RECORD_HEADER_BYTES
            if len(data) < at + header:
                return None
            if not tls.is_beginning(bytes(data[at : at + header]), 0, header):
                self._readings[key] = None
                return None
            session = Session(connection, starts)
            self.sessions.append(session)
            self._sessions[connection] = session
            self._readings[key] = _Reading(session)
        reading = self._readings[key]
        if reading is None:
            return None
        reading.go_on()
        return reading.session if len(self.key_log) and self._decrypt(reading.session) else None

    def session_of(self, connection: Connection) -> Session | None:
        """The TLS session that a connection carries, the last one where it carries several; None where it has none."""
        return self._sessions.get(connection)

    def learn(self, key_log: str) -> list[Session]:
        """Take lines of a key log; the sessions of which more is in the clear now."""
        if not self.key_log.add(key_log):
            return []
        waiting = [each for each in self.sessions if each.decryption is None or each.decryption.is_waiting]
        return [session for session in waiting if self._decrypt(session)]

    def _decrypt(self, session: Session) -> bool:
        if session.decryption is None:
            if session.client_random is None or session.client_random not in self.key_log:
                return False
            connection = session.connection
            streams = connection.client.stream, connection.server.stream
            session.decryption = Decryption(*streams, self.key_log, starts=session.starts)
        return session.decryption.go_on()


class _Reading:
    """Takes whole records from both directions of a connection."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._at = {True: session.starts[0], False: session.starts[1]}
        self._is_encrypted = {True: False, False: False}

    def go_on(self) -> None:
        connection = self.session.connection
        for is_client, side in ((True, connection.client), (False, connection.server)):
            while (found := self._next(side.stream, is_client)) is not None:
                record, frames = found
                self._take(record, frames[-1], side, is_client=is_client)
                for frame in frames:
                    self._note(frame)

    def _note(self, frame: Frame) -> None:
        """Keep a frame once, at its place: the last one of a record may begin the next, which ends much later."""
        frames = self.session.frames
        at = bisect_left(frames, frame.number, key=attrgetter("number"))
        if at == len(frames) or frames[at].number != frame.number:
            frames.insert(at, frame)

    def _next(self, stream: Stream, is_client: bool) -> tuple[TlsRecord, list[Frame]] | None:
        at, header = self._at[is_client], tls.RECORD_HEADER_BYTES
        head = bytes(stream.data[at : at + header])
        if not tls.is_beginning(head, 0, len(head)):
            return None
        end = at + header + int.from_bytes(head[3:], "big")
        if end > len(stream.data):
            return None
        self._at[is_client] = end
        [record, *_] = tls.read(bytes(stream.data[at:end]), 0, end - at).records
        return record, stream.frames_of(at, end)

    def _take(self, record: TlsRecord, frame: Frame, side: Side, *, is_client: bool) -> None:
        session = self.session
        if record.content_type == "alert":
            is_clear = record.alert is not None and not self._is_encrypted[is_client]
            session.alerts.append((side.device, str(record.alert) if is_clear else ENCRYPTED))
        elif record.content_type == "change cipher spec":
            self._is_encrypted[is_client] = True
        elif record.content_type == "handshake":
            self._take_handshake(record, frame, is_client=is_client)
        elif record.content_type == "application data":
            self._take_data(record, frame, side, is_client=is_client)

    def _take_handshake(self, record: TlsRecord, frame: Frame, *, is_client: bool) -> None:
        session = self.session
        if is_client and self._is_encrypted[True] and record.hello is None:
            session.client_finished = session.client_finished or frame  # up to TLS 1.2; after it nothing but Finished
        elif record.hello is not None and is_client:
            session.client_hello = session.client_hello or frame
            session.client_random = session.client_random or record.hello.random
            session.server_name = record.hello.server_name or session.server_name
        elif record.hello is not None:
            session.server_hello = session.server_hello or frame
            session.version = record.hello.version
            session.cipher = next(iter(record.hello.ciphers), None)

    def _take_data(self, record: TlsRecord, frame: Frame, side: Side, *, is_client: bool) -> None:
        """In TLS 1.3 the handshake's end looks like data: the client's first such record is its Finished."""
        session = self.session
        if session.version == TLS_1_3 and record.length == ENCRYPTED_ALERT_BYTES:
            session.alerts.append((side.device, ENCRYPTED))
        elif session.client_finished is None:
            if session.version == TLS_1_3 and is_client:
                session.client_finished = frame
        elif is_client:
            session.client_bytes += record.length
        else:
            session.server_bytes += record.length
