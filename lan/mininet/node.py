"""Mininet's Node, Intf and Link over the devices and cables of a running LAN."""

import ipaddress
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

from lan.control.client import RunningDevice
from lan.errors import UsageError
from lan.links import words
from lan.links.options import Cable
from lan.mininet.shell import Shell

if TYPE_CHECKING:
    from lan.mininet.net import Mininet


class Intf:
    """An interface of a node."""

    def __init__(self, name: str, node: "Node", mac: str) -> None:
        self.name, self.node, self.mac = name, node, mac
        self.link: Link | None = None

    def IP(self) -> str | None:  # noqa: N802 - Mininet's name
        """Its address: the node's, on the node's first interface."""
        return self.node.IP() if self.node.defaultIntf() is self else None

    def MAC(self) -> str:  # noqa: N802
        """Its hardware address."""
        return self.mac

    def config(self, **params: Any) -> None:
        """What happens to the frames that it sends from now on, in the words of `addLink`, as TCIntf.config has it."""
        if self.link is None:
            raise UsageError(f"{self.name} has no cable")
        cable, faults = words.change(Cable(), params, in_file=True)
        if faults:
            raise faults[0]
        ends = (self.link.intf1.node.name, self.link.intf2.node.name)
        running, asked = self.node.net.running, words.render(cable.forward)
        running.change_link(*ends, {}, sender=self.node.name, reset=True)
        if asked:
            running.change_link(*ends, asked, sender=self.node.name)

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__


class Link:
    """A cable between two interfaces; `params` are its options, as given to `addLink`."""

    def __init__(self, intf1: Intf, intf2: Intf, params: dict[str, Any] | None = None) -> None:
        self.intf1, self.intf2, self.params = intf1, intf2, params or {}
        intf1.link = intf2.link = self

    def __str__(self) -> str:
        return f"{self.intf1}<->{self.intf2}"

    __repr__ = __str__


class Node:
    """A host or switch.  A shell is started with its first `cmd`, and only then."""

    def __init__(self, net: "Mininet", name: str, params: dict[str, Any], *, is_switch: bool) -> None:
        self.net, self.name, self.params, self.is_switch = net, name, params, is_switch
        self.intfs: dict[int, Intf] = {}
        self._shell: Shell | None = None
        self.lastCmd: str | None = None

    @property
    def device(self) -> RunningDevice:
        """The device of the running LAN; UsageError before `start`."""
        return self.net.running.device(self.name)

    @property
    def shell(self) -> Shell:
        """Its shell, started now if it had none."""
        if self._shell is None:
            self._shell = Shell(self.device)
        return self._shell

    @property
    def waiting(self) -> bool:
        """Whether a command that was sent is still running."""
        return self._shell is not None and self._shell.waiting

    # ---- commands

    def cmd(self, *args: Any, **_: Any) -> str:
        """Run a line in the node's shell; its output, as the terminal shows it."""
        self.sendCmd(*args)
        return self.waitOutput()

    def cmdPrint(self, *args: Any) -> str:  # noqa: N802
        """The same, shown."""
        out = self.cmd(*args)
        print(f"*** {self.name} : {args}\n{out}", end="")
        return out

    def sendCmd(self, *args: Any) -> None:  # noqa: N802
        """Type a line into the node's shell and do not wait."""
        words = list(args[0]) if len(args) == 1 and isinstance(args[0], list | tuple) else list(args)
        if self.waiting:
            raise UsageError(f"{self.name}: its shell is still busy with {self.lastCmd!r}", todo="waitOutput() first")
        self.lastCmd = " ".join(str(word) for word in words)
        self.shell.send(self.lastCmd)

    def monitor(self, timeoutms: int | None = None) -> str:
        """What the command that was sent has printed since."""
        return self.shell.read(None if timeoutms is None else timeoutms / 1000)

    def waitOutput(self) -> str:  # noqa: N802
        """All that the command that was sent prints, until it ends."""
        return self.shell.read_all()

    def sendInt(self) -> None:  # noqa: N802
        """Ctrl-C to the command that was sent."""
        self.shell.interrupt()

    def popen(self, *args: Any, **kwargs: Any) -> "subprocess.Popen[Any]":
        """Start a program on the node: a list, words, or one text that is split as a shell splits words."""
        if len(args) == 1:
            words = shlex.split(args[0]) if isinstance(args[0], str) else [str(word) for word in args[0]]
        else:
            words = [str(word) for word in args]
        kwargs.setdefault("stdout", subprocess.PIPE)
        kwargs.setdefault("stderr", subprocess.PIPE)
        return self.device.popen(words, **kwargs)

    def pexec(self, *args: Any, **kwargs: Any) -> tuple[str, str, int]:
        """Run a program on the node to its end: output, errors, exit code."""
        process = self.popen(*args, stdin=subprocess.PIPE, **kwargs)
        out, err = process.communicate()
        return out.decode(errors="replace"), err.decode(errors="replace"), process.returncode

    def terminate(self) -> None:
        """End its shell."""
        if self._shell is not None:
            self._shell.end()
            self._shell = None

    # ---- addresses and interfaces

    def IP(self, intf: Any = None) -> str | None:  # noqa: N802
        """Its address without the prefix."""
        ip = self.params.get("ip")
        return str(ip).partition("/")[0] if ip else None

    def MAC(self, intf: Any = None) -> str | None:  # noqa: N802
        """The hardware address of an interface, else of the first."""
        found = self.intf(intf)
        return found.mac if found else None

    def setIP(self, ip: str, prefixLen: int = 8, intf: Any = None) -> None:  # noqa: N802, N803
        """Change the address of its first interface."""
        if intf is not None and self.intf(intf) is not self.defaultIntf():
            raise UsageError(f"{self.name}: only the first interface's address can be set so")
        address = ip if "/" in ip else f"{ip}/{prefixLen}"
        ipaddress.ip_interface(address)
        self.params["ip"] = address
        if self.net.is_running:
            self.net.running.change(self.name, {"ip": address})

    def setARP(self, ip: str, mac: str) -> str:  # noqa: N802
        """A neighbour fixed by hand."""
        return self.pexec("ip", "neigh", "replace", ip, "lladdr", mac, "dev", str(self.defaultIntf()))[1]

    def setDefaultRoute(self, intf: Any = None) -> str:  # noqa: N802
        """``'h1-eth0'`` or ``'via 10.0.0.254'``."""
        words = shlex.split(str(intf or self.defaultIntf()))
        via = words if words[0] in ("via", "dev") else ["dev", words[0]]
        return self.pexec("ip", "route", "replace", "default", *via)[1]

    def defaultIntf(self) -> Intf | None:  # noqa: N802
        """Its first interface."""
        return self.intfs[min(self.intfs)] if self.intfs else None

    def intf(self, intf: Any = None) -> Intf | None:
        """An interface by name, or the first."""
        if not intf:
            return self.defaultIntf()
        return intf if isinstance(intf, Intf) else next((it for it in self.intfs.values() if it.name == intf), None)

    def intfList(self) -> list[Intf]:  # noqa: N802
        """Its interfaces in the order of their ports."""
        return [self.intfs[port] for port in sorted(self.intfs)]

    def intfNames(self) -> list[str]:  # noqa: N802
        """Their names."""
        return [intf.name for intf in self.intfList()]

    def newPort(self) -> int:  # noqa: N802
        """The next port's number."""
        return max(self.intfs) + 1 if self.intfs else int(self.is_switch)

    def connectionsTo(self, node: "Node") -> list[tuple[Intf, Intf]]:  # noqa: N802
        """Pairs of interfaces, ours first, that cables to a node end at."""
        found = []
        for intf in self.intfList():
            if intf.link is not None:
                one, other = intf.link.intf1, intf.link.intf2
                far = other if one is intf else one
                if far.node is node:
                    found.append((intf, far))
        return found

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        return f"<{'Switch' if self.is_switch else 'Host'} {self.name}: {','.join(self.intfNames())}>"
