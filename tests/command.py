"""The `lan` command as tests use it: this checkout's, with a state folder of its own.

A machine may have other LANs up, so each LAN that a test brings up gets a name of its own, and the
verbs of `Up` name it.
"""

import contextlib
import json
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHECKOUT = Path(__file__).resolve().parents[1]
MARK = f"lan-test-{os.getpid()}-"
"""In the environment of every process that our commands start, by way of the state folder's name."""
TEMPORARY = "tmp"
"""In the state folder: the temporary files of our commands, which so are known from everybody else's."""
PATIENCE_S = 180.0
"""For anything that should end by itself: generous, for a slow and busy machine."""
WITHOUT_LAN = {"down", "doctor", "graph", "run", "serve", "status", "test", "up", "validate", "sandbox"}


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """What it printed, as JSON."""
        return json.loads(self.out)

    def __str__(self) -> str:
        return f"ended with {self.code}\n--- out\n{self.out}\n--- err\n{self.err}"


class Command:
    """Runs `lan` commands.  All LANs of one `Command` keep their state below `state`."""

    def __init__(self, state: Path) -> None:
        self.state = state

    def argv(self, *words: str) -> list[str]:
        """The command line of ``lan WORDS``."""
        return [sys.executable, "-m", "lan.cli", *words]

    def environment(self, more: Mapping[str, str] | None = None, user: str | None = None) -> dict[str, str]:
        """The variables it runs with: the caller's but for Python's, folders of its own, and `more`."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "LAN_"))}
        state = self._state_of(user)
        own = {"XDG_STATE_HOME": str(state), "TMPDIR": str(state / TEMPORARY), "PYTHONPATH": str(CHECKOUT)}
        if user is not None:
            kept |= {"HOME": pwd.getpwnam(user).pw_dir, "USER": user, "LOGNAME": user}
        return kept | own | dict(more or {})

    def start(
        self, *words: str, env: Mapping[str, str] | None = None, user: str | None = None, **how: Any
    ) -> "subprocess.Popen[str]":
        """Start a command, in a process group of its own; `how` goes to Popen."""
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        how = {"process_group": 0, "cwd": CHECKOUT, **streams, **how, **_as(user)}
        return subprocess.Popen(self.argv(*words), env=self.environment(env, user), text=True, **how)

    def run(
        self,
        *words: str,
        timeout_s: float = PATIENCE_S,
        check: int | None = None,
        env: Mapping[str, str] | None = None,
        user: str | None = None,
        **how: Any,
    ) -> Ended:
        """Run a command to its end.  `check` is the exit code that it must have."""
        given = how.pop("input", None)
        if given is not None:
            how["stdin"] = subprocess.PIPE
        process = self.start(*words, env=env, user=user, **how)
        try:
            out, err = process.communicate(given, timeout=timeout_s)
        except BaseException:
            process.kill()
            process.communicate()
            raise
        ended = Ended(process.returncode, out or "", err or "")
        if check is not None:
            assert ended.code == check, f"lan {' '.join(words)} {ended}"
        return ended

    @contextlib.contextmanager
    def up(
        self, what: str, *words: str, env: Mapping[str, str] | None = None, user: str | None = None
    ) -> "Iterator[Up]":
        """``lan up WHAT WORDS``, and down at the end, whatever happens.  A ``--name`` of its own unless told."""
        if "--name" not in words:
            words = (*words, "--name", f"{Path(what).stem.partition(':')[0]}-{secrets.token_hex(3)}")
        name = words[words.index("--name") + 1]
        self.run("up", what, *words, check=0, env=env, user=user)
        try:
            yield Up(self, name, user)
        finally:
            self.run("down", name, user=user)

    def folder(self, name: str, user: str | None = None) -> Path:
        """Where a LAN of this name keeps its state."""
        return self._state_of(user) / "lan" / name

    def _state_of(self, user: str | None) -> Path:
        if user is None:
            return self.state
        folder = self.state / f"of-{user}"
        if not folder.exists():
            entry = pwd.getpwnam(user)
            for made in (folder, folder / TEMPORARY):
                made.mkdir()
                os.chown(made, entry.pw_uid, entry.pw_gid)
        return folder


@dataclass(frozen=True)
class Up:
    """A LAN that a test brought up."""

    command: Command
    name: str
    user: str | None = None

    def run(self, verb: str, *words: str, **how: Any) -> Ended:
        """``lan VERB -l NAME WORDS``."""
        named = () if verb in WITHOUT_LAN else ("-l", self.name)
        return self.command.run(verb, *named, *words, **{"user": self.user, **how})

    def start(self, verb: str, *words: str, **how: Any) -> "subprocess.Popen[str]":
        """The same, not waited for."""
        return self.command.start(verb, "-l", self.name, *words, **{"user": self.user, **how})

    def exec(self, device: str, *program: str, **how: Any) -> Ended:
        """``lan exec DEVICE -- PROGRAM``."""
        return self.run("exec", device, "--", *program, **how)

    @property
    def agent(self) -> int:
        """The process id of its agent."""
        lans = self.command.run("status", "--json", check=0, user=self.user).json["lans"]
        [pid] = [lan["pid"] for lan in lans if lan["name"] == self.name]
        return int(pid)

    @property
    def state(self) -> Path:
        """Its state folder."""
        return self.command.folder(self.name, self.user)


def _as(user: str | None) -> dict[str, Any]:
    if user is None or pwd.getpwnam(user).pw_uid == os.geteuid():
        return {}
    entry = pwd.getpwnam(user)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def command() -> Iterator[Command]:
    """A `Command` with a fresh state folder, which every user may pass through."""
    state = Path(tempfile.mkdtemp(prefix=MARK))
    state.chmod(0o755)
    (state / TEMPORARY).mkdir()
    try:
        yield Command(state)
    finally:
        shutil.rmtree(state, ignore_errors=True)
