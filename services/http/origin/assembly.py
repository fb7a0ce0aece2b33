"""From the settings to an origin: sites, applications and rules, for each host.

Looks at files, as `site.py` does; knows neither clock nor socket.
"""

from dataclasses import dataclass, field

from lan.errors import UsageError
from lan.services.http.origin import page
from lan.services.http.origin.application import Application
from lan.services.http.origin.echo import Echo
from lan.services.http.origin.origin import Origin, Rules
from lan.services.http.origin.routes import Routes
from lan.services.http.origin.settings import Settings, SiteSettings
from lan.services.http.origin.site import Directory, OnePage
from lan.services.http.origin.store import Store


@dataclass(slots=True)
class Assembly:
    """What outlives a reload of the settings.

    `machine` is the name on a page of our own, `started_s` the moment since which it is what it is;
    `secret` is for boundaries between parts.  Applications keep their state.
    """

    machine: str
    started_s: int
    secret: bytes = field(repr=False)
    _apps: dict[tuple[str, str], Application] = field(default_factory=dict, init=False)

    def origin(self, now: Settings) -> Origin:
        """What is served by these settings.  Raises UsageError for a folder or page that is not there."""
        hosts = {name: self._origin(name, said, now) for name, said in now.hosts.items()}
        return self._origin("", now.site, now, hosts)

    def _origin(self, host: str, said: SiteSettings, now: Settings, hosts: dict[str, Origin] | None = None) -> Origin:
        rules = Rules(Routes(said.cache_control), Routes(said.faults), now.faults_on_request, self.secret)
        return Origin(self._site(said), app=self._app(host, said.app), rules=rules, hosts=hosts)

    def _site(self, said: SiteSettings) -> Directory | OnePage:
        if said.root is not None:
            return Directory(said.root, listing=said.listing)
        if said.page is None:
            return OnePage(page.build(self.machine), self.started_s)
        try:
            return OnePage(said.page.read_bytes(), int(said.page.stat().st_mtime))
        except OSError as error:
            raise UsageError(f"can't be read: {error.strerror}", where=said.page, expected="an HTML file") from None

    def _app(self, host: str, name: str | None) -> Application | None:
        if name is not None and (host, name) not in self._apps:
            self._apps[host, name] = APPS[name]()
        return None if name is None else self._apps[host, name]


APPS: dict[str, type[Echo] | type[Store]] = {"echo": Echo, "store": Store}
