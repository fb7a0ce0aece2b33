"""bin/lan: finds, makes and mends what it needs, and is quick when all is there.

Each test has a house of its own: the real launcher, a command line that tells what reached it, and a lock of
two tiny packages that pip finds in a folder.  So nothing here needs a network, and apt is never called.
"""

import base64
import hashlib
import json
import os
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[2]
FACE = """
import json, os, sys
python = {name: value for name, value in os.environ.items() if name.startswith("PYTHON")}
print(json.dumps({"words": sys.argv[1:], "python": python, "prefix": sys.prefix, "path": sys.path}))
"""


@dataclass
class Home:
    """A checkout and a user's folders."""

    folder: Path
    wheels: Path

    @property
    def house(self) -> Path:
        return self.folder / "a checkout"

    @property
    def cache(self) -> Path:
        return self.folder / "cache" / "lan"

    def environments(self) -> list[Path]:
        return sorted(self.cache.glob("env-*"))

    def start(self, *words: str, program: Path | None = None, index: Path | None = None, **more: str) -> "Ended":
        """Run the launcher; pip sees no index but the folder `index`."""
        variables = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.cache.parent),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(index or self.wheels),
            "PIP_CONFIG_FILE": os.devnull,
            **more,
        }
        command = [str(program or self.house / "bin" / "lan"), *words]
        ended = subprocess.run(command, env=variables, cwd="/", capture_output=True, text=True, check=False)
        return Ended(ended.returncode, ended.stdout, ended.stderr)


@dataclass
class Ended:
    """How a start ended; `face` is what our command line was given."""

    code: int
    output: str
    said: str

    @property
    def face(self) -> dict[str, object]:
        assert self.code == 0, self.said
        found: dict[str, object] = json.loads(self.output)
        return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A house whose environment is made already; tests copy it."""
    home = Home(tmp_path_factory.mktemp("launcher"), tmp_path_factory.mktemp("wheels"))
    for name in ("setuptools", "tiny", "tool"):
        write_wheel(home.wheels, name)
    for room in ("bin", "lan/cli"):
        (home.house / room).mkdir(parents=True)
    for name in ("bin/lan", "bin/prepare", "lan/environment.py"):
        shutil.copy(HOUSE / name, home.house / name)
    (home.house / "lan/packages").write_text("run coreutils cat - cats\npeers nothing-such no-such-program - why\n")
    (home.house / "lan/__init__.py").touch()
    (home.house / "lan/cli/__init__.py").touch()
    (home.house / "lan/cli/__main__.py").write_text(FACE)
    (home.house / "requirements.lock").write_text("# what\nsetuptools==1.0\ntiny==1.0  # why\n")
    (home.house / "requirements-dev.lock").write_text("tool==1.0\n")
    assert home.start("run", "office").face["words"] == ["run", "office"]
    for entry in home.environments()[0].joinpath("bytecode").iterdir():
        shutil.rmtree(entry) if entry.is_dir() else entry.unlink()  # big to copy, and nothing rests on it
    return home


@pytest.fixture
def home(built: Home, tmp_path: Path) -> Iterator[Home]:
    shutil.copytree(built.folder, tmp_path / "home", symlinks=True)
    yield Home(tmp_path / "home", built.wheels)
    subprocess.run(["chmod", "-R", "u+w", str(tmp_path)], check=True)


def write_wheel(folder: Path, name: str) -> None:
    """A package of one module and one script."""
    info = f"{name}-1.0.dist-info"
    files = {
        f"{name}/__init__.py": f"name = {name!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": f"[console_scripts]\n{name}-script = {name}:name\n",
    }
    record = [f"{path},sha256={digest(text)},{len(text)}" for path, text in files.items()] + [f"{info}/RECORD,,"]
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, text in {**files, f"{info}/RECORD": "\n".join(record) + "\n"}.items():
            wheel.writestr(path, text)


def digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


def test_the_second_start_installs_nothing_and_says_nothing(home: Home, tmp_path: Path) -> None:
    home.start("run")  # the copy was touched: looked at once
    ended = home.start("run", index=tmp_path / "nothing")
    assert (ended.face["words"], ended.said) == (["run"], "")


def test_words_with_blanks_and_nothing_arrive_as_they_were(home: Home) -> None:
    words = ["exec", "pc1", "--", "sh", "-c", "echo  a 'b' \"$HOME\" *", "", "ä\nb"]
    assert home.start(*words).face["words"] == words


def test_it_finds_its_house_through_links(home: Home) -> None:
    links = home.folder / "some links"
    links.mkdir()
    (links / "one").symlink_to(home.house / "bin" / "lan")
    (links / "lan").symlink_to("one")
    assert home.start("graph", program=links / "lan").face["words"] == ["graph"]


def test_nothing_of_the_callers_python_reaches_ours(home: Home) -> None:
    odd = dict.fromkeys(("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONWARNINGS", "PYTHONUSERBASE"), "/odd")
    [environment] = home.environments()
    assert home.start("run", **odd).face["python"] == {
        "PYTHONPATH": str(home.house),
        "PYTHONSAFEPATH": "1",
        "PYTHONNOUSERSITE": "1",
        "PYTHONPYCACHEPREFIX": str(environment / "bytecode"),
    }


def test_the_checkout_stays_as_it_was(home: Home) -> None:
    before = sorted(home.house.rglob("*"))
    subprocess.run(["chmod", "-R", "a-w", str(home.house)], check=True)
    home.start("run")
    assert sorted(home.house.rglob("*")) == before


def lose_a_package(environment: Path) -> None:
    [package] = environment.glob("lib/python3*/site-packages/tiny")
    shutil.rmtree(package)


def cut_a_file(environment: Path) -> None:
    [module] = environment.glob("lib/python3*/site-packages/tiny/__init__.py")
    module.write_text("")


def lose_the_interpreter(environment: Path) -> None:
    (environment / "bin/python3").unlink()
    (environment / "bin/python3").symlink_to("/nowhere/python3")


def lose_the_mark(environment: Path) -> None:
    (environment / "complete").unlink()


def lose_everything(environment: Path) -> None:
    shutil.rmtree(environment)


DAMAGE = [lose_a_package, cut_a_file, lose_the_interpreter, lose_the_mark, lose_everything]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_broken_environment_is_made_anew(home: Home, damage: object) -> None:
    [environment] = home.environments()
    assert callable(damage)
    damage(environment)
    assert home.start("run").face["prefix"] == str(environment)
    [module] = environment.glob("lib/python3*/site-packages/tiny/__init__.py")
    assert module.read_text() == "name = 'tiny'\n"


@pytest.mark.parametrize("damage", DAMAGE)
def test_without_a_network_a_broken_environment_is_named(home: Home, tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    damage(home.environments()[0])
    ended = home.start("run", index=tmp_path / "nothing")
    assert (ended.code, ended.output) == (3, "")
    assert "pip could not install what lan needs" in ended.said and "with a network" in ended.said


def test_a_copied_home_needs_no_network(home: Home, tmp_path: Path) -> None:
    [environment] = home.environments()
    for file in environment.rglob("*"):
        if not file.is_symlink():
            os.utime(file)
    os.utime(environment / "complete", (0, 0))
    assert home.start("run", index=tmp_path / "nothing").face["words"] == ["run"]


def test_half_made_environments_are_cleared_away(home: Home) -> None:
    [environment] = home.environments()
    (environment.parent / "env-python3.11-0123.part").mkdir()
    lose_the_mark(environment)
    home.start("run")
    assert home.environments() == [environment]


def test_two_first_starts_at_once_make_one_environment(home: Home) -> None:
    shutil.rmtree(home.cache)
    found: list[Ended] = []
    starts = [threading.Thread(target=lambda: found.append(home.start("run"))) for _ in range(3)]
    for start in starts:
        start.start()
    for start in starts:
        start.join()
    assert [ended.code for ended in found] == [0, 0, 0]
    assert sum("making the Python environment" in ended.said for ended in found) == 1


def test_another_lock_has_another_environment(home: Home) -> None:
    with (home.house / "requirements.lock").open("a") as lock:
        lock.write("tool==1.0\n")
    home.start("run")
    assert len(home.environments()) == 2


def test_tests_have_the_tools_besides(home: Home) -> None:
    shutil.rmtree(home.cache)
    plain = home.start("run").face["prefix"]
    tools = home.start("test", "office").face["prefix"]
    assert tools != plain
    assert list(Path(str(tools)).glob("lib/python3*/site-packages/tool"))
    script = Path(str(tools), "bin", "tiny-script").read_text()
    assert str(tools) in script and str(plain) not in script


def test_developers_reach_the_interpreter_with_the_tools(home: Home) -> None:
    ended = home.start("python", "-c", "import lan, tool, sys; print(tool.name, sys.argv[1:])", "a b")
    assert (ended.code, ended.output) == (0, "tool ['a b']\n")


@pytest.mark.parametrize("words", [["--version"], ["-m", "this", "--help"], ["-h"]])
def test_no_word_for_the_interpreter_is_taken_for_ours(home: Home, words: list[str]) -> None:
    ended = home.start("python", *words)
    assert ended.code == 0, ended.said
    assert '"words"' not in ended.output


def lacks_a_program(home: Home) -> None:
    listing = home.house / "lan/packages"
    listing.write_text("run thing-of-apt no-such-program ghostd why it is wanted\n" + listing.read_text())


def write_fakes(folder: Path) -> str:
    """An apt-get without a network and a sudo that refuses; the PATH that finds them first."""
    folder.mkdir()
    fakes = {"apt-get": "echo 'E: Unable to locate package'; exit 100", "sudo": "exit 1"}
    for name, text in fakes.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def test_a_missing_package_that_cannot_be_installed_is_named_with_its_command(home: Home, tmp_path: Path) -> None:
    lacks_a_program(home)
    ended = home.start("run", PATH=write_fakes(tmp_path / "fakes"))
    assert (ended.code, ended.output) == (3, "")
    assert "why it is wanted" in ended.said
    assert "also starts ghostd on this machine; lan never uses that" in ended.said
    assert "apt-get install --no-install-recommends thing-of-apt" in ended.said


@pytest.mark.parametrize("words", [["doctor"], ["--help"], ["run", "--help"], ["validate", "f.py"], ["graph"], []])
def test_what_needs_no_package_runs_without(home: Home, words: list[str]) -> None:
    lacks_a_program(home)
    assert home.start(*words).face["words"] == words


def test_peers_are_asked_for_by_the_test_command_alone(home: Home, tmp_path: Path) -> None:
    path = write_fakes(tmp_path / "fakes")
    assert home.start("exec", "--peers", PATH=path).code == 0
    assert home.start("test", "office", PATH=path).code == 0
    # apt-cache knows no such package: its tests are skipped, and the rest goes on
    ended = home.start("test", "--peers", PATH=path)
    assert (ended.code, "no package nothing-such" in ended.said) == (0, True)
    assert home.start("test", "--peers", PATH=path).said == ""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_that_cannot_be_made_is_named_with_what_to_set(home: Home) -> None:
    ended = home.start("run", XDG_CACHE_HOME="/proc/1")
    assert (ended.code, "XDG_CACHE_HOME" in ended.said) == (3, True)


def test_the_real_launcher_is_plain_posix_shell() -> None:
    for name in ("bin/lan", "bin/prepare"):
        assert subprocess.run(["dash", "-n", str(HOUSE / name)], check=False).returncode == 0
    assert (HOUSE / "bin/lan").read_text().startswith("#!/bin/sh\n")


def test_when_all_is_there_it_starts_two_programs_besides_python(home: Home, tmp_path: Path) -> None:
    """What it starts is what it costs; a wall clock would only say how busy the machine is."""
    home.start("run")
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sha256sum", "find"):
        (programs / name).symlink_to(f"/usr/bin/{name}")
    ended = home.start("run", PATH=str(programs))
    assert (ended.face["words"], ended.said) == (["run"], "")
