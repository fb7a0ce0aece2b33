"""Frames and conversations as JSON-ready objects.  Keys are only ever added; `schema` says so."""

from typing import Any

from lan.trace.decryption_messages import clear_messages
from lan.trace.frame import Frame
from lan.trace.timeline import Timeline, Window
from lan.trace.trackers.arp import Resolution
from lan.trace.trackers.dhcp import Exchange
from lan.trace.trackers.dns import Query
from lan.trace.trackers.http import Transaction
from lan.trace.trackers.icmp import Echo
from lan.trace.trackers.tcp import Connection, Side
from lan.trace.trackers.tls import Session
from lan.trace.views.table import row, rows

SCHEMA = 1


def table(window: Window, *, every_hop: bool = False) -> dict[str, Any]:
    """``{"schema", "frames": [...]}``: one short object a frame, as in the table."""
    return {
        "schema": SCHEMA,
        "frames": [
            {
                "number": each.number,
                "time_ms": each.time_ms,
                "from": each.source,
                "to": each.destination,
                "port": each.port,
                "direction": each.direction,
                "protocol": each.protocol,
                "info": each.info,
                "length": each.length,
            }
            for each in rows(window, every_hop=every_hop)
        ],
    }


def event(seen: Frame, timeline: Timeline, *, is_hop: bool = False) -> dict[str, Any]:
    """A frame's row of the table and all that `frame` tells of it: a line of ``lan trace --json``."""
    told, connection = row(seen, timeline, is_hop=is_hop), timeline.connection_of(seen)
    return {
        **frame(seen, timeline),
        "time_ms": round(told.time_ms, 6),
        "last_device": told.source,
        "at_device": told.destination,
        "type": told.protocol,
        "connection": None if connection is None else timeline.number_of(connection),
    }


def frame(seen: Frame, timeline: Timeline) -> dict[str, Any]:
    """One frame with all its layers and fields; byte ranges are within `data` (hex).

    `decrypted` is what TLS hid, with data of its own.
    """
    return {
        "schema": SCHEMA,
        "number": seen.number,
        "time_ns": seen.time_ns,
        "port": seen.port,
        "peer": seen.peer,
        "direction": seen.direction.value,
        "sender": seen.sender,
        "receiver": seen.receiver,
        "length": seen.length,
        "data": seen.data.hex(),
        "comment": seen.comment,
        "protocol": seen.packet.protocol,
        "info": seen.packet.summary(),
        "problems": list(seen.packet.problems),
        "journey": [step.number for step in timeline.journey(seen)],
        "layers": [
            {
                "protocol": layer.protocol,
                "title": layer.title,
                "start": layer.start,
                "end": layer.end,
                "problems": list(layer.problems),
                "fields": [
                    {"name": each.name, "text": each.text, "start": each.start, "end": each.end}
                    for each in layer.fields
                ],
            }
            for layer in seen.packet.layers
        ],
        "decrypted": [
            {
                "protocol": one.layer.protocol,
                "title": one.layer.title,
                "by": one.by,
                "data": one.data.hex(),
                "fields": [
                    {"name": each.name, "text": each.text, "start": each.start, "end": each.end}
                    for each in one.layer.fields
                ],
            }
            for one in clear_messages(seen, timeline)
        ],
    }


def conversations(window: Window) -> dict[str, Any]:
    """``{"schema", "arp": [...], "dhcp": [...], … "tls": [...]}``; frames by number."""
    return {
        "schema": SCHEMA,
        "arp": [_arp(item) for item in window.arp],
        "dhcp": [_dhcp(item) for item in window.dhcp],
        "dns": [_dns(item) for item in window.dns],
        "icmp": [_icmp(item) for item in window.icmp],
        "tcp": [_tcp(item) for item in window.tcp],
        "http": [_http(item) for item in window.http],
        "tls": [_tls(item) for item in window.tls],
    }


def _numbers(frames: list[Frame]) -> list[int]:
    return [each.number for each in frames]


def _arp(item: Resolution) -> dict[str, Any]:
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "kind": item.kind.value,
        "device": item.device,
        "target_ip": item.target_ip,
        "mac": item.mac,
        "is_conflict": item.is_conflict(),
    }


def _dhcp(item: Exchange) -> dict[str, Any]:
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "client": item.client,
        "xid": item.xid,
        "types": list(item.types),
        "yiaddr": str(item.yiaddr) if item.yiaddr else None,
        "server": str(item.server) if item.server else None,
        "lease_s": item.lease_s,
        "is_granted": item.is_granted(),
    }


def _dns(item: Query) -> dict[str, Any]:
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "client": item.client,
        "server_ip": item.server_ip,
        "id": item.id,
        "name": item.name,
        "type": item.type,
        "over_tcp": item.over_tcp,
        "rcode": item.rcode,
        "answers": [
            {"name": each.name, "type": each.type, "ttl_s": each.ttl_s, "data": each.data} for each in item.answers
        ],
        "rtt_ms": item.rtt_ms,
        "below": [each.requests[0].number for each in item.below],
    }


def _icmp(item: Echo) -> dict[str, Any]:
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "client": item.client,
        "dst_ip": item.dst_ip,
        "identifier": item.identifier,
        "sequence": item.sequence,
        "rtt_ms": item.rtt_ms,
    }


def _side(side: Side) -> dict[str, Any]:
    return {
        "device": side.device,
        "ip": side.ip,
        "port": side.port,
        "isn": side.isn,
        "state": side.state.value,
        "data_bytes": side.data_bytes,
        "retransmits": _numbers(side.retransmits),
    }


def _tcp(item: Connection) -> dict[str, Any]:
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "client": _side(item.client),
        "server": _side(item.server),
        "handshake": _numbers(item.handshake),
        "connect_ms": item.connect_ms,
        "is_open": item.is_open(),
        "is_closed": item.is_closed(),
        "is_refused": item.is_refused(),
        "close_kind": item.close_kind.value if item.close_kind else None,
        "close_frames": _numbers(item.close_frames),
        "closed_by": item.closed_by,
        "reset_by": item.reset_by,
        "time_wait_holder": item.time_wait_holder,
        "events": [
            {
                "frame": each.frame.number,
                "kind": each.kind.value,
                "number": each.number,
                "of": each.of.number if each.of else None,
            }
            for each in item.events
        ],
    }


def _http(item: Transaction) -> dict[str, Any]:
    response = item.response
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "request": item.request.head.start_line,
        "request_headers": [list(pair) for pair in item.request.head.headers],
        "status": item.status,
        "response": response.head.start_line if response else None,
        "response_headers": [list(pair) for pair in response.head.headers] if response else [],
        "framing": response.framing.value if response else None,
        "body_bytes": response.body_bytes if response else None,
        "is_complete": item.is_complete,
        "is_truncated": item.is_truncated,
        "first_byte_ms": item.first_byte_ms,
        "is_tls": item.session is not None,
        "position": item.position,
        "is_pipelined": item.is_pipelined,
        "cache_status": item.cache_status,
        "upstream": _numbers(item.upstream.frames) if item.upstream else [],
        "upstream_by": None if item.upstream is None else "log" if item.upstream.is_logged else "packets",
    }


def _tls(item: Session) -> dict[str, Any]:
    return {
        "text": repr(item),
        "frames": _numbers(item.frames),
        "server_name": item.server_name,
        "version": item.version,
        "cipher": item.cipher,
        "is_established": item.is_established,
        "has_data_both_ways": item.has_data_both_ways,
        "alerts": [list(pair) for pair in item.alerts],
        "client_bytes": item.client_bytes,
        "server_bytes": item.server_bytes,
        "opened": [
            {"frames": _numbers(each.frames), "by": "client" if each.is_client else "server", "text": each.words()}
            for each in (item.decryption.opened if item.decryption else ())
        ],
    }
