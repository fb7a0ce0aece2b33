"""The words of tc for a cable: whole command lines, and what no kernel at hand can show us (see docs/links.md)."""

from dataclasses import fields

from hypothesis import given
from hypothesis import strategies as st

from lan.engine import qdisc_words
from lan.links.options import PLAIN, Direction, GilbertElliott


def lines(way: Direction, *, was_limited: bool = False) -> list[str]:
    return [" ".join(words) for words in qdisc_words.shape("c1b", way, was_limited=was_limited)]


def test_frames_that_come_in_at_one_inner_end_go_out_at_the_other() -> None:
    assert [" ".join(words) for words in qdisc_words.redirect("c1a", "c1b")] == [
        "qdisc replace dev c1a ingress",
        "filter replace dev c1a parent ffff: pref 1 protocol all matchall action mirred egress redirect dev c1b",
    ]


def test_a_plain_direction_is_a_netem_that_does_nothing() -> None:
    assert lines(PLAIN) == ["qdisc replace dev c1b root handle 1: stab overhead 24 mpu 84 netem limit 1000000"]


def test_delay_jitter_loss_and_the_rest_are_netems() -> None:
    way = Direction(0.05, 0.01, "normal", 0.01, 0.02, 0.001, 0.25, 5)
    assert lines(way) == [
        "qdisc replace dev c1b root handle 1: stab overhead 24 mpu 84 netem limit 1000000 "
        "delay 50000us 10000us distribution normal loss 1% duplicate 2% corrupt 0.1% reorder 25% gap 5"
    ]


def test_bursts_are_the_gilbert_elliott_model_in_tcs_order() -> None:
    """tc-netem(8): ``loss gemodel P R 1-H 1-K``."""
    [line] = lines(Direction(loss=GilbertElliott(0.01, 0.1, 0.75, 0.001)))
    assert line.endswith("loss gemodel 1% 10% 75% 0.1%")


def test_the_wire_is_a_bucket_below_netem_with_a_queue_of_its_own() -> None:
    assert lines(Direction(rate_bps=10_000_000, queue_frames=50))[1:] == [
        "qdisc replace dev c1b parent 1:1 handle 10: tbf rate 10000000bit burst 2000 limit 1073741824",
        "qdisc replace dev c1b parent 10:1 handle 20: pfifo limit 50",
    ]


def test_a_queue_counts_frames_or_bytes_as_asked_and_a_thousand_frames_unasked() -> None:
    assert lines(Direction(rate_bps=10_000_000))[2].endswith("pfifo limit 1000")
    assert lines(Direction(rate_bps=10_000_000, queue_bytes=64_000))[2].endswith("handle 21: bfifo limit 64000")


def test_a_rate_that_is_taken_back_lets_what_waits_go_instead_of_dropping_it() -> None:
    assert "rate 40000000000bit" in lines(PLAIN, was_limited=True)[1]


def test_every_option_of_a_direction_finds_its_word() -> None:
    """A new field without a word here would be an option that the kernel's means ignores."""
    example = Direction(0.05, 0.01, "normal", 0.01, 0.02, 0.001, 0.25, 5, 10_000_000, 50)
    for each in fields(Direction):
        if each.name != "queue_bytes":
            without = Direction(
                **{**{f.name: getattr(example, f.name) for f in fields(Direction)}, each.name: each.default}
            )
            assert lines(without) != lines(example), each.name


@given(st.floats(0, 60), st.floats(0, 1), st.integers(1_000, 10**9))
def test_numbers_never_come_as_exponents(delay_s: float, share: float, rate_bps: int) -> None:
    for line in lines(Direction(delay_s, loss=share, rate_bps=rate_bps)):
        numbers = [word.rstrip("%usbit") for word in line.split() if word[0].isdigit() and not word.endswith(":")]
        assert all(number.replace(".", "").replace(":", "").isdigit() for number in numbers), line
