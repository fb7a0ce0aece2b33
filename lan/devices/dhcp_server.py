"""A DHCP server: a host that leases addresses.  RFC 2131."""

from typing import Any

from lan.devices.base import STATE, Host, Service, Table
from lan.devices.options import option


class DhcpServer(Host):
    """Leases the addresses of one pool, with mask, router, resolver and domain."""

    kind, icon = "dhcp-server", "server"

    pool: str = option(help="addresses to lease, FIRST-LAST", example="192.168.100.1-192.168.100.100")
    router: str | None = option(None, help="default router told to clients", example="192.168.100.254")
    domain: str | None = option(None, help="domain told to clients", example="lan.test")
    lease_s: int = option(3600, low=10, high=2**32 - 2, help="how long a lease runs")
    reservations: dict[str, str] = option({}, help="MAC address → address", example={"02:00:00:00:00:01": "10.0.0.9"})

    def services(self) -> list[Service]:
        config: dict[str, Any] = {
            "subnet": self.static_ip,
            "pool": self.pool,
            "router": self.router,
            "dns": self.dns,
            "domain": self.domain,
            "lease_s": self.lease_s,
            "reservations": self.reservations,
        }
        arguments = ["--interface", self.interface, "--config", "dhcp.json", "--leases", f"{STATE}/leases.jsonl"]
        return [*super().services(), Service("lan.services.dhcp", arguments, files={"dhcp.json": config})]

    def tables(self) -> dict[str, Table]:
        return super().tables() | {"leases": Table("lan.services.dhcp.show", [f"{STATE}/leases.jsonl"])}
