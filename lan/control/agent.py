"""The agent: PID 1 of a bubble.  Builds the LAN, then answers faces until it is told to end.

One thread, one loop, nothing in it waits for long.  Only processes outside the bubble reach its
socket (`_may_ask`); what runs on a device can neither see nor use it.
"""

import contextlib
import gc
import importlib
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from typing import Any

from lan.control import cabling, framing, messages, sessions
from lan.control.children import Children
from lan.control.kernel_log import KernelLog
from lan.control.messages import refusal
from lan.control.recorder import Recorder
from lan.control.turn import turn
from lan.devices.base import Table
from lan.devices.kinds import models
from lan.devices.options import options_of
from lan.engine import browsers, changing, netns, programs, syscalls
from lan.engine.bubble import HOME, Lifeline
from lan.engine.live import MAC_TABLES, LiveLan
from lan.engine.options import Options
from lan.errors import LanError, RunError, UsageError, nearest
from lan.topo.spec import Device, Lan, Link, Port, mac_address
from lan.trace.capture_file import Capturing

SOCKET = HOME / "agent.sock"
PING_TRIES = 3
Reply = Callable[[dict[str, Any]], None]


class Agent:
    """One LAN's agent."""

    def __init__(self, live: LiveLan, recorder: Recorder | None, lifeline: Lifeline) -> None:
        self.live, self.recorder, self.lifeline = live, recorder, lifeline
        self.started_s = time.time()
        self.selector = selectors.DefaultSelector()
        self.children = Children(self.selector)
        self.sessions: dict[socket.socket, str] = {}
        self._ending = False
        self._woken, waker = os.pipe()
        for descriptor in (self._woken, waker):
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        self.selector.register(self._woken, selectors.EVENT_READ, self._signalled)

    def listen(self) -> None:
        """Open the socket."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(str(SOCKET))
        listener.listen(64)
        self.selector.register(listener, selectors.EVENT_READ, lambda _: self._accept(listener))
        if self.recorder is not None:
            recorder = self.recorder
            for of in (recorder, recorder.kernel):
                self.selector.register(of.control, selectors.EVENT_READ, lambda _, of=of: self._heard(of))

    def run(self) -> None:
        """Answer until told to end."""
        self.live.cables.start_clock()
        while not self._ending:
            cables = self.live.cables
            cabling.attend(cables, self.selector)
            due_s = cables.deadline_s()
            patience_s = None if due_s is None else max(0.0, due_s - time.monotonic())
            turn(self.selector, patience_s)
            cables.tick(time.monotonic())

    # ---- events

    def _heard(self, of: Recorder | KernelLog) -> None:
        if not of.hear():
            self.selector.unregister(of.control)

    def _signalled(self, descriptor: int) -> None:
        numbers = os.read(descriptor, 4096)
        if signal.SIGTERM in numbers:
            self._ending = True
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.live.ended(pid, status)
            self.children.ended(pid, status)

    def _accept(self, listener: socket.socket) -> None:
        client, _ = listener.accept()
        if not _may_ask(client):
            client.close()
            return
        client.settimeout(5)
        self.selector.register(client, selectors.EVENT_READ, lambda _: self._serve(client))

    def _serve(self, client: socket.socket) -> None:
        try:
            data, descriptors = framing.receive(client)
        except (OSError, ValueError):
            self._forget(client)
            return
        for descriptor in descriptors:
            os.close(descriptor)

        def reply(answer: dict[str, Any]) -> None:
            self._send(client, answer)

        try:
            message = messages.unpack(data)
            answer: dict[str, Any] | None = HANDLERS[type(message)](self, message, client, reply)
        except LanError as error:
            answer = refusal(error)
        except ValueError as error:
            answer = refusal(UsageError(f"the agent does not understand: {error}", todo="lan down, then up again"))
        except OSError as error:
            answer = refusal(RunError(f"the kernel refused: {error}"))
        except Exception as error:  # one wrong answer must not take the LAN with it
            traceback.print_exc()
            answer = refusal(
                RunError(f"lan made a mistake: {error!r}", todo=f"see {self.live.options.state}/agent.log")
            )
        if answer is not None:
            reply(answer)

    def _send(self, client: socket.socket, answer: dict[str, Any], descriptors: list[int] | None = None) -> None:
        try:
            framing.send(client, answer, descriptors or [])
        except OSError:
            self._forget(client)

    def _forget(self, client: socket.socket) -> None:
        if client.fileno() < 0:
            return
        self.selector.unregister(client)
        client.close()
        session = self.sessions.pop(client, None)
        if session is not None:
            sessions.end(session)

    # ---- answers

    def _hello(self, message: messages.Hello, client: socket.socket, reply: Reply) -> dict[str, Any]:
        if message.version != messages.VERSION:
            raise UsageError(
                f"LAN {self.live.lan.name} was started by another version of lan "
                f"(it speaks {messages.VERSION}, this command {message.version})",
                todo="take it down with the version that started it, or end its process",
            )
        trace = str(self.recorder.path) if self.recorder else None
        live = self.live
        options = live.options
        return {
            "version": messages.VERSION,
            "name": live.lan.name,
            "state": str(options.state),
            "home": str(options.home),
            "trace": trace,
        }

    def _describe(self, message: messages.Describe, client: socket.socket, reply: Reply) -> dict[str, Any]:
        live = self.live
        devices = {
            name: {
                "kind": model.kind,
                "icon": model.icon,
                "address": model.static_ip,
                "dhcp": model.dhcp,
                "tables": sorted(model.tables()),
                "services": [
                    {"name": it.service.name, "state": it.state, "said": it.said, "code": it.code}
                    for it in live.services_of(name)
                ],
            }
            for name, model in live.models.items()
        }
        return {
            "lan": live.lan.as_json(),
            "devices": devices,
            "links": [live.cables.is_up(link) for link in live.lan.links],
            "cables": [live.cables.told_of(link) for link in live.lan.links],
            "link_means": live.cables.means,
            "ovs": live.ovs_switches,
            "datapath": live.datapath,
            "lost": sorted(live.lost),
            "started_s": self.started_s,
            "trace": str(self.recorder.path) if self.recorder else None,
            "offload": live.options.offload,
        }

    def _enter(self, message: messages.Enter, client: socket.socket, reply: Reply) -> None:
        self.known(message.device)
        space = self.live.space_of(message.device)
        browsers.trust(message.device)
        session = self.sessions.setdefault(client, sessions.new())
        bubble = os.open("/proc/self/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
        user = os.open("/proc/self/ns/user", os.O_RDONLY | os.O_CLOEXEC)
        environment = {**self.live.environment_of(message.device), sessions.VARIABLE: session}
        answer = {"session": session, "environment": environment}
        self._send(client, answer, [bubble, space.net, space.mnt, space.uts, space.pid, user])
        os.close(bubble)
        os.close(user)

    def _run_module(self, message: messages.RunModule, client: socket.socket, reply: Reply) -> None:
        if not message.module.startswith("lan."):
            raise UsageError(f"{message.module} is not a module of lan")
        device = message.device
        if device:
            self.known(device)
        space = self.live.space_of(device) if device else None
        environment = self.live.environment_of(device) if device else dict(os.environ)
        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

        def launch(out: int, err: int) -> int:
            start = programs.Start(message.arguments, environment, "/", (nothing, out, err))
            return programs.module(message.module, start, space)

        self.children.start(launch, lambda code, out, err: reply({"code": code, "stdout": out, "stderr": err}))
        os.close(nothing)

    def _show_table(self, message: messages.ShowTable, client: socket.socket, reply: Reply) -> None:
        self.known(message.device)
        table = self._table(message.device, message.table)
        arguments = [*table.arguments]
        if message.table == "mac" and message.device in self.live.ovs_switches:
            arguments.append(str(MAC_TABLES))
        device = "" if table.in_bubble else message.device
        self._run_module(messages.RunModule(device, table.module, arguments), client, reply)

    def _table(self, device: str, name: str) -> Table:
        tables = self.live.models[device].tables()
        if name not in tables:
            near = nearest(name, tables)
            raise UsageError(
                f"{device} has no table {name!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(sorted(tables)),
            )
        return tables[name]

    def _change(self, message: messages.Change, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self.known(message.device)
        model = self.live.models[message.device]
        changes: dict[str, Any] = {}
        for key, text in message.settings.items():
            changes |= model.change(key, text)
        if model.dhcp and message.settings.get("ip") == "dhcp":
            done = changing.lease_anew(self.live, message.device)
        else:
            done = changing.change(self.live, message.device, changes)
        kept = {key: value for key, value in changes.items() if key in options_of(type(model))}
        return {"done": done, "options": kept, "where": str(model.spec.where) if model.spec.where else None}

    def _add_link(self, message: messages.AddLink, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self.known(message.a)
        self.known(message.b)
        a = self._next_port(message.a, message.a_interface, message.a_mac)
        b = self._next_port(message.b, message.b_interface, message.b_mac)
        link = Link(a, b, message.options)
        self.live.plug(link, self._record)
        return {"a": {"device": link.a.device, "interface": link.a.interface, "mac": link.a.mac},
                "b": {"device": link.b.device, "interface": link.b.interface, "mac": link.b.mac}}  # fmt: skip

    def _record(self, link: Link) -> None:
        if self.recorder is not None:
            self.recorder.add(self.live.fabric, [link])

    def _next_port(self, device: str, name: str | None, mac: str | None) -> Port:
        taken = {port.interface for port in self.live.lan.ports(device)}
        number = 1 if self.live.lan.devices[device].is_switch else 0
        while f"{device}-eth{number}" in taken:
            number += 1
        name = name or f"{device}-eth{number}"
        if name in taken:
            raise UsageError(f"{device} has an interface {name} already", expected="the name of a free one")
        return Port(device, name, mac or mac_address(device, name))

    def _remove_link(self, message: messages.RemoveLink, client: socket.socket, reply: Reply) -> dict[str, Any]:
        for link in self.live.links_between(message.a, message.b):
            if message.interface in (None, link.end(message.a).interface):
                self.live.unplug(link)
        return {}

    def _add_host(self, message: messages.AddHost, client: socket.socket, reply: Reply) -> dict[str, Any]:
        if message.name in self.live.lan.devices:
            raise UsageError(f"a device {message.name} is there already")
        if message.kind not in models():
            raise UsageError(f"unknown kind {message.kind!r}", expected="one of " + ", ".join(models()))
        is_switch = models()[message.kind].is_switch
        self.live.add_device(Device(message.name, message.kind, message.options, is_switch=is_switch))
        if self.recorder is not None:
            self.recorder.kernel.listen_to(self.live.fabric, message.name)
        return {}

    def _remove_device(self, message: messages.RemoveDevice, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self.known(message.name)
        self.live.remove_device(message.name)
        if self.recorder is not None:
            self.recorder.kernel.forget(message.name)
        return {}

    def _services(self, message: messages.Services, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self.known(message.device)
        work = self.live.start_services if message.start else self.live.stop_services
        return {"done": work(message.device)}

    def _sync_trace(self, message: messages.SyncTrace, client: socket.socket, reply: Reply) -> None:
        self._recording().sync(reply)

    def _wait_trace(self, message: messages.WaitTrace, client: socket.socket, reply: Reply) -> None:
        self._recording().wait(message.frames, message.timeout_ms, reply)

    def _recording(self) -> Recorder:
        if self.recorder is None:
            raise UsageError("nothing is captured on this LAN", todo="start it without --no-trace")
        return self.recorder

    def _ping_all(self, message: messages.PingAll, client: socket.socket, reply: Reply) -> None:
        """In a process of its own, which opens one socket in each namespace: the loop goes on."""
        fabric, known = self.live.fabric, self.live.models
        for one, other in message.pairs:
            self.known(one)
            self.known(other)

        def work() -> int:
            sockets: dict[str, socket.socket] = {}
            for one, _ in message.pairs:
                if one not in sockets:
                    with netns.inside(fabric.namespaces[one], fabric.home):
                        sockets[one] = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            addresses = {name: model.address for name, model in known.items()} | message.addresses
            asked = [(one, other) for one, other in message.pairs if addresses[other]]
            ping_all = importlib.import_module("lan.services.icmp.prober").ping_all
            times: dict[tuple[str, str], float | None] = {}
            for _ in range(PING_TRIES):  # a LAN of hundreds floods so many ARP requests that some are lost
                silent = [pair for pair in asked if times.get(pair) is None]
                ends = [(sockets[one], str(addresses[other])) for one, other in silent]
                times |= dict(zip(silent, ping_all(ends, message.timeout_s), strict=True))
            print(json.dumps([[*pair, times.get(pair)] for pair in asked]))
            return 0

        nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        keep = [*fabric.namespaces.values(), fabric.home]

        def launch(out: int, err: int) -> int:
            return programs.call(
                work, programs.Start([], dict(os.environ), "/", (nothing, out, err), keep=keep), "lan-ping"
            )

        def answer(code: int, out: str, err: str) -> None:
            failed = refusal(RunError(f"ping failed: {err.strip()[-300:]}"))
            reply({"results": json.loads(out)} if code == 0 else failed)

        self.children.start(launch, answer)
        os.close(nothing)

    def _leave(self, message: messages.Leave, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self.sessions.pop(client, None)
        return {}

    def _stay(self, message: messages.Stay, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self.lifeline.release()
        return {}

    def _down(self, message: messages.Down, client: socket.socket, reply: Reply) -> dict[str, Any]:
        self._ending = True
        if self.recorder is not None:
            self.recorder.close()
        self.live.end()
        return {}

    def known(self, device: str) -> None:
        known = self.live.lan.devices
        if device not in known:
            near = nearest(device, known)
            raise UsageError(
                f"LAN {self.live.lan.name} has no device {device!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(list(known)[:20]),
            )


HANDLERS: dict[type, Callable[..., dict[str, Any] | None]] = {
    messages.Hello: Agent._hello,
    messages.Describe: Agent._describe,
    messages.Enter: Agent._enter,
    messages.RunModule: Agent._run_module,
    messages.ShowTable: Agent._show_table,
    messages.Change: Agent._change,
    messages.AddLink: Agent._add_link,
    messages.RemoveLink: Agent._remove_link,
    messages.AddHost: Agent._add_host,
    messages.RemoveDevice: Agent._remove_device,
    messages.Services: Agent._services,
    messages.SyncTrace: Agent._sync_trace,
    messages.WaitTrace: Agent._wait_trace,
    messages.PingAll: Agent._ping_all,
    messages.Leave: Agent._leave,
    messages.Stay: Agent._stay,
    messages.Down: Agent._down,
    **cabling.HANDLERS,
}


def _may_ask(client: socket.socket) -> bool:
    """Whether a peer is a process outside the bubble, of the bubble's owner or root.

    SO_PEERCRED counts in our own namespaces: a process outside has process id 0 here.
    """
    credentials = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    pid, uid = (int.from_bytes(credentials[at : at + 4], sys.byteorder) for at in (0, 4))
    return pid == 0 and uid == 0


def serve(lan: Lan, options: Options, capturing: Capturing | None, channel: socket.socket, lifeline: Lifeline) -> None:
    """What the bubble's PID 1 does: build, tell the face how it went, and serve.  `capturing` None captures nothing."""
    began = time.monotonic()
    _detach(options)

    def progress(phase: str) -> None:
        framing.send(channel, {"phase": phase, "at_ms": round((time.monotonic() - began) * 1000, 1)})

    try:
        live = LiveLan(lan, options)
        recorder = Recorder(options.state / "trace.pcapng", capturing) if capturing else None
        agent = Agent(live, recorder, lifeline)

        def cabled() -> None:
            if recorder is not None:
                recorder.start(live.fabric, lan.links, live.lan)

        gc.disable()  # building makes many objects and no garbage worth looking for
        notes = live.build(progress, cabled)
        gc.enable()
        agent.listen()
    except LanError as error:
        framing.send(channel, refusal(error))
        return
    except OSError as error:
        framing.send(channel, refusal(RunError(f"the kernel refused: {error}", todo="lan doctor")))
        return
    framing.send(channel, {"up": True, "notes": notes})
    channel.close()
    agent.run()


def _detach(options: Options) -> None:
    """Let go of the caller's terminal and its limit of open files; what goes wrong from here on is in agent.log.

    A shell's 1024 are less than a thousand hosts need, of each of which a namespace is held.
    """
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # the hard limit may be above what the kernel now lets anybody have
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    log = os.open(options.state / "agent.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    for target, descriptor in ((0, nothing), (1, log), (2, log)):
        os.dup2(descriptor, target)
    os.chdir("/")
    syscalls.prctl(syscalls.PR_SET_DUMPABLE, 1)
