"""The content of one answer on its way out: pieces in their framing, or a file that the kernel sends.  RFC 9112 §6."""

import os

from lan.services.http.origin.answer import Answer
from lan.services.http.protocol.connection import Server

PIECE_BYTES = 64 * 1024
SENDFILE_BYTES = 1024 * 1024


class Outflow:
    """What is still to leave after the head.  `is_plain`: the bytes need no TLS, so the kernel may send a file."""

    def __init__(self, answer: Answer, engine: Server, *, is_plain: bool) -> None:
        self._content, self._engine, self._trailers = answer.content, engine, answer.trailers
        self.length_bytes = answer.length_bytes
        self.sent_bytes = 0
        self._is_ended = False
        self._file = answer.content.descriptor if answer.content is not None and is_plain else None
        if self.length_bytes is None or self.length_bytes <= PIECE_BYTES:
            self._file = None

    @property
    def is_short(self) -> bool:
        """The content ended before its Content-Length."""
        return self.length_bytes is not None and self.sent_bytes < self.length_bytes

    @property
    def is_file(self) -> bool:
        """What comes next is sent by `send_file`, not by `next_piece`."""
        return self._file is not None and not self._is_ended

    def next_piece(self) -> bytes:
        """The next bytes to send, with their framing; ``b""`` when all have been given."""
        while not self._is_ended:
            data = self._read()
            if data:
                return self._engine.body(data)  # a piece of no bytes in no framing: HEAD
            self._is_ended = True
            return self._engine.end(self._trailers)
        return b""

    def _read(self) -> bytes:
        if self._content is None:
            return b""
        count = PIECE_BYTES if self.length_bytes is None else min(PIECE_BYTES, self.length_bytes - self.sent_bytes)
        data = self._content.read(self.sent_bytes, count) if count else b""
        self.sent_bytes += len(data)
        return data

    def send_file(self, socket_descriptor: int) -> bool:
        """Let the kernel send some of the file (sendfile(2)); False when nothing is left.  Raises BlockingIOError."""
        assert self._file is not None and self._content is not None and self.length_bytes is not None
        left = self.length_bytes - self.sent_bytes
        start = self._content.start_bytes + self.sent_bytes
        sent = os.sendfile(socket_descriptor, self._file, start, min(left, SENDFILE_BYTES)) if left else 0
        self.sent_bytes += sent
        if sent:
            return True
        self._is_ended = True
        return False
