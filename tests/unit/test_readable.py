"""What drawings say of sizes, times and scales, and how a signal is called."""

import pytest

from lan.readable import ROUND_STEPS, duration, signal_name, size


def test_sizes_are_read_at_a_glance() -> None:
    counts = (0, 999, 1000, 1536, 10_240, 5 << 20, 3 << 30)
    assert [size(count) for count in counts] == [
        "0 B", "999 B", "1.0 KiB", "1.5 KiB", "10 KiB", "5.0 MiB", "3.0 GiB",
    ]  # fmt: skip


def test_times_have_the_unit_that_people_read() -> None:
    assert [duration(ms) for ms in (0, 0.04, 999.94, 1000, 61_234)] == [
        "0.0 ms",
        "0.0 ms",
        "999.9 ms",
        "1.00 s",
        "61.23 s",
    ]


def test_a_scale_has_round_steps_each_larger_than_the_last() -> None:
    assert list(ROUND_STEPS) == sorted(ROUND_STEPS)
    assert {0.5, 1, 2, 5, 10, 20, 500} <= set(ROUND_STEPS)


@pytest.mark.parametrize(("number", "name"), [(9, "SIGKILL"), (34, "SIGRTMIN"), (40, "signal 40"), (0, "signal 0")])
def test_a_signal_has_its_name_or_its_number(number: int, name: str) -> None:
    assert signal_name(number) == name
