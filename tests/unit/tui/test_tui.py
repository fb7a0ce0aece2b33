"""The full-screen view shows what the timeline knows: list, layers, bytes, map; keys and filters do what they say."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from lan.cli.source import Source
from lan.trace.frame import Frame
from lan.trace.opening import open_capture
from lan.trace.pcapng import Reader
from lan.trace.timeline import Timeline
from lan.tui.app import TraceApp
from lan.tui.details import Layers
from lan.tui.frame_list import FrameList

from ..trace.tls_talk import TlsTalk

OFFICE = Path(__file__).parents[1] / "trace" / "office.pcapng.hex"
Play = Callable[[TraceApp, Pilot[None]], Coroutine[Any, Any, None]]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Source:
    file = tmp_path_factory.mktemp("tui") / "office.pcapng"
    file.write_bytes(bytes.fromhex(OFFICE.read_text()))
    return Source(open_capture(file).timeline, file.name, file.parent, file)


def play(source: Any, steps: Play, filter_text: str = "", size: tuple[int, int] = (170, 40)) -> None:
    async def whole() -> None:
        app = TraceApp(source, filter_text)
        async with app.run_test(size=size) as pilot:
            await pilot.pause()
            await steps(app, pilot)

    asyncio.run(whole())


def words(app: TraceApp, name: str) -> str:
    return str(app.query_one(name, Static).render())


def rows(app: TraceApp) -> list[str]:
    shown = app.query_one(FrameList)
    return ["".join(segment.text for segment in shown.render_line(y)) for y in range(shown.size.height)]


def title(app: TraceApp) -> str:
    return words(app, "#title")


def number_of(app: TraceApp) -> int:
    assert app.chosen is not None
    return app.chosen.number


def first_of(app: TraceApp, protocol: str) -> int:
    frames = app.timeline.all_first_sightings
    return next(at for at, frame in enumerate(frames) if frame.packet.protocol == protocol)


def test_a_recording_opens_at_its_first_frame(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        assert f"{len(app.timeline.all_first_sightings)} of" in title(app)
        assert number_of(app) == 1
        assert "DISCOVER" in rows(app)[0]
        assert "last device" in words(app, "#head")

    play(office, steps)


def test_layers_bytes_and_map_are_of_the_chosen_frame(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        app.table.choose(first_of(app, "HTTP"))
        await pilot.pause()
        layers = [str(node.label) for node in app.query_one(Layers).root.children]
        assert [layer.split(",")[0] for layer in layers] == ["Ethernet", "IPv4", "TCP", "HTTP request"]
        assert words(app, "#bytes").startswith("0000  02 ")
        assert "GET" in words(app, "#bytes")
        passed = [line for line in words(app, "#map").splitlines() if "◀" in line or "▶" in line]
        assert [line.split()[-2] for line in passed] == ["pc1", "web"]
        why = words(app, "#why")
        assert [line for line in why.splitlines() if "·" in line] == ["pc1 · origin", "s1 · switch", "web · end"]
        assert "the frame goes there alone" in why

    play(office, steps)


def test_what_tls_hid_stands_below_its_layers_and_marks_no_byte(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path)
    talk.say("pc1", b"GET /secret HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
    timeline = Timeline(switches=["s1"])
    timeline.learn_secrets(f"# of pc1\n{talk.key_log}")
    timeline.feed(talk.frames)

    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("end")
        await pilot.pause()
        *_, tls, http = app.query_one(Layers).root.children
        assert str(tls.label).startswith("TLS")
        assert str(http.label) == "HTTP request, GET /secret HTTP/1.1, decrypted by the key log of pc1"
        assert "Host: www.lan.test" in [str(field.label) for field in http.children]
        assert http.data is not None and http.data.start == http.data.end

    play(Source(timeline, "secret", tmp_path, None), steps)


def test_the_chosen_layer_stays_chosen_on_the_next_frame(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("tab", "home", "up", "down")
        await pilot.pause()
        place = app.query_one(Layers).cursor_node
        assert place is not None and place.data is not None
        chosen = place.data.protocol
        assert chosen == "IPv4"
        app.table.choose(first_of(app, "HTTP"))
        await pilot.pause()
        open_ones = [node for node in app.query_one(Layers).root.children if node.is_expanded]
        assert [node.data.protocol for node in open_ones if node.data] == [chosen]

    play(office, steps)


def test_a_filter_leaves_the_frames_it_means(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("slash")
        app.query_one("#ask", Input).value = "arp"
        await pilot.press("enter")
        await pilot.pause()
        shown = app.table.frames
        assert shown and {frame.packet.protocol for frame in shown} == {"ARP"}
        assert "filter arp" in title(app)
        assert not app.query_one("#ask").has_class("-open")

    play(office, steps)


def test_what_is_told_below_is_of_the_frame_that_a_filter_puts_in_the_same_place(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        assert number_of(app) == 1
        await pilot.press("slash")
        app.query_one("#ask", Input).value = "dns"
        await pilot.press("enter")
        await pilot.pause()
        assert app.table.at == 0 and number_of(app) > 1
        layers = [str(node.label) for node in app.query_one(Layers).root.children]
        assert layers[-1].startswith("DNS")

    play(office, steps)


def test_a_mistaken_filter_is_told_and_changes_nothing(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        before = len(app.table.frames)
        await pilot.press("slash")
        app.query_one("#ask", Input).value = "tcp.flagz.syn"
        await pilot.press("enter")
        await pilot.pause()
        assert len(app.table.frames) == before
        assert app.query_one("#ask").has_class("-open")
        [told] = app._notifications
        assert "tcp.flags" in told.message

    play(office, steps)


def test_every_hop_and_the_next_hop_follow_the_frame(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        app.table.choose(first_of(app, "DNS"))
        first = number_of(app)
        await pilot.press("n")
        assert number_of(app) == app.timeline.journey_of(app.timeline.all_frames[first - 1]).frames[1].number
        assert len(app.table.frames) == len(app.timeline.all_frames)
        await pilot.press("p")
        assert number_of(app) == first
        await pilot.press("p")
        assert number_of(app) == first
        await pilot.press("e")
        assert len(app.table.frames) == len(app.timeline.all_first_sightings)
        assert number_of(app) == first

    play(office, steps)


@pytest.mark.parametrize("before", [[], ["slash", "d"]], ids=["the list", "a line that is typed"])
def test_ctrl_c_ends_it(office: Source, before: list[str]) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press(*before, "ctrl+c")
        await pilot.pause()
        assert app.is_interrupted and not app.is_running

    play(office, steps)


def test_a_number_is_gone_to(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        wanted = app.timeline.all_first_sightings[9].number
        await pilot.press("g", *str(wanted), "enter")
        assert number_of(app) == wanted
        await pilot.press("g", "x", "enter")
        assert number_of(app) == wanted
        assert len(app._notifications) == 1

    play(office, steps)


def test_a_filter_that_means_nothing_shows_an_empty_list(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        assert app.chosen is None
        assert title(app).startswith(" office.pcapng  ·  0 of ")
        await pilot.press("down", "n", "e", "b", "w")

    play(office, steps, filter_text="tcp.port==1")


def test_eighty_columns_have_the_layers_and_b_the_bytes(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        assert app.query_one("#layers").display and not app.query_one("#bytes-pane").display
        await pilot.press("b")
        assert not app.query_one("#layers").display and app.query_one("#bytes-pane").display

    play(office, steps, size=(80, 24))


class Growing(Source):
    """A LAN that is up: each time that it is waited for, one more frame of a recording has passed."""

    is_live = True

    def __init__(self, frames: list[Frame]) -> None:
        super().__init__(Timeline(switches=["s1"]), "office", Path(), None)
        self.coming = list(frames)

    def wait(self, deadline_s: float) -> None:
        if not self.coming:
            raise OSError("it ended")

    def sync(self) -> None:
        if self.coming:
            self.timeline.add(self.coming.pop(0))


def test_a_lan_that_is_up_is_followed_until_it_ends() -> None:
    frames = Reader().feed(bytes.fromhex(OFFICE.read_text()))[:20]

    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await app.workers.wait_for_complete()
        await pilot.pause()
        assert len(app.timeline.all_frames) == len(frames)
        assert number_of(app) == app.timeline.all_first_sightings[-1].number
        assert "the LAN is gone: it ended" in title(app)

    play(Growing(frames), steps)


def test_who_follows_begins_at_the_newest_frame() -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        assert number_of(app) == app.timeline.all_first_sightings[-1].number > 1

    growing = Growing(Reader().feed(bytes.fromhex(OFFICE.read_text()))[:20])
    while growing.coming:
        growing.sync()
    play(growing, steps)


def test_who_goes_to_a_frame_stays_there_while_others_come() -> None:
    frames = Reader().feed(bytes.fromhex(OFFICE.read_text()))[:20]

    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        assert "following" in title(app)
        await pilot.press("home")
        here = number_of(app)
        assert "following" not in title(app)
        while len(app.timeline.all_frames) < len(frames):
            await pilot.pause()
        assert number_of(app) == here == 1
        await pilot.press("end")
        assert number_of(app) == app.timeline.all_first_sightings[-1].number and "following" in title(app)
        await pilot.press("up", "f")
        assert number_of(app) == app.timeline.all_first_sightings[-1].number and "following" in title(app)

    growing = Growing(frames)
    growing.sync()
    growing.sync()
    play(growing, steps)


def test_who_goes_to_a_frame_is_not_taken_from_there_by_what_comes_in_the_same_moment() -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        app.table.action_last()
        await pilot.pause()
        app.table.action_first()
        app.table.grown(is_following=True)  # the app has not heard of it yet
        assert number_of(app) == 1
        await pilot.pause()
        assert "following" not in title(app)
        app.table.grown(is_following=True)
        assert number_of(app) == app.timeline.all_first_sightings[-1].number

    growing = Growing(Reader().feed(bytes.fromhex(OFFICE.read_text()))[:20])
    while growing.coming:
        growing.sync()
    play(growing, steps)


def test_a_file_has_nothing_to_follow(office: Source) -> None:
    async def steps(app: TraceApp, pilot: Pilot[None]) -> None:
        await pilot.press("f")
        assert "following" not in title(app)
        assert app.check_action("follow", ()) is False and app.check_action("quit", ()) is True

    play(office, steps)


def test_a_view_in_another_language_leaves_the_next_its_own(office: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    said = []
    for language in ("ko", "en"):
        monkeypatch.setenv("LAN_LANG", language)
        said += [each.description for each in TraceApp(office)._bindings.key_to_bindings["q"]]
    assert said == ["끝", "Quit"]
