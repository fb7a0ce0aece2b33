"""The client's hand on its host: address and route by one `ip` process, resolv.conf, the lease file."""

import errno
import json
import math
import subprocess
from collections.abc import Sequence
from pathlib import Path

from lan.errors import MachineError
from lan.services.dhcp.binding import Binding, binding_from_json


def give(interface: str, binding: Binding, before: Binding | None, now_s: float) -> None:
    """Set address and default route, in place of `before`'s.  Raises MachineError."""
    ip_batch([*(taking(interface, before) if before and before.ip != binding.ip else []),
              *giving(interface, binding, now_s)])


def giving(interface: str, binding: Binding, now_s: float) -> list[str]:
    """Lines for ``ip -batch``.  The kernel itself drops the address when the lease is over.

    So a client that was killed leaves nothing that could become a conflict.
    """
    address = binding.interface
    life = "forever" if binding.until_s is None else str(max(1, math.ceil(binding.until_s - now_s)))
    broadcast = f"broadcast {address.network.broadcast_address} " if address.network.prefixlen < 31 else ""
    lines = [f"address replace {address} {broadcast}dev {interface} valid_lft {life} preferred_lft {life}"]
    if binding.routers:
        onlink = "" if binding.routers[0] in address.network else " onlink"
        lines.append(f"route replace default via {binding.routers[0]} dev {interface}{onlink}")
    return lines


def taking(interface: str, binding: Binding) -> list[str]:
    """Lines for ``ip -batch``; routes by the address go with it."""
    return [f"address delete {binding.interface} dev {interface}"]


def take(interface: str, binding: Binding) -> None:
    """Take the address off, if it is still there.  Raises MachineError."""
    ip_batch(taking(interface, binding), force=True)


def ip_batch(lines: Sequence[str], *, force: bool = False) -> None:
    """Run all lines in one `ip` process; with `force`, whatever some of them say.  Raises MachineError."""
    command = ["ip", "-force", "-batch", "-"] if force else ["ip", "-batch", "-"]
    try:
        done = subprocess.run(command, input="\n".join(lines) + "\n", capture_output=True, text=True, check=False)
    except FileNotFoundError as fault:
        raise MachineError("the program ip is missing", todo="apt install iproute2") from fault
    if done.returncode and not force:
        said = done.stderr.strip().replace("\n", "; ")
        raise MachineError(f"ip refused: {said}", where="; ".join(lines))


def resolv_text(binding: Binding) -> str:
    """resolv.conf(5) for a lease; "" where it names neither domain nor DNS server."""
    lines = [f"search {binding.domain}"] if binding.domain else []
    lines += [f"nameserver {server}" for server in binding.dns[:3]]     # the resolver reads three
    return "".join(line + "\n" for line in lines)


def write_file(path: Path, text: str) -> None:
    """Replace a file in one step where its folder allows that, else in place.  Raises MachineError."""
    beside = path.with_name(f".{path.name}.new")
    try:
        try:
            beside.write_text(text)
            beside.replace(path)
        except OSError as fault:
            beside.unlink(missing_ok=True)
            if fault.errno not in (errno.EBUSY, errno.EXDEV, errno.EACCES, errno.EROFS, errno.EPERM):
                raise
            path.write_text(text)                               # a bind mount: it can be written, not replaced
    except OSError as fault:
        raise MachineError(f"can't be written: {fault.strerror}", where=path) from fault


def write_lease(path: Path, interface: str, mac: str, hostname: str | None, state: str, binding: Binding) -> None:
    """The lease as JSON: what the client has, for ``lan inspect`` and for its own next start."""
    about = {"interface": interface, "mac": mac, "hostname": hostname, "state": state}
    write_file(path, json.dumps(about | binding.as_json(), indent=1) + "\n")


def read_lease(path: Path) -> Binding | None:
    """The lease in a file; None where there is none that can be read."""
    try:
        return binding_from_json(json.loads(path.read_text()))
    except (OSError, ValueError, KeyError, TypeError):
        return None
