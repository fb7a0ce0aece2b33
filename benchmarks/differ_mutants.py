"""Our proxies and our server, each with one rule of HTTP taken out: what a differential fuzzer is there to find.

    bin/lan python -m benchmarks.differ_mutants KIND:MUTANT:PORT:ORIGIN...

For `differ_http.py --mutants`.  Each word starts one program: KIND is `smart` or `cache` (a gateway before
127.0.0.1:ORIGIN), `origin` (the echo application) or `site` (the files in `www`).  MUTANTS has them all; the rules
are put out of force in that process alone.
"""

import inspect
import os
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from benchmarks import differ_short_mutants as short
from benchmarks.differ_short_mutants import Piece
from lan.services.http import __main__ as origin_shell
from lan.services.http.cache import hot, selection
from lan.services.http.origin import brief, essence
from lan.services.http.protocol import chunked, connection, framing, head, hop_by_hop, messages, persistence, target
from lan.services.http.protocol.messages import HTTP_1_1, Head, Headers, Request
from lan.services.http.protocol.reader import Reader
from lan.services.http.proxy import __main__ as proxy_shell
from lan.services.http.proxy import hits, plain

Mutant = Callable[[], None]
_HEX = rb"[0-9A-Fa-f]"
_EXTENSIONS = rb"((?:[ \t]*;[^\r\n]*)*)"


def everywhere(old: object, new: object) -> None:
    """Each module of lan that knows `old` by any name knows `new` by it."""
    modules = [one for name, one in sys.modules.items() if name.startswith("lan.") and isinstance(one, ModuleType)]
    places = [(one, name) for one in modules for name, value in vars(one).items() if value is old]
    assert places, f"{old!r} is nowhere"
    for module, name in places:
        setattr(module, name, new)


def rewritten(module: ModuleType, piece: Piece) -> Mutant:
    """A module with this piece of its source replaced."""

    def mutate() -> None:
        (old, new), source, before = piece, inspect.getsource(module), dict(vars(module))
        assert source.count(old) == 1, f"{old!r} stands {source.count(old)} times in {module.__name__}"
        made = ModuleType(module.__name__)
        exec(compile(source.replace(old, new), f"{module.__file__} (mutated)", "exec"), made.__dict__)
        for name, value in before.items():
            if getattr(value, "__module__", None) == module.__name__:
                everywhere(value, vars(made)[name])

    return mutate


def understood(change: Callable[[Request], Request]) -> Mutant:
    """Requests are read as they are, and then taken for others."""

    def mutate() -> None:
        read = head.read_request
        everywhere(read, lambda data: change(read(data)))

    return mutate


def mended(pattern: bytes, by: bytes) -> Mutant:
    """Heads are read as if they had been right."""

    def mutate() -> None:
        read = head.read_request
        everywhere(read, lambda data: read(re.sub(pattern, by, data)))

    return mutate


def sized(pattern: bytes) -> Mutant:
    """The size line of a chunk has another grammar."""
    return lambda: everywhere(chunked._SIZE_LINE, re.compile(pattern, re.DOTALL))


def only(request: Request, name: str, which: int) -> Request:
    """One of the fields of this name."""
    values = [value for key, value in request.headers.items if key.lower() == name]
    return request.with_field(name, values[which]) if values else request


def both(keeps: str, drops: str) -> Mutant:
    return understood(lambda request: request.without(drops) if request.headers.get(keeps) is not None else request)


def length(read: Callable[[str], int]) -> Mutant:
    """Content-Length is read by this, where it can be."""

    def change(request: Request) -> Request:
        said = request.headers.get("Content-Length")
        try:
            return request if said is None else request.with_field("Content-Length", str(read(said)))
        except ValueError:
            return request

    return understood(change)


def coding(is_chunked: Callable[[str], bool]) -> Mutant:
    """Transfer-Encoding is chunked if this says so, and else nothing."""

    def change(request: Request) -> Request:
        said = request.headers.get("Transfer-Encoding")
        if said is None:
            return request
        if is_chunked(said.lower()):
            return request.with_field("Transfer-Encoding", "chunked")
        return request.without("Transfer-Encoding")

    return understood(change)


def bare_lf() -> None:
    """Lines of a head may end in a bare LF."""
    find, take = head.find_end, Reader._take_head

    def found(data: bytes, start: int = 0, stop: int | None = None, **_: object) -> int:
        end = data.find(b"\r\n\r\n", start, len(data) if stop is None else stop)
        return end + 4 if end >= 0 else -1

    def taken(self: Reader) -> bytes | None:
        if (whole := re.match(rb".*?\n\r?\n", self._buffer, re.DOTALL)) is not None:
            self._buffer = re.sub(rb"\r?\n", b"\r\n", whole[0]) + self._buffer[whole.end() :]
        return take(self)

    everywhere(find, found)
    setattr(Reader, "_take_head", taken)  # noqa: B010


def chunk_end(skipped: Callable[[bytearray], int]) -> Mutant:
    """So many of the bytes behind a chunk's data are skipped, whatever they are."""

    def mutate() -> None:
        step = chunked.Decoder._step

        def stepped(self: chunked.Decoder, content: bytearray) -> bool:
            if self._state is not chunked._State.DATA or len(self._buffer) < self._left + 2:
                return step(self, content)
            content += self._buffer[: self._left]
            self._consume(self._left)
            self._consume(skipped(self._buffer))
            self._state, self._left = chunked._State.SIZE, 0
            return True

        setattr(chunked.Decoder, "_step", stepped)  # noqa: B010

    return mutate


def size_line_lf() -> None:
    feed = chunked.Decoder.feed

    def fed(self: chunked.Decoder, data: bytes) -> bytes:
        return feed(self, re.sub(rb"(?m)^(" + _HEX + rb"+)\n", rb"\1\r\n", data))

    setattr(chunked.Decoder, "feed", fed)  # noqa: B010


def keeps_all() -> None:
    kept = persistence.Persistence(True, persistence.persistence(Head(version=HTTP_1_1)).why)
    plain = persistence.persistence

    def decided(received: Head, sent: Head | None = None, **facts: Any) -> persistence.Persistence:
        is_server = isinstance(received, Request) and facts.get("request_complete", True)
        return kept if is_server else plain(received, sent, **facts)

    everywhere(plain, decided)


def raw_coding() -> None:
    """A coding with `chunked` in it is chunked, and is passed on as it was said."""
    frame, set_field = framing.frame_request, Head.with_field

    def framed(request: Request) -> framing.Framing:
        return framing._CHUNKED if "chunked" in (request.headers.get("Transfer-Encoding") or "") else frame(request)

    def with_field(self: Head, name: str, value: str) -> Head:
        is_said = name == "Transfer-Encoding" and self.headers.get(name) is not None
        return self if is_said else set_field(self, name, value)

    everywhere(frame, framed)
    setattr(Head, "with_field", with_field)  # noqa: B010
    everywhere(hop_by_hop.KNOWN, hop_by_hop.KNOWN - {"transfer-encoding"})


def known_trailers() -> None:
    everywhere(chunked.NOT_IN_TRAILERS, frozenset())
    everywhere(hop_by_hop.remove_from_trailers, lambda trailers, head: trailers)


def shorter_content() -> None:
    plain = chunked.encode
    everywhere(plain, lambda data: plain(data[:-1] or data))


def first_of_each(request: Request) -> Request:
    """Of fields of one name the first."""
    fields = {name.lower(): (name, value) for name, value in reversed(request.headers.items)}
    return replace(request, headers=Headers(tuple(reversed(fields.values()))))


def named(change: Callable[[str], str]) -> Mutant:
    """The proxy's short way takes a line for one of another name ("": for none that is plain)."""

    def mutate() -> None:
        name = plain._name
        everywhere(name, lambda line: change(name(line)))

    return mutate


def as_1_1(request: Request) -> Request:
    return replace(request, version=HTTP_1_1) if request.headers.get("Transfer-Encoding") is not None else request


def without_content(request: Request) -> Request:
    is_reading = request.method in ("GET", "HEAD")
    return request.without("Content-Length", "Transfer-Encoding") if is_reading else request


def bytes_of(request: Request, change: Callable[[str], str]) -> Request:
    """With another target, where that is one."""
    changed = change(request.target)
    return replace(request, target=changed) if messages._TARGET.fullmatch(changed) else request


_FIELD_NAME = rb"(\r\n[!#$%&'*+\-.^_`|~0-9A-Za-z]+)"
EVERY: dict[str, Mutant] = {
    "two lengths: the first": understood(lambda request: only(request, "content-length", 0)),
    "two lengths: the last": understood(lambda request: only(request, "content-length", -1)),
    "coding and length: the coding": both("Transfer-Encoding", "Content-Length"),
    "coding and length: the length": both("Content-Length", "Transfer-Encoding"),
    "a length with a sign": length(lambda said: abs(int(said))),
    "a list of lengths": length(lambda said: int(said.split(",")[0])),
    "a length of 32 bits": length(lambda said: int(said) & 0xFFFFFFFF),
    "a coding that ends in chunked": coding(lambda said: said.endswith("chunked")),
    "a coding with chunked in it": coding(lambda said: "chunked" in said),
    "an unknown coding is none": coding(lambda said: said == "chunked"),
    "a coding in HTTP/1.0": understood(as_1_1),
    "a GET has no content": understood(without_content),
    "a bare LF ends a line": bare_lf,
    "a bare CR is a blank": mended(rb"\r(?!\n)", b" "),
    "a bare CR ends a line": mended(rb"\r(?!\n)", b"\r\n"),
    "a NUL is nothing": mended(rb"\0", b""),
    "a blank before the colon": mended(_FIELD_NAME + rb"[ \t]+:", rb"\1:"),
    "a folded line is joined": mended(rb"\r\n[ \t]+", b" "),
    "a folded line is ignored": mended(rb"\r\n[ \t][^\r\n]*", b""),
    "a line without a colon is ignored": mended(rb"\r\n[^:\r\n]+(?=\r\n)", b""),
    "blanks in the request line": mended(rb"^([A-Z]+)[ \t]+(\S+)[ \t]+(HTTP/1\.\d)[ \t]*\r\n", rb"\1 \2 \3\r\n"),
    "the second Host is ignored": mended(rb"(?is)^(.*?\r\nhost:[^\r\n]*)(.*?)\r\nhost:[^\r\n]*", rb"\1\2"),
    "no Host": mended(rb"(?is)^((?!.*\r\nhost:)[^\r\n]+\r\n)", rb"\1Host: 127.0.0.1\r\n"),
    "Host beside another URL": lambda: everywhere(target._check_same, lambda *_: None),
    "a size with 0x": sized(rb"(?:0[xX])?(" + _HEX + rb"{1,15})" + _EXTENSIONS),
    "a size with an underscore": sized(rb"(" + _HEX + rb"+(?:_" + _HEX + rb"+)*)" + _EXTENSIONS),
    "a size with a plus": sized(rb"(\+?" + _HEX + rb"{1,15})" + _EXTENSIONS),
    "a size behind blanks": sized(rb"[ \t]*(" + _HEX + rb"{1,15})" + _EXTENSIONS),
    "a size before blanks": sized(rb"(" + _HEX + rb"{1,15})" + _EXTENSIONS + rb"[ \t]*"),
    "a size before anything": sized(rb"(" + _HEX + rb"{1,15})((?:[^0-9A-Fa-f].*)?)"),
    "a size of 32 bits": sized(_HEX + rb"{0,9}?(" + _HEX + rb"{1,8})" + _EXTENSIONS),
    "an extension of any bytes": sized(rb"(" + _HEX + rb"{1,15})((?:;[^\n]*)?)"),
    "a size line ends in LF": size_line_lf,
    "anything behind a chunk": chunk_end(lambda _: 2),
    "nothing behind a chunk": chunk_end(lambda rest: 2 if rest.startswith(b"\r\n") else 0),
    "LF behind a chunk": chunk_end(lambda rest: 1 if rest.startswith(b"\n") else 2 if rest.startswith(b"\r\n") else 0),
    "methods without case": understood(lambda request: replace(request, method=request.method.upper())),
    "a target decoded": understood(lambda request: bytes_of(request, unquote)),
    "a target without dots": understood(lambda request: bytes_of(request, lambda text: text.replace("/../", "/"))),
    "one field of each name": understood(first_of_each),
    "the connection is kept in any case": keeps_all,
}
"""What both readers and programs have in common."""
PASSING: dict[str, Mutant] = {
    "fields that Connection names": lambda: everywhere(hop_by_hop.options, lambda headers: ()),
    "fields of one hop": lambda: everywhere(hop_by_hop.KNOWN, frozenset(("connection", "transfer-encoding"))),
    "Connection names what is for all": lambda: everywhere(hop_by_hop.abuse, lambda headers: None),
    "the coding as it was said": raw_coding,
    "any trailer": known_trailers,
    "a content without its last byte": shorter_content,
}
"""What a proxy alone does."""
SHORT: dict[str, Mutant] = {
    "fields of one hop, by the short way": named(lambda name: "x-other" if name in hop_by_hop.KNOWN else name),
    "lines of any form, by the short way": named(lambda name: name or "x-other"),
    **{
        f"{name}, by the short way": rewritten(plain, short.PLAIN[name])
        for name in (
            "fields that Connection names", "content that has not come", "a line of the hop's own stays",
            *(
                f"{name} is not looked at"
                for name in ("connection", "keep-alive", "proxy-connection", "te", "transfer-encoding")
            ),
        )
    },
}  # fmt: skip
"""What the proxy's short way must look at."""
FILES: dict[str, Mutant] = {
    "an essence without fields": lambda: everywhere(
        essence.essence, lambda data, **_: data[: data.find(b"\n")] + b"\n\r\n"
    ),
    "an essence without its path": lambda: everywhere(essence.essence, lambda data, **_: data[data.find(b"\n") :]),
    "any field is plain": lambda: everywhere(brief._kind, lambda line: int(not line.lower().startswith(b"host"))),
}
"""What tells requests for files apart, whose answers are remembered."""
KEPT: dict[str, Mutant] = {
    "a key without its query": lambda: everywhere(selection.primary_key, lambda uri: uri.partition("?")[0]),
}
"""The same of what a cache keeps."""
AGAIN: dict[str, Mutant] = {
    **{
        f"{name}, by whole answers": rewritten(hits, short.HITS[name])
        for name in (
            "the request line is no part of the key", "HEAD is GET", "an answer follows a close",
            "the close is not told", "half a request is one", "connection is not looked at",
            "content-length is not looked at", "host is not looked at",
        )
    },
    "the target is not looked at, by ready answers": rewritten(hot, short.HOT["the target is not looked at"]),
}  # fmt: skip
"""What the cache's short ways must look at.  Of their other mutants a client sees nothing that HTTP forbids, or what
such requests do not come to: an hour later, another variant, an account."""
MUTANTS = {
    "smart": {**EVERY, **PASSING, **SHORT},
    "origin": EVERY,
    "site": FILES,
    "cache": {**KEPT, **AGAIN},
}
assert connection.frame_request is framing.frame_request


def start(word: str) -> int:
    """One program, until its end."""
    kind, mutant, port, origin = word.split(":", 1)[0], *word.split(":", 1)[1].rsplit(":", 2)
    if mutant:
        MUTANTS[kind][mutant]()
    listen = ["--listen", f"127.0.0.1:{port}"]
    if kind == "origin":
        return origin_shell.main(["--app", "echo", *listen])
    if kind == "site":
        return origin_shell.main(["--root", "www", *listen])
    return proxy_shell.main(["--kind", kind, "--allow-loopback", *listen, "--upstream", f"http://127.0.0.1:{origin}"])


def main() -> int:
    children = []
    for word in sys.argv[1:]:
        child = os.fork()
        if not child:
            sys.stdout = sys.stderr  # what is ready is told by the port
            os._exit(start(word))
        children.append(child)
    for child in children:
        os.waitpid(child, 0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
