"""A cable's options: what files and command lines may say, and the exact words for what they may not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.links import options as meaning
from lan.links.options import Cable, Direction, GilbertElliott
from lan.links.words import BACKWARD, FORWARD, READERS, OptionError, change, read_file, read_words, render


def asked(**options: Any) -> Direction:
    cable, faults = read_file(options)
    assert not faults
    assert cable.forward == cable.backward
    return cable.forward


@pytest.mark.parametrize(
    ("options", "direction"),
    [
        ({"bw": 10}, Direction(rate_bps=10_000_000)),
        ({"bw": 0.5}, Direction(rate_bps=500_000)),
        ({"bw": "500kbit"}, Direction(rate_bps=500_000)),
        ({"bw": "1.5Mbit/s"}, Direction(rate_bps=1_500_000)),
        ({"bw": None, "loss": 0}, Direction()),
        ({"delay": "5ms", "jitter": "500us"}, Direction(delay_s=0.005, jitter_s=0.0005)),
        ({"delay": "0.3s"}, Direction(delay_s=0.3)),
        ({"delay": "5ms", "jitter": "1ms", "distribution": "pareto"}, Direction(0.005, 0.001, "pareto")),
        ({"loss": 1}, Direction(loss=0.01)),
        ({"loss": "0.1%"}, Direction(loss=0.001)),
        ({"loss": 1e-05}, Direction(loss=1e-07)),
        ({"loss": "gemodel 1% 10%"}, Direction(loss=GilbertElliott(0.01, 0.1))),
        ({"loss": "gemodel 1% 10% 70% 0.1%"}, Direction(loss=GilbertElliott(0.01, 0.1, 0.7, 0.001))),
        ({"loss": "gemodel 1%"}, Direction(loss=GilbertElliott(0.01, 0.99))),
        ({"duplicate": 2, "corrupt": 0.5}, Direction(duplicate=0.02, corrupt=0.005)),
        ({"delay": "10ms", "reorder": 25, "gap": 5}, Direction(delay_s=0.01, reorder=0.25, gap=5)),
        ({"bw": 1, "max_queue_size": 50}, Direction(rate_bps=1_000_000, queue_frames=50)),
        ({"bw": 1, "max_queue_size": "64kB"}, Direction(rate_bps=1_000_000, queue_bytes=64_000)),
        ({"bw": 1, "max_queue_size": "64KiB"}, Direction(rate_bps=1_000_000, queue_bytes=65_536)),
        ({"bw": 10, "use_htb": True}, Direction(rate_bps=10_000_000)),
    ],
)
def test_a_file_has_mininets_names_and_meaning(options: dict[str, Any], direction: Direction) -> None:
    assert asked(**options) == direction


def test_each_end_of_a_cable_may_send_differently() -> None:
    cable, faults = read_file({"delay": "5ms", "params1": {"bw": 1, "ip": "10.0.0.1/24"}, "params2": {"bw": 8}})
    assert not faults
    assert cable == Cable(Direction(delay_s=0.005, rate_bps=1_000_000), Direction(delay_s=0.005, rate_bps=8_000_000))


def test_a_change_leaves_the_other_options_and_the_other_direction() -> None:
    before = Cable(Direction(delay_s=0.1, loss=0.5), Direction(delay_s=0.1))
    after, faults = change(before, read_words(["bw=2mbit", "loss=0%"]), directions=[FORWARD])
    assert not faults
    assert after == Cable(Direction(delay_s=0.1, rate_bps=2_000_000), before.backward)


def test_none_takes_a_limit_away() -> None:
    before = Cable(*[Direction(rate_bps=1_000_000, queue_frames=5)] * 2)
    assert change(before, {"bw": "none", "max_queue_size": "none"}) == (Cable(), [])


FAULTS_IN_A_FILE = {
    "delay without a unit": ({"delay": 5}, "delay 5 has no unit\n  expected  s, ms or us\n  try       delay='5ms'"),
    "minutes": (
        {"delay": "5m"},
        "delay '5m': m is not a unit of time\n  expected  s, ms or us\n  try       delay='5ms'",
    ),
    "a delay that is none": (
        {"delay": "slow"},
        "delay 'slow' is not a time with its unit\n"
        "  expected  a time with its unit, such as 5ms, 200us or 1.5s\n  try       delay='5ms'",
    ),
    "a negative delay": (
        {"delay": "-5ms"},
        "delay '-5ms' is not a time with its unit\n"
        "  expected  a time with its unit, such as 5ms, 200us or 1.5s\n  try       delay='5ms'",
    ),
    "a delay for space flight": ({"delay": "61s"}, "delay '61s'\n  expected  from 0ms to 60s"),
    "no rate": (
        {"bw": 0},
        "bw 0\n  expected  from 1kbit to 1gbit\n  try       leave bw out for a cable without limit",
    ),
    "too much": (
        {"bw": 2000},
        "bw 2000\n  expected  from 1kbit to 1gbit\n  try       leave bw out for a cable without limit",
    ),
    "bytes a second": (
        {"bw": "2mbps"},
        "bw '2mbps': mbps is bytes a second to tc and bits to others\n"
        "  expected  kbit, mbit or gbit\n  try       bw='2mbit'",
    ),
    "a unit of no rate": (
        {"bw": "10m"},
        "bw '10m': m is not a unit of rate\n  expected  kbit, mbit or gbit\n  try       bw=10",
    ),
    "a rate beyond numbers": (
        {"bw": "1e999mbit"},
        "bw '1e999mbit' is not a number of Mbit/s\n  expected  a number of Mbit/s, such as 10\n  try       bw=10",
    ),
    "a rate that is none": (
        {"bw": True},
        "bw True is not a number of Mbit/s\n  expected  a number of Mbit/s, such as 10\n  try       bw=10",
    ),
    "more than all": (
        {"loss": 101},
        "loss 101\n  expected  per cent of the frames, from 0 to 100\n  try       loss='1%'",
    ),
    "loss by a word": (
        {"loss": "much"},
        "loss 'much' is not per cent of the frames\n"
        "  expected  per cent of the frames, from 0 to 100\n  try       loss='1%'",
    ),
    "a burst of nothing": (
        {"loss": "gemodel"},
        "loss 'gemodel'\n  expected  gemodel P [R [1-H [1-K]]]: into the bad state, back, loss in the bad, "
        "loss in the good\n  try       loss='gemodel 1% 10%'",
    ),
    "a burst without %": (
        {"loss": "gemodel 1 10"},
        "loss 'gemodel 1 10' has no %\n  expected  per cent of the frames, from 0 to 100\n  try       1% in place of 1",
    ),
    "a queue of none": (
        {"bw": 1, "max_queue_size": 0},
        "max_queue_size '0'\n  expected  a whole number from 1 to 100000\n  try       max_queue_size=5",
    ),
    "a queue of halves": (
        {"bw": 1, "max_queue_size": 2.5},
        "max_queue_size '2.5'\n  expected  a whole number from 1 to 100000\n  try       max_queue_size=5",
    ),
    "a queue in bits": (
        {"bw": 1, "max_queue_size": "64kbit"},
        "max_queue_size '64kbit': kbit is not a unit of size\n"
        "  expected  frames (no unit), B, kB (1000), KiB (1024), MB or MiB\n  try       max_queue_size='64kB'",
    ),
    "a queue without a wire's rate": (
        {"max_queue_size": 50},
        "max_queue_size without bw: nothing waits for a wire that has no rate\n"
        "  expected  max_queue_size with bw\n  try       bw=10, or leave max_queue_size out",
    ),
    "jitter alone": (
        {"jitter": "1ms"},
        "jitter 1ms is more than the delay, which is none\n"
        "  expected  jitter up to the delay: no frame arrives before it was sent\n"
        "  try       delay='1ms', or more",
    ),
    "jitter beyond the delay": (
        {"delay": "5ms", "jitter": "10ms"},
        "jitter 10ms is more than delay 5ms\n"
        "  expected  jitter up to the delay: no frame arrives before it was sent\n"
        "  try       delay='10ms', or more",
    ),
    "a shape of nothing": (
        {"delay": "5ms", "distribution": "normal"},
        "distribution normal has no jitter to shape\n  expected  distribution with jitter\n  try       jitter='1ms'",
    ),
    "a shape that is none": (
        {"delay": "5ms", "jitter": "1ms", "distribution": "paretto"},
        "distribution 'paretto' is not one that jitter has\n"
        "  expected  one of uniform, normal, pareto, paretonormal\n  try       distribution='pareto'",
    ),
    "nothing to overtake": (
        {"reorder": 25},
        "reorder 25% without delay: there is nothing to overtake\n"
        "  expected  reorder with delay\n  try       delay='10ms'",
    ),
    "a gap of nothing": (
        {"delay": "5ms", "gap": 5},
        "gap 5 without reorder\n  expected  gap with reorder\n  try       reorder='25%'",
    ),
    "a seed of halves": (
        {"seed": -1},
        "seed -1\n  expected  a whole number from 0 to 9223372036854775807\n  try       seed=5",
    ),
    "twice": (
        {"loss": 1, "params1": {"loss": 2}},
        "loss stands both for the cable and in params1\n"
        "  expected  one value for each direction\n  try       remove it from params1",
    ),
    "an end's own word": (
        {"params2": {"dely": "5ms"}},
        "a cable has no option 'dely'; did you mean 'delay'?\n  expected  one of bw, delay, jitter, distribution, "
        "loss, duplicate, corrupt, reorder, gap, max_queue_size, seed",
    ),
}


@pytest.mark.parametrize("case", FAULTS_IN_A_FILE)
def test_a_file_that_asks_for_what_cannot_be_is_told_in_exact_words(case: str) -> None:
    options, text = FAULTS_IN_A_FILE[case]
    assert [str(fault) for fault in read_file(options)[1]] == [text]


def test_all_faults_are_told_at_once() -> None:
    cable, faults = read_file({"delay": 5, "loss": 200, "bw": 10})
    assert len(faults) == 2
    assert cable == Cable(*[Direction(rate_bps=10_000_000)] * 2)


FAULTS_OF_A_COMMAND = {
    "delay=50": "delay '50' has no unit\n  expected  s, ms or us\n  try       delay=50ms",
    "bw=2": "bw '2' has no unit\n  expected  kbit, mbit or gbit\n  try       bw=2mbit",
    "bw=0mbit": "bw '0mbit'\n  expected  from 1kbit to 1gbit\n  try       bw=none for no limit",
    "loss=1": "loss '1' has no %\n  expected  per cent of the frames, from 0 to 100\n  try       loss=1%",
    "los=1%": (
        "a cable has no option 'los'; did you mean 'loss'?\n  expected  one of bw, delay, jitter, distribution, "
        "loss, duplicate, corrupt, reorder, gap, max_queue_size, seed"
    ),
    "max_queue_size=50": (
        "max_queue_size without bw: nothing waits for a wire that has no rate\n"
        "  expected  max_queue_size with bw\n  try       bw=10mbit, or leave max_queue_size out"
    ),
    "loss=gemodel": (
        "loss 'gemodel'\n  expected  gemodel P [R [1-H [1-K]]]: into the bad state, back, loss in the bad, "
        "loss in the good\n  try       loss='gemodel 1% 10%'"
    ),
}


@pytest.mark.parametrize("word", FAULTS_OF_A_COMMAND)
def test_a_command_that_asks_for_what_cannot_be_is_told_in_exact_words(word: str) -> None:
    _, [fault] = change(Cable(), read_words([word]))
    assert str(fault) == FAULTS_OF_A_COMMAND[word]
    assert fault.exit_code == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["dely"], "'dely' is not NAME=VALUE\n  expected  delay=50ms, loss=1%; the names are bw, delay, jitter, "),
        (["loss=1%", "loss=2%"], "loss is given twice\n  expected  each option once"),
    ],
)
def test_words_that_are_no_options(words: list[str], text: str) -> None:
    with pytest.raises(OptionError) as told:
        read_words(words)
    assert str(told.value).startswith(text)


shares = st.integers(0, 10_000).map(lambda n: n / 10_000)
losses = shares | st.builds(GilbertElliott, shares, shares, shares, shares)


@st.composite
def directions(draw: st.DrawFn) -> Direction:
    """Every direction that words can ask for."""
    delay_s = draw(st.integers(0, 60_000)) / 1000
    jitter_s = draw(st.integers(0, round(delay_s * 1000))) / 1000
    rate_bps = draw(st.none() | st.integers(1_000, 1_000_000_000))
    reorder = draw(shares) if delay_s else 0.0
    queue = draw(st.none() | st.sampled_from(["frames", "bytes"])) if rate_bps else None
    return Direction(
        delay_s,
        jitter_s,
        draw(st.sampled_from(meaning.DISTRIBUTIONS)) if jitter_s else meaning.UNIFORM,
        draw(losses),
        draw(shares),
        draw(shares),
        reorder,
        draw(st.integers(1, 1000)) if reorder else 1,
        rate_bps,
        draw(st.integers(1, 100_000)) if queue == "frames" else None,
        draw(st.integers(60, 256 << 20)) if queue == "bytes" else None,
    )


@given(directions(), directions(), st.integers(0, 2**63 - 1))
def test_what_is_rendered_and_what_is_sent_is_read_back(forward: Direction, backward: Direction, seed: int) -> None:
    cable = Cable(forward, backward, seed)
    assert Cable.from_json(cable.as_json()) == cable
    again = Cable(seed=seed)
    for name, direction in ((FORWARD, forward), (BACKWARD, backward)):
        again, faults = change(again, render(direction), directions=[name])
        assert not faults
    assert again == cable


anything = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers(), max_size=2)
    | st.from_regex(r"-?[0-9.]{0,4}(e[0-9]{1,3})? ?(ms|s|%|mbit|kB|mbps|x)?", fullmatch=True)
    | st.from_regex(r"gemodel( [0-9]{1,3}%?){0,5}", fullmatch=True)
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*READERS, "seed", "colour"]), anything, max_size=4), st.booleans())
def test_whatever_is_written_is_understood_or_refused(options: dict[str, Any], in_file: bool) -> None:
    cable, faults = change(Cable(), options, in_file=in_file)
    assert all(fault.expected for fault in faults)
    if not faults:
        assert change(Cable(seed=cable.seed), render(cable.forward)) == (cable, [])


def test_the_wire_counts_what_ethernet_adds() -> None:
    """64 bytes with FCS are 672 bit times, so that 10 Mbit/s carry 14 880 of them a second (RFC 2544 §20)."""
    way = Direction(rate_bps=10_000_000)
    assert 1 / way.serialization_s(60) == pytest.approx(14880.95, abs=0.01)
    assert way.serialization_s(42) == way.serialization_s(60)
    assert 1 / way.serialization_s(1514) == pytest.approx(812.74, abs=0.01)


def test_the_share_of_bursts() -> None:
    assert GilbertElliott(0.01, 0.09).share() == pytest.approx(0.1)
    assert GilbertElliott(0.01, 0.09, bad_loss=0.5, good_loss=0.1).share() == pytest.approx(0.14)
