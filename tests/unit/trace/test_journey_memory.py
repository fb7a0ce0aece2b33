"""Following frames remembers what may still matter, and no more: a recording of any length takes no more memory."""

import pytest

from lan.trace import journey_following, journey_proxies
from lan.trace.frame import Direction, Frame
from lan.trace.journey import Stop, StopKind
from lan.trace.journey_following import Follower
from lan.trace.journey_memory import HOLD_NS, Latest, Recent
from lan.trace.timeline import Timeline
from lan.wire import arp, ethernet, udp

from .journey_wires import IPS, MACS, MS, Wires, datagram, frame, ip, segment

PC1, WEB, PROXY = IPS["pc1"], IPS["web"], IPS["proxy"]
S_NS = 1000 * MS
KEPT = 20
"""Connections that are remembered here."""


@pytest.fixture(autouse=True)
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in (
        (journey_following, "MOST_OPENING"), (journey_following, "MOST_TAKING"), (journey_proxies, "MOST_PAIRS")
    ):  # fmt: skip
        monkeypatch.setattr(module, name, KEPT)


def remembered(follower: Follower) -> dict[str, int]:
    """How much is in each of its memories."""
    found = {name: len(each) for name, each in vars(follower).items() if isinstance(each, Recent | Latest)}
    for name, each in vars(follower._proxying).items():
        if isinstance(each, Recent | Latest):
            found[f"proxying.{name}"] = len(each)
    return found


def a_day(wires: Wires, n: int) -> None:
    """What leaves something to remember: an answer that does not come, a flood, fragments, a request by a proxy."""
    port = 1024 + n
    wires.path("pc1 s1 web", frame("pc1", "web", segment(PC1, WEB, "SYN", ports=(port, 80))))
    wires.path("pc1 s1 web", frame("pc1", "all", datagram(PC1, WEB, bytes([n % 256, n // 256]))))
    body = udp.build(PC1, WEB, 40000, 9, bytes(400))
    wires.cross("pc1", "r1", frame("pc1", "r1", ip(body, PC1, WEB, ident=n)))
    wires.cross("r1", "web", frame("r1", "web", ip(body[:200], PC1, WEB, ttl=63, ident=n, more=True)))
    wires.cross("r1", "web", frame("r1", "web", ip(body[200:], PC1, WEB, ttl=63, ident=n, offset=200)))
    request = b"GET http://web/%d HTTP/1.1\r\nHost: web\r\n\r\n" % n
    wires.path("pc1 s1 proxy", frame("pc1", "proxy", segment(PC1, PROXY, "ACK", request, ports=(port, 3128))))
    asked = request.replace(b"http://web", b"")
    wires.path("proxy s1 web", frame("proxy", "web", segment(PROXY, WEB, "ACK", asked, ports=(port, 80))))
    wires.path(
        "web s1 proxy", frame("web", "proxy", segment(WEB, PROXY, "ACK", b"HTTP/1.1 200 OK\r\n", ports=(80, port)))
    )
    wires.path("pc1 s1 proxy", frame("pc1", "proxy", segment(PC1, WEB, "ACK", b"?", ports=(port, 80))))
    answer = frame("proxy", "pc1", segment(WEB, PC1, "ACK", b"x" * 40, ports=(80, port)))  # in web's place
    wires.path("proxy s1 pc1", answer)


def test_what_is_remembered_does_not_grow_with_the_recording() -> None:
    wires, timeline = Wires(), Timeline({mac: name for name, mac in MACS.items()}, ["s1"])
    said = arp.build(arp.REPLY, MACS["web"], WEB, MACS["pc1"], PC1)
    wires.path("web s1 pc1", frame("web", "pc1", said, ethernet.ARP))
    sizes: list[dict[str, int]] = []
    for n in range(300):
        a_day(wires, n)
        timeline.feed(wires.frames[len(timeline.all_frames) :])
        assert timeline.journeys
        sizes.append(remembered(timeline._follower))
        wires.now_ns += S_NS
    for name in sizes[0]:
        early, late = max(each[name] for each in sizes[50:150]), max(each[name] for each in sizes[150:])
        assert 0 < late <= early, name
        if name in ("_opening", "_taking", "proxying._pairs"):
            assert late == KEPT, name
    others = {name for name, each in vars(timeline._follower).items() if isinstance(each, dict | list | set)}
    assert others == {"journeys", "of"}, "what else would grow?"


def test_a_refusal_is_tied_to_its_syn_as_long_as_that_is_remembered() -> None:
    wires = Wires()
    for n in range(KEPT + 1):
        wires.path("pc1 s1 web", frame("pc1", "web", segment(PC1, WEB, "SYN", ports=(1024 + n, 80))))
    for n in (0, KEPT):
        wires.path("web s1 pc1", frame("web", "pc1", segment(WEB, PC1, "RST+ACK", ports=(80, 1024 + n))))
    journeys = wires.timeline().journeys
    forgotten, tied = journeys[-2:]
    assert forgotten.cause is None and journeys[0].ends[0].kind is StopKind.END
    assert tied.cause is journeys[KEPT] and journeys[KEPT].ends[0].kind is StopKind.DROP


def test_who_answers_in_anothers_place_is_known_again_by_its_next_answer() -> None:
    wires = Wires()

    def ask(n: int) -> int:
        """A segment for web that comes to the proxy; its first frame."""
        number = wires.path("pc1 s1", frame("pc1", "proxy", segment(PC1, WEB, "ACK", b"?", ports=(1024 + n, 80))))
        wires.path("s1 proxy", frame("pc1", "proxy", segment(PC1, WEB, "ACK", b"?", ports=(1024 + n, 80))))
        return number[0].number

    def answer(n: int) -> None:
        wires.path("proxy s1 pc1", frame("proxy", "pc1", segment(WEB, PC1, "ACK", b"!", ports=(80, 1024 + n))))

    wires.path("web s1 pc1", frame("web", "pc1", datagram(WEB, PC1)))
    wires.path("pc1 s1 web", frame("pc1", "web", datagram(PC1, WEB)))
    for n in range(KEPT + 1):
        answer(n)
    again = ask(0)
    wires.now_ns += 100 * MS
    answer(0)
    timeline = wires.timeline()
    timeline._device_on_link[WEB] = "web"
    [end] = [stop for stop in timeline.journey_of(timeline.all_frames[again - 1]).stops if stop.device == "proxy"]
    assert end.kind is StopKind.END


def test_the_value_that_was_used_longest_ago_gives_way() -> None:
    latest = Latest[str, int](2)
    latest["a"], latest["b"] = 1, 2
    assert latest.get("a") == 1
    latest["c"] = 3
    assert (latest.get("a"), latest.get("b"), latest.get("c"), len(latest)) == (1, None, 3, 2)
    assert latest.pop("a") == 1 and latest.pop("a") is None and len(latest) == 1


def test_a_stop_is_remembered_as_long_as_a_device_may_hold_its_frame() -> None:
    recent = Recent[str]()

    def stop(time_ns: int) -> Stop:
        return Stop("s1", Frame(1, time_ns, "s1:a", "b:c", Direction.IN, b""), [], StopKind.DROP)

    first = stop(HOLD_NS)
    recent.add("x", first, HOLD_NS)
    for n in range(9):
        recent.add("y", stop(HOLD_NS + n * HOLD_NS // 8), HOLD_NS + n * HOLD_NS // 8)
        assert recent.has("x") and recent.get("x", HOLD_NS + n * HOLD_NS // 8) == [first]
    assert recent.get("x", 2 * HOLD_NS + 1) == []
    recent.add("y", stop(5 * HOLD_NS), 5 * HOLD_NS)
    assert not recent.has("x") and len(recent) == 1
