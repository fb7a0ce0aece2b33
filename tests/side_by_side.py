"""The order of `lan test`: what needs no LAN on all cores, then all others one after another.  Beside pytest-xdist.

What lies in `tests/unit` neither sees nor changes anything of the machine.  Some other files only start programs that
stay in folders of their own and talk over loopback, on ports that the kernel chooses or in namespaces of their own.
Such files go to whichever worker is free.  All other tests bring LANs up, count what is on the machine and wait for
packets: one worker takes them, in their order, when nothing else is left to be given out.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

APART = (
    "tests/lan/test_http_differ.py",  # one test, the longest of all
    "tests/e2e/test_launcher.py",
    "tests/peers/test_peer_http_differ.py",
    "tests/peers/test_peer_http_proxies.py",
    "tests/peers/test_peer_http_clients.py",
    "tests/peers/test_peer_http_browsers.py",
    "tests/peers/test_peer_http_echo.py",
    "tests/peers/test_pcapng_wireshark.py",
    "tests/peers/test_tcp_flags_tshark.py",
    "tests/peers/test_tls_key_update.py",
    "tests/peers/test_trace_page.py",
    "tests/peers/test_trace_tshark.py",
    "tests/peers/test_wire_beside_tshark.py",
    "tests/lan/http_fetching/",
    "tests/lan/http_proxy/",
    "tests/lan/test_http_origin.py",
    "tests/lan/test_http_proxy_cache.py",
    "tests/lan/test_http_server.py",
    "tests/lan/test_http_session.py",
    "tests/lan/test_http_tls.py",
    "tests/lan/test_http_tls_close.py",
    "tests/lan/test_dns_loopback.py",
    "tests/unit/",
)
"""Files whose tests no other test can see, the longest first.  Any other is taken for one that brings LANs up."""
ONE_AFTER_ANOTHER = "all others"


class ApartFirst(LoadFileScheduling):
    """Files apart are given out one by one, in the order of `APART`, and then all others as if they were one file."""

    def _split_scope(self, nodeid: str) -> str:
        return super()._split_scope(nodeid) if nodeid.startswith(APART) else ONE_AFTER_ANOTHER

    def _assign_work_unit(self, node: WorkerController) -> None:
        self.workqueue.move_to_end(min(self.workqueue, key=place), last=False)
        super()._assign_work_unit(node)


def place(scope: str) -> int:
    """Where a file stands in the order of `APART`; behind it, where it does not."""
    return next((at for at, start in enumerate(APART) if scope.startswith(start)), len(APART))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ApartFirst:
    return ApartFirst(config, log)
