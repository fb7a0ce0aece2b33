"""What a run of lan-fetch says of itself: JSON for programs, rows of the waterfall and a summary for people.

Pure: exchanges and connections in.  All times are milliseconds from the run's start.
"""

from collections.abc import Sequence
from typing import Any

from lan.readable import size
from lan.services.http.fetching.client import Connection, Exchange, Phase
from lan.services.http.fetching.waterfall import Row
from lan.services.http.protocol.messages import Response
from lan.services.http.strategies.orders import Close, GiveUp, Open, Order, Retry, Send
from lan.services.http.strategies.strategy import Strategy


def one(exchange: Exchange, connection: Connection) -> dict[str, Any]:
    """The report of a single URL."""
    assert exchange.response is not None and exchange.times is not None
    facts: dict[str, Any] = {
        **_response(exchange, exchange.response),
        "local": connection.local,
        "peer": connection.peer,
        "closed_first": None if connection.closed_first is None else connection.closed_first.value,
        "is_closed": connection.is_closed,
    }
    if connection.agreed:
        facts["tls"] = connection.agreed
    return {
        "schema": 1,
        "ok": exchange.response.status < 400,
        "url": str(exchange.url),
        **facts,
        "times_ms": exchange.times.as_json(),
    }


def many(
    strategy: Strategy,
    exchanges: Sequence[Exchange],
    connections: Sequence[Connection],
    decided: Sequence[tuple[Order, float]],
    started_s: float,
) -> dict[str, Any]:
    """The report of a strategy at work: objects, connections, and each decision with its reason."""
    return {
        "schema": 1,
        "ok": all(exchange.is_ok for exchange in exchanges),
        "strategy": {
            "name": strategy.name,
            "per_host": strategy.per_host,
            "in_all": strategy.in_all,
            "is_kept": strategy.is_kept,
            "depth": strategy.depth,
            "reason": strategy.why.as_json(),
        },
        "total_ms": total_ms(exchanges, started_s),
        "objects": [_object(exchange, started_s) for exchange in exchanges],
        "connections": [_connection(connection, started_s) for connection in connections],
        "decisions": [{"at_ms": _ms(at_s, started_s), **order_as_json(order)} for order, at_s in decided],
    }


def order_as_json(order: Order) -> dict[str, Any]:
    """``{"what": "send", "object": 2, "connection": 1, "reason": {…}}``."""
    match order:
        case Open():
            said: dict[str, Any] = {"what": "open", "connection": order.connection, "host": str(order.host)}
        case Send():
            said = {"what": "send", "object": order.request, "connection": order.connection}
        case Close():
            said = {"what": "abort" if order.is_abrupt else "close", "connection": order.connection}
        case Retry():
            said = {"what": "retry", "object": order.request}
        case GiveUp():
            said = {"what": "give up", "object": order.request}
    return {**said, "reason": order.why.as_json()}


def total_ms(exchanges: Sequence[Exchange], started_s: float) -> float:
    """From the start until the last object was there."""
    ends = [exchange.times.last_s for exchange in exchanges if exchange.times is not None]
    return _ms(max(ends, default=started_s), started_s)


def rows(exchanges: Sequence[Exchange], started_s: float) -> list[Row]:
    """A row of the waterfall for each object."""
    hosts = {exchange.url.authority for exchange in exchanges}
    return [_row(exchange, started_s, with_host=len(hosts) > 1) for exchange in exchanges]


def summary(strategy: Strategy, exchanges: Sequence[Exchange], connections: Sequence[Connection], ms: float) -> str:
    """``5 objects, 12 KiB in 34.5 ms on 2 connections: persistent+parallel (book 4.5.1)``."""
    got = sum(exchange.is_complete for exchange in exchanges)
    total = size(sum(exchange.body_bytes for exchange in exchanges))
    stood = sum(Phase.CONNECT in connection.times.ended_s for connection in connections)
    missing = f" of {len(exchanges)}" if got < len(exchanges) else ""
    again = sum(max(0, exchange.sent - 1) for exchange in exchanges)
    retried = f", {again} sent again" if again else ""
    plural = "" if len(exchanges) == 1 else "s"
    counted = f"{stood} connection{'' if stood == 1 else 's'}{retried}"
    how = f"{strategy.name} ({strategy.why.source})"
    return f"{got}{missing} object{plural}, {total} in {ms:.1f} ms on {counted}: {how}"


def _row(exchange: Exchange, started_s: float, *, with_host: bool) -> Row:
    name = exchange.url.target if not with_host else f"{exchange.url.authority}{exchange.url.target}"
    spans = tuple((phase, begin_ms, end_ms) for phase, begin_ms, end_ms in _spans(exchange, started_s))
    response = exchange.response
    note = "" if exchange.error is None else exchange.error.what
    if response is not None and exchange.is_followed:
        note = f"→ {response.headers.get('Location')}"
    status = "-" if response is None else str(response.status)
    has_body = exchange.is_complete or exchange.body_bytes
    return Row(
        name, exchange.connection, status, exchange.body_bytes if has_body else None, spans, note, exchange.is_ok
    )


def _spans(exchange: Exchange, started_s: float) -> list[tuple[str, float, float]]:
    if exchange.times is None:
        return []
    found = [
        (phase.value, _ms(begin_s, started_s), _ms(end_s, started_s))
        for phase, begin_s, end_s in exchange.times.spans()
        if phase is not Phase.CLOSE
    ]
    if exchange.asked_s < exchange.times.started_s:
        found.insert(0, ("queue", _ms(exchange.asked_s, started_s), _ms(exchange.times.started_s, started_s)))
    return found


def _object(exchange: Exchange, started_s: float) -> dict[str, Any]:
    made: dict[str, Any] = {
        "number": exchange.number,
        "url": str(exchange.url),
        "method": exchange.method,
        "kind": exchange.kind or None,
        "from": exchange.came_from,
        "ok": exchange.is_ok,
        "connection": exchange.connection,
        "sent": exchange.sent,
    }
    if exchange.response is not None:
        made |= _response(exchange, exchange.response)
    if exchange.error is not None:
        made["error"] = exchange.error.as_json()
    made["spans_ms"] = [list(span) for span in _spans(exchange, started_s)]
    if exchange.times is not None:
        made["times_ms"] = exchange.times.as_json()
    return made


def _response(exchange: Exchange, response: Response) -> dict[str, Any]:
    made: dict[str, Any] = {
        "status": response.status,
        "phrase": response.phrase,
        "version": f"{response.version[0]}.{response.version[1]}",
        "headers": [list(pair) for pair in response.headers.items],
        "body_bytes": exchange.body_bytes,
    }
    if exchange.persistence is not None:
        made["persistence"] = {"keep": exchange.persistence.keep, "reason": exchange.persistence.why.as_json()}
    return made


def _connection(connection: Connection, started_s: float) -> dict[str, Any]:
    return {
        "number": connection.number,
        "to": connection.route,
        "local": connection.local or None,
        "peer": connection.peer or None,
        "tls": connection.agreed or None,
        "requests": connection.served,
        "opened_ms": _ms(connection.times.started_s, started_s),
        "closed_ms": None if connection.closed_s is None else _ms(connection.closed_s, started_s),
        "closed_first": None if connection.closed_first is None else connection.closed_first.value,
        "is_closed": connection.is_closed,
        "reason": None if connection.why_closed is None else connection.why_closed.as_json(),
    }


def _ms(moment_s: float, started_s: float) -> float:
    return round((moment_s - started_s) * 1000, 3)
