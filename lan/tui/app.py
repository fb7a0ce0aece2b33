"""The full-screen view: list above, layers, bytes and map below; keys as in `less` and Wireshark."""

import os
from dataclasses import replace
from threading import Event
from typing import ClassVar

from textual import work
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.widgets import Footer, Input, Static
from textual.worker import get_current_worker

from lan.errors import LanError, UsageError
from lan.language.catalogue import language_of
from lan.reasons import Sentence
from lan.trace.decryption_messages import clear_messages
from lan.trace.filter import Filter
from lan.trace.frame import Frame
from lan.trace.listing import Listing
from lan.trace.notes import of_drops
from lan.trace.recorded import place_of, taken_up
from lan.trace.timeline import Timeline
from lan.trace.views.cable_map import Cables, draw
from lan.tui.details import Bytes, Layers, Map, Why
from lan.tui.frame_list import FrameList
from lan.tui.source import Source
from lan.wire.malformed import Malformed

PATIENCE_S = 0.5
"""So long a key that ends the view may wait for the thread that waits for frames."""
FIRST_FRAMES, MORE_FRAMES = 2_000, 500
"""So many frames are held against a filter before the first screen, and between two keys."""
KNOWN_FRAMES = 20_000
"""So many more frames of a file are made known between two keys."""
LOOK_ON_S = 0.02


class TraceApp(App[None]):
    """One trace, looked at.  `filter_text` is the filter to begin with."""

    CSS = """
    #title { height: 1; background: $primary; color: $text; text-style: bold; }
    #head { height: 1; text-style: bold; color: $text-muted; }
    #list { height: 1fr; }
    #below { height: 1fr; border-top: solid $primary; }
    #layers { width: 1fr; }
    #bytes-pane { width: 74; border-left: solid $primary; padding: 0 1; }
    #way-pane { width: 1fr; border-left: solid $primary; padding: 0 1; }
    #bytes, #map { width: auto; }
    .-medium #bytes-pane, .-narrow #bytes-pane, .-narrow #way-pane { display: none; }
    .-medium.-bytes #bytes-pane { display: block; }
    .-medium.-bytes #way-pane { display: none; }
    .-narrow.-bytes #layers, .-narrow.-way #layers { display: none; }
    .-narrow.-bytes #bytes-pane, .-narrow.-way #way-pane { display: block; width: 1fr; border-left: none; }
    #ask { dock: bottom; display: none; border: none; height: 1; padding: 0; }
    #ask.-open { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("slash", "ask('filter')", "Filter"),
        Binding("g", "ask('number')", "Go to"),
        Binding("e", "hops", "Every hop"),
        Binding("n", "next_hop(1)", "Next hop"),
        Binding("p", "next_hop(-1)", "Last hop"),
        Binding("w", "pane('-way')", "Way"),
        Binding("b", "pane('-bytes')", "Bytes"),
        Binding("f", "follow", "Follow"),
        Binding("escape", "close_ask", show=False),
        Binding("ctrl+c", "interrupt", show=False, priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-medium"), (170, "-wide")]  # noqa: RUF012 - as Textual has it
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, source: Source, filter_text: str = "") -> None:
        super().__init__()
        self.language = language_of(os.environ)
        keys = self._bindings.key_to_bindings  # its lists are the class's too
        for key, bindings in keys.items():
            keys[key] = [replace(each, description=self.language.say(each.description)) for each in bindings]
        self.source, self.recorded = source, source.recorded
        self.filter_text = filter_text
        self._filter: Filter | None = source.compile(filter_text or None)
        self._cables = Cables()
        self._listing = Listing(self.recorded)
        self._gone = self.recorded.gone
        self._is_more = False
        """Whether a file may have more frames than are known."""
        self._sought: tuple[int, int] | None = None
        """The number of a frame to be chosen when the list comes to it, if the place then chosen is chosen still."""
        self._asked = ""
        self._is_hops = False
        self._is_following = source.is_live
        self._ended = Event()
        self.trouble, self.is_interrupted = "", False

    def compose(self) -> ComposeResult:
        yield Static(id="title", markup=False)
        yield Static(id="head", markup=False)
        yield FrameList(self.recorded, id="list")
        with Horizontal(id="below"):
            yield Layers(id="layers")
            with VerticalScroll(id="bytes-pane"):
                yield Bytes(id="bytes", markup=False)
            with VerticalScroll(id="way-pane"):
                yield Map(id="map", markup=False)
                yield Why(id="why", markup=False)
        yield Input(id="ask")
        yield Footer()

    def on_mount(self) -> None:
        self._looking_on = self.set_interval(LOOK_ON_S, self._look_on, pause=True)
        self._show_all()
        self.table.focus()
        if self.source.is_live:
            self._wait_for_more()

    def on_unmount(self) -> None:
        self._ended.set()

    @property
    def timeline(self) -> Timeline:
        """What was last looked at, with what was around it."""
        return self.recorded.timeline

    @property
    def table(self) -> FrameList:
        return self.query_one("#list", FrameList)

    @property
    def chosen(self) -> Frame | None:
        """The frame that is looked at."""
        return self.table.chosen

    @property
    def chosen_number(self) -> int | None:
        return self.chosen.number if self.chosen is not None else None

    @work(thread=True, exclusive=True)
    def _wait_for_more(self) -> None:
        """Wait in a thread for what comes next; it is taken up between two keys, never beside one."""
        worker = get_current_worker()
        while not (worker.is_cancelled or self._ended.is_set() or self.trouble):
            try:
                self.source.wait(PATIENCE_S)
            except (LanError, OSError) as fault:
                self.trouble = self._gone_lan(fault)
            if not (worker.is_cancelled or self._ended.is_set()):
                self.call_from_thread(self._take_more)

    def _show_all(self, number: int | None = None) -> None:
        """List anew, by the filter and the hops that are asked for; the frame of that number is chosen if it can be."""
        self._gone = self.recorded.gone
        self._is_more = self.recorded.know(FIRST_FRAMES) and not self.source.is_live
        listing = self._listing = Listing(self.recorded, self._filter, is_hops=self._is_hops)
        self._hold_against_filter(FIRST_FRAMES)
        self._cables.add(self.recorded.cables())
        at = listing.place(number) if number is not None else len(listing) - 1 if self._is_following else 0
        self.table.show_frames(listing, is_hops=self._is_hops, chosen=at)
        is_late = number is not None and not listing.is_complete and listing.place(number) == len(listing)
        self._sought = (number, self.table.at) if number is not None and is_late else None
        self._tell()
        if not listing:
            self._nothing()
        self._looking_on.resume()

    def _look_on(self) -> None:
        """Between two keys: know more of the file, hold more against the filter."""
        listing = self._listing
        if not self.source.is_live:
            self._is_more = self.recorded.know(len(self.recorded.sightings) + KNOWN_FRAMES)
        self._hold_against_filter(MORE_FRAMES)
        if len(listing) > self.table.counted:
            self._cables.add(self.recorded.cables())
            self.table.grown(is_following=self._is_following)
        if self._sought is not None:
            self._seek(*self._sought)
        if not self._is_more and listing.is_complete:
            self._looking_on.pause()
        self._tell()

    def _seek(self, number: int, at: int) -> None:
        """Choose a frame that the list has come to, unless the user has chosen another meanwhile."""
        place = self._listing.place(number)
        if self.table.at != at:
            self._sought = None
        elif place < len(self._listing) or self._listing.is_complete:
            self._sought = None
            self.table.choose(place)

    def _hold_against_filter(self, count: int) -> None:
        try:
            self._listing.look_on(count)
        except (UsageError, Malformed) as fault:
            self.notify(self.language.fault(fault), severity="error", markup=False)
            self._filter, self.filter_text = None, ""
            self._listing = Listing(self.recorded, is_hops=self._is_hops)
            self.table.show_frames(self._listing, is_hops=self._is_hops, chosen=0)

    def _take_more(self) -> None:
        """Take up what a LAN that is up has recorded."""
        try:
            self.source.sync()
        except (LanError, OSError) as fault:
            self.trouble = self._gone_lan(fault)
        if self.recorded.gone != self._gone:
            self._show_all(self.chosen_number)
        self._looking_on.resume()
        self._look_on()

    def _gone_lan(self, fault: Exception) -> str:
        return self.language.retell(Sentence("the LAN is gone: {why}", why=self.language.fault_in_line(fault)))

    def _nothing(self) -> None:
        self.query_one(Layers).clear()
        self.query_one(Bytes).update("")
        self.query_one(Map).show_lines(draw(self._cables, None, None))
        self.query_one(Why).update("")

    def _tell(self) -> None:
        """The two lines above the list."""
        listing, language = self._listing, self.language
        counted = Sentence("{count} of {all} frames", count=len(listing), all=listing.looked_at)
        words = [f" {self.source.name}", language.retell(counted)]
        words += [language.retell(Sentence("{share:.0%} read", share=self.recorded.share))] if self._is_more else []
        words += [language.say("looking on")] if not listing.is_complete else []
        words += [language.retell(Sentence("filter {words}", words=self.filter_text))] if self.filter_text else []
        words += [language.say("every hop")] if self._is_hops else []
        words += [language.say("following")] if self.source.is_live and self._is_following else []
        words += [language.retell(each) for each in (*of_drops(self.source.drops), *self.source.notes)]
        words += [self.trouble] if self.trouble else []
        self.query_one("#title", Static).update("  ·  ".join(words))
        self.query_one("#head", Static).update(self.table.head)

    def on_frame_list_chosen(self, event: FrameList.Chosen) -> None:
        try:
            frame, timeline = taken_up(self.recorded, event.frame)
        except (Malformed, OSError) as fault:
            self._say_lost(self.language.fault_in_line(fault))
            return
        self.query_one(Layers).show_frame(frame, clear_messages(frame, timeline))
        journey = timeline.journey_of(frame)
        self.query_one(Map).show_lines(draw(self._cables, journey, frame))
        self.query_one(Why).show_stops((stop, self.source.explain(stop, journey)) for stop in journey.stops)

    def on_frame_list_moved(self, event: FrameList.Moved) -> None:
        """Who goes to a frame wants to look at it; who goes to the last, at what comes."""
        self._is_following, self.table.is_going = event.is_to_last and self.source.is_live, False
        self._tell()

    def on_frame_list_lost(self, event: FrameList.Lost) -> None:
        self._say_lost(event.why)

    def _say_lost(self, why: str) -> None:
        self.trouble = why
        self._nothing()
        self._tell()

    def on_layers_marked(self, event: Layers.Marked) -> None:
        if self.chosen is not None:
            self.query_one(Bytes).show_bytes(self.chosen, event.start, event.end)

    def action_ask(self, what: str) -> None:
        """Open the line below: for a filter, or a frame's number."""
        ask = self.query_one("#ask", Input)
        self._asked = what
        ask.placeholder = "tcp.flags.syn and dst=web" if what == "filter" else self.language.say("a frame's number")
        ask.value = self.filter_text if what == "filter" else ""
        ask.add_class("-open")
        ask.focus()

    def action_interrupt(self) -> None:
        """Ctrl-C ends it as it ends every verb."""
        self.is_interrupted = True
        self.exit()

    def action_close_ask(self) -> None:
        self.query_one("#ask", Input).remove_class("-open")
        self.table.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        text = event.value.strip()
        try:
            if self._asked == "filter":
                self._filter = self.source.compile(text or None)
                self.filter_text = text
                self._show_all(self.chosen_number)
            elif text:
                self._go_to(text)
        except UsageError as fault:
            self.notify(self.language.fault(fault), severity="error", markup=False)
            return
        self.action_close_ask()

    def _go_to(self, text: str) -> None:
        if not text.isascii() or not text.isdigit():
            raise UsageError(f"{text}: not a number", expected="a frame's number, as in the first column")
        self._is_following = False
        place_of(self.recorded, int(text))  # a file may not be known so far yet
        self.table.choose(self._listing.place(int(text)))

    def action_hops(self) -> None:
        """Each frame once, or at each cable it passed."""
        self._is_hops = not self._is_hops
        self._show_all(self.chosen_number)

    def action_next_hop(self, by: int) -> None:
        """To the next or the last sighting of the chosen frame."""
        if self.chosen is None:
            return
        try:
            frame, timeline = taken_up(self.recorded, self.chosen)
        except (Malformed, OSError) as fault:
            self._say_lost(self.language.fault_in_line(fault))
            return
        frames = timeline.journey_of(frame).frames
        at = frames.index(frame) + by
        if not 0 <= at < len(frames):
            end = Sentence("that was its last hop") if by > 0 else Sentence("that was its first hop")
            self.notify(self.language.retell(end), timeout=2)
            return
        self._is_hops, self._is_following = True, False
        self._show_all(frames[at].number)

    def action_pane(self, name: str) -> None:
        """Where the screen is narrow: have the way, or the bytes, in the place of what is there."""
        for each in ("-way", "-bytes"):
            self.screen.set_class(each == name and not self.screen.has_class(name), each)

    def action_follow(self) -> None:
        """Go with the newest frame, or stay."""
        self._is_following = not self._is_following
        if self._is_following:
            self.table.choose(len(self._listing) - 1)
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """A file has no newest frame to follow."""
        return self.source.is_live if action == "follow" else True


def show(source: Source, filter_text: str) -> None:
    """Take the terminal until the user quits."""
    app = TraceApp(source, filter_text)
    app.run()
    if app.is_interrupted:
        raise KeyboardInterrupt
