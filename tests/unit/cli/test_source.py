"""Where views take frames from: a LAN that is silent is waited for, a file ends."""

from pathlib import Path
from typing import cast

from lan.cli.source import Source
from lan.scenario.recording import Recording
from lan.trace.timeline import Timeline


class Silent:
    """A recording in which something passes after three long times."""

    def __init__(self) -> None:
        self.waited = 0

    def wait_for_more(self, deadline_s: float) -> bool:
        self.waited += 1
        return self.waited > 3


def test_a_silent_lan_is_waited_for_until_it_speaks() -> None:
    source, silent = Source(Timeline(), "office", Path(), None), Silent()
    assert not source.wait_for_more()
    source.recording = cast(Recording, silent)
    assert source.wait_for_more() and silent.waited == 4
