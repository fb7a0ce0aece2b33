"""A capture file as a timeline: ours, or of any program that writes pcap or pcapng (gzip too).

A file of ours says which ports are switches'.  Of a foreign one `devices` (MAC address → name) tells
what it can't: without it its frames are taken as seen once, between addresses.  A capture that was kept in
several files is read from the oldest on.  TLS secrets are those in the file, and those of a LAN whose own capture
it is, beside it.
"""

import gzip
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BufferedIOBase
from pathlib import Path

from lan.errors import UsageError
from lan.trace.frame import Frame
from lan.trace.indexed import LEAST_BLOCK_BYTES, IndexedCapture
from lan.trace.keylog import LanKeys
from lan.trace.linktypes import AsEthernet, as_ethernet, made_up
from lan.trace.notes import of_end, of_links
from lan.trace.pcapng import Reader
from lan.trace.pcapng_format import LINKTYPE_ETHERNET
from lan.trace.proxy_log import ProxyLogs
from lan.trace.rotation import earlier
from lan.trace.span import Span
from lan.trace.timeline import Timeline
from lan.wire.malformed import Malformed

MOST_FRAMES = 250_000
"""More are not held in memory at once; with what they mean, each takes some 3 KB."""
MOST_BYTES = 1 << 30
"""Nor are frames that have more bytes together, as those of a capture with segmentation offload."""
LEAST_BYTES = 12
"""So many at least say what kind of file it is."""
PIECE_BYTES = 1 << 20
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file's timeline; `notes` tell what of the file could not be read."""

    path: Path
    timeline: Timeline
    notes: tuple[str, ...] = ()


def open_capture(
    path: Path, *, devices: Mapping[str, str] | None = None, switches: Iterable[str] | None = None
) -> Opened:
    """Read a file to its end.  Raises UsageError where there is none, or it is no capture."""
    opening = Opening(path, devices=devices, switches=switches)
    while opening.more():
        pass
    return Opened(path, opening.timeline, tuple(opening.notes))


class Opening:
    """A file that is taken up piece by piece, all of it or a part.

    `timeline` grows with each call of `more`; `notes` are all there at the end.
    """

    def __init__(
        self,
        path: Path,
        *,
        devices: Mapping[str, str] | None = None,
        switches: Iterable[str] | None = None,
        span: Span | None = None,
    ) -> None:
        self.path, self.notes, self.span = path, list[str](), span
        self.timeline = Timeline(devices, switches)
        self._knows_switches, self._secrets = switches is not None, 0
        self._begun_ns: int | None = None
        self._bytes = 0
        if span is None:
            refuse_many(path)
        self._reader = Reader()
        self._pieces = self._read()
        self.timeline.learn_secrets(LanKeys(path.parent).fresh())
        for device, log in ProxyLogs(path.parent).fresh():
            self.timeline.learn_proxies(device, log)

    def more(self) -> bool:
        """Take up one more piece; False at the end.  Raises UsageError as `open_capture`."""
        try:
            frames = next(self._pieces, None)
        except OSError as error:
            raise UsageError(f"{self.path}: {error.strerror or error}", expected="a pcap or pcapng file") from error
        except Malformed as fault:
            raise UsageError(f"{self.path}: {fault}", expected="a pcap or pcapng file of Ethernet frames") from fault
        if frames is None:
            return False
        if not self._knows_switches:
            self.timeline.switches = self._reader.switches or None
        if secrets := self._reader.secret_parts[self._secrets :]:
            self.timeline.learn_secrets("".join(secrets))
            self._secrets += len(secrets)
        return self._take(frames)

    def _take(self, frames: list[Frame]) -> bool:
        """Take up what is meant of them; whether more may be."""
        if self.span is not None and frames:
            if self._begun_ns is None:
                self._begun_ns = frames[0].time_ns
                self.timeline.leave_out(self._begun_ns)
            is_over = self.span.is_behind(frames[-1], self._begun_ns)
            frames = self.span.choose(frames, self._begun_ns)
        else:
            is_over = False
        self.timeline.feed(frames)
        self._bytes += sum(len(frame.data) for frame in frames)
        if len(self.timeline.all_frames) > MOST_FRAMES:
            raise too_many(self.path, f"more than {MOST_FRAMES} frames")
        if self._bytes > MOST_BYTES:
            raise too_many(self.path, f"more than {MOST_BYTES >> 20} MB of frames")
        return not is_over

    def _read(self) -> Iterator[list[Frame]]:
        for older in earlier(self.path):
            with _open(older) as file:
                while piece := file.read1(PIECE_BYTES):
                    yield self._reader.feed(piece)
        with _open(self.path) as file:
            yield from _read(file, self._reader, self.notes)


def refuse_many(path: Path) -> None:
    """Raises UsageError where a file is soon seen to have more frames than can be held."""
    if (count := _count(path)) > MOST_FRAMES:
        raise too_many(path, f"{count} frames")


def is_large(path: Path) -> bool:
    """Whether a file is soon seen to have more than can be held, or only reading it tells: a pipe, a compressed one."""
    try:
        if not path.is_file():
            return path.exists()
        with path.open("rb") as file:
            is_compressed = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        return is_compressed or path.stat().st_size > MOST_BYTES or _count(path) > MOST_FRAMES
    except OSError:
        return False


def too_many(path: Path, told: str) -> UsageError:
    """The error of frames that are more than can be held."""
    return UsageError(
        f"{path}: {told} are too many to be held at once",
        expected=f"{MOST_FRAMES} at most: --part 1000-2000 (frames) or --part 3.2s-4s takes a part",
        todo="lan view, step, pdu and trace go through recordings of any size",
    )


def _count(path: Path) -> int:
    """How many frames a file has, where that is soon told; 0 where it has few, or only reading it tells."""
    try:
        if not path.is_file() or path.stat().st_size < MOST_FRAMES * LEAST_BLOCK_BYTES:
            return 0
        with IndexedCapture(path) as index:
            return len(index)
    except (OSError, Malformed):
        return 0


def _open(path: Path) -> BufferedIOBase:
    """A file, or a pipe, which can't be gone back in."""
    file = path.open("rb")
    return gzip.GzipFile(fileobj=file) if file.peek(2)[:2] == GZIP_MAGIC else file


def _read(file: BufferedIOBase, reader: Reader, notes: list[str]) -> Iterator[list[Frame]]:
    """All that makes sense; what does not goes to `notes`, in words.  Raises Malformed where it is no capture."""
    size, changing = 0, None
    try:
        while piece := file.read1(PIECE_BYTES):
            if not size and as_ethernet(piece)[1]:
                changing = AsEthernet()
            size += len(piece)
            yield reader.feed(changing.feed(piece) if changing else piece)
        if changing is not None:
            yield reader.feed(changing.end())
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        notes.append(f"the compressed file is damaged after frame {reader.frames}: {error}")
        return
    if size < LEAST_BYTES:
        raise Malformed("it ends before it says what it is" if size else "it is empty")
    if changing is not None:
        notes.append(made_up(changing.links))
    notes += of_links({each.linktype for each in reader.interfaces} - {LINKTYPE_ETHERNET})
    notes += of_end(reader.damage, reader.pending_bytes, reader.frames)
