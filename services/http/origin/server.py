"""The web server's loop: listeners and sessions on one epoll, one thread, nothing that waits.

The loop owns the clock and the descriptors.  It accepts while there is room, hands readiness to
sessions, and looks for passed deadlines a few times a second while any session lives.
"""

import os
import resource
import select
import socket
import ssl
import time
import traceback
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TextIO

from lan.errors import MachineError
from lan.reasons import Reason
from lan.services.http.listening import Address, Listener, change, in_words
from lan.services.http.memory import Thrift
from lan.services.http.origin.brief import brief
from lan.services.http.origin.ending import State
from lan.services.http.origin.essence import essence
from lan.services.http.origin.misdirected import in_clear
from lan.services.http.origin.origin import Origin
from lan.services.http.origin.session import Session
from lan.services.http.origin.settings import Limits, Settings
from lan.services.http.origin.shortcuts import Shortcuts
from lan.services.http.origin.telling import SILENT, Teller
from lan.services.shell import DecisionLog

SWEEP_S = 0.1
MAX_EVENTS = 512
CROWDED_S = 1.0
"""So long a sweep waits for a turn in which everybody was heard, where so many or more are ready in each."""
ACCEPTS_A_TURN = 16
_HANGUP = select.EPOLLHUP | select.EPOLLERR
_READABLE = select.EPOLLIN | _HANGUP


class Server:
    """Serves one origin on its listeners until told to stop."""

    def __init__(self, log: DecisionLog, limits: Limits | None = None) -> None:
        self.log, self.limits = log, limits or Limits()
        self._limits = self.limits
        _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # a descriptor for each connection
        self.sessions: dict[int, Session] = {}
        self._masks: dict[int, int] = {}
        self._listeners: list[Listener] = []
        self._epoll = select.epoll()
        self._wake_in, self._wake_out = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        self._epoll.register(self._wake_in, select.EPOLLIN)
        self._by_descriptor: dict[int, Listener] = {}
        self._shortcuts = Shortcuts(time.time)
        self._pausing: set[Session] = set()
        self._swept_s = 0.0
        self._thrift = Thrift(time.monotonic())
        self._access: TextIO | None = None

    @property
    def addresses(self) -> list[tuple[str, Address]]:
        """What is listened on: (scheme, (address, port)) with the ports the kernel gave."""
        return [("https" if one.is_tls else "http", one.bound) for one in self._listeners]

    def apply(self, settings: Settings, origin: Origin, tls: ssl.SSLContext | None) -> None:
        """Serve by these settings from now on; connections under way end by the old ones.

        The access log is opened anew.  Raises MachineError when an address or that file can't be had;
        then everything stays as it was.
        """
        access = open_log(settings.access_log)
        wanted = ((settings.listen, False), (settings.tls_listen, True))
        try:
            listeners = change(self._listeners, *wanted, shared=settings.workers > 1, usual=8080)
        except MachineError:
            if access is not None:
                access.close()
            raise
        self._accept_no_more()
        for one in self._listeners:
            if one not in listeners:
                one.sock.close()
        if self._access is not None:
            self._access.close()
        self._access = access
        self.settings, self.origin, self._tls = settings, origin, tls
        self._in_clear = in_clear(origin)
        self._shortcuts = self._new_shortcuts(settings)
        self._limits = self.limits
        if settings.keep_alive is not None and settings.keep_alive.timeout_s is not None:
            self._limits = replace(self.limits, idle_s=float(settings.keep_alive.timeout_s))
        self._listeners = listeners
        self._accept_again()

    def _new_shortcuts(self, settings: Settings) -> Shortcuts:
        """None are learned where each answer tells how many are left on its connection."""
        if settings.keep_alive is not None:
            return Shortcuts(time.time, max_entries=0)
        return Shortcuts(
            time.time,
            key=partial(essence, has_query=settings.faults_on_request),
            make=partial(brief, self.origin),
            max_request_bytes=self.limits.head_bytes,
        )

    @property
    def waker(self) -> int:
        """A descriptor that never blocks: a byte written to it makes `step` return soon."""
        return self._wake_out

    def step(self) -> None:
        """Wait for what comes next and do it."""
        heard_s = time.monotonic()  # what came since is not late: stopped while it waits, poll may tell nothing of it
        ready = self._epoll.poll(self._patience_s(), MAX_EVENTS)
        now_s = time.monotonic()
        for descriptor, mask in ready:
            if (session := self.sessions.get(descriptor)) is not None:
                self._serve(session, mask, now_s)
            elif (listener := self._by_descriptor.get(descriptor)) is not None:
                self._accept(listener, now_s)
            elif descriptor == self._wake_in:
                os.read(self._wake_in, 4096)
        if self._pausing:
            self._resume(now_s)
        if now_s - self._swept_s >= (SWEEP_S if len(ready) < MAX_EVENTS else CROWDED_S):
            self._swept_s = now_s
            self._sweep(now_s, heard_s)
            self._thrift.look(now_s)

    def _patience_s(self) -> float | None:
        """How long to wait for the next event: not beyond the end of a pause."""
        if not self._pausing:
            return SWEEP_S if self.sessions else None
        until_s = min(session.deadline_s for session in self._pausing)
        return min(SWEEP_S, max(0.0, until_s - time.monotonic()))

    def _resume(self, now_s: float) -> None:
        for session in [one for one in self._pausing if one.state is not State.PAUSE or one.deadline_s <= now_s]:
            self._pausing.discard(session)
            if session.state is State.PAUSE:
                self._expire(session, now_s)

    def stop(self) -> None:
        """Accept no more, let exchanges under way end for a moment, close everything."""
        self._accept_no_more()
        for one in self._listeners:
            one.sock.close()
        self._listeners = []
        until_s = time.monotonic() + self.limits.stop_s
        for session in list(self.sessions.values()):
            session.stop(time.monotonic())
            self._watch(session)
        while self.sessions and time.monotonic() < until_s:
            self.step()
        for session in list(self.sessions.values()):
            session.abort(Reason("RFC 9112 §9.5", "the server is told to stop"))
            self._watch(session)
        self._epoll.close()
        os.close(self._wake_in)
        os.close(self._wake_out)
        if self._access is not None:
            self._access.close()

    def _accept_again(self) -> None:
        for one in self._listeners:
            if one.sock.fileno() not in self._by_descriptor:
                self._epoll.register(one.sock, select.EPOLLIN)
                self._by_descriptor[one.sock.fileno()] = one

    def _accept_no_more(self) -> None:
        """Leave newcomers in the kernel's backlog."""
        for descriptor in self._by_descriptor:
            self._epoll.unregister(descriptor)
        self._by_descriptor.clear()

    def _accept(self, listener: Listener, now_s: float) -> None:
        """Take in those who wait, and read at once what most of them have sent by now."""
        for _ in range(ACCEPTS_A_TURN):
            try:
                sock, _address = listener.sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return None
            except OSError as error:
                self.log.append("pausing", Reason("accept(2)", "no more connections can be had", error=error.strerror))
                return self._accept_no_more() if self.sessions else None
            self._begin(sock, listener, now_s)
            if len(self.sessions) >= self.limits.connections:
                limit = self.limits.connections
                self.log.append("pausing", Reason("RFC 9112 §9.4", "as many connections as allowed", limit=limit))
                return self._accept_no_more()
        return None

    def _begin(self, sock: socket.socket, listener: Listener, now_s: float) -> None:
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session = Session(
                sock,
                origin=self.origin if listener.is_tls else self._in_clear,
                settings=self.settings,
                limits=self._limits,
                tell=self._teller(sock),
                shortcuts=self._shortcuts,
                now_s=now_s,
                date=time.time,
                tls=self._tls if listener.is_tls else None,
            )
        except OSError:  # reset before it could be asked for its name
            return sock.close()
        self.sessions[session.descriptor] = session
        self._masks[session.descriptor] = session.mask
        self._epoll.register(session.descriptor, session.mask)
        return self._serve(session, select.EPOLLIN, now_s)  # most requests are here by now

    def _serve(self, session: Session, mask: int, now_s: float) -> None:
        try:
            if mask & select.EPOLLOUT:
                session.send(now_s)
            if mask & _READABLE and session.mask & select.EPOLLIN:
                session.receive(now_s)
            elif mask & _HANGUP and not mask & select.EPOLLOUT:
                session.hang_up()
        except Exception as error:
            self._end_faulty(session, error)
        self._watch(session)

    def _expire(self, session: Session, now_s: float) -> None:
        try:
            session.expire(now_s)
        except Exception as error:
            self._end_faulty(session, error)
        self._watch(session)

    def _end_faulty(self, session: Session, error: Exception) -> None:
        """Our fault, but one stranger's bytes must not end the others' connections."""
        traceback.print_exception(error)
        session.abort(Reason("RFC 9110 §15.6.1", "a fault of the server", error=repr(error)))

    def _watch(self, session: Session) -> None:
        if not session.is_open:
            self._forget(session)
        elif session.mask != self._masks[session.descriptor]:
            self._epoll.modify(session.descriptor, session.mask)
            self._masks[session.descriptor] = session.mask
        if session.state is State.PAUSE:
            self._pausing.add(session)

    def _forget(self, session: Session) -> None:
        """The session closed its socket, which left epoll by that."""
        self.sessions.pop(session.descriptor, None)
        self._masks.pop(session.descriptor, None)
        if not self._by_descriptor:
            self._accept_again()

    def _teller(self, sock: socket.socket) -> Teller:
        """Who tells of this connection.  Raises OSError where its ends can't be named any more."""
        if not self.log.is_wanted and self._access is None:
            return SILENT
        ends = {"client": in_words(sock.getpeername()), "server": in_words(sock.getsockname())}
        return Teller(self.log, None if self._access is None else self._note_access, ends)

    def _note_access(self, line: str) -> None:
        """Into the file that is open now: a reload may have changed it."""
        if self._access is not None:
            self._access.write(line + "\n")

    def _sweep(self, now_s: float, heard_s: float) -> None:
        for session in [one for one in self.sessions.values() if one.deadline_s <= heard_s]:
            self._expire(session, now_s)


def open_log(path: Path | None) -> TextIO | None:
    """The access log, to append lines to.  Raises MachineError."""
    try:
        return None if path is None else path.open("a", buffering=1, encoding="utf-8")
    except OSError as error:
        what = f"can't write the access log: {error.strerror}"
        raise MachineError(what, where=path, todo="--access-log with another file") from None
