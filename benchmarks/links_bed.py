"""A bed for cables: devices in namespaces of their own, and between them the process that carries frames.

`Bed` is made inside a bubble (`enter_bubble` starts the script again in one); each cable has its inner
ends in the bed's own namespace, where the userspace link runs, its outer ends at two devices.
"""

import contextlib
import ctypes
import ipaddress
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lan.engine import netns, offloads
from lan.engine.netlink import Netlink
from lan.links.options import Cable
from lan.wire import rtnetlink

HOUSE = Path(__file__).resolve().parents[1]
IN_BUBBLE = "LAN_LINKS_BED"
ETHERTYPE = 0x88B5
"""IEEE 802's, for experiments."""
IFF_NOARP_CMD = ("net/ipv6/conf/all/disable_ipv6", "net/ipv6/conf/default/disable_ipv6")


def enter_bubble() -> None:
    """Start this script again in namespaces of its own, unless it is there; returns inside."""
    if os.environ.get(IN_BUBBLE):
        return
    bubble = ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        bubble[1:1] = ["--user", "--map-root-user"]
    environment = os.environ | {IN_BUBBLE: "1", "PYTHONPATH": str(HOUSE)}
    os.execvpe("unshare", [*bubble, sys.executable, *sys.argv], environment)


class Device:
    """A network namespace with a name; `run` and `start` put programs there."""

    def __init__(self, name: str, home: int) -> None:
        self.name, self.home = name, home
        self.net = netns.new()
        quiet()
        self.netlink = Netlink()
        loopback = socket.if_nametoindex("lo")
        self.netlink.do([rtnetlink.set_link(loopback, up=True)])
        netns.enter(home)

    @contextlib.contextmanager
    def inside(self) -> Iterator[None]:
        """Sockets opened within stay at the device."""
        with netns.inside(self.net, self.home):
            yield

    def start(self, command: list[str], **options: Any) -> subprocess.Popen[Any]:
        """A program at this device."""
        with self.inside():
            return subprocess.Popen(command, **options)

    def run(self, command: list[str], *, deadline_s: float = 120) -> str:
        """A program at this device, to its end: what it wrote.  Raises subprocess.CalledProcessError."""
        with self.inside():
            done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=deadline_s)
        return done.stdout

    def packets(self, interface: str) -> socket.socket:
        """A packet socket at an interface, for `ETHERTYPE`."""
        with self.inside():
            found = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
            found.bind((interface, ETHERTYPE))
        return found


class Bed:
    """Devices, cables and the carrier; close it at the end."""

    def __init__(self, *, cpu: int | None = None, decisions: Path | None = None) -> None:
        """`cpu`: where the carrier runs, and nothing of ours besides."""
        self.home = netns.current()
        quiet()
        self.netlink = Netlink()
        self.devices: dict[str, Device] = {}
        self._index, self._inner = 1000, dict[str, list[int]]()
        self.control, theirs = socket.socketpair()
        environment = {**os.environ, **({"LAN_DECISIONS": str(decisions)} if decisions else {})}
        command = [sys.executable, "-m", "lan.links"]
        self.process = subprocess.Popen(command, stdin=theirs, env=environment)
        theirs.close()
        if cpu is not None:
            os.sched_setaffinity(self.process.pid, {cpu})
            os.sched_setaffinity(0, os.sched_getaffinity(0) - {cpu} or {cpu})
        self._answers = self.control.makefile("rb")
        self.show()

    def device(self, name: str) -> Device:
        """A device, made when first asked for."""
        if name not in self.devices:
            self.devices[name] = Device(name, self.home)
        return self.devices[name]

    def cable(
        self,
        name: str,
        a: str,
        b: str,
        options: Cable,
        addresses: tuple[str, str] | None = None,
        *,
        mtu: int | None = None,
    ) -> None:
        """A cable from a to b; its ends are called as the cable at both, with `addresses` if given."""
        ends = []
        for side, device in enumerate((self.device(a), self.device(b))):
            inner, self._index = self._index, self._index + 2
            near = rtnetlink.End(f"i{inner}", _mac(inner), inner, mtu=mtu)
            far = rtnetlink.End(name, _mac(inner + 1), inner + 1, netns=device.net, mtu=mtu)
            self.netlink.do([rtnetlink.new_veth(near, far)])
            device.netlink.do([rtnetlink.set_link(inner + 1, up=True)])
            offloads.switch_off(self.netlink.socket, near.name)
            offloads.switch_off(device.netlink.socket, name)
            if addresses:
                address = ipaddress.IPv4Interface(addresses[side])
                device.netlink.do([rtnetlink.new_address(inner + 1, address)])
            ends.append(near.name)
            self._inner.setdefault(name, []).append(inner)
        self.ask("add", cable=name, ends=ends, names=[a, b], options=options.as_json())

    def remove(self, name: str) -> None:
        """Take a cable away, if it is there."""
        if inner := self._inner.pop(name, None):
            self.ask("remove", cable=name)
            self.netlink.do([rtnetlink.delete_link(index) for index in inner])

    def inner(self, name: str) -> list[int]:
        """The inner ends' interface indexes; the outer ones' are one higher."""
        return self._inner[name]

    def set(self, name: str, options: Cable) -> None:
        """Change a cable."""
        self.ask("set", cable=name, options=options.as_json())

    def show(self) -> dict[str, Any]:
        """The state of all cables."""
        found: dict[str, Any] = self.ask("show")
        return found

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """One request of the carrier and its answer; RuntimeError where it says no."""
        self.control.sendall(json.dumps({"do": do, **request}).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._answers.readline() or b'{"ok": false, "error": "it has ended"}')
        if not answer["ok"]:
            raise RuntimeError(answer["error"])
        return answer

    def cpu_s(self) -> float:
        """What the carrier has used of its core, in seconds: its own time and the kernel's for it."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """Close the control stream, by which the carrier ends, and take all away."""
        self._answers.close()
        self.control.close()
        self.process.wait(10)
        self.netlink.do([rtnetlink.delete_link(index) for inner in self._inner.values() for index in inner])


def quiet() -> None:
    """No IPv6 in this namespace: nothing speaks unasked."""
    for name in IFF_NOARP_CMD:
        with contextlib.suppress(OSError):
            Path("/proc/sys", name).write_text("1")


def _mac(index: int) -> str:
    return f"02:00:00:00:{index >> 8:02x}:{index & 255:02x}"


class Batch:
    """Many sends of one frame by one system call (sendmmsg): a sender that is not what is measured."""

    def __init__(self, out: socket.socket, frame: bytes, size: int = 64) -> None:
        self._out, self.size = out, size
        self._frame = ctypes.create_string_buffer(frame, len(frame))
        self._iov = (ctypes.c_uint64 * 2)(ctypes.addressof(self._frame), len(frame))
        self._headers = (ctypes.c_uint64 * (8 * size))()
        for at in range(0, 8 * size, 8):
            self._headers[at + 2], self._headers[at + 3] = ctypes.addressof(self._iov), 1
        self._call = ctypes.CDLL(None, use_errno=True).sendmmsg

    def send(self, count: int | None = None) -> int:
        """So many frames at once, at most `size`; how many were taken."""
        taken: int = self._call(self._out.fileno(), ctypes.byref(self._headers), count or self.size, 0)
        return max(0, taken)
