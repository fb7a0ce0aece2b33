"""How a check of what passed fails: as an assertion, in words, and never as a pass that nobody can vouch for."""


class NotSeen(AssertionError):  # noqa: N818 - a verdict, no fault
    """What a test expects did not pass, or what it rules out did."""


class NotCertain(NotSeen):
    """The capture lost frames: what was not seen may have passed all the same."""
