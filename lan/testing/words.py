"""Names to import, so that an editor completes them: ``trace.never(arp_conflict)``, ``gap(one, other).cause``.

Each event takes the criteria of its conversation: ``trace.order(dns_answer(client="pc1"), tcp_syn(server="web"))``.
"""

from lan.testing.conversations.http import gap
from lan.testing.events import Event

arp_request = Event("arp.request")
arp_reply = Event("arp.reply")
arp_announcement = Event("arp.announcement")
arp_conflict = Event("arp.conflict")
"""Answers by several devices for one address."""

dhcp_discover = Event("dhcp.discover")
dhcp_offer = Event("dhcp.offer")
dhcp_request = Event("dhcp.request")
dhcp_decline = Event("dhcp.decline")
dhcp_ack = Event("dhcp.ack")
dhcp_nak = Event("dhcp.nak")
dhcp_release = Event("dhcp.release")
dhcp_inform = Event("dhcp.inform")

dns_question = Event("dns.question")
dns_answer = Event("dns.answer")

icmp_request = Event("icmp.request")
icmp_reply = Event("icmp.reply")
icmp_error = Event("icmp.error")

tcp_syn = Event("tcp.syn")
tcp_syn_ack = Event("tcp.syn_ack")
tcp_ack = Event("tcp.ack")
"""The last segment of a handshake."""
tcp_fin = Event("tcp.fin")
tcp_rst = Event("tcp.rst")
tcp_refused = Event("tcp.refused")
"""The RST with which a SYN was answered."""
tcp_retransmit = Event("tcp.retransmit")

tls_client_hello = Event("tls.client_hello")
tls_server_hello = Event("tls.server_hello")
tls_finished = Event("tls.finished")
"""The client's end of the handshake."""

http_request = Event("http.request")
http_response = Event("http.response")

__all__ = [
    "arp_announcement",
    "arp_conflict",
    "arp_reply",
    "arp_request",
    "dhcp_ack",
    "dhcp_decline",
    "dhcp_discover",
    "dhcp_inform",
    "dhcp_nak",
    "dhcp_offer",
    "dhcp_release",
    "dhcp_request",
    "dns_answer",
    "dns_question",
    "gap",
    "http_request",
    "http_response",
    "icmp_error",
    "icmp_reply",
    "icmp_request",
    "tcp_ack",
    "tcp_fin",
    "tcp_refused",
    "tcp_retransmit",
    "tcp_rst",
    "tcp_syn",
    "tcp_syn_ack",
    "tls_client_hello",
    "tls_finished",
    "tls_server_hello",
]
