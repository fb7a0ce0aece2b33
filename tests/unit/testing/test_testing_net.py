"""A LAN as a test has it, where no LAN is needed for the question."""

from lan.testing.capture import Capture
from lan.testing.net import Net


class Losing(Capture):
    """Learns at each sync that one frame more was lost."""

    def __init__(self) -> None:
        self.lost = 0

    @property
    def drops(self) -> int:
        return self.lost

    def sync(self) -> None:
        self.lost += 1


def test_what_the_capture_lost_is_told_until_now() -> None:
    net = Net.__new__(Net)
    net._capture = Losing()
    assert (net.drops, net.drops) == (1, 2)
