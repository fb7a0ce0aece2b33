"""A proxy: a host that relays HTTP, dumbly, smartly, or from its store.  RFC 9110 §3.7; book chapters 4 and 6."""

from typing import Any

from lan.devices.base import STATE, Host, Service, Table
from lan.devices.options import option

FORWARD_PORT, GATEWAY_PORT = 3128, 80


class Proxy(Host):
    """Relays HTTP for clients that choose it, in front of one server, or on the path of connections."""

    kind, icon = "proxy", "server"

    proxy: str = option(
        "smart", choices=("dumb", "smart", "cache"), help="what it knows: nothing, connections, or what may be kept too"
    )
    mode: str = option(
        "forward",
        choices=("forward", "gateway", "intercept"),
        help="how clients come: by choice, as to a server, unknowing",
    )
    port: int | None = option(None, low=1, high=65535, help="where it listens: 3128, a gateway 80", example=8080)
    upstream: str | None = option(None, help="a gateway's server", example="http://web")
    parent: str | None = option(None, help="the proxy that a forward proxy asks itself", example="http://10.0.0.9:3128")
    auth: dict[str, str] = option({}, help="user → password that clients of a forward proxy are asked for")
    connect_ports: list[int] = option([443], help="ports that tunnels may go to (RFC 9110 §9.3.6)", example=[443, 8443])
    proxy_connection: bool = option(True, help="heed `Proxy-Connection`, as the book's smart proxy does (4.5.7)")
    intercepts: list[int] = option([80], help="ports whose connections are led here in intercept mode", example=[80])
    on_disk: bool = option(False, help="keep a cache's store on disk, so that it outlives the LAN")

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        if self.mode == "intercept":  # it stands on a path, and passes on what it does not take for itself
            self.sysctls = {"net.ipv4.ip_forward": 1, **self.sysctls}

    def services(self) -> list[Service]:
        port = self.port or (GATEWAY_PORT if self.mode == "gateway" else FORWARD_PORT)
        files: dict[str, object] = {"settings.json": self._settings()}
        if self.auth:
            files["users"] = "".join(f"{user}:{password}\n" for user, password in self.auth.items())
        arguments = ["--listen", f"0.0.0.0:{port}", "--config", "settings.json"]
        return [*super().services(), Service("lan.services.http.proxy", arguments, files=files)]

    def _settings(self) -> dict[str, object]:
        said: dict[str, object] = {
            "kind": self.proxy,
            "name": self.name,
            "upstream": self.upstream if self.mode == "gateway" else None,
            "parent": self.parent,
            "intercept": self.mode == "intercept",
            "connect_port": self.connect_ports,
            "proxy_connection": self.proxy_connection,
        }
        if self.mode == "intercept":
            said["redirect"] = f"{self.interface}:{','.join(map(str, self.intercepts))}"
        if self.auth:
            said["auth_file"] = "users"
        if self.proxy == "cache":
            said["table"] = "cache.json"
            said["store"] = f"{STATE}/cache" if self.on_disk else None
        return said

    def tables(self) -> dict[str, Table]:
        tables = super().tables()
        if self.proxy == "cache":
            tables["cache"] = Table("lan.services.http.cache.show", ["/run/lan/http/cache.json"])
        return tables
