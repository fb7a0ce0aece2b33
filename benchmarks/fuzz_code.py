"""What the answer of a fuzzed parser hangs on, as a short digest: a log of inputs counts as long as it is the same.

That is the corpus, the fuzzer's own functions that give and judge the inputs, and each module of lan that those name
or that such a module imports.  So a change of `lan/wire/dns.py` is one of DNS and of whole frames, and of nothing else.
"""

import ast
import hashlib
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import CodeType, FunctionType, ModuleType


def digest(corpus: Iterable[bytes], functions: Iterable[Callable[..., object]]) -> str:
    """Twelve hexadecimal digits, of a corpus and of all that these functions reach."""
    reached = Reached()
    for function in functions:
        reached.look_at(function)
    parts = [*corpus, *sorted(reached.sources), *(path.read_bytes() for path in sorted(reached.files))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]


class Reached:
    """Sources of functions in `benchmarks`, and files of `lan`, that something reaches."""

    def __init__(self) -> None:
        self.sources: set[bytes] = set()
        self.files: set[Path] = set()
        self._seen: set[int] = set()

    def look_at(self, value: object) -> None:
        """A function, module or class, or something made of them."""
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, list | tuple | dict):
            for one in value.values() if isinstance(value, dict) else value:
                self.look_at(one)
        elif isinstance(value, ModuleType):
            self._import(value.__name__)
        elif isinstance(value, FunctionType) and value.__module__.startswith("benchmarks."):
            self.sources.add(inspect.getsource(value).encode())
            for name in names_in(value.__code__):
                self.look_at(value.__globals__.get(name))
            for cell in value.__closure__ or ():
                self.look_at(cell.cell_contents)
        else:
            self._import(getattr(value, "__module__", None) or type(value).__module__)

    def _import(self, name: str) -> None:
        """This module of lan, and those that it imports."""
        module = sys.modules.get(name)
        if not name.startswith("lan.") or module is None or module.__file__ is None:
            return
        path = Path(module.__file__)
        if path in self.files:
            return
        self.files.add(path)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module is not None:
                for each in (node.module, *(f"{node.module}.{alias.name}" for alias in node.names)):
                    self._import(each)


def names_in(code: CodeType) -> Iterator[str]:
    """The names that a function's code looks up, and that of the functions in it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
