"""What every device model is: options, services, tables.  A kind states what differs.

A model is a description: it names the programs that make the device (by module, never by import)
and leaves starting and watching them to the engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from lan.devices.options import option, options_of
from lan.errors import UsageError, nearest
from lan.topo.schema import KindSchema
from lan.topo.spec import Device, Lan, Port

STATE = "/var/lib/lan"
"""The folder of a device that outlives the LAN: leases, decisions, logs."""


@dataclass(frozen=True, slots=True)
class Service:
    """A program of the device, named by its module.

    `files` are written, as JSON or text, into the folder it starts in; when only they change, the
    service is told to read them again.  Services of stage 1 start when those of stage 0 answer.
    A service with `needed` must be ready before the LAN is up; others may take their time.
    """

    module: str
    arguments: Sequence[str] = ()
    files: Mapping[str, object] = field(default_factory=dict)
    stage: int = 0
    needed: bool = True

    @property
    def name(self) -> str:
        """A word for it: ``dhcp`` of ``lan.services.dhcp``."""
        return self.module.removeprefix("lan.services.").removeprefix("lan.").partition(".")[0]


@dataclass(frozen=True, slots=True)
class Table:
    """A table that `lan show` asks for: a module whose ``main(arguments)`` prints it as JSON.

    It runs on the device, or beside the switches in the bubble.
    """

    module: str
    arguments: Sequence[str] = ()
    in_bubble: bool = False


KERNEL_TABLES = ("arp", "routes", "sockets", "interfaces", "configuration")
"""What every device's kernel knows; see `lan.devices.kernel_tables`."""


class Host:
    """A device with a network stack of its own."""

    kind: ClassVar[str] = "host"
    icon: ClassVar[str] = "pc"
    is_switch: ClassVar[bool] = False

    ip: str | None = option(None, help="ADDRESS/PREFIX of its first port", example="192.168.100.9/24")
    mac: str | None = option(None, help="hardware address of its first port", example="02:00:00:00:00:09")
    dhcp: bool = option(False, help="ask a DHCP server for the address; stock Mininet takes `ip` instead")
    gateway: str | None = option(None, help="address of its default router", example="192.168.100.254")
    dns: str | None = option(None, help="address of the resolver it asks", example="192.168.100.254")
    defaultRoute: str | None = option(None, help="Mininet's default route, such as 'h1-eth0' or 'via 10.0.0.254'")  # noqa: N815
    sysctls: dict[str, Any] = option({}, help="kernel settings of its own", example={"net.ipv4.tcp_ecn": 1})
    env: dict[str, str] = option({}, help="environment variables of its programs", example={"LANG": "C.UTF-8"})

    def __init__(self, spec: Device, lan: Lan) -> None:
        self.spec, self.lan, self.name = spec, lan, spec.name
        for name, declared in options_of(type(self)).items():
            setattr(self, name, spec.options.get(name, declared.default))

    @classmethod
    def schema(cls) -> KindSchema:
        """The kind's options, for checking files and drawing forms."""
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        return KindSchema(name=cls.kind, is_switch=cls.is_switch, options=options_of(cls), summary=summary)

    @property
    def ports(self) -> list[Port]:
        """Its ports, in the order its cables were plugged."""
        return self.lan.ports(self.name)

    @property
    def interface(self) -> str:
        """The name of its first port's interface."""
        return self.ports[0].interface if self.ports else f"{self.name}-eth0"

    @property
    def static_ip(self) -> str | None:
        """ADDRESS/PREFIX where it is fixed."""
        return None if self.dhcp else self.ip

    @property
    def address(self) -> str | None:
        """The fixed address without its prefix."""
        return self.static_ip.partition("/")[0] if self.static_ip else None

    @property
    def more_addresses(self) -> dict[Port, str]:
        """Port → ADDRESS/PREFIX of its other ports, as Mininet's links give them: ``params1={"ip": …}``."""
        found: dict[Port, str] = {}
        for link in self.lan.links_of(self.name):
            for port, params in ((link.a, "params1"), (link.b, "params2")):
                given = link.options.get(params)
                if port.device == self.name and port != self.ports[0] and isinstance(given, dict) and given.get("ip"):
                    found[port] = given["ip"]
        return found

    @property
    def default_router(self) -> str | None:
        """The gateway, ours or Mininet's ``defaultRoute='via …'``."""
        if self.gateway is None and self.defaultRoute and "via " in self.defaultRoute:
            return self.defaultRoute.rpartition("via ")[2].split()[0]
        return self.gateway

    def services(self) -> list[Service]:
        """The programs that make the device.  Here: the DHCP client, where it is asked for."""
        if not self.dhcp:
            return []
        arguments = ["--interface", self.interface, "--hostname", self.name, "--lease-file", f"{STATE}/lease.json"]
        return [Service("lan.services.dhcp.client_main", arguments, stage=1, needed=False)]

    def certificate_names(self) -> list[str]:
        """Names that its certificate must carry beside its own and its addresses; none: no certificate."""
        return []

    def tables(self) -> dict[str, Table]:
        """What `lan show` can ask of this device."""
        return {name: Table("lan.devices.kernel_tables", [name]) for name in KERNEL_TABLES}

    def change(self, key: str, text: str) -> dict[str, Any]:
        """The options that ``lan set DEVICE KEY=TEXT`` changes.  Raises UsageError."""
        if key == "ip":
            if text != "dhcp" and nearest(text.lower(), ["dhcp"]):
                raise UsageError(
                    f"{self.name}: ip={text}; did you mean 'dhcp'?", expected="ip=dhcp, or ip=ADDRESS/PREFIX"
                )
            return {"dhcp": True, "ip": None} if text == "dhcp" else {"dhcp": False, "ip": text}
        declared = options_of(type(self)).get(key)
        if declared is None:
            known = sorted(self.settable())
            near = nearest(key, known)
            raise UsageError(
                f"{self.name} has no setting {key!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(known),
            )
        return {key: parse_value(self.name, key, declared.type, text)}

    def settable(self) -> set[str]:
        """The keys that `change` takes."""
        return set(options_of(type(self)))


_TRUE, _FALSE = ("on", "yes", "true", "1"), ("off", "no", "false", "0")


def parse_value(device: str, key: str, kind: type | tuple[type, ...], text: str) -> Any:
    """A word of the command line as an option's type.  Raises UsageError."""
    if kind is bool:
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        raise UsageError(f"{device}: {key}={text} is neither on nor off", expected=f"{key}=on or {key}=off")
    if kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            raise UsageError(f"{device}: {key}={text} is not a number") from None
    if kind is list:
        return [part for part in text.split(",") if part]
    if kind is str:
        return None if text in ("", "none") else text
    raise UsageError(f"{device}: {key} can't be given on the command line", todo="set it in the topology file")
