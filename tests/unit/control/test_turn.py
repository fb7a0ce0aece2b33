"""The agent's loop: an event whose descriptor another event of the same turn has closed is nobody's."""

import os
import selectors

import pytest

from lan.control.turn import turn


@pytest.mark.parametrize("is_reused", [False, True])
def test_what_one_event_closes_is_not_read_by_the_next(is_reused: bool) -> None:
    selector = selectors.DefaultSelector()
    pipes = [os.pipe(), os.pipe()]
    heard: list[int] = []
    opened: list[int] = []

    def hear(descriptor: int) -> None:
        heard.append(descriptor)
        [other] = {read for read, _ in pipes} - {descriptor}
        selector.unregister(other)
        os.close(other)
        if is_reused:
            opened.append(os.dup(descriptor))
            selector.register(opened[0], selectors.EVENT_READ, heard.append)

    for read, write in pipes:
        os.write(write, b"x")
        selector.register(read, selectors.EVENT_READ, hear)
    turn(selector, 0)
    assert len(heard) == 1
    assert not is_reused or opened[0] not in heard
    for descriptor in {*heard, *opened, *(write for _, write in pipes)}:
        os.close(descriptor)
