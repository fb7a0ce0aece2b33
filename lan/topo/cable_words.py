"""What a cable does to frames, as its file says it, in a few words for drawings and tables."""

from lan.links import schedule, words
from lan.links.options import Cable
from lan.topo.spec import Link


def does(link: Link) -> str:
    """``delay=5ms loss=1%``, each way by name where they differ, and when it changes; "" for a plain cable."""
    if not link.options:
        return ""
    told = [both_ways(link, words.read_file(link.options)[0])]
    if moments := list(dict.fromkeys(words.time_text(event.at_s) for event in schedule.read(link.options)[0])):
        shown = moments if len(moments) <= MOMENTS_MAX else [*moments[: MOMENTS_MAX - 1], "…"]
        told.append(f"changes at {', '.join(shown)}")
    return " · ".join(word for word in told if word)


MOMENTS_MAX = 5


def both_ways(link: Link, cable: Cable) -> str:
    """The options of a cable between two devices: once where both directions have the same."""
    out, back = (line(words.render(way)) for way in (cable.forward, cable.backward))
    if out == back:
        return out
    a, b = link.a.device, link.b.device
    ways = [f"{sender}→{receiver} {told}" for sender, receiver, told in ((a, b, out), (b, a, back)) if told]
    return " · ".join(ways)


def line(options: dict[str, str]) -> str:
    """``bw=2mbit delay=50ms``."""
    return " ".join(f"{name}={value}" for name, value in options.items())
