"""One turn of the agent's loop."""

import selectors


def turn(selector: selectors.BaseSelector, patience_s: float | None) -> None:
    """Wait for events at most so long (None: for ever), and call ``data(fd)`` of each that still has somebody.

    What one event brings may end another of the same turn: a program's end closes its pipes, whose own
    last words were waiting too.  That descriptor is closed by then, or somebody else's.
    """
    for key, _ in selector.select(patience_s):
        if selector.get_map().get(key.fd) is key:
            key.data(key.fd)
