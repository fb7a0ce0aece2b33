"""Stepping: forward, back, to an event, breakpoints, the pace of play, and the commands that say so."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.trace.filter import compile_filter
from lan.trace.pcapng import load
from lan.trace.recorded import Held
from lan.trace.stepping import LONGEST_PAUSE_S, Halt, Stepper
from lan.trace.stepping_words import ACTS, SHORT, Ask, Commands
from lan.trace.timeline import Timeline

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())
NAMES = ("pc1", "web", "dns", "dhcp", "s1")


@pytest.fixture(scope="module")
def office() -> Timeline:
    timeline = Timeline(switches=["s1"])
    timeline.feed(load(OFFICE))
    return timeline


@pytest.fixture
def stepper(office: Timeline) -> Stepper:
    return Stepper(Held(office))


@pytest.fixture
def commands(stepper: Stepper) -> Commands:
    return Commands(stepper, NAMES)


def number(stepper: Stepper) -> int | None:
    return stepper.frame.number if stepper.frame else None


def test_it_begins_before_the_first_event_and_ends_at_the_last(stepper: Stepper) -> None:
    assert stepper.frame is None
    assert stepper.forward().halt is Halt.DONE and number(stepper) == 1
    assert stepper.forward(1000).halt is Halt.END and number(stepper) == 146
    assert stepper.forward().halt is Halt.END and number(stepper) == 146
    assert stepper.back(145).halt is Halt.DONE and number(stepper) == 1
    assert stepper.back(5).halt is Halt.BEGINNING and stepper.frame is None


def test_back_is_the_way_that_forward_went(stepper: Stepper) -> None:
    there = [stepper.forward().frame for _ in range(20)]
    again = [stepper.back().frame for _ in range(19)]
    assert again == there[-2::-1]


def test_the_next_event_of_a_kind_and_the_one_before(stepper: Stepper) -> None:
    dns = compile_filter("dns")
    found = stepper.find(dns).frame
    assert found is not None and found.packet.dns is not None
    assert not any(frame.packet.dns for frame in stepper.events[: stepper.at])
    following = stepper.find(dns).frame
    assert following is not None and following.number > found.number
    assert stepper.find(dns, backward=True).frame is found
    at = stepper.at
    assert stepper.find(dns, backward=True).halt is Halt.NOT_FOUND and stepper.at == at


def test_run_halts_at_breakpoints_and_tells_what_it_passed(stepper: Stepper, office: Timeline) -> None:
    fin = stepper.add_breakpoint("tcp.flags.fin", compile_filter("tcp.flags.fin"))
    halts = []
    passed: list[int] = []
    while (moved := stepper.run(lambda frame: passed.append(frame.number))).halt is Halt.BREAKPOINT:
        assert moved.hit is fin
        halts.append(number(stepper))
    assert halts == [frame.number for frame in office.frames if frame.packet.tcp and frame.packet.tcp.flags & 1]
    assert passed == list(range(1, 147))
    assert moved.halt is Halt.END


def test_frames_that_come_later_are_stepped_to(office: Timeline) -> None:
    growing = Timeline(switches=["s1"])
    stepper = Stepper(Held(growing))
    assert stepper.forward().halt is Halt.END and stepper.frame is None
    growing.feed(office.frames[:1])
    assert stepper.forward().halt is Halt.DONE and number(stepper) == 1
    growing.feed(office.frames[1:2])
    assert stepper.run().halt is Halt.END and number(stepper) == 2


def test_frames_are_found_by_their_numbers_where_the_first_are_gone(office: Timeline) -> None:
    late = Timeline(switches=["s1"])
    late.feed(office.frames[48:])
    stepper = Stepper(Held(late))
    assert stepper.go(55).frame is office.frames[54]
    with pytest.raises(UsageError, match="there is no frame 48") as raised:
        stepper.go(48)
    assert raised.value.expected == "49 to 146"


def test_play_keeps_the_pace_of_the_recording_at_its_speed(stepper: Stepper, office: Timeline) -> None:
    assert stepper.pause_s() == 0
    stepper.go(2)
    gap_s = (office.frames[2].time_ns - office.frames[1].time_ns) / 1e9
    assert stepper.pause_s() == gap_s
    stepper.set_speed(10)
    assert stepper.pause_s() == gap_s / 10
    stepper.set_speed(0.001)
    pauses = [stepper.pause_s() for number in range(1, 146) if stepper.go(number)]
    assert max(pause for pause in pauses if pause is not None) == LONGEST_PAUSE_S
    stepper.last()
    assert stepper.pause_s() is None


def test_commands_say_the_same_in_words(commands: Commands) -> None:
    stepper = commands.stepper
    for line, expected in {
        "next": 1, "": 2, "n 3": 5, "b": 4, "go 49": 49, "back 2": 47, "first": 1, "last": 146, "  GO   7 ": 7
    }.items():  # fmt: skip
        assert commands.do(line).ask is Ask.SHOW_MOVE
        assert number(stepper) == expected, line
    commands.do("to dst=web and tcp.flags.syn")
    assert stepper.frame is not None and stepper.frame.packet.tcp is not None
    commands.do("to back arp")
    assert stepper.frame.packet.arp is not None
    assert commands.do("# a comment").ask is Ask.NOTHING


def test_breakpoints_are_set_listed_and_cleared_in_words(commands: Commands) -> None:
    assert commands.do("break tcp.flags.rst").said == "breakpoint 1: tcp.flags.rst"
    assert commands.do("break arp").said == "breakpoint 2: arp"
    assert commands.do("breaks").ask is Ask.SHOW_BREAKPOINTS
    assert commands.do("clear 1").said == "1 breakpoint cleared"
    assert [each.number for each in commands.stepper.breakpoints] == [2]
    passed: list[int] = []
    commands.passed = lambda frame: passed.append(frame.number)
    done = commands.do("run")
    assert done.moved is not None and done.moved.hit is not None and done.moved.frame is not None
    assert passed == list(range(1, done.moved.frame.number))
    assert commands.do("break dns").said == "breakpoint 3: dns"
    assert commands.do("clear").said == "2 breakpoints cleared"


MISTAKES = {
    "nxt": "'nxt' is no command of lan step; did you mean 'next'?",
    "next x": "next x: that is no number",
    "go": "go to which frame?",
    "go 0": "there is no frame 0",
    "go 147": "there is no frame 147",
    "to": "to which event?",
    "break dst=wbe": "did you mean 'web'?",
    "clear 9": "there is no breakpoint 9",
    "speed fast": "speed fast: that is no number",
    "speed 0": "a speed of 0",
    "play nan": "a speed of nan",
    "first 3": "first takes no word",
    "pdu": "it stands before the first event",
}


@pytest.mark.parametrize("line", MISTAKES)
def test_a_mistake_names_what_is_wrong_and_moves_nothing(commands: Commands, line: str) -> None:
    with pytest.raises(UsageError) as raised:
        commands.do(line)
    assert MISTAKES[line] in str(raised.value)
    assert commands.stepper.frame is None and commands.stepper.breakpoints == []


def test_each_command_has_help_and_short_words_mean_commands() -> None:
    assert all(text.startswith(name) for name, (_, text, _) in ACTS.items())
    assert set(SHORT.values()) <= set(ACTS)


LINES = st.builds(
    lambda word, rest: f"{word} {rest}",
    st.sampled_from([*ACTS, *SHORT, "x"]),
    st.one_of(st.text(max_size=8), st.integers(-3, 200).map(str), st.sampled_from(["dns", "arp or tcp", "back tcp"])),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(LINES, max_size=8))
def test_any_lines_leave_it_at_an_event_or_before_the_first(office: Timeline, lines: list[str]) -> None:
    commands = Commands(Stepper(Held(office)), NAMES)
    for line in lines:
        try:
            commands.do(line)
        except UsageError:
            continue
    assert -1 <= commands.stepper.at < len(office.frames)
