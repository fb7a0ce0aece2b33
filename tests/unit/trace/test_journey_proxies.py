"""What a proxy sends on, and what it asks of its own accord: refreshes, kept connections, alike requests and bytes."""

import json

import pytest

from lan.trace import journey_proxies
from lan.trace.timeline import Timeline

from .journey_wires import IPS, MACS, MS, Wires, frame, segment

PC1, PC2, WEB, PROXY = (IPS[name] for name in ("pc1", "pc2", "web", "proxy"))
GET = b"GET http://web/a HTTP/1.1\r\nHost: web\r\n\r\n"
ONWARD = b"GET /a HTTP/1.1\r\nHost: web\r\n\r\n"
OTHER = b"GET http://web/b HTTP/1.1\r\nHost: web\r\n\r\n"
FOUND = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nVia: 1.1 proxy\r\n\r\nok"
TO_PROXY, TO_WEB = (40000, 3128), (50000, 80)


class Proxied(Wires):
    """Hosts, a proxy between them, and its log."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[str] = []
        self._sequence: dict[tuple[str, tuple[int, int]], int] = {}

    def opened(self, *ways: tuple[str, str, tuple[int, int]]) -> None:
        """Connections whose opening is seen, so that transactions are read."""
        for who, to, ports in ways:
            taken = segment(IPS[to], IPS[who], "SYN+ACK", ports=(ports[1], ports[0]), seq=0, ack=1)
            self.path(f"{who} {to}", frame(who, to, segment(IPS[who], IPS[to], "SYN", ports=ports, seq=0)))
            self.path(f"{to} {who}", frame(to, who, taken))

    def says(self, who: str, to: str, data: bytes, ports: tuple[int, int]) -> None:
        seq = self._sequence.get((who, ports), 1)
        self._sequence[who, ports] = seq + len(data)
        self.path(f"{who} {to}", frame(who, to, segment(IPS[who], IPS[to], "ACK", data, ports=ports, seq=seq)))

    def asks(self, who: str, data: bytes = GET, ports: tuple[int, int] = TO_PROXY) -> None:
        self.says(who, "proxy", data, ports)

    def asks_on(self, data: bytes = ONWARD, ports: tuple[int, int] = TO_WEB) -> None:
        self.says("proxy", "web", data, ports)

    def web_answers(self, ports: tuple[int, int] = TO_WEB, data: bytes = FOUND) -> None:
        self.says("web", "proxy", data, (ports[1], ports[0]))

    def answers(self, who: str, ports: tuple[int, int] = TO_PROXY, data: bytes = ANSWER) -> None:
        self.says("proxy", who, data, (ports[1], ports[0]))

    def uses(self, who: str, what: str = "connection", port: int = TO_PROXY[0], local: int = TO_WEB[0]) -> None:
        """The proxy's line about its own end of a connection, just before what it sends there."""
        ends = {"client": f"{IPS[who]}:{port}", "proxy": f"{PROXY}:3128", "local": f"{PROXY}:{local}"}
        time_s = (self.now_ns + MS // 2) / 1e9
        self.log.append(json.dumps({"time_s": time_s, "service": "proxy", "what": what, "reason": {}, **ends}))

    def followed(self) -> Timeline:
        timeline = Timeline({mac: name for name, mac in MACS.items()}, self.switches)
        timeline.learn_proxies("proxy", self.log)
        timeline.feed(self.frames)
        return timeline

    def told(self) -> list[str]:
        """Each journey as text."""
        return [str(journey).partition(": ")[2] for journey in self.followed().journeys]


def kept(wires: Proxied) -> None:
    """Frames 1 to 4: pc2 had its answer over the connection that is used again."""
    wires.asks("pc2")
    wires.uses("pc2")
    wires.asks_on()
    wires.web_answers()
    wires.answers("pc2")


# --- refreshes: RFC 5861 §3


@pytest.mark.parametrize("onward", [ONWARD, ONWARD.replace(b"Host: web", b"Host: origin")], ids=["proxy", "gateway"])
@pytest.mark.parametrize("got", [GET, GET.replace(b"GET", b"HEAD")], ids=["GET", "HEAD"])
def test_a_refresh_belongs_to_the_request_that_was_answered_with_what_is_stale(got: bytes, onward: bytes) -> None:
    """Over a kept connection it goes out before the answer, over a new one after it; pc2, who asks too, waits on."""
    wires = Proxied()
    kept(wires)
    wires.asks("pc2")  # is not answered
    wires.asks("pc1", got)
    wires.uses("pc1", "refresh")
    wires.asks_on(onward)
    wires.answers("pc1")
    assert wires.told()[2:] == [
        "pc2 origin –→5; proxy end 5→–",
        "pc1 origin –→6; proxy proxy 6→7; web end 7→–",
        "proxy origin –→8; pc1 end 8→–",
    ]
    assert wires.followed().journeys[3].stops[1].is_logged

    wires = Proxied()
    wires.asks("pc2")
    wires.asks("pc1", got)
    wires.answers("pc1")
    wires.uses("pc1", "refresh")
    wires.asks_on(onward)
    wires.web_answers()
    assert wires.told() == [
        "pc2 origin –→1; proxy end 1→–",
        "pc1 origin –→2; proxy proxy 2→4; web end 4→–",
        "proxy origin –→3; pc1 end 3→–",
        "web origin –→5; proxy end 5→–",
    ]


def test_of_many_requests_for_the_same_a_refresh_is_for_the_last_that_its_client_sent() -> None:
    wires = Proxied()
    for data in (GET, GET, OTHER):
        wires.asks("pc1", data)
        wires.answers("pc1")
    wires.uses("pc1", "refresh")
    wires.asks_on()
    wires.uses("pc1", "refresh", local=50001)
    wires.asks_on(b"GET /c HTTP/1.1\r\nHost: web\r\n\r\n", (50001, 80))  # which nobody asked for
    assert [text for text in wires.told() if "web" in text] == [
        "pc1 origin –→3; proxy proxy 3→7; web end 7→–",
        "proxy origin –→8; web end 8→–",
    ]


def test_what_comes_of_a_refresh_is_no_answer_to_the_client() -> None:
    wires = Proxied()
    kept(wires)
    body = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
    wires.asks("pc2")
    wires.uses("pc2", "refresh")
    wires.asks_on()
    wires.answers("pc2")
    wires.web_answers(data=body)
    wires.web_answers(data=b"x" * 40)
    wires.asks("pc2")  # the same is in the store by now
    wires.answers("pc2", data=body)
    wires.answers("pc2", data=b"x" * 40)
    assert [text for text in wires.told() if text.startswith(("web", "proxy"))] == [
        "web origin –→3; proxy proxy 3→4; pc2 end 4→–",
        "proxy origin –→7; pc2 end 7→–",
        "web origin –→8; proxy end 8→–",
        "web origin –→9; proxy end 9→–",
        "proxy origin –→11; pc2 end 11→–",
        "proxy origin –→12; pc2 end 12→–",
    ]


@pytest.mark.parametrize("is_late", [False, True], ids=["log first", "log last"])
def test_a_refresh_is_no_transaction_that_the_client_waits_for(is_late: bool) -> None:
    wires = Proxied()
    wires.opened(("pc1", "proxy", TO_PROXY), ("proxy", "web", TO_WEB))
    wires.asks("pc1")
    wires.uses("pc1", "refresh")
    wires.asks_on()
    wires.answers("pc1")
    wires.web_answers()
    timeline = wires.timeline()
    if is_late:
        assert [each.upstream is not None for each in timeline.http] == [True, False], "by packets it looks like one"
        timeline.learn_proxies("proxy", wires.log)
    else:
        timeline = wires.followed()
    assert [(each.upstream, each.downstream) for each in timeline.http] == [(None, None)] * 2


# --- kept connections


def test_what_a_proxy_asks_for_nobody_is_not_answered_to_who_used_the_connection_before() -> None:
    wires = Proxied()
    kept(wires)
    wires.asks_on(b"GET /news HTTP/1.1\r\nHost: web\r\n\r\n")  # of its own accord
    wires.web_answers()
    wires.asks("pc2")
    wires.answers("pc2")  # from its store
    assert wires.told()[2:] == [
        "proxy origin –→5; web end 5→–",
        "web origin –→6; proxy end 6→–",
        "pc2 origin –→7; proxy end 7→–",
        "proxy origin –→8; pc2 end 8→–",
    ]


def test_of_requests_for_one_path_the_same_host_goes_before_a_gateways_guess() -> None:
    """Both where it is sent on and where it is refreshed."""
    other = GET.replace(b"web", b"dns")
    first = ["pc1 origin –→1; proxy proxy 1→3; web end 3→–", "pc1 origin –→2; proxy end 2→–"]
    second = ["pc1 origin –→1; proxy end 1→–", "pc1 origin –→2; proxy proxy 2→3; web end 3→–"]
    for what in ("connection", "refresh"):
        for asked, told in (((GET, other), first), ((other, GET), second)):
            wires = Proxied()
            for request in asked:
                wires.asks("pc1", request)
            wires.uses("pc1", what)
            wires.asks_on()
            assert wires.told()[:2] == told


def test_a_response_to_what_was_not_seen_leaves_what_waits() -> None:
    """A capture that begins in mid-connection has answers without their requests."""
    wires = Proxied()
    wires.answers("pc2")
    wires.asks("pc1")
    wires.answers("pc2")
    wires.asks_on()
    assert wires.told() == [
        "proxy origin –→1; pc2 end 1→–",
        "pc1 origin –→2; proxy proxy 2→4; web end 4→–",
        "proxy origin –→3; pc2 end 3→–",
    ]


@pytest.mark.parametrize("is_answered", [False, True])
def test_the_oldest_of_many_requests_gives_way(monkeypatch: pytest.MonkeyPatch, is_answered: bool) -> None:
    monkeypatch.setattr(journey_proxies, "MOST_ASKED", 2)
    asked = [b"GET http://web/%d HTTP/1.1\r\nHost: web\r\n\r\n" % number for number in range(3)]
    wires = Proxied()
    for data in asked:
        wires.asks("pc1", data)
        if is_answered:
            wires.answers("pc1")
    for at, data in enumerate(asked):
        if is_answered:
            wires.uses("pc1", "refresh", local=50000 + at)
        wires.asks_on(data.replace(b"http://web", b""), (50000 + at, 80))
    sent_on = [text for text in wires.told() if "web" in text]
    assert [text.split()[0] for text in sent_on] == ["pc1", "pc1", "proxy"]


# --- bytes: tunnels and bodies


@pytest.mark.parametrize(("count", "is_tied"), [(15, False), (16, True)])
def test_bytes_too_few_may_be_alike_by_chance(count: int, is_tied: bool) -> None:
    wires = Proxied()
    wires.asks("pc1", b"\0" * count)
    wires.asks_on(b"\0" * count)
    assert len(wires.told()) == (1 if is_tied else 2)


def test_bytes_that_come_twice_go_on_twice() -> None:
    wires = Proxied()
    for _ in range(2):
        wires.asks("pc1", b"\0" * 16)
    for _ in range(2):
        wires.asks_on(b"\0" * 16)
    assert wires.told() == [f"pc1 origin –→{at}; proxy proxy {at}→{at + 2}; web end {at + 2}→–" for at in (1, 2)]


@pytest.mark.parametrize(("to", "ports"), [("pc1", (3128, 40000)), ("pc1", (9, 9)), ("proxy", TO_PROXY)])
def test_bytes_that_go_back_to_whom_they_came_from_are_an_echo(to: str, ports: tuple[int, int]) -> None:
    """On the same connection, or on another; the same way again is a segment that is sent again."""
    wires = Proxied()
    wires.asks("pc1", b"\0" * 16)
    if to == "proxy":
        wires.path("pc1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", b"\0" * 16, ports=ports, seq=99)))
    else:
        wires.says("proxy", to, b"\0" * 16, ports)
    assert [text.split()[1] for text in wires.told()] == ["origin", "origin"]


def test_a_router_that_sends_the_same_bytes_of_one_connection_is_no_proxy() -> None:
    """A segment that was sent again, of which the capture has only one half: another packet with the same bytes."""
    wires = Wires()
    got = segment(PC1, WEB, "ACK", b"\0" * 16, seq=1, ident=7)
    gone = segment(PC1, WEB, "ACK", b"\0" * 16, seq=17, ident=8, ttl=63)
    wires.path("pc1 r1", frame("pc1", "r1", got))
    wires.path("r1 web", frame("r1", "web", gone))
    assert [text.split()[1] for text in wires.journeys()] == ["origin", "origin"]


def test_the_rest_of_a_body_is_known_again_by_its_bytes() -> None:
    """A segment within a message is data, whose head went before."""
    wires = Proxied()
    wires.opened(("pc1", "proxy", TO_PROXY), ("proxy", "web", TO_WEB))
    wires.asks("pc1")
    wires.asks_on()
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 40\r\n\r\n"
    for data in (head, b"x" * 20, b"y" * 20):
        wires.web_answers(data=data)
    for data in (head, b"x" * 20, b"y" * 20):
        wires.answers("pc1", data=data)
    assert [text for text in wires.told() if text.startswith("web origin") and "proxy proxy" in text][-3:] == [
        f"web origin –→{at}; proxy proxy {at}→{at + 3}; pc1 end {at + 3}→–" for at in (7, 8, 9)
    ]
