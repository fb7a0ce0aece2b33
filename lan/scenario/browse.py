"""The seed's flow on any LAN with a PC and a web server: lease, browse, name, connection, page, close.

Row S9's seven steps in order, then S4 to S8: ping of every server, HTTP and HTTPS by address and by
name.  Every verdict comes from the capture; a program's exit code is never enough.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lan.control.client import Completed, RunningLan
from lan.devices.base import Host
from lan.devices.kinds import model_of
from lan.scenario import judging
from lan.scenario.judging import Site
from lan.scenario.recording import Recording
from lan.scenario.verdict import Verdict
from lan.topo.spec import Lan
from lan.trace.timeline import Window
from lan.trace.trackers.tcp import Connection

PATIENCE_S = 10.0
"""How long packets that should come are waited for, on a machine however busy."""
PAGE_S, ECHO_S = 4.0, 3.0
"""How long the client itself waits for a page, and for the answer to a ping, of a server that may not be run."""
PINGS = 4
FETCH, PING = "lan.services.http.fetch", "lan.services.icmp.__main__"


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays: the devices of a LAN that fit, found by their kinds."""

    client: Host
    web: Host
    dhcp: Host | None
    dns: Host | None
    names: tuple[str, ...]

    @property
    def web_ip(self) -> str:
        return self.web.address or ""

    @property
    def closes_first(self) -> str:
        """The device that is set to close first."""
        return self.client.name if getattr(self.web, "closes_first", "client") == "client" else self.web.name


def cast_of(lan: Lan) -> Cast | None:
    """The players, or None where the LAN has no PC or no web server."""
    models = [model_of(device, lan) for device in lan.hosts]

    def first(kind: str) -> Host | None:
        return next((model for model in models if model.kind == kind), None)

    client, web, dns = first("pc"), first("web-server"), first("dns-server")
    if client is None or web is None or web.address is None:
        return None
    names = tuple(getattr(web, "names", ())) if dns is not None else ()
    return Cast(client, web, first("dhcp-server") if client.dhcp else None, dns, names)


class Browse:
    """One performance on a LAN that is up.

    With `fresh` the client leases anew first; without, the lease it took at boot is the one judged.
    A step that does not come to pass has had `patience_s`.
    """

    def __init__(
        self, lan: RunningLan, recording: Recording, cast: Cast, *, fresh: bool = False, patience_s: float = PATIENCE_S
    ) -> None:
        self.lan, self.recording, self.cast, self.fresh, self.patience_s = lan, recording, cast, fresh, patience_s

    def verdicts(self) -> Iterator[Verdict]:
        """Perform step by step; each verdict comes as soon as its packets are seen."""
        if self.cast.dhcp is not None:
            yield self._lease(self.cast.dhcp)
        yield from self._first_page()
        for server in (self.cast.dhcp, self.cast.dns, self.cast.web):
            if server is not None and server.address is not None:
                yield self._ping(server.name, server.address)
        for site in self._sites():
            yield self._page(site)

    def _lease(self, server: Host) -> Verdict:
        mark, client = 0, self.cast.client
        if self.fresh:
            self.recording.sync()
            mark = self.recording.timeline.mark()
            self.lan.change(client.name, {"ip": "dhcp"})
        window = self.recording.timeline.since(mark)
        mine = client.name

        def granted() -> bool:
            return any(it.is_granted() for it in window.dhcp if it.client == mine)

        self.recording.wait_until(granted, self.patience_s)
        wanted = client.ip.partition("/")[0] if client.ip else None
        return judging.lease(window, mine, server.name, wanted)

    def _first_page(self) -> Iterator[Verdict]:
        site = self._site(self.cast.names[0] if self.cast.names else self.cast.web_ip, secure=False)
        window, connection = self._fetch(site)
        yield judging.asks_for(window, site)
        dns = self.cast.dns
        if site.by_name and dns is not None:
            yield judging.resolves(window, site, dns.name, dns.address or "")
        yield judging.connects(connection, site, window)
        yield judging.requests(window, connection, site)
        yield judging.responds(window, connection, site)
        yield judging.closes(connection, site, self.cast.closes_first)

    def _sites(self) -> Iterator[Site]:
        for secure in (False, True):
            if not secure or getattr(self.cast.web, "https", False):
                for host in (self.cast.web_ip, *self.cast.names):
                    yield self._site(host, secure=secure)

    def _site(self, host: str, *, secure: bool) -> Site:
        return Site(self.cast.client.name, self.cast.web.name, self.cast.web_ip, host, secure)

    def _page(self, site: Site) -> Verdict:
        window, _ = self._fetch(site)
        return judging.page(window, site, self.cast.closes_first)

    def _fetch(self, site: Site) -> tuple[Window, Connection | None]:
        first = "client" if self.cast.closes_first == site.client else "server"
        limit = ["--timeout-s", f"{min(PAGE_S, self.patience_s):g}"]
        words = [site.url, *limit, "--closes-first", first, "-o", "/dev/null", "--json"]
        window, ended = self._during(lambda: self.lan.run_module(site.client, FETCH, words))

        def opened() -> list[Connection]:
            return window.connections(client=site.client, server_ip=site.server_ip, server_port=site.port)

        if opened() and not waited_for_fin(ended):
            self.recording.wait_until(lambda: opened()[0].is_closed(), self.patience_s)
        return window, next(iter(opened()), None)

    def _ping(self, server: str, address: str) -> Verdict:
        client = self.cast.client.name
        arguments = ["-c", str(PINGS), "-i", "0.01", "-W", f"{min(ECHO_S, self.patience_s):g}", address]
        window, _ = self._during(lambda: self.lan.run_module(client, PING, arguments))
        return judging.pings(window, client, server, address, PINGS)

    def _during(self, work: Callable[[], Completed]) -> tuple[Window, Completed]:
        """The window of what passes while something is done, and how that ended."""
        self.recording.sync()
        window = self.recording.timeline.since(self.recording.timeline.mark())
        ended = work()
        self.recording.sync()
        return window, ended


def waited_for_fin(ended: Completed) -> bool:
    """Whether lan-fetch sent its FIN, and then waited in vain for the server's, longer than servers linger.

    This saves waiting once more, and decides nothing: the verdict is the packets'.
    """
    try:
        told = json.loads(ended.stdout)
    except ValueError:
        return False
    return (told.get("closed_first"), told.get("is_closed")) == ("client", False)
