"""What lies under a path, as a site says it: a file, a folder, its listing, or nothing.  RFC 9110 §3.1.

Pure.  `site.py` finds these in a folder, the applications make them from memory; `serving.py` makes
answers of them.
"""

from dataclasses import dataclass
from typing import Protocol

from lan.reasons import Reason
from lan.services.http.origin.answer import Content
from lan.services.http.origin.paths import Path

Signature = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file was found and what `stat` said of it; the same words later mean the same bytes.

    `signature`: device, inode, size, mtime_ns, ctime_ns.  `way`: device, inode, mtime_ns and ctime_ns of the
    folder that it lies in, where no link leads there: while they are the same, no file has come to lie beside it.
    """

    path: str
    signature: Signature
    way: Signature = ()


SETTLED_S = 2.0
"""A file changed more recently than this may change again without a new time stamp: it is read each time."""


def is_settled(place: Place, now_s: float) -> bool:
    """Whether another change of the file, or of what lies beside it, would show in its signature or its way."""
    changed_ns = max((*place.signature[3:], *place.way[-2:]), default=0)
    return now_s - changed_ns / 1e9 >= SETTLED_S


@dataclass(frozen=True, slots=True)
class Resource:
    """A file, or bytes that are served like one.  Whoever gets one closes its content.

    `name` tells the media type by its ending, unless `media_type` does.  `tag` stands without quotes:
    another tag means other bytes (RFC 9110 §8.8.3).  `codings` are those of `encodings.ENDINGS` that
    the site has beside it; `coding` is the one that this content has.
    """

    name: str
    size_bytes: int
    modified_s: int
    tag: str
    content: Content
    media_type: str | None = None
    codings: tuple[str, ...] = ()
    coding: str | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Folder:
    """The path names a folder, and so should end in a slash."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a listing."""

    name: str
    is_folder: bool
    size_bytes: int
    modified_s: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A folder without an index, where its listing may be seen; `is_whole`: no entry is left out."""

    entries: tuple[Entry, ...]
    is_whole: bool = True


@dataclass(frozen=True, slots=True)
class Nothing:
    """No file to give: 404 or 403, and why."""

    status: int
    why: Reason


Found = Resource | Folder | Listing | Nothing


class Site(Protocol):
    """What lies under the paths of one site."""

    def find(self, path: Path, *, now_s: float | None = None, turn_s: float | None = None) -> Found:
        """The file under this path; where it ends in a slash, the folder's index or listing.

        `now_s`: seconds since 1970, where what was read before will do as long as it is the same.  `turn_s` names
        a turn of the server's loop, in which a folder is looked at once.
        """

    def find_encoded(self, path: Path, coding: str, *, now_s: float | None = None) -> Resource | Nothing:
        """The form of that file that this coding names, one of its `codings`."""

    def is_current(self, place: Place, turn_s: float | None = None) -> bool:
        """Whether the file is still what it was when it was found there; a look or two, nothing is opened."""
