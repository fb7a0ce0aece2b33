"""Programs that ask a list of things in order, each in its own words, and tell what they got.

`clients/` holds a few lines for each library; curl is told by its command line.
"""

import json
import os
import subprocess
import tempfile
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

from ..command import PATIENCE_S
from .serving import Serving

CLIENTS = Path(__file__).parent / "clients"
SYSTEM_PYTHON = "/usr/bin/python3"
"""The one that has Debian's packages of requests, httpx and aiohttp."""


@dataclass(frozen=True)
class Job:
    """One request."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: str | None = None
    chunked: bool = False


@dataclass(frozen=True)
class Answer:
    """What a client says of one response; `headers` by lower-case name."""

    status: int
    headers: dict[str, str]
    body: bytes


def ask(client: str, server: Serving, *jobs: Job) -> list[Answer]:
    """All jobs, by one process that may keep its connection."""
    if client == "curl":
        return _curl(server, jobs)
    given = json.dumps([asdict(job) for job in jobs])
    said = json.loads(server.run(*COMMANDS[client](), given=given).stdout)
    return [
        Answer(
            one["status"], {key.lower(): value for key, value in one["headers"].items()}, one["body"].encode("latin-1")
        )
        for one in said
    ]


def _curl(server: Serving, jobs: tuple[Job, ...]) -> list[Answer]:
    with tempfile.TemporaryDirectory(dir=server.folder) as place:
        words = ["curl"]
        for at, job in enumerate(jobs):
            words += ["--next"] if at else []
            words += ["-sS", "-D", f"{place}/{at}.head", "-o", f"{place}/{at}.body"]
            words += ["--head"] if job.method == "HEAD" else ["--request", job.method]
            words += [word for name, value in job.headers.items() for word in ("-H", f"{name}: {value}")]
            words += ["-H", "Transfer-Encoding: chunked"] if job.chunked else []
            words += ["--data-binary", job.body] if job.body is not None else []
            words += [job.url]
        server.run(*words)
        return [_curl_said(Path(place), at, job) for at, job in enumerate(jobs)]


def _curl_said(place: Path, at: int, job: Job) -> Answer:
    *_, head = (place / f"{at}.head").read_text().strip().split("\n\n")  # a 100 Continue may stand before it
    status, *lines = head.splitlines()
    fields = dict(line.split(": ", 1) for line in lines)
    body = place / f"{at}.body"  # with --head, curl writes the head to it
    data = body.read_bytes() if body.exists() and job.method != "HEAD" else b""
    return Answer(int(status.split()[1]), {key.lower(): value for key, value in fields.items()}, data)


@cache
def _go() -> str:
    """The compiled program of ask_go.go; made once, and kept where it is found by its source's time."""
    source = CLIENTS / "ask_go.go"
    folder = Path(tempfile.gettempdir()) / f"lan-peers-{os.getuid()}"
    folder.mkdir(exist_ok=True, mode=0o700)
    program = folder / f"ask_go-{source.stat().st_mtime_ns}"
    if not program.exists():
        settings = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOCACHE": str(folder / "cache"), "GO111MODULE": "off"}
        own = program.with_name(f"{program.name}-{os.getpid()}")  # tests beside these may make it too
        words = ["go", "build", "-o", str(own), str(source)]
        subprocess.run(words, env={**os.environ, **settings}, check=True, timeout=PATIENCE_S)
        own.replace(program)
    return str(program)


COMMANDS = {
    "requests": lambda: [SYSTEM_PYTHON, str(CLIENTS / "ask_requests.py")],
    "httpx": lambda: [SYSTEM_PYTHON, str(CLIENTS / "ask_httpx.py")],
    "aiohttp": lambda: [SYSTEM_PYTHON, str(CLIENTS / "ask_aiohttp.py")],
    "undici": lambda: ["node", str(CLIENTS / "ask_undici.mjs")],
    "go": lambda: [_go()],
}
NAMES = ["curl", *COMMANDS]
