"""From a word to a LAN: ``office``, ``path/to/file.py``, ``file.py:Class``, ``single:400``, ``tree:2,3``.

`load` gives a whole, checked LAN or raises; `inspect` gives what could be read together with every
mistake and warning, for `lan validate`.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import lan
from lan.errors import UsageError, nearest
from lan.topo import stock
from lan.topo.assemble import DEFAULT_SWITCH, assemble
from lan.topo.checks.cables import SPANNING_TREE
from lan.topo.generators import GENERATORS, generate
from lan.topo.problem import Problem, in_file_order, raise_problems
from lan.topo.schema import KindSchema
from lan.topo.spec import Lan
from lan.topo.userfile import UserFile
from lan.topo.validate import validate

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
"""A LAN's name: it is also a folder's, and a word of the command line."""


def load(what: str, kinds: Mapping[str, KindSchema], *, name: str | None = None) -> Lan:
    """The LAN that `what` names; its warnings come with it.  Raises UsageError, TopologyError."""
    found, problems = inspect(what, kinds, name=name)
    raise_problems(problems, what)
    return found


def inspect(what: str, kinds: Mapping[str, KindSchema], *, name: str | None = None) -> tuple[Lan, list[Problem]]:
    """The LAN as far as it can be read, and all that is wrong with it, in the file's order.

    Raises where there is nothing to read: UsageError for the words, TopologyError for a file that fails.
    """
    default, seen = _read(what, kinds)
    if name is not None and not NAME.fullmatch(name):
        raise UsageError(f"{name!r:.80} can't name a LAN", expected="letters, digits, _ . and -, such as office-2")
    found, problems = assemble(seen, name or default, what)
    problems = in_file_order([*problems, *validate(found, kinds)])
    warnings = tuple(str(problem.as_error()) for problem in problems if problem.is_warning)
    return Lan(found.name, found.devices, found.links, what, warnings), problems


def topologies() -> dict[str, Path]:
    """The LANs that lan brings, by name."""
    folders = [Path(folder) / "topologies" for folder in lan.__path__]
    files = [file for folder in folders for file in sorted(folder.glob("*.py"))]
    return {file.stem: file for file in files if not file.stem.startswith("_")}


def _read(what: str, kinds: Mapping[str, KindSchema]) -> tuple[str, stock.Recording]:
    """The name it goes by unless told another, and the Topo."""
    head, selection = _split(what)
    if head in GENERATORS:
        return head, _generated(head, selection, kinds)
    if head.endswith(".py") or "/" in head:
        path = Path(head)
        return _name(selection or path.stem), UserFile(_found(path, head), head).load(selection)
    named = topologies()
    if head in named:
        return _name(selection or head), UserFile(named[head], _shown(named[head])).load(selection)
    known = [*named, *GENERATORS]
    near = nearest(head[:64], known)
    raise UsageError(
        f"{what!r:.80} names no topology" + (f"; did you mean {near!r}?" if near else ""),
        expected="a file such as ./office.py, or one of " + ", ".join(known),
    )


def _split(what: str) -> tuple[str, str]:
    """``tree:2,3`` and ``tree,2,3`` → ("tree", "2,3"); ``a/b.py:Class`` → ("a/b.py", "Class")."""
    file, python, selection = what.rpartition(".py:")
    if python:
        return file + ".py", selection
    if what.endswith(".py"):
        return what, ""
    head, *rest = re.split("[:,]", what, maxsplit=1)
    return head, rest[0] if rest else ""


def _generated(name: str, parameters: str, kinds: Mapping[str, KindSchema]) -> stock.Recording:
    switch = kinds.get(DEFAULT_SWITCH)
    spanning_tree = {SPANNING_TREE: True} if switch and SPANNING_TREE in switch.options else None
    if name == "torus" and spanning_tree is None:
        raise UsageError("a torus has loops, and lan's switch no spanning tree yet", todo="tree:2,3 or linear:4")
    recorder = stock.Recorder(None, f"{name}:{parameters}" if parameters else name)
    with recorder.in_force():
        return recorder.of(generate(name, parameters, spanning_tree=spanning_tree))


def _found(path: Path, head: str) -> Path:
    try:
        if path.is_file():
            return path.absolute()
        what = f"{head} is a folder" if path.is_dir() else f"there is no file {head}"
    except (OSError, ValueError) as fault:  # a name that no file system takes
        what = f"{head!r:.80} can't be a file: {fault}"
    raise UsageError(what, expected="a topology file, such as office.py, or one of " + ", ".join(topologies()))


def _shown(path: Path) -> str:
    """As the user would write it from where he stands."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _name(text: str) -> str:
    """What a LAN may be called, out of what its file is."""
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", text.partition(",")[0]).lstrip("-_.")[:63]
    return name or "lan"
