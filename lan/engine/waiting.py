"""Waiting for descriptors, whatever their numbers.  poll(2).

select(2) takes none above 1023, and a LAN of a thousand hosts holds as many namespaces.
"""

import select
from collections.abc import Collection


def readable(descriptors: Collection[int], timeout_s: float) -> set[int]:
    """Those that can be read, are at their end or in error: at once, or when the first is; none at the time-out.

    For a pidfd the end of its process counts as something to read.
    """
    poll = select.poll()
    for descriptor in descriptors:
        poll.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poll.poll(max(timeout_s, 0) * 1000)}
