"""A web server: a host that serves its page over HTTP and HTTPS.  RFC 9110, RFC 9112."""

from typing import Any

from lan.devices.base import Host, Service
from lan.devices.options import option

CERTIFICATE, KEY = "/etc/ssl/lan/certificate.pem", "/etc/ssl/lan/key.pem"
SETTINGS = "http.json"


class WebServer(Host):
    """Serves an index page, or the files of a folder; who closes first is a setting."""

    kind, icon = "web-server", "server"

    names: list[str] = option([], help="names that its certificate carries beside its own", example=["www.x.test"])
    https: bool = option(False, help="whether port 443 is open, with a certificate of the LAN's authority")
    root: str | None = option(None, help="folder to serve; by default a page that says hello", example="/usr/share/doc")
    closes_first: str = option(
        "client", choices=("client", "server"), help="who sends the first FIN after `Connection: close`"
    )
    keep_alive: str | None = option(
        None, help="how long an idle connection is kept, and for how many requests", example="timeout=5, max=100"
    )
    app: str | None = option(
        None, choices=("echo", "store"), help="echo: answers made of the request; store: documents below /store/"
    )
    listing: bool = option(False, help="whether a folder without index.html shows what it holds")
    cache_control: dict[str, str] = option(
        {}, help="path pattern → the Cache-Control of its answers", example={"/img/*": "max-age=60"}
    )
    hosts: dict[str, Any] = option(
        {}, help="host name → root, page, app, listing, cache_control, faults of its own",
        example={"a.test": {"root": "/srv/a"}},
    )  # fmt: skip
    faults: dict[str, str] = option(
        {}, help="path pattern → how its answers are broken on the wire", example={"/slow/*": "stall:3"}
    )
    faults_on_request: bool = option(
        False, help="whether a request may ask for a broken answer: /page?fault=reset:100, or the field Lan-Fault"
    )

    def certificate_names(self) -> list[str]:
        return [*self.names, self.name]

    def services(self) -> list[Service]:
        arguments = ["--listen", "0.0.0.0:80", "--closes-first", self.closes_first, "--config", SETTINGS]
        if self.https:
            arguments += ["--tls", "--tls-listen", "0.0.0.0:443", "--certificate", CERTIFICATE, "--key", KEY]
        if self.root is not None:
            arguments += ["--root", self.root]
        return [*super().services(), Service("lan.services.http", arguments, files={SETTINGS: self.settings()})]

    def settings(self) -> dict[str, Any]:
        """What the server reads again while it runs; see `lan.services.http.origin.settings`."""
        words = ("keep_alive", "app", "listing", "cache_control", "hosts", "faults", "faults_on_request")
        return {word: getattr(self, word) for word in words}
