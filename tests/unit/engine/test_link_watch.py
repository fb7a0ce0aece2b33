"""Ends of cables that are waited for: what gets lost on the way is asked after again, and each has its look."""

import contextlib
import socket
from collections.abc import Iterable

import pytest

from lan.engine import fabric
from lan.engine.fabric import Fabric
from lan.engine.netlink import MOST_WATCHED, LinkWatch

NOWHERE = 4_000_000
"""No interface has this index: its answer is a refusal."""


@pytest.mark.timeout(20)
def test_where_the_kernel_told_more_than_finds_room_links_are_looked_at_anew() -> None:
    looks = []

    class Watch(LinkWatch):
        def _look(self, indexes: Iterable[int]) -> dict[int, int]:
            looks.append(self._socket.gettimeout())
            if len(looks) == 1:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
                for _ in range(1000):
                    super()._look(indexes)
            return super()._look(indexes)

    assert Watch([NOWHERE]).wait_carrying(60) == {NOWHERE}
    assert len(looks) == 2


def test_ends_are_looked_at_though_others_used_up_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[int] = []

    class Watch:
        def __init__(self, indexes: Iterable[int]) -> None:
            self.indexes = set(indexes)

        def wait_carrying(self, deadline_s: float) -> set[int]:
            looked.extend(self.indexes if deadline_s > 0 else ())
            return set()

    monkeypatch.setattr(fabric, "LinkWatch", Watch)
    monkeypatch.setattr(fabric, "CARRIER_DEADLINE_S", 0.0)
    monkeypatch.setattr(fabric.netns, "inside", lambda space, home: contextlib.nullcontext())
    made = Fabric.__new__(Fabric)
    made.home, made.namespaces, made._born_up = NOWHERE, {}, set()
    made.wait_carrying([], {NOWHERE: range(MOST_WATCHED + 1)})
    assert sorted(looked) == list(range(MOST_WATCHED + 1))
