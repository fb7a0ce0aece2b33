"""What ``tc -s -j qdisc show`` counts, in the words of the userspace link.  Shapes as iproute2 6.1 prints them."""

from typing import Any

from lan.engine.qdiscs import counters


def qdisc(kind: str, **counts: int) -> dict[str, Any]:
    return {"kind": kind, "bytes": 0, "packets": 0, "drops": 0, "overlimits": 0, "backlog": 0, "qlen": 0, **counts}


def test_netems_own_drops_are_what_it_lost() -> None:
    told = counters([qdisc("netem", packets=90, drops=10, qlen=3), qdisc("ingress")])
    assert (told["frames"], told["passed"], told["lost"], told["dropped"], told["flying"]) == (100, 90, 10, 0, 3)


def test_what_finds_the_queue_full_is_netems_drop_too_and_is_told_once() -> None:
    told = counters(
        [qdisc("netem", packets=80, drops=20, qlen=12), qdisc("tbf", packets=80, drops=15, qlen=9), qdisc("pfifo")]
    )
    assert (told["lost"], told["dropped"], told["waiting_frames"], told["flying"]) == (5, 15, 9, 3)


def test_an_interface_that_has_gone_counts_nothing() -> None:
    assert set(counters([]).values()) == {0}
