"""A user's topology file, run: its Topo, or what is wrong with the file, said by its line and without a traceback."""

import contextlib
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lan.errors import LanError, TopologyError, UsageError, nearest
from lan.topo import stock
from lan.topo.generators import split_parameters
from lan.topo.spec import Where

MODULE = "lan_topology_file"
"""What the file sees as `__name__`: neither `__main__` nor a name that anything else has."""


@dataclass(frozen=True, slots=True)
class UserFile:
    """A file to run: `path` where it lies, `shown` as the user named it."""

    path: Path
    shown: str

    def load(self, selection: str) -> stock.Recording:
        """The Topo that the file declares, and where each part of it stands.

        `selection` is what follows the file's name and a colon: ``office``, a class, ``office,3``, or "".
        """
        wanted, _, parameters = selection.partition(",")
        code = self._compile()
        module = types.ModuleType(MODULE)
        module.__file__ = str(self.path)
        recorder = stock.Recorder(str(self.path), self.shown)
        with recorder.in_force(), _guest(module, self.path.parent):
            with self._faults_told():
                exec(code, vars(module))
            name, candidate = self._choose(_candidates(module), wanted)
            return recorder.of(self._build(name, candidate, parameters))

    def _compile(self) -> types.CodeType:
        try:
            source = self.path.read_bytes()
        except OSError as fault:
            raise UsageError(
                f"{self.shown}: {fault.strerror}", expected="a topology file, such as office.py"
            ) from fault
        try:
            return compile(source, str(self.path), "exec", dont_inherit=True)
        except SyntaxError as fault:
            raise self._error(f"syntax error: {fault.msg}", fault.lineno) from None
        except (ValueError, RecursionError, MemoryError) as fault:
            raise self._error(f"not Python: {fault}", None) from None

    @contextlib.contextmanager
    def _faults_told(self) -> Iterator[None]:
        """What the file's own code raises becomes a TopologyError at its line."""
        try:
            yield
        except LanError:
            raise
        except SyntaxError as fault:
            raise self._error(
                f"{Path(fault.filename or '?').name}:{fault.lineno}: {fault.msg}", self._line(fault)
            ) from None
        except ModuleNotFoundError as fault:
            expected = "a module that lies beside the file, or is installed where lan is"
            raise self._error(f"{type(fault).__name__}: {fault}", self._line(fault), expected) from None
        except SystemExit as fault:
            expected = "a file that declares a Topo and starts nothing by itself"
            todo = "put what it runs below  if __name__ == '__main__':"
            raise self._error(f"the file ends Python: SystemExit: {fault}", self._line(fault), expected, todo) from None
        except Exception as fault:  # whatever a stranger's code may raise
            raise self._error(_told(fault), self._line(fault)) from None

    def _error(
        self, what: str, line: int | None, expected: str | None = None, todo: str | None = None
    ) -> TopologyError:
        return TopologyError(what, where=Where(self.shown, line), expected=expected, todo=todo)

    def _line(self, fault: BaseException) -> int | None:
        """The last line of the file on the way to where it was raised."""
        line, trace = None, fault.__traceback__
        while trace is not None:
            if trace.tb_frame.f_code.co_filename == str(self.path):
                line = trace.tb_lineno
            trace = trace.tb_next
        return line

    def _choose(self, found: dict[str, "Candidate"], wanted: str) -> tuple[str, "Candidate"]:
        if not found:
            raise self._error(
                "the file declares no topology",
                None,
                "a class derived from mininet.topo.Topo, or topos = {'name': Class}",
            )
        if wanted:
            if wanted in found:
                return wanted, found[wanted]
            near = nearest(wanted, found)
            raise UsageError(
                f"{self.shown} declares no topology {wanted!r}" + (f"; did you mean {near!r}?" if near else ""),
                expected="one of " + ", ".join(self._named(name) for name in found),
            )
        told = [name for name in found if not found[name].is_hidden]
        if len(told) > 1:
            raise UsageError(
                f"{self.shown} declares several topologies: {', '.join(told)}",
                expected="one of them, chosen behind a colon",
                todo=" or ".join(self._named(name) for name in told),
            )
        return told[0], found[told[0]]

    def _named(self, name: str) -> str:
        return f"{self.shown}:{name}"

    def _build(self, name: str, candidate: "Candidate", parameters: str) -> Any:
        if stock.is_topo(candidate.value):
            return candidate.value
        if not callable(candidate.value):
            raise self._error(
                f"topos[{name!r}] is no topology but {_kind(candidate.value)}", None, "a class or a function"
            )
        positional, named = split_parameters(parameters)
        with self._faults_told():
            try:
                topo = candidate.value(*positional, **named)
            except TypeError as fault:
                if self._line(fault) is not None:
                    raise
                todo = f"give its parameters behind its name, such as {self._named(name)},VALUE,…"
                line = _first_line(candidate.value)
                raise self._error(f"{name} can't be built: {fault}", line, todo=todo) from None
        if not stock.is_topo(topo):
            raise self._error(
                f"{name} gives no topology but {_kind(topo)}", _first_line(candidate.value), "a mininet.topo.Topo"
            )
        return topo


@dataclass(frozen=True, slots=True)
class Candidate:
    """A topology that a file declares; hidden ones are taken only by name."""

    value: Any
    is_hidden: bool = False


def _candidates(module: types.ModuleType) -> dict[str, Candidate]:
    """What `topos` names; else the Topo classes of the file; else the Topos it has built.  The rest by name."""
    names = vars(module)
    topos = names.get("topos")
    own = {name: value for name, value in names.items() if not name.startswith("_")}
    groups: list[dict[str, Any]] = [
        {str(name): value for name, value in topos.items()} if isinstance(topos, dict) else {},
        {name: value for name, value in own.items() if stock.is_topo_class(value) and value.__module__ == MODULE},
        {name: value for name, value in own.items() if stock.is_topo(value)},
    ]
    found: dict[str, Candidate] = {}
    for group in groups:
        is_hidden = bool(found)
        for name, value in group.items():
            found.setdefault(name, Candidate(value, is_hidden))
    return found


@contextlib.contextmanager
def _guest(module: types.ModuleType, folder: Path) -> Iterator[None]:
    """The file may import what lies beside it, and leaves nothing of that behind; what it prints goes to stderr.

    Otherwise the `common.py` of one folder would serve the files of another.
    """
    before, path = {name.partition(".")[0] for name in sys.modules}, str(folder)
    is_new = path not in sys.path
    if is_new:
        sys.path.insert(0, path)
        importlib.invalidate_caches()
    sys.modules[MODULE] = module
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.modules.pop(MODULE, None)
        if is_new:
            with contextlib.suppress(ValueError):
                sys.path.remove(path)
            for name in [name for name in sys.modules if name.partition(".")[0] not in before]:
                if (getattr(sys.modules[name], "__file__", None) or "").startswith(path + "/"):
                    del sys.modules[name]


def _told(fault: BaseException) -> str:
    try:
        text = str(fault)
    except Exception:  # a stranger's exception, whose __str__ may do anything
        text = ""
    return f"{type(fault).__name__}: {text}" if text else type(fault).__name__


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _first_line(value: Any) -> int | None:
    build: Callable[..., Any] | None = vars(value).get("build") if isinstance(value, type) else value
    code = getattr(build, "__code__", None)
    return code.co_firstlineno if code is not None else None
