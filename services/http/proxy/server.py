"""A proxy's listener: accepts while there is room, and hands each connection to a session of the proxy's kind."""

import socket
import ssl
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from lan.errors import LanError
from lan.reasons import Reason
from lan.services.http.listening import Address, Listener, change
from lan.services.http.proxy import credentials, original
from lan.services.http.proxy.cached import CachedSession
from lan.services.http.proxy.caching import Caching
from lan.services.http.proxy.connector import Reach
from lan.services.http.proxy.context import Context, Served
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.forwarding import Mode, Rules
from lan.services.http.proxy.hits import Hits
from lan.services.http.proxy.loop import IN, Loop
from lan.services.http.proxy.passing import PassingSession
from lan.services.http.proxy.plain import Answers, Requests
from lan.services.http.proxy.pool import Pool
from lan.services.http.proxy.relay import Relay
from lan.services.http.proxy.resolver import Resolver
from lan.services.http.proxy.settings import Kind, Limits, Settings
from lan.services.http.proxy.upstream import Upstream
from lan.services.shell import DecisionLog

ACCEPTED_AT_A_TIME = 16
PAUSE_S = 0.5
"""How long nobody is accepted after the kernel had no more to give."""

SESSIONS: dict[Kind, Callable[[socket.socket, Context, Destination | None], Served]] = {
    Kind.DUMB: Relay,
    Kind.SMART: PassingSession,
    Kind.CACHE: CachedSession,
}


@dataclass(frozen=True, slots=True)
class _Door:
    """A listening socket in the loop."""

    knock: Callable[[], None]

    def ready(self, mask: int) -> None:
        self.knock()

    def fail(self, fault: Exception) -> None:
        """Accepting goes on."""


class ProxyServer:
    """Serves clients on its addresses until told to stop."""

    def __init__(self, log: DecisionLog, limits: Limits | None = None) -> None:
        self.log, self.limits = log, limits or Limits()
        self.loop = Loop()
        self.resolver = Resolver(self.loop.post)
        self.sessions: set[Served] = set()
        self.pool: Pool[Upstream] = Pool()
        self._clients: Counter[str] = Counter()
        self._listeners: list[Listener] = []
        self._contexts: dict[bool, Context] = {}  # for clients with TLS and without
        self._redirected: int | None = None
        self._caching: Caching | None = None
        self._caches: dict[Path | None, Caching] = {}
        self._is_accepting = False
        self.deadline_s = 0.0

    @property
    def addresses(self) -> list[tuple[str, Address]]:
        """Where it listens, with the ports that the kernel gave: ``("proxy", …)`` and, with TLS, ``("https", …)``."""
        return [("https" if one.is_tls else "proxy", one.bound) for one in self._listeners]

    def apply(self, settings: Settings, to_servers: ssl.SSLContext, to_clients: ssl.SSLContext | None = None) -> None:
        """Serve by these settings from now on; connections under way end by the old ones.

        Raises LanError when an address, a redirect or a store can't be had; then everything stays as it was.
        """
        wanted = ((settings.listen, False), (settings.tls_listen, True))
        listeners = change(self._listeners, *wanted, shared=settings.workers > 1, usual=3128)
        port = listeners[0].bound[1]
        try:
            if settings.redirect is not None:
                original.lead_here(settings.redirect, port)
            caching = self._cache(settings, port)
        except LanError:
            for one in listeners:
                if one not in self._listeners:
                    one.sock.close()
            raise
        redirected = port if settings.redirect is not None else None
        if self._redirected is not None and self._redirected != redirected:
            original.remove(self._redirected)
        self._redirected = redirected
        self._caching = caching
        self._accept_no_more()
        for one in self._listeners:
            if one not in listeners:
                one.sock.close()
        self._listeners = listeners
        context = self._made(settings, to_servers, port)
        secured = replace(
            context, to_clients=to_clients, rules=replace(context.rules, is_secured=True), hits=self._hits()
        )
        self._contexts = {False: context, True: secured}
        self._accept_again()

    def _cache(self, settings: Settings, port: int) -> Caching | None:
        """The cache of a caching proxy, the one that it had over this folder.  Raises RunError."""
        if settings.kind is not Kind.CACHE:
            return None
        name, folder = name_of(settings, port), settings.store
        if folder not in self._caches:
            self._caches[folder] = Caching(self.loop, name, folder, settings.size_mb)
        self._caches[folder].set(name, settings.size_mb, settings.table, tells_client=settings.tells_client)
        return self._caches[folder]

    def _made(self, settings: Settings, tls: ssl.SSLContext, port: int) -> Context:
        rules = Rules(
            name=name_of(settings, port),
            mode=settings.mode,
            upstream=settings.upstream,
            parent=settings.parent,
            connect_ports=settings.connect_ports,
            proxy_connection=settings.proxy_connection,
            passes_credentials=settings.parent is not None and settings.accounts is None,
            tells_client=settings.tells_client,
        )
        plain = Requests(
            rules,
            lambda request: credentials.allowed(request, settings.accounts) is None,
            max_head_bytes=self.limits.head_bytes,
        )
        trusted = frozenset(one for one in (settings.upstream, settings.parent) if one is not None)
        return Context(
            loop=self.loop, log=self.log, limits=self.limits, settings=settings, rules=rules,
            reach=Reach(trusted, settings.allow_loopback), resolver=self.resolver, tls=tls, sessions=self.sessions,
            pool=self.pool, clients=self._clients, caching=self._caching, hits=self._hits(),
            plain=(plain, Answers(rules)),
        )  # fmt: skip

    def _hits(self) -> Hits | None:
        """A short way of its own for each kind of connection: the same head asks for another URI over TLS."""
        return None if self._caching is None else Hits(self._caching.store, max_head_bytes=self.limits.head_bytes)

    def step(self) -> None:
        """Wait for what comes next and do it."""
        self.loop.step()
        if not self._is_accepting and self not in self.loop.timed and len(self.sessions) < self.limits.connections:
            self._accept_again()

    def stop(self) -> None:
        """Accept no more, let exchanges under way end for a moment, close everything."""
        self._accept_no_more()
        for one in self._listeners:
            one.sock.close()
        self._listeners = []
        if self._redirected is not None:
            original.remove(self._redirected)
        until_s = time.monotonic() + self.limits.stop_s
        for session in list(self.sessions):
            session.stop()
        while self.sessions and time.monotonic() < until_s:
            self.loop.step()
        for session in list(self.sessions):
            session.close(Reason("RFC 9112 §9.5", "the proxy is told to stop"))
        for upstream in self.pool.all():
            upstream.close(Reason("RFC 9112 §9.5", "the proxy is told to stop"))
        for caching in self._caches.values():
            caching.close()
        self.loop.flush()
        self.loop.close()

    # ---- accepting

    def _take_in(self, listener: Listener) -> None:
        """Take who knocks; leave the rest in the kernel's backlog once there is no more room."""
        for _ in range(ACCEPTED_AT_A_TIME):
            if len(self.sessions) >= self.limits.connections:
                why = Reason("RFC 9112 §9.4", "as many connections as allowed", limit=self.limits.connections)
                self.log.append("pausing", why)
                return self._accept_no_more()
            try:
                sock, _ = listener.sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return None
            except OSError as error:
                self.log.append("pausing", Reason("accept(2)", "no more connections can be had", error=error.strerror))
                return self._pause()
            self._begin(sock, self._contexts[listener.is_tls])
        return None

    def _pause(self) -> None:
        self._accept_no_more()
        self.deadline_s = self.loop.now_s + PAUSE_S
        self.loop.timed.add(self)

    @property
    def waker(self) -> int:
        """A descriptor that never blocks: a byte written to it makes `step` return soon."""
        return self.loop.waker

    def fail(self, fault: Exception) -> None:
        """Accepting goes on."""

    def expire(self) -> None:
        """The pause is over."""
        self.loop.timed.discard(self)
        self._accept_again()

    def _begin(self, sock: socket.socket, context: Context) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            going_to = original.destination_of(sock) if context.rules.mode is Mode.INTERCEPT else None
            self.sessions.add(SESSIONS[context.settings.kind](sock, context, going_to))
        except OSError:  # reset before it could be asked for its name
            sock.close()

    def _accept_again(self) -> None:
        if not self._is_accepting:
            for one in self._listeners:
                self.loop.watch(one.sock, _Door(partial(self._take_in, one)), IN)
            self._is_accepting = bool(self._listeners)

    def _accept_no_more(self) -> None:
        if self._is_accepting:
            for one in self._listeners:
                self.loop.forget(one.sock, close=False)
        self._is_accepting = False


def name_of(settings: Settings, port: int) -> str:
    """The pseudonym in `Via`: another one for each proxy, or a chain on one machine would look like a circle."""
    return settings.name or f"{socket.gethostname()}:{port}"
