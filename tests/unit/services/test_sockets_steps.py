"""The steps of the book's figure 4-6: how an event reads, and how the kernel's table is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.reasons import Reason
from lan.services.sockets import steps

LOCAL, PEER = ("192.168.100.1", 50112), ("192.168.100.253", 80)
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 0164A8C0:C3C0 FD64A8C0:0050 05 00000000:00000000 03:00000000 00000000     0        0 0 3 0
"""
TABLE_6 = """\
  sl  local_address                         remote_address                        st tx_queue
   0: 00000000000000000000000001000000:C3C0 00000000000000000000000001000000:0050 06 00000000:00000000
"""


def test_an_event_is_one_line_of_step_call_state_connection_and_reason() -> None:
    made = steps.event("C4", state="ESTABLISHED", local=LOCAL, peer=PEER)
    assert made.line() == (
        "C4 connect     ESTABLISHED  192.168.100.1:50112 → 192.168.100.253:80  "
        "came back: SYN+ACK has come, the connection stands (book 4.1.4, figure 4-6)"
    )


def test_an_event_says_what_it_carried_and_a_reason_of_its_own() -> None:
    made = steps.event("C7", state="CLOSE-WAIT", local=LOCAL, peer=PEER, size_bytes=0, why=steps.END)
    assert made.line().endswith("  0 bytes: the other end sends no more (FIN) "
                                "(book 4.7.4; RFC 9293 §3.6)")  # fmt: skip


def test_an_event_without_addresses_says_so() -> None:
    assert "CLOSED       no addresses  a new end" in steps.event("S1", state="CLOSED").line()
    assert "LISTEN       [::]:80 → any  " in steps.event("S3", state="LISTEN", local=("::", 80)).line()


def test_an_event_as_json_has_the_same_facts() -> None:
    assert steps.event("S8", state="ESTABLISHED", local=PEER, peer=LOCAL, size_bytes=5).as_json() == {
        "step": "S8",
        "call": "write",
        "state": "ESTABLISHED",
        "local": "192.168.100.253:80",
        "peer": "192.168.100.1:50112",
        "size_bytes": 5,
        "reason": Reason("book 4.1.4, figure 4-6", steps.STEPS["S8"][1]).as_json(),
    }


@pytest.mark.parametrize(
    ("table", "local", "peer", "state"),
    [
        (TABLE, LOCAL, PEER, "FIN-WAIT-2"),
        (TABLE, PEER, LOCAL, "CLOSED"),
        (TABLE, ("0.0.0.0", 8080), ("0.0.0.0", 0), "LISTEN"),
        (TABLE_6, ("::1", 50112), ("::1", 80), "TIME-WAIT"),
        ("", LOCAL, PEER, "CLOSED"),
    ],
)
def test_a_connection_without_a_program_is_found_in_the_kernels_table(
    table: str, local: steps.Address, peer: steps.Address, state: str
) -> None:
    assert steps.state_in_table(table, local, peer) == state


@given(st.text(alphabet="0123456789ABCDEF: \n", max_size=200))
def test_any_table_gives_a_state(table: str) -> None:
    assert steps.state_in_table("head\n" + table, LOCAL, PEER)


def test_every_number_has_a_name() -> None:
    assert [steps.state_name(number) for number in (1, 10, 99)] == ["ESTABLISHED", "LISTEN", "state 99"]


def test_the_request_is_one_that_any_server_answers_and_the_response_holds_it() -> None:
    request = steps.request_to("web", 8080, "/")
    assert request == b"GET / HTTP/1.0\r\nHost: web:8080\r\n\r\n"
    assert steps.is_complete(request) and not steps.is_complete(request[:-1])
    head, _, body = steps.response_to(request).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"Content-Length: %d" % len(body) in head
    assert body.endswith(request)
