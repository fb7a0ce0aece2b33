"""The list of frames: a row each, drawn when it is looked at, so that a million of them cost nothing."""

import os
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from lan.language.catalogue import language_of
from lan.trace.frame import Frame
from lan.trace.listing import Listing
from lan.trace.recorded import Recorded
from lan.trace.views import table
from lan.wire.malformed import Malformed


class FrameList(ScrollView, can_focus=True):
    """`frames` are those shown; `at` is the place of the chosen one among them, -1 while there is none.

    `chosen` is that frame, None where the file has it no more.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Back", show=False),
        Binding("down,j", "move(1)", "Forward", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("pagedown", "page(1)", "Page down", show=False),
        Binding("home", "first", "First", show=False),
        Binding("end", "last", "Last", show=False),
    ]

    class Chosen(Message):
        """Another frame is the chosen one."""

        def __init__(self, frame: Frame) -> None:
            super().__init__()
            self.frame = frame

    class Moved(Message):
        """The user went to a frame: `is_to_last`, to the last there was."""

        def __init__(self, *, is_to_last: bool) -> None:
            super().__init__()
            self.is_to_last = is_to_last

    class Lost(Message):
        """A frame can't be read any more; `why` in words."""

        def __init__(self, why: str) -> None:
            super().__init__()
            self.why = why

    def __init__(self, recorded: Recorded, *, id: str) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self.recorded = recorded
        self.frames = Listing(recorded)
        self.chosen: Frame | None = None
        self.is_hops = False
        self.at = -1
        self.is_going = False
        """The user went to a frame, and who follows what comes has not heard of it yet."""
        self._language = language_of(os.environ)
        self._columns = table.Columns(language=self._language)

    def show_frames(self, frames: Listing, *, is_hops: bool, chosen: int) -> None:
        """Show these, the one at the place `chosen` chosen."""
        self.frames, self.is_hops, self.at = frames, is_hops, -1  # at the same place may stand another frame now
        self._columns = table.columns(self.recorded.timeline, self._language)
        self.virtual_size = Size(0, len(frames))
        self.choose(chosen)
        self.refresh()

    @property
    def counted(self) -> int:
        """How many frames it has room for."""
        return self.virtual_size.height

    def grown(self, *, is_following: bool) -> None:
        """There are more frames at the end of `frames` than there were; `is_following`: choose the newest."""
        self.virtual_size = Size(0, len(self.frames))
        if (is_following and not self.is_going) or self.at < 0:
            self.choose(len(self.frames) - 1)
        self.refresh()

    @property
    def head(self) -> str:
        """The line above the rows."""
        return self._columns.head

    def choose(self, at: int) -> None:
        """Choose the frame at a place, the nearest where there is none, and have it seen."""
        at = min(max(at, 0), len(self.frames) - 1)
        is_other = at != self.at or at < 0
        self.at = at
        if at < 0:
            self.chosen = None
            return
        self.scroll_to_region(Region(0, at, 1, 1), animate=False)
        self.refresh()
        if is_other:
            self._look_at(at)

    def _look_at(self, at: int) -> None:
        try:
            self.chosen = self.frames[at]
        except (Malformed, OSError) as fault:
            self.chosen = None
            self.post_message(self.Lost(self._language.fault_in_line(fault)))
        else:
            self.post_message(self.Chosen(self.chosen))

    def render_line(self, y: int) -> Strip:
        """One row, as it stands on the screen."""
        at = self.scroll_offset.y + y
        width = self.size.width
        if not 0 <= at < len(self.frames):
            return Strip.blank(width, self.rich_style)
        try:
            row = table.row(self.frames[at], self.recorded.timeline, is_hop=self.is_hops)
        except (Malformed, OSError) as fault:
            return Strip([Segment(self._language.fault_in_line(fault), self.rich_style)]).adjust_cell_length(
                width, self.rich_style
            )
        style = self.rich_style + Style.parse(row.style or "none")
        if at == self.at:
            style += Style(reverse=True, bold=self.has_focus)
        return Strip([Segment(self._columns.line(row), style)]).adjust_cell_length(width, style)

    def _go(self, at: int, *, is_to_last: bool = False) -> None:
        self.is_going = True
        self.post_message(self.Moved(is_to_last=is_to_last))
        self.choose(at)

    def action_move(self, by: int) -> None:
        self._go(self.at + by)

    def action_page(self, by: int) -> None:
        self._go(self.at + by * max(self.size.height - 1, 1))

    def action_first(self) -> None:
        self._go(0)

    def action_last(self) -> None:
        self.recorded.know()
        self.virtual_size = Size(0, len(self.frames))
        self._go(len(self.frames) - 1, is_to_last=True)

    def on_click(self, event: object) -> None:
        """The row that was pointed at."""
        self._go(self.scroll_offset.y + int(getattr(event, "y", 0)))
