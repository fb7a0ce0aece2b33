"""Is what a program understood what the bytes say?  Compared to the last field, by `differ_reader.py`'s reading.

For `differ_http.py`.  Pure: what was sent, what came out behind a program and what it answered go in; findings
come out, each a kind and what shows it.  Fewer requests than were sent are right too: a program may refuse.

    unclear         a program of ours passed on, or took, what no strict reader takes
    differs         another request, more of them, another content, bytes behind one
    another field   a field is new, lost, changed, or belongs to the last hop alone
    answers         an answer to no request, to another one, or behind one that was the last
    another target, another spelling of the method
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import unquote

from benchmarks.differ_reader import Answer, Reading, Seen, Unclear, read_one

HOPS = frozenset((
    "connection", "keep-alive", "proxy-authenticate", "proxy-authentication-info", "proxy-authorization",
    "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
))  # fmt: skip
"""RFC 9110 §7.6.1, §11.7.  Not a list of `lan.services.http`."""
REFRAMED = frozenset(("content-length", "host", "via", "max-forwards"))
"""Compared by what they mean, or checked on their own."""
FRAMES = frozenset(("content-length", "host"))
"""A request whose Connection names one of these must not be passed on: what would be left of it?"""
CONDITIONS = frozenset(("if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range", "range"))
"""A cache asks by conditions of its own (RFC 9111 §4.3)."""
NO_TRAILERS = frozenset((
    "authorization", "cache-control", "content-encoding", "content-length", "content-range", "content-type", "expect",
    "host", "range",
))  # fmt: skip
ADDED_BY_OTHERS = re.compile(r"x-forwarded-.*|forwarded|cache-control|via|surrogate-capability|x-real-ip|connection")
RECORDED = "recorded"
"""A field of the answers of `differ_chain.Recorder`: the serial number of the request."""

Finding = tuple[str, str]


@dataclass
class Stream:
    """All that came to a recorder on one connection while one case was asked."""

    data: bytes = b""
    serials: list[int] = field(default_factory=list)
    """Of the requests in it."""
    reading: Reading = field(default_factory=Reading)
    behind: bytes = b""
    """What was here already behind a request that had no answer yet."""


def judge(said: Reading, streams: Sequence[Stream], answers: Sequence[Answer], *, is_cache: bool) -> list[Finding]:
    """A proxy of ours that was sent `said`."""
    found: list[Finding] = []
    number_of: dict[int, int] = {}  # serial → which request of `said`
    at = 0
    for stream in streams:
        read = stream.reading
        if read.fault:
            found.append(("unclear", read.fault))
        elif stream.behind:  # ours sends one request at a time
            found.append(("differs", f"behind one request: {stream.behind[:60]!r}"))
        for seen, serial in zip(read.seen, stream.serials, strict=False):
            faults = [_passed_on(one, seen, is_cache=is_cache) for one in said.seen[at:]]
            if None in faults:
                at += faults.index(None) + 1
                number_of[serial] = at - 1
            else:
                nearest = min((one for one in faults if one is not None), key=_badness, default=None)
                found.append(nearest or ("unclear" if said.fault else "differs", f"a request of its own: {seen}"))
    return found + _answered(said, answers, number_of, is_cache=is_cache)


def judge_origin(said: Reading, answers: Sequence[Answer]) -> list[Finding]:
    """Our origin server with its echo application that was sent `said`: /echo answers by the request as it came."""
    found = _answered(said, answers, {})
    for one, answer in zip(said.seen, answers, strict=False):
        echoes = one.path.split("?")[0].split("/")[1:2] == ["echo"] and one.method not in ("HEAD", "OPTIONS", "TRACE")
        if not echoes or answer.status != 200 or answer.get("content-type") != "text/plain; charset=latin-1":
            continue
        head, _, rest = answer.body.partition(b"\r\n\r\n")
        bare = re.sub(rb"\r\n(content-length|transfer-encoding):[^\r]*", b"", head, flags=re.IGNORECASE)
        try:
            echoed = read_one(bare + b"\r\n\r\n")
        except Unclear as fault:
            found.append(("unclear", f"its echo: {fault}"))
            continue
        late = {f"{name}: {value}".lower().encode("latin-1") for name, value in _late(one)} | {b""}
        whole = (one.method, one.target, one.minor, _but_framing(one))
        if echoed is None or (echoed[0].method, echoed[0].target, echoed[0].minor, _but_framing(echoed[0])) != whole:
            found.append(("another field", f"{one} was read as {head!r}"))
        elif not rest.startswith(one.body) or not set(rest[len(one.body) :].lower().split(b"\r\n")) <= late:
            found.append(("differs", f"{one} was read with {rest[:200]!r}"))
    return found


def judge_site(said: Reading, answers: Sequence[Answer]) -> list[Finding]:
    """Our origin server over files that contain their own path."""
    found = _answered(said, answers, {})
    for one, answer in zip(said.seen, answers, strict=False):
        asked = "/" + "/".join(part for part in unquote(one.path.partition("?")[0]).split("/") if part not in ("", "."))
        if answer.status == 200 and one.method == "GET" and answer.body != asked.encode("latin-1", "replace"):
            found.append(("answers", f"{one} is answered by {answer.body[:60]!r}"))
    return found


def judge_other(said: Reading, streams: Sequence[Stream]) -> list[Finding]:
    """Another's proxy that was sent what one of ours passed on."""
    found: list[Finding] = []
    left = list(said.seen)
    for seen in (one for stream in streams for one in stream.reading.seen):
        faults = [_taken(one, seen) for one in left]
        if None in faults:
            del left[: faults.index(None) + 1]
        elif faults:
            found.append(min((one for one in faults if one is not None), key=_badness))
            del left[:1]
        else:
            found.append(("differs", f"a request of its own: {seen}"))
    return found


def _badness(finding: Finding) -> int:
    """The request that is nearest to what was meant is the one that it is compared with."""
    return ("another field", "another spelling of the method", "another target", "unclear", "differs").index(finding[0])


def _passed_on(one: Seen, seen: Seen, *, is_cache: bool) -> Finding | None:
    """Why `seen` is not what a gateway of ours may make of `one`; None: it is."""
    if (one.method, one.path) != (seen.method, seen.path):
        return "differs", f"{one} became {seen}"
    if one.body != seen.body:
        return "differs", f"content: {one} became {seen}"
    if bad := FRAMES & set(one.listed("connection")) & {name for name, _ in one.fields}:
        return "unclear", f"Connection names {bad}: {one} became {seen}"
    named = set(one.listed("connection")) | HOPS | REFRAMED | (CONDITIONS if is_cache else frozenset())
    want = [pair for pair in one.fields if pair[0] not in named]
    have = [pair for pair in seen.fields if pair[0] not in HOPS | REFRAMED | (CONDITIONS if is_cache else frozenset())]
    if is_cache:  # it may ask for what it needs itself, RFC 9111 §5.2.1
        want, have = ([pair for pair in pairs if pair[0] != "cache-control"] for pairs in (want, have))
    if want != have:
        return "another field", f"{want} became {have}"
    if fault := _hops(one, seen) or _reframed(one, seen):
        return "another field", f"{fault}: {one} became {seen}"
    if not set(seen.trailers) <= set(_late(one)):
        return "another field", f"trailers {one.trailers} became {seen.trailers}"
    return None


def _hops(one: Seen, seen: Seen) -> str:
    """What stands for this hop must be what we can answer for: TE: trailers, an offer to switch, chunks."""
    options, offered = seen.listed("connection"), one.listed("upgrade")
    for name, value in seen.fields:
        if name not in HOPS or name == "connection":
            continue
        if name == "te" and value == "trailers" and "te" in options:
            continue
        if name == "upgrade" and "upgrade" in options and set(seen.listed("upgrade")) <= set(offered):
            continue
        if name == "transfer-encoding" and value == "chunked":
            continue
        return f"the hop's own {name}: {value}"
    return "" if set(options) <= {"te", "upgrade", "keep-alive"} else f"Connection: {options}"


def _reframed(one: Seen, seen: Seen) -> str:
    hosts = [[value for name, value in it.fields if name == "host"] for it in (one, seen)]
    if hosts[0] and hosts[0] != hosts[1]:
        return "another Host"
    vias = [[value for name, value in it.fields if name == "via"] for it in (one, seen)]
    if not ", ".join(vias[1]).startswith(", ".join(vias[0])) or vias[0] == vias[1]:
        return "Via without us, or without those before"
    steps = [[value for name, value in it.fields if name == "max-forwards"] for it in (one, seen)]
    if one.method in ("TRACE", "OPTIONS") and steps[0] and steps[0] == steps[1]:
        return "Max-Forwards as it was"
    return ""


def _late(one: Seen) -> list[tuple[str, str]]:
    """The trailers that may be believed, and so passed on (RFC 9110 §6.5.1)."""
    named = {*HOPS, *NO_TRAILERS, *one.listed("connection")}
    return [pair for pair in one.trailers if pair[0] not in named]


def _but_framing(seen: Seen) -> list[tuple[str, str]]:
    return [pair for pair in seen.fields if pair[0] not in ("content-length", "transfer-encoding")]


def _answered(
    said: Reading, answers: Sequence[Answer], number_of: dict[int, int], *, is_cache: bool = False
) -> list[Finding]:
    """Each answer belongs to the request in its place; one more may refuse what follows them."""
    found: list[Finding] = []
    is_over = bool(said.seen) and not said.seen[-1].keeps
    for at, answer in enumerate(answers):
        if at >= len(said.seen):
            refuses = answer.status >= 400 and (answer.get("connection") or "").lower() == "close"
            if is_over or not refuses or at > len(said.seen):
                what = "unclear" if said.fault and not is_over and answer.status < 400 else "answers"
                found.append((what, f"{len(said.seen)} requests, and answer {at + 1} is {answer.status}: {said.fault}"))
            break
        if not answer.status:
            found.append(("answers", f"answer {at + 1} is none: {answer.body[:60]!r}"))
        serial = answer.get(RECORDED)
        if serial is None:
            continue
        first = number_of.get(int(serial), at)
        if first != at and not (is_cache and first < at):  # a cache gives it again
            found.append(("answers", f"answer {at + 1} is that to request {first + 1}"))
        words = answer.body.decode("latin-1").split(" ")
        if answer.body and answer.status == 200 and Seen("GET", words[-1]).path != said.seen[at].path:
            found.append(("answers", f"{said.seen[at]} is answered as {words[-1]}"))
    return found


def _taken(one: Seen, seen: Seen) -> Finding | None:
    """Why `seen` is not what another program may make of `one`."""
    if one.body != seen.body or one.method.upper() != seen.method.upper():
        return "differs", f"{one} became {seen}"
    if one.path != seen.path:
        return "another target", f"{one.target} became {seen.target}"
    if one.method != seen.method:
        return "another spelling of the method", f"{one.method} became {seen.method}"
    known = {name: {value for key, value in one.fields if key == name} for name, _ in one.fields}
    for name, value in seen.fields:
        if name in HOPS | REFRAMED | {"expect"} or ADDED_BY_OTHERS.fullmatch(name):
            continue
        parts = {part.strip(" \t") for part in value.split(",")}
        whole = {part.strip(" \t") for text in known.get(name, ()) for part in text.split(",")}
        if value not in known.get(name, ()) and not parts <= whole:
            return "another field", f"{name}: {value[:60]!r} of {one}"
    return None
