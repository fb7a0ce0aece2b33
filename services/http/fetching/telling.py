"""What lan-fetch says on the screen while it works and when it is done."""

import importlib
import os
import shutil
import sys
from collections.abc import Sequence

from lan.services.http.fetching.client import Connection, Exchange, Phase
from lan.services.http.fetching.line import Line
from lan.services.http.fetching.waterfall import Line as Drawn
from lan.services.http.protocol.messages import Request, Response
from lan.services.http.strategies.orders import Close, GiveUp, Open, Order, Retry, Send

_NO_TERMINAL_COLUMNS = 100
_STEERING = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != 0x09}


class Quiet:
    """Says nothing and remembers the decisions."""

    def __init__(self) -> None:
        self.orders: list[tuple[Order, float]] = []

    def decided(self, order: Order, now_s: float) -> None:
        self.orders.append((order, now_s))

    def resolved(self, line: Line) -> None: ...
    def connected(self, line: Line) -> None: ...
    def secured(self, line: Line) -> None: ...
    def sent(self, exchange: Exchange) -> None: ...
    def answered(self, exchange: Exchange) -> None: ...
    def closed(self, record: Connection) -> None: ...


class Phases(Quiet):
    """The phases of an exchange and both heads: ``-v`` with a single URL."""

    def resolved(self, line: Line) -> None:
        host, record = line.route.host, line.record
        self._say(f"* dns      {host} → {', '.join(record.addresses)}", _lasted_ms(record.times.spans(), Phase.DNS))

    def connected(self, line: Line) -> None:
        record = line.record
        self._say(f"* connect  {record.local} → {record.peer}", _lasted_ms(record.times.spans(), Phase.CONNECT))

    def secured(self, line: Line) -> None:
        agreed, spans = line.record.agreed, line.record.times.spans()
        self._say(f"* tls      {agreed['version']}, for {', '.join(agreed['names'])}", _lasted_ms(spans, Phase.TLS))

    def sent(self, exchange: Exchange) -> None:
        if exchange.request is not None:
            self._head(exchange.request, ">")

    def answered(self, exchange: Exchange) -> None:
        assert exchange.times is not None
        spans = exchange.times.spans()
        self._say("* wait     for the first byte", _lasted_ms(spans, Phase.WAIT))
        if exchange.response is not None:
            self._head(exchange.response, "<")
        self._say(f"* receive  {exchange.body_bytes} bytes of body", _lasted_ms(spans, Phase.RECEIVE))

    def closed(self, record: Connection) -> None:
        ending = "" if record.is_closed else ", the other end did not follow"
        who = f"first FIN from the {record.closed_first}" if record.closed_first else "without a FIN of ours"
        lasted_ms = None
        if record.closed_s is not None and record.served:
            lasted_ms = _lasted_ms(record.times.spans(), Phase.CLOSE)
        self._say(f"* close    {who}{ending}", lasted_ms if record.served else None)

    def _head(self, head: Request | Response, mark: str) -> None:
        for text in (head.start_line(), *(f"{name}: {value}" for name, value in head.headers.items)):
            self._say(f"{mark} {on_screen(text)}")

    def _say(self, text: str, lasted_ms: float | None = None) -> None:
        print(text if lasted_ms is None else f"{text:<66}{lasted_ms:>9.1f} ms", file=sys.stderr)


class Decisions(Quiet):
    """Each decision of the strategy with its reason: ``-v`` with many objects."""

    def __init__(self, started_s: float) -> None:
        super().__init__()
        self._started_s = started_s

    def decided(self, order: Order, now_s: float) -> None:
        super().decided(order, now_s)
        print(f"{(now_s - self._started_s) * 1000:>9.1f} ms  {in_words(order)}: {order.why}", file=sys.stderr)


def on_screen(text: str) -> str:
    """A stranger's text without what steers a terminal: C0 and C1 control characters, a field may hold the latter."""
    return text.translate(_STEERING)


def in_words(order: Order) -> str:
    """``send object 2 on #1``."""
    match order:
        case Open():
            return f"open #{order.connection} to {order.host}"
        case Send():
            return f"send object {order.request} on #{order.connection}"
        case Close():
            return f"{'abort' if order.is_abrupt else 'close'} #{order.connection}"
        case Retry():
            return f"object {order.request} goes again"
        case GiveUp():
            return f"object {order.request} is given up"


def columns() -> int:
    """How wide a waterfall may be."""
    return shutil.get_terminal_size((_NO_TERMINAL_COLUMNS, 24)).columns


def show(lines: Sequence[Drawn]) -> None:
    """Print drawn lines: with colours on a terminal, plain otherwise."""
    if not sys.stdout.isatty() or "NO_COLOR" in os.environ:
        for pieces in lines:
            print("".join(piece.text for piece in pieces).rstrip())
        return
    console = importlib.import_module("rich.console").Console(highlight=False, soft_wrap=True)
    text = importlib.import_module("rich.text").Text
    for pieces in lines:
        console.print(text.assemble(*((piece.text, piece.style) for piece in pieces)))


def _lasted_ms(spans: list[tuple[Phase, float, float]], wanted: Phase) -> float:
    return sum((end_s - begin_s) * 1000 for phase, begin_s, end_s in spans if phase is wanted)
