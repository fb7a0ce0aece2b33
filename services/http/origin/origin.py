"""An origin server: which answer a request gets, and why.  RFC 9110.

Pure: a request with its body and the time come in, an answer comes out.  Here is the order of the
decisions; each is made in a file of its own: `methods.py`, `upgrade.py`, `serving.py` (with
`conditions.py` and `ranges.py`), `encodings.py`, `faults.py`, and the applications.  What lies under
a path is asked of a `Site`; connections belong to `session.py`, and what they are secured for to
`misdirected.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from lan.reasons import Reason
from lan.services.http.origin import encodings, listing, methods, paths, serving
from lan.services.http.origin import faults as faulty
from lan.services.http.origin.answer import Answer, Content, Memory, plain, standard
from lan.services.http.origin.application import READING, Application, Call
from lan.services.http.origin.faults import Faults, UnknownFaultError
from lan.services.http.origin.paths import NoPath, Path
from lan.services.http.origin.resource import Folder, Listing, Nothing, Place, Resource, Site, is_settled
from lan.services.http.origin.routes import Routes
from lan.services.http.origin.upgrade import upgrade
from lan.services.http.protocol.messages import NO_HEADERS, Headers, Request, Response, headers
from lan.services.http.protocol.target import parse_authority, split_absolute

__all__ = ["Answer", "Content", "Origin", "Rules", "plain"]


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings say of some paths, and of requests that ask for faults.

    `secret` is drawn once per process; boundaries between parts are made with it.
    """

    cache_control: Routes[str] = field(default_factory=Routes)
    faults: Routes[Faults] = field(default_factory=Routes)
    faults_on_request: bool = False
    secret: bytes = field(default=b"", repr=False)

    @property
    def is_empty(self) -> bool:
        """Nothing is said of any path, and a request can't ask for faults."""
        return not (self.cache_control or self.faults or self.faults_on_request)


class Origin:
    """Answers the requests for one site, and hands on those for other hosts that it knows by name."""

    def __init__(
        self,
        site: Site,
        *,
        app: Application | None = None,
        rules: Rules | None = None,
        hosts: Mapping[str, "Origin"] | None = None,
    ) -> None:
        self.site, self.app, self.rules = site, app, rules or Rules()
        self.hosts = dict(hosts or {})
        self.is_plain = not self.hosts and app is None and self.rules.is_empty
        """Files alone, the same for each host, and nothing said of any path."""

    def answer(self, request: Request, body: bytes = b"", *, now_s: float, trailers: Headers = NO_HEADERS) -> Answer:
        """The answer to one whole request."""
        if self.hosts and (other := self.hosts.get(host_of(request))) is not None:
            return other.answer(request, body, now_s=now_s, trailers=trailers)
        path = paths.parse(request.target)
        try:
            faults = self._faults(request, path)
        except UnknownFaultError as error:
            why = Reason("RFC 9110 §15.5.1", str(error))
            return plain(400, why, now_s=now_s, details=f"There are:\n{faulty.listed()}\n")
        if isinstance(path, NoPath):
            answer = self._without_path(request, path, now_s)
        else:
            answer = self._answer(Call(request, path, now_s, body, trailers), is_plain=faults is None)
        if request.method == "HEAD" and answer.content is not None:
            why = Reason("RFC 9110 §9.3.2", f"HEAD: the head alone of {answer.why.text}")
            answer = answer.without_content(why)
        return answer if faults is None or answer.upgrade is not None else replace(answer, faults=faults)

    def before_body(self, request: Request, *, now_s: float) -> Answer | None:
        """The answer that is sure before the body has come; None: it is wanted (100, RFC 9110 §10.1.1).

        A client that waits for 100 (Continue) then sends no body in vain.
        """
        if self.hosts and (other := self.hosts.get(host_of(request))) is not None:
            return other.before_body(request, now_s=now_s)
        if (unmet := methods.refuse_expectation(request, now_s=now_s)) is not None:
            return unmet
        path = paths.parse(request.target)
        if isinstance(path, NoPath):
            return None if request.target == "*" else plain(path.status, path.why, now_s=now_s)
        allowed = self._methods(path)
        if (refused := methods.refuse_method(request, allowed or READING, now_s=now_s)) is not None:
            return refused
        return self.app.refuse(Call(request, path, now_s)) if self.app is not None and allowed is not None else None

    def _methods(self, path: Path) -> tuple[str, ...] | None:
        """What the application takes for this path; None where the path is not its own."""
        return None if self.app is None else self.app.methods(path)

    def _faults(self, request: Request, path: Path | NoPath) -> Faults | None:
        if self.rules.faults_on_request and (asked := faulty.requested(request)) is not None:
            return asked
        return self.rules.faults.find(path.text) if self.rules.faults and isinstance(path, Path) else None

    def _without_path(self, request: Request, target: NoPath, now_s: float) -> Answer:
        if request.method == "OPTIONS" and request.target == "*":
            return methods.options(self._all_methods(), now_s=now_s)
        return plain(target.status, target.why, now_s=now_s)

    def _answer(self, call: Call, *, is_plain: bool) -> Answer:
        request, now_s = call.request, call.now_s
        if (unmet := methods.refuse_expectation(request, now_s=now_s)) is not None:
            return unmet
        if (switched := upgrade(request, now_s=now_s)) is not None:
            return switched
        allowed = self._methods(call.path)
        if (refused := methods.refuse_method(request, allowed or READING, now_s=now_s)) is not None:
            return refused
        if request.method == "OPTIONS":
            return methods.options(allowed or READING, now_s=now_s)
        if request.method == "TRACE":
            return methods.trace(request, now_s=now_s)
        if self.app is not None and allowed is not None:
            return self.app.answer(call)
        return self._file(request, call.path, now_s, is_plain=is_plain)

    def _all_methods(self) -> tuple[str, ...]:
        """Of the whole server: what at least one of its paths takes."""
        more = () if self.app is None else self.app.all_methods
        return (*READING, *(name for name in more if name not in READING))

    def _file(self, request: Request, path: Path, now_s: float, *, is_plain: bool) -> Answer:
        found = self.site.find(path, now_s=now_s)
        if isinstance(found, Folder):
            location = Path(path.segments, is_folder=True).url
            why = Reason("RFC 9110 §15.4.2", "a folder's path ends in a slash", location=location)
            return plain(301, why, now_s=now_s, more=[("Location", location)])
        if isinstance(found, Nothing):
            return plain(found.status, found.why, now_s=now_s)
        if isinstance(found, Listing):
            return _listing(path, found, now_s)
        answer, places = self._resource(request, path, found, now_s)
        if not places or not is_plain or not all(is_settled(place, now_s) for place in places):
            return answer
        if len(places) == 1:
            return replace(answer, is_current=partial(self.site.is_current, places[0]))
        return replace(answer, is_current=lambda turn_s: all(self.site.is_current(place, turn_s) for place in places))

    def _resource(
        self, request: Request, path: Path, found: Resource, now_s: float
    ) -> tuple[Answer, tuple[Place, ...]]:
        """The file in the form that the client takes, with what the settings say of its path; what it was made of."""
        places: tuple[Place, ...] = (found.place,) if found.place is not None else ()
        if found.codings:
            chosen = encodings.choose(request.headers.get("Accept-Encoding"), found.codings)
            if chosen.coding is None:
                found.content.close()
                return plain(406, chosen.why, now_s=now_s, more=[("Vary", "Accept-Encoding")]), ()
            if chosen.coding != encodings.IDENTITY:
                found, places = self._encoded(path, found, chosen.coding, places, now_s)
        said = self.rules.cache_control.find(path.text) if self.rules.cache_control else None
        more = [] if said is None else [("Cache-Control", said)]
        return serving.serve(request, found, now_s=now_s, more=more, secret=self.rules.secret), places

    def _encoded(
        self, path: Path, found: Resource, coding: str, places: tuple[Place, ...], now_s: float
    ) -> tuple[Resource, tuple[Place, ...]]:
        """The compressed form; the file itself where that is gone by now."""
        form = self.site.find_encoded(path, coding, now_s=now_s)
        if isinstance(form, Nothing):
            return found, places
        found.content.close()
        return form, (*places, *((form.place,) if form.place is not None else ()))


def host_of(request: Request) -> str:
    """The host that a request is for, in lower case without its port; ``""`` where none is said (RFC 9112 §3.3)."""
    absolute = split_absolute(request.target)
    authority = parse_authority(absolute[1] if absolute else request.headers.get("Host") or "")
    return authority.host if authority is not None else ""


def _listing(path: Path, found: Listing, now_s: float) -> Answer:
    page = listing.build(path, found)
    described = [("Content-Type", "text/html; charset=utf-8"), ("Content-Length", str(len(page)))]
    why = Reason("RFC 9110 §9.3.1", "a folder without an index, which may be listed", entries=len(found.entries))
    return Answer(Response(200, headers=headers([*standard(now_s), *described])), Memory(page), why)
