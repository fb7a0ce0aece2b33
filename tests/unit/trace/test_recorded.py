"""Frames that are nowhere else are held as far as they are looked back at, and told all the same."""

from dataclasses import replace
from pathlib import Path

from lan.trace.pcapng import load
from lan.trace.recorded import Held, Rolling, place_of, taken_up
from lan.trace.timeline import Timeline
from lan.trace.views import table

OFFICE = load(bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text()))


def test_of_frames_that_pass_only_the_last_are_held() -> None:
    whole, rolling = Timeline(switches=["s1"]), Rolling(Timeline(switches=["s1"]), most=64)
    for at in range(0, 20 * len(OFFICE), 10):
        fresh = [
            replace(
                OFFICE[n % 146], number=n + 1, time_ns=OFFICE[n % 146].time_ns + n // 146 * 60_000_000_000, decoded=[]
            )
            for n in range(at, min(at + 10, 20 * len(OFFICE)))
        ]
        whole.feed(fresh)
        rolling.feed(fresh)
        assert len(rolling.sightings) <= 64 and rolling.gone + len(rolling.sightings) == len(whole.all_frames)
        assert rolling.sightings[-len(fresh) :] == fresh, "what has come is there to be told"
        assert [table.row(frame, rolling.timeline) for frame in fresh] == [table.row(frame, whole) for frame in fresh]
    assert set(rolling.cables()) == set(Held(whole).cables())


def test_a_sighting_is_found_by_its_number_where_the_first_are_gone() -> None:
    late = Timeline(switches=["s1"])
    late.feed(OFFICE[48:])
    held = Held(late)
    assert (place_of(held, 49), place_of(held, 146)) == (0, 97)
    assert place_of(held, 48) is None and place_of(held, 147) is None
    assert taken_up(held, OFFICE[60])[0] is late.all_frames[12]
