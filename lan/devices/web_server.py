"""A web server: a host that serves its page over HTTP and HTTPS.  RFC 9110, RFC 9112."""

from lan.devices.base import Host, Service
from lan.devices.options import option

CERTIFICATE, KEY = "/etc/ssl/lan/certificate.pem", "/etc/ssl/lan/key.pem"


class WebServer(Host):
    """Serves an index page, or the files of a folder; who closes first is a setting."""

    kind, icon = "web-server", "server"

    names: list[str] = option([], help="names that its certificate carries beside its own", example=["www.x.test"])
    https: bool = option(False, help="whether port 443 is open, with a certificate of the LAN's authority")
    root: str | None = option(None, help="folder to serve; by default a page that says hello", example="/usr/share/doc")
    closes_first: str = option(
        "client", choices=("client", "server"), help="who sends the first FIN after `Connection: close`"
    )

    def certificate_names(self) -> list[str]:
        return [*self.names, self.name]

    def services(self) -> list[Service]:
        arguments = ["--listen", "0.0.0.0:80", "--closes-first", self.closes_first]
        if self.https:
            arguments += ["--tls", "--tls-listen", "0.0.0.0:443", "--certificate", CERTIFICATE, "--key", KEY]
        if self.root is not None:
            arguments += ["--root", self.root]
        return [*super().services(), Service("lan.services.http", arguments)]
