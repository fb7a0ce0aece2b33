"""The page of a recording: all in one file, nothing from elsewhere, and nothing that packets say becomes HTML."""

import base64
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

from lan.trace.frame import Frame
from lan.trace.journey import Journey, Stop
from lan.trace.pcapng import load
from lan.trace.timeline import Timeline
from lan.trace.views import html

from .talk import Talk

OFFICE = bytes.fromhex(Path(__file__).with_name("office.pcapng.hex").read_text())
EVIL = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">&\u2028"


class Reader(HTMLParser):
    """The tags of a page, and the text of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in ("script", "style"):
            self.scripts.append(data)


def nothing(stop: Stop, journey: Journey) -> list[html.pdu.Explained]:
    return []


def page(frames: list[Frame], name: str = "office") -> str:
    timeline = Timeline(switches=["s1"])
    timeline.feed(frames)
    return html.page(frames, timeline, nothing, name=name)


def embedded(text: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="recording">(.*?)</script>', text, re.DOTALL)
    assert found is not None
    data: dict[str, object] = json.loads(found[1])
    return data


def evil_frames() -> list[Frame]:
    talk = Talk()
    request = f"GET /{EVIL} HTTP/1.1\r\nHost: {EVIL}\r\n\r\n".encode()
    return [*talk.open(), talk.say("pc1", "PSH+ACK", request)]


def test_the_page_holds_every_event_its_windows_and_its_bytes() -> None:
    frames = load(OFFICE)
    timeline = Timeline(switches=["s1"])
    timeline.feed(frames)
    told = html.recording(frames, timeline, nothing, name="x")
    assert [event["number"] for event in told["events"]] == list(range(1, 147))
    for event, frame in zip(told["events"], frames, strict=True):
        assert bytes.fromhex(told["packets"][event["packet"]]["data"]) == frame.data
        devices = {window["device"] for window in told["journeys"][event["journey"]]}
        assert {event["last"], event["at"]} <= devices
    assert len(told["packets"]) < len(frames), "copies of one frame are there once"


def test_the_page_needs_nothing_from_elsewhere() -> None:
    text = page(load(OFFICE))
    tags = Reader(text).tags
    assert not [attrs for _, attrs in tags if {"src", "href", "action", "style"} & set(attrs)]
    assert not re.search(
        r"@import|url\(|fetch\(|XMLHttpRequest|innerHTML|insertAdjacentHTML|document\.write|eval\(", text
    )


def test_the_pages_policy_allows_its_own_script_and_style_alone() -> None:
    read = Reader(page(load(OFFICE)[:4]))
    [policy] = [attrs["content"] for tag, attrs in read.tags if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policy is not None
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy
    style, _, script = read.scripts
    for kind, text in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in unescape(policy)


def test_what_packets_and_names_say_never_becomes_a_tag() -> None:
    plain, evil = Reader(page(evil_frames()[:3])), page(evil_frames(), name=EVIL)
    assert [tag for tag, _ in Reader(evil).tags] == [tag for tag, _ in plain.tags]
    told = embedded(evil)
    assert told["name"] == EVIL
    assert "</script><script>" in json.dumps(told), "it is there, as text"
