"""What passed on a LAN, in the words of a test: ``trace.tcp(client="pc1").one().closed_by == "server"``."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from lan.testing.conversations.arp import ARP, SeenResolution
from lan.testing.conversations.base import Kind, S, T
from lan.testing.conversations.dhcp import DHCP, SeenExchange
from lan.testing.conversations.dns import DNS, SeenQuery
from lan.testing.conversations.http import HTTP, SeenTransaction
from lan.testing.conversations.icmp import ICMP, SeenEcho
from lan.testing.conversations.tcp import TCP, SeenConnection
from lan.testing.conversations.tls import TLS, SeenSession
from lan.testing.events import What, finder, named
from lan.testing.failing import NotSeen
from lan.testing.found import LONGEST_LIST, Found, listed, passed
from lan.testing.watch import Watch
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline, Window
from lan.trace.trackers import arp, dhcp, dns, http, icmp, tcp, tls
from lan.trace.views.table import row


class Trace:
    """Frames and conversations that began after frame `after` and, where `last` is given, not after that frame."""

    def __init__(self, watch: Watch, *, after: int = 0, last: int | None = None) -> None:
        self._watch, self.after, self.last = watch, after, last

    # ---- conversations

    @property
    def arp(self) -> Found[arp.Resolution, SeenResolution]:
        """Addresses asked for or announced: by `client`, `target`, `kind`, `mac`."""
        return self._found(ARP)

    @property
    def dhcp(self) -> Found[dhcp.Exchange, SeenExchange]:
        """DHCP exchanges: by `client`, `server`, `yiaddr`, `xid`."""
        return self._found(DHCP)

    @property
    def dns(self) -> Found[dns.Query, SeenQuery]:
        """DNS questions: by `client`, `server`, `name`, `type`, `rcode`."""
        return self._found(DNS)

    @property
    def icmp(self) -> Found[icmp.Echo, SeenEcho]:
        """Echo requests: by `client`, `target`, `sequence`, `is_answered`."""
        return self._found(ICMP)

    @property
    def tcp(self) -> Found[tcp.Connection, SeenConnection]:
        """TCP connections: by `client`, `server`, `client_port`, `server_port`."""
        return self._found(TCP)

    @property
    def tls(self) -> Found[tls.Session, SeenSession]:
        """TLS sessions: by `client`, `server`, `server_name`, `version`."""
        return self._found(TLS)

    @property
    def http(self) -> Found[http.Transaction, SeenTransaction]:
        """HTTP transactions: by `client`, `server`, `server_port`, `method`, `path`, `target`, `host`, `status`."""
        return self._found(HTTP)

    # ---- frames

    @property
    def frames(self) -> list[Frame]:
        """Each frame until now once, where its sender put it on the cable."""
        self._watch.sync()
        return self._window.first_sightings

    def seen(self, what: What) -> list[Frame]:
        """The frames until now that an event, a filter or a function means."""
        question, found = f"trace.seen({named(what)})", self._find(what)
        self._watch.notebook.note(question, found)
        self._watch.be_certain(question)
        return found

    def wait_for(self, what: What) -> Frame:
        """The first frame that is meant; waits for it.  Raises NotSeen."""
        question, find = f"trace.wait_for({named(what)})", finder(what, self._watch.devices())
        if not self._watch.until(lambda: bool(find(self._window))):
            self._watch.notebook.note(question, self._window.first_sightings[-LONGEST_LIST:])
            raise NotSeen(f"{question}: not seen in {self._watch.patience_s:g} s\n{passed(self._window)}")
        found = find(self._window)[:1]
        self._watch.notebook.note(question, found)
        return found[0]

    def never(self, what: What) -> None:
        """Raise NotSeen where such a frame has passed, until now."""
        question = f"trace.never({named(what)})"
        found = self._find(what)
        if found:
            self._watch.notebook.note(question, found)
            times = "once" if len(found) == 1 else f"{len(found)} times"
            raise NotSeen("\n".join([f"{question}: it passed {times}", *self._lines(found)]))
        self._watch.be_certain(question)

    def order(self, *whats: What) -> None:
        """Raise NotSeen unless these passed in this order, whatever passed between; waits for the last.

        Of each the first is meant; of one that stands here twice, the second in its second place.
        """
        finders = [finder(what, self._watch.devices()) for what in whats]
        turns = [sum(named(each) == named(what) for each in whats[:at]) for at, what in enumerate(whats)]

        def there() -> list[Frame | None]:
            lists = [find(self._window) for find in finders]
            return [frames[turn] if turn < len(frames) else None for frames, turn in zip(lists, turns, strict=True)]

        self._watch.until(lambda: None not in there())
        question = f"trace.order({', '.join(named(what) for what in whats)})"
        seen = there()
        numbers = [frame.number for frame in seen if frame is not None]
        if len(numbers) == len(seen) and numbers == sorted(numbers):
            self._watch.be_certain(question)
            return
        self._watch.notebook.note(question, sorted((frame for frame in seen if frame), key=lambda each: each.number))
        fault = "not all of them passed" if None in seen else "they passed in another order"
        width = max(len(named(what)) for what in whats)
        lines = [
            f"{named(what):<{width}} {row(frame, self._watch.timeline) if frame is not None else 'not seen'}"
            for what, frame in zip(whats, seen, strict=True)
        ]
        raise NotSeen("\n".join([f"{question}: {fault}", *listed(lines, most=len(lines))]))

    # ---- windows

    def since_here(self) -> "Trace":
        """What begins from now on."""
        self._watch.sync()
        return Trace(replace(self._watch, lost_before=self._watch.source.drops), after=self._watch.timeline.mark())

    @contextmanager
    def recording(self) -> "Iterator[Trace]":
        """What begins within a ``with``: it may be looked at there and, better, behind it."""
        inside = self.since_here()
        try:
            yield inside
        finally:
            self._watch.sync()
            inside.last = self._watch.timeline.mark()

    @property
    def whole(self) -> "Trace":
        """What began since the LAN was brought up: of a LAN that several tests share too."""
        return Trace(replace(self._watch, lost_before=0))

    @property
    def timeline(self) -> Timeline:
        """What the trackers have read of the whole LAN until now; see lan/trace/timeline.py."""
        self._watch.sync()
        return self._watch.timeline

    def __repr__(self) -> str:
        until = "now" if self.last is None else f"frame {self.last}"
        return f"<trace from frame {self.after + 1} to {until}>"

    @property
    def _window(self) -> Window:
        return Window(self._watch.timeline, after=self.after, last=self.last)

    def _found(self, kind: Kind[T, S]) -> Found[T, S]:
        return Found(kind, self._window, self._watch, {})

    def _find(self, what: What) -> list[Frame]:
        find = finder(what, self._watch.devices())
        self._watch.sync()
        return find(self._window)

    def _lines(self, frames: Sequence[Frame]) -> list[str]:
        return listed(str(row(frame, self._watch.timeline)) for frame in frames)
