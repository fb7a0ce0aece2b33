"""The kernel's means for one direction of a cable, as words of tc(8): tc-netem(8), tc-tbf(8), tc-stab(8).

Pure.  netem loses, duplicates, damages and delays; below it tbf is the wire with its rate, and below
that a queue drops at its tail; one in bytes counts each frame's overhead on the wire too.

netem comes first in the kernel, and its own queue holds what flies; only the lowest queue has the
limit that was asked for.  With a constant delay a frame arrives at the same moment whether it first
flies and then waits for the wire, or the other way round; with jitter it may be behind another one
here and not with the userspace link.  netem takes no seed from this tc.
"""

from collections.abc import Iterator

from lan.links.options import AROUND_BYTES, DEFAULT_QUEUE_FRAMES, SHORTEST_BYTES, UNIFORM, Direction, GilbertElliott

FLYING_MAX = 1_000_000
"""Frames under way at once: netem's own limit would be 1000, of those that fly."""
LONGEST_BYTES = 2_000
"""A full frame with VLAN tag and more; tbf drops what is longer than its bucket."""
BOUNDLESS_BPS = 40_000_000_000
STAB = ("stab", "overhead", str(AROUND_BYTES), "mpu", str(SHORTEST_BYTES + AROUND_BYTES))
"""What a frame counts for in all disciplines below; the kernel takes it at the root alone."""
Words = list[str]


def redirect(source: str, target: str) -> list[Words]:
    """What comes in at one inner end goes out at the other."""
    whole = ["protocol", "all", "matchall", "action", "mirred", "egress", "redirect", "dev", target]
    return [
        ["qdisc", "replace", "dev", source, "ingress"],
        ["filter", "replace", "dev", source, "parent", "ffff:", "pref", "1", *whole],
    ]


def shape(interface: str, way: Direction, *, was_limited: bool = False) -> list[Words]:
    """The queueing disciplines at the inner end where the frames of one direction leave.

    `replace` changes what is there and keeps its frames; so a rate that is taken back (`was_limited`)
    becomes one beyond all others.  Only a queue that counts bytes instead of frames, or the reverse,
    is a new one, and what waited in the old is lost.
    """
    words = [["qdisc", "replace", "dev", interface, "root", "handle", "1:", *STAB, "netem", *netem(way)]]
    rate_bps = BOUNDLESS_BPS if way.rate_bps is None and was_limited else way.rate_bps
    if rate_bps is None:
        return words
    bucket = max(LONGEST_BYTES, rate_bps // 8 // 4000)
    rate = ["rate", f"{rate_bps}bit", "burst", str(bucket), "limit", str(1 << 30)]
    words.append(["qdisc", "replace", "dev", interface, "parent", "1:1", "handle", "10:", "tbf", *rate])
    limit = way.limit_frames() if way.rate_bps is not None else DEFAULT_QUEUE_FRAMES
    queue = ["21:", "bfifo", "limit", str(way.queue_bytes)] if limit is None else ["20:", "pfifo", "limit", str(limit)]
    words.append(["qdisc", "replace", "dev", interface, "parent", "10:1", "handle", *queue])
    return words


def netem(way: Direction) -> Words:
    """netem's own words for a direction; none of them for one that is plain but a limit."""
    return ["limit", str(FLYING_MAX), *(word for words in _netem(way) for word in words)]


def _netem(way: Direction) -> Iterator[Words]:
    if way.delay_s or way.jitter_s:
        words = ["delay", _time(way.delay_s)]
        if way.jitter_s:
            words.append(_time(way.jitter_s))
            if way.distribution != UNIFORM:
                words += ["distribution", way.distribution]
        yield words
    if isinstance(way.loss, GilbertElliott):
        states = (way.loss.p, way.loss.r, way.loss.bad_loss, way.loss.good_loss)
        yield ["loss", "gemodel", *map(_share, states)]
    elif way.loss:
        yield ["loss", _share(way.loss)]
    for name in ("duplicate", "corrupt"):
        if share := getattr(way, name):
            yield [name, _share(share)]
    if way.reorder:
        yield ["reorder", _share(way.reorder), *(["gap", str(way.gap)] if way.gap != 1 else [])]


def _time(seconds: float) -> str:
    """Whole microseconds: what every tc takes."""
    return f"{round(seconds * 1e6)}us"


def _share(probability: float) -> str:
    return f"{probability * 100:.9f}".rstrip("0").rstrip(".") + "%"


UNPROBE: list[Words] = [["qdisc", "delete", "dev", "lo", "root"], ["qdisc", "delete", "dev", "lo", "ingress"]]
"""What takes `PROBE` back, each where it got so far."""
PROBE: list[Words] = [
    ["qdisc", "replace", "dev", "lo", "root", "handle", "1:", *STAB, "netem", "delay", "1ms", "loss", "1%"],
    ["qdisc", "replace", "dev", "lo", "parent", "1:1", "handle", "10:",
     "tbf", "rate", "1mbit", "burst", "2000", "limit", "10000"],
    *redirect("lo", "lo"),
    *UNPROBE,
]  # fmt: skip
"""A kernel that takes all of these in a fresh namespace has what `redirect` and `shape` need."""
