"""Two clocks are compared by readings between which nothing else ran."""

from operator import add

from hypothesis import given
from hypothesis import strategies as st

from lan.links import clocks

AHEAD_NS = -1_700_000_000_000_000_000


class Machine:
    """Each reading takes as long as the next of `pauses_ns`, and 40 ns when they are used up."""

    def __init__(self, pauses_ns: list[int]) -> None:
        self.now_ns, self._pauses_ns = 5_000_000_000, pauses_ns

    def monotonic_ns(self) -> int:
        self.now_ns += self._pauses_ns.pop(0) if self._pauses_ns else 40
        return self.now_ns

    def real_ns(self) -> int:
        return self.monotonic_ns() - AHEAD_NS


def error_ns(pauses_ns: list[int]) -> int:
    machine = Machine(pauses_ns)
    return clocks.ahead_ns(machine.monotonic_ns, machine.real_ns) - AHEAD_NS


def test_a_pause_between_two_readings_is_no_difference_of_the_clocks() -> None:
    assert abs(error_ns([40, 7_000_000, 40])) <= clocks.CLOSE_NS // 2
    assert abs(error_ns([40, 40, 7_000_000])) <= clocks.CLOSE_NS // 2


@given(st.lists(st.integers(40, 10_000_000), min_size=3 * clocks.TRIES, max_size=3 * clocks.TRIES))
def test_of_readings_that_are_all_far_apart_the_closest_count(pauses_ns: list[int]) -> None:
    closest_ns = min(map(add, pauses_ns[1::3], pauses_ns[2::3]))
    assert abs(error_ns(list(pauses_ns))) <= max(clocks.CLOSE_NS, closest_ns) // 2 + 1
