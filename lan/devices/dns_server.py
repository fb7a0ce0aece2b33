"""A DNS server: a host that answers for its zone on port 53.  RFC 1034, RFC 1035."""

from typing import Any

from lan.devices.base import Host, Service, Table
from lan.devices.options import option
from lan.errors import UsageError


class DnsServer(Host):
    """Answers from its zone, over UDP and TCP; refuses other names."""

    kind, icon = "dns-server", "server"

    zone: dict[str, Any] = option({}, help="name → address, or name → {type: data}", example={"www.x.test": "10.0.0.2"})
    ttl_s: int = option(300, low=0, high=2**31 - 1, help="how long an answer may be kept (RFC 2181 §8)")

    def services(self) -> list[Service]:
        arguments = ["--zone", "zone.json", "--listen", "0.0.0.0:53", "--ttl", str(self.ttl_s)]
        return [*super().services(), Service("lan.services.dns", arguments, files={"zone.json": self.zone})]

    def tables(self) -> dict[str, Table]:
        return super().tables() | {"dns": Table("lan.services.dns.show", ["/run/lan/dns/zone.json"])}

    def settable(self) -> set[str]:
        return super().settable() | {"record"}

    def change(self, key: str, text: str) -> dict[str, Any]:
        """Besides options: ``record=NAME:DATA`` adds or replaces a name, ``record=NAME:`` removes it."""
        if key != "record":
            return super().change(key, text)
        name, colon, data = text.partition(":")
        if not colon or not name:
            raise UsageError(f"{self.name}: record={text} is no record", expected="record=NAME:ADDRESS")
        zone = {known: value for known, value in self.zone.items() if known != name}
        return {"zone": zone | {name: data} if data else zone}
