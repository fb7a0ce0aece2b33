"""Any dialogue of clients, cache and an honest origin: no client ever gets what it must not get.

The origin keeps versions of a few pages in two languages, changes them by itself or by POST, and
answers conditions.  Whatever the requests say, an answer from the store is whole, for the same URI
and language, was allowed to be stored, and is not older than the page's own lifetime allows.
"""

from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lan.services.http.cache.disk_store import DiskStore
from lan.services.http.cache.memory_store import MemoryStore
from lan.services.http.protocol.messages import Request

from .world import Got, Reply, World

POLICIES: dict[str, int | None] = {
    "max-age=10": 10,
    "max-age=100": 100,
    "s-maxage=10, max-age=100": 10,
    "max-age=10, must-revalidate": 10,
    "no-cache": 0,
    "max-age=0": 0,
    "no-store": None,
    "private, max-age=100": None,
}
"""How long a page may be used without asking; None: never stored."""

PAGES = st.sampled_from(["http://web/a", "http://web/b", "http://other/a"])
LANGUAGES = st.sampled_from(["en", "ko"])
WISHES = st.sampled_from([None, None, None, "no-cache", "max-age=5", "min-fresh=5", "no-store", "only-if-cached"])


@dataclass
class Version:
    """What one page said in one language from one moment on."""

    number: int
    policy: str
    since_s: float
    until_s: float | None = None


@dataclass
class Page:
    versions: list[Version] = field(default_factory=list)

    def change(self, policy: str, now_s: float) -> None:
        if self.versions:
            self.versions[-1].until_s = now_s
        self.versions.append(Version(len(self.versions), policy, now_s))


def body_for(uri: str, language: str, number: int) -> bytes:
    return f"{uri} {language} {number} ".encode() * (number % 3 + 1)


class Dialogue(RuleBasedStateMachine):
    """Requests, changes and time in any order."""

    @initialize(on_disk=st.booleans(), most_bytes=st.sampled_from([6_000, 1 << 20]))
    def begin(self, on_disk: bool, most_bytes: int) -> None:
        self.folder = TemporaryDirectory() if on_disk else None
        self.disk = DiskStore(Path(self.folder.name), most_bytes) if self.folder is not None else None
        self.world = World(self.disk or MemoryStore(most_bytes))
        self.pages: dict[tuple[str, str], Page] = {}

    def page(self, uri: str, language: str) -> Page:
        page = self.pages.setdefault((uri, language), Page())
        if not page.versions:
            page.change("max-age=10", self.world.now_s)
        return page

    @rule(uri=PAGES, language=LANGUAGES, policy=st.sampled_from(list(POLICIES)))
    def the_page_changes(self, uri: str, language: str, policy: str) -> None:
        self.page(uri, language).change(policy, self.world.now_s)

    @rule(seconds=st.sampled_from([1, 4, 9, 10, 50, 200]))
    def time_passes(self, seconds: int) -> None:
        self.world.passes(seconds)

    @rule(uri=PAGES, language=LANGUAGES, wish=WISHES, part=st.booleans(), breaks=st.booleans(), head=st.booleans())
    def a_client_asks(self, uri: str, language: str, wish: str | None, part: bool, breaks: bool, head: bool) -> None:
        version = self.page(uri, language).versions[-1]
        words = {"accept_language": language, "cache_control": wish, "range": "bytes=1-3" if part else None}
        tag = f'"{language}{version.number}"'
        fields = {"etag": tag, "cache_control": version.policy, "vary": "Accept-Language"}
        body = body_for(uri, language, version.number)
        whole = Reply(body=body, came=2 if breaks else None, **fields)

        def honest(request: Request) -> Reply:
            is_known = tag in (request.headers.get("If-None-Match") or "")
            return Reply(304, etag=tag, vary="Accept-Language") if is_known else whole

        got = self.world.ask(uri, honest, method="HEAD" if head else "GET", **words)
        self.check(uri, language, got, wish, part and not head, head)

    def check(self, uri: str, language: str, got: Got, wish: str | None, part: bool, head: bool) -> None:
        if got.source != "store" or got.status not in (200, 206):
            assert got.status == 504 or got.source == "origin"
            return
        number = int((got["ETag"] or "").strip('"')[2:])
        version = self.pages[uri, language].versions[number]
        assert (got["ETag"] or "")[1:3] == language
        if not head:
            body = body_for(uri, language, number)
            assert got.body == (body[1:4] if part and got.status == 206 else body)
        lifetime_s = POLICIES[version.policy]
        assert lifetime_s is not None, "it must not have been stored"
        if not got.sent:
            limit_s = 5 if wish == "max-age=5" else max(0, lifetime_s - 5) if wish == "min-fresh=5" else lifetime_s
            assert wish != "no-cache" and float(got["Age"] or "nan") <= limit_s
        outdated_s = self.world.now_s - (self.world.now_s if version.until_s is None else version.until_s)
        assert outdated_s <= lifetime_s, "older than its lifetime allows"

    @rule(uri=PAGES, language=LANGUAGES, policy=st.sampled_from(list(POLICIES)))
    def a_client_changes_the_page(self, uri: str, language: str, policy: str) -> None:
        for one in ("en", "ko"):
            self.page(uri, one).change(policy, self.world.now_s)
        self.world.ask(uri, Reply(), method="POST", accept_language=language)
        assert not self.world.is_stored(uri)

    @rule()
    def the_cache_starts_again(self) -> None:
        if self.disk is not None and self.folder is not None:
            now_s, most_bytes = self.world.now_s, self.disk.most_bytes
            self.disk.close()
            self.disk = DiskStore(Path(self.folder.name), most_bytes)
            self.world = World(self.disk)
            self.world.now_s = now_s

    @invariant()
    def the_store_is_within_its_bounds(self) -> None:
        if hasattr(self, "world"):
            assert 0 <= self.world.store.size_bytes <= self.world.store.most_bytes

    def teardown(self) -> None:
        if getattr(self, "disk", None) is not None:
            self.disk.close()
        if getattr(self, "folder", None) is not None:
            self.folder.cleanup()


TestDialogue = Dialogue.TestCase
TestDialogue.settings = settings(max_examples=100, stateful_step_count=40, deadline=None)
