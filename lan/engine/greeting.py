"""The first words between Open vSwitch and its controller.  ovs-vswitchd(8); OpenFlow 1.3.5 §6.3.1.

While vswitchd awaits a controller's HELLO its main loop does not wait for it: `vconn_run_wait` of lib/vconn.c (Open
vSwitch 3.1) leaves that state out.  It is read when something else wakes the loop, which is every half a second where
nothing happens, so whoever waits for the controller wakes it.
"""

import time
from collections.abc import Callable

from lan.engine import services
from lan.engine.services import READY_DEADLINE_S, Running

WAKES_EVERY_S = 0.01


def wait_ready(controller: Running | None, wake: Callable[[], None] | None) -> None:
    """Wait until the controller has all its datapaths; `wake` has their daemon look at its connections.

    Raises RunError, with its last words, for a controller that ended.
    """
    limit_s = time.monotonic() + READY_DEADLINE_S
    while controller and wake and services.wait_ready([controller], WAKES_EVERY_S) and time.monotonic() < limit_s:
        wake()
