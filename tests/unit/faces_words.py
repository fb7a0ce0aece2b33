"""What the faces of lan say by themselves, gathered from the source: help, errors, titles of columns.

An error's text is put together where it is raised; here are the texts that it can be, with `HOLE` for what only a
run knows.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]
HOLE = "q7"
ERRORS = {
    "LanError": (0,),
    "UsageError": (0,),
    "TopologyError": (0,),
    "MachineError": (0,),
    "RunError": (0,),
    "ArgumentTypeError": (0,),
    "Problem": (1, 2, 3),
    "OptionError": (0,),
    "MistakeError": (0, 1),
    "_refuse": (0,),
    "_refuse_end": (0,),
    "wrong": (0,),
}
"""What is raised → the places of its texts; those by keyword are `expected` and `todo`."""
ELSEWHERE = ("lan/testing/", "lan/mininet/", "lan/openflow/", "lan/links/__main__.py")
"""Errors of interfaces for programs, and of processes that no user starts."""
ENGLISH = re.compile(r"(?<![\w./=:<-])[a-z]{2,}(?![\w./=:|(-])")
COMMAND = re.compile(
    r"(lan [a-z]+|lan --help|q7|tcpdump|flap|next|sudo|addLink|speed|--[a-z-]+)"
    r"( (--?[\w-]*|\S*[A-Z|=…%][^a-z ]*\S*|\S*\d\S*|curl|ip|dns|link|test|office|image|step|show|a|page|reset|whynot"
    r"|\w+=\S+|/\S+|ping|http|lease|arp|in|\[\w+\]|[{]A,|B[}]))*"
)
"""A line that is typed as it stands; no language has another word for it."""
OPEN = {f"{HOLE} {HOLE} is not {HOLE}"}
"""What is put together of what was expected: the catalogue has each whole."""

SYNOPSIS = re.compile(r"(lan (?:(?! {3}(?!lan )[a-z]+ [a-z]+ ).)*\n?)+")
"""A paragraph of commands alone, with no word about what they do."""


class Scope:
    """The names of a module and of a function in it → what was assigned to them."""

    def __init__(self, module: ast.Module, function: ast.AST | None) -> None:
        self.values: dict[str, list[ast.expr]] = {}
        for node in [*module.body, *(ast.walk(function) if function else ())]:
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._take(target, node.value)
            elif isinstance(node, ast.For) and isinstance(node.iter, ast.Tuple):
                for value in node.iter.elts:
                    self._take(node.target, value)
            elif isinstance(node, ast.AnnAssign) and node.value is not None:
                self._take(node.target, node.value)

    def _take(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.values.setdefault(target.id, []).append(value)
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for one, other in zip(target.elts, value.elts, strict=False):
                self._take(one, other)


def texts(node: ast.expr, scope: Scope, deepest: int = 4) -> list[str]:
    """The texts that an expression can be."""
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else [HOLE]
    if isinstance(node, ast.JoinedStr):
        parts = [_part(part, scope, deepest) for part in node.values]
        return ["".join(each) for each in product(*parts)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return ["".join(each) for each in product(texts(node.left, scope, deepest), texts(node.right, scope, deepest))]
    if isinstance(node, ast.IfExp):
        return [*texts(node.body, scope, deepest), *texts(node.orelse, scope, deepest)]
    if isinstance(node, ast.BoolOp):
        return [text for value in node.values for text in texts(value, scope, deepest)]
    if isinstance(node, ast.Call) and name_of(node) == "meant":
        return [""]  # a hint: "; did you mean …?"
    if isinstance(node, ast.Name) and deepest and node.id in scope.values:
        return [text for value in scope.values[node.id] for text in texts(value, scope, deepest - 1)]
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and deepest:
        tables = [each for each in scope.values.get(node.value.id, ()) if isinstance(each, ast.Dict)]
        found = [text for table in tables for value in table.values for text in texts(value, scope, deepest - 1)]
        return found or [HOLE]
    return [HOLE]


def _part(part: ast.expr, scope: Scope, deepest: int) -> list[str]:
    if not isinstance(part, ast.FormattedValue):
        return texts(part, scope, deepest)
    found = texts(part.value, scope, deepest)
    return [f"{text!r}" for text in found] if part.conversion == ord("r") else found


@cache
def trees() -> dict[str, ast.Module]:
    """The source of the house, by file."""
    files = sorted((HOUSE / "lan").rglob("*.py"))
    return {str(path.relative_to(HOUSE)): ast.parse(path.read_text()) for path in files}


def calls(module: ast.Module) -> Iterator[tuple[ast.Call, Scope]]:
    """Every call, with the names that it sees."""
    functions = [node for node in ast.walk(module) if isinstance(node, ast.FunctionDef)]
    seen: set[int] = set()
    for function in [*reversed(functions), None]:
        scope = Scope(module, function)
        for node in ast.walk(function or module):
            if isinstance(node, ast.Call) and id(node) not in seen:
                seen.add(id(node))
                yield node, scope


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_english(text: str) -> bool:
    """Whether a reader who knows no English misses something."""
    told = re.sub(r"(?<!\w)'[^']*'|\bms\b", "", text.replace(HOLE, ""))  # what is quoted is typed as it stands
    return ENGLISH.search(told) is not None and COMMAND.fullmatch(text) is None


def errors() -> dict[str, str]:
    """Each text of an error → where it stands."""
    found: dict[str, str] = {}
    for path, module in trees().items():
        if path.startswith(ELSEWHERE):
            continue
        for call, scope in calls(module):
            if (places := ERRORS.get(name_of(call))) is None:
                continue
            given = [argument for at, argument in enumerate(call.args) if at in places]
            given += [each.value for each in call.keywords if each.arg in ("expected", "todo")]
            for text in {text for argument in given for text in texts(argument, scope)}:
                if is_english(text) and text not in OPEN:
                    found.setdefault(text, f"{path}:{call.lineno}")
    return found


def help_texts() -> dict[str, str]:
    """Each text of a verb's help → where it stands: first lines, paragraphs, options."""
    found: dict[str, str] = {}
    for path, module in trees().items():
        if not path.startswith("lan/cli/"):
            continue
        if path.startswith("lan/cli/verbs/") and not path.endswith("__init__.py"):
            paragraphs = (ast.get_docstring(module, clean=False) or "").strip().split("\n\n")
            found |= dict.fromkeys((each for each in paragraphs if not SYNOPSIS.fullmatch(each)), path)
        for call, scope in calls(module):
            for each in call.keywords if name_of(call) == "add_argument" else ():
                if each.arg == "help":
                    found |= dict.fromkeys(filter(is_english, texts(each.value, scope)), f"{path}:{call.lineno}")
    return found


def titles() -> dict[str, str]:
    """Each title of a column that the command line writes out → where it stands."""
    return {
        title.value: f"{path}:{call.lineno}"
        for path, module in trees().items()
        if path.startswith("lan/cli/")
        for call, _ in calls(module)
        if name_of(call) == "table" and call.args and isinstance(call.args[0], ast.List)
        for title in call.args[0].elts
        if isinstance(title, ast.Constant) and isinstance(title.value, str)
    }


FOR_PROGRAMS = ("lan/cli/verbs/ping.py", "lan/cli/verbs/completion.py")
"""Mininet's `*** Results:` and the scripts of shells are read by programs."""


def lines() -> dict[str, str]:
    """Each line that the command line says in English alone → where: neither a `Sentence` nor `say` is around it."""
    found: dict[str, str] = {}
    for path, module in trees().items():
        if path.startswith(("lan/cli/", "lan/tui/")) and path not in FOR_PROGRAMS:
            for call, scope in calls(module):
                if name_of(call) in ("line", "progress", "_say", "notify") and call.args:
                    loose = filter(is_english, texts(call.args[0], scope))
                    found |= dict.fromkeys(loose, f"{path}:{call.lineno}")
    return found


def verdicts() -> dict[str, str]:
    """What scenarios tell of a step: its name, what was done, what was seen → where."""
    found: dict[str, str] = {}
    for path, module in trees().items():
        if path.startswith("lan/scenario/"):
            for call, scope in calls(module):
                if name_of(call) == "Verdict":
                    given = [argument for at, argument in enumerate(call.args) if at in (0, 2, 4)]
                    told = {text for argument in given for text in texts(argument, scope)}
                    found |= dict.fromkeys(filter(is_english, told), f"{path}:{call.lineno}")
    return found


def phases() -> dict[str, str]:
    """What is being done while a LAN comes up → where."""
    return {
        text: f"{path}:{call.lineno}"
        for path, module in trees().items()
        if path.startswith("lan/engine/")
        for call, scope in calls(module)
        if name_of(call) == "progress" and call.args
        for text in texts(call.args[0], scope)
        if is_english(text)
    }


def checks() -> dict[str, str]:
    """What `lan doctor` tells of a check: its name, what was found, what mends it if no command does → where."""
    path = "lan/doctor/diagnosis.py"
    found: dict[str, str] = {}
    for call, scope in calls(trees()[path]):
        if name_of(call) == "Check":
            told = {text for at, argument in enumerate(call.args) if at != 1 for text in texts(argument, scope)}
            found |= {text: f"{path}:{call.lineno}" for text in told if is_english(text) and text.split()[0] != "sudo"}
    return found
