"""The house keeps its shape: who imports whom, what a core never sees, what no file contains.  docs: STYLE §3.

Each rule reads the source of every file in git and lists its breaches as `file:line: what`.
"""

import ast
import gzip
import re
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

HOUSE = Path(__file__).resolve().parents[2]

GROUND = {"wire", "reasons", "errors", "readable", "language"}
MAY_IMPORT: dict[str, set[str]] = {
    "cli": {"testing", "tui", "web", "labs", "whynot", "scenario", "control", "doctor"},
    "tui": {"scenario"},
    "web": {"scenario", "control"},
    "testing": {"scenario", "control"},
    "mininet": {"control"},
    "labs": {"scenario"},
    "scenario": {"control", "trace"},
    "control": {"engine", "trace"},
    "trace": GROUND,
    "engine": {"devices"} | GROUND,
    "devices": {"topo", "reasons"},
    "topo": {"errors", "links"},
    "links": GROUND,
    "services": GROUND,
    "openflow": GROUND,
    "whynot": {"scenario", "control", "trace"},
    "doctor": {"engine", "environment"},
    "environment": set(),
    "wire": set(),
    "reasons": set(),
    "language": {"reasons", "errors"},
    "readable": set(),
    "errors": set(),
}
"""Room → the rooms its row of the table names; what lies below those is allowed too."""

EXCEPTIONS = {
    ("lan/openflow/controller.py", "lan.services.shell"),
    ("lan/engine/pki.py", "lan.services.shell"),
    ("lan/links/__main__.py", "lan.services.shell"),
}
"""A switch's controller, the maker of certificates and the carrier of cables are started as services are."""

VOCABULARY = {"lan.links.options", "lan.links.words", "lan.links.schedule"}
"""What other rooms import of links: what cables mean.  What carries their frames is started by module name."""

SHELLS = re.compile(
    r"""services/( shell | \w+/__main__
    | dhcp/( client_main | configure | show | sockets | waiting )
    | dns/( lookup | server )
    | http/( authority | fetch | life | listening | workers )
    | http/origin/( ending | server | session )
    | http/protocol/( tls | transport )
    | http/cache/show
    | http/fetching/( line | loop | names | opening )
    | http/proxy/( __main__ | cached | caching | channel | connector | context | downstream | loop | original )
    | http/proxy/( passing | relay | resolver | server | smart )
    | icmp/prober
    | sockets/( calls | client | server | telling )
    )\.py
    | lan/links/( __main__ | carrier | ring )\.py
    | lan/openflow/( bridge | controller | ryu | show )\.py""",
    re.VERBOSE,
)
"""Files that may see clocks, sockets and chance.  Every other one of a core's room is a core."""

CORES = re.compile(
    r"(lan/wire|lan/openflow|lan/links|lan/trace/trackers|lan/topo|services)/.*\.py|lan/(reasons|errors)\.py"
)
NOT_IN_CORES = {
    "asyncio",
    "random",
    "secrets",
    "select",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "threading",
    "time",
}

MACHINE = re.compile(
    r"(?<![\w.])/(wor" r"k|op" r"t)/(?!ryu\b)|(pypi|pythonhosted|debian|ubuntu)\.(org|com)/(simple|debian|ubuntu)\b"
)
"""Paths of one machine, and hosts of registries: the ordinary configuration of pip and apt names those."""


def hold(breaches: Iterable[str]) -> None:
    """Fail with every breach on a line of its own."""
    found = list(breaches)
    assert not found, "\n" + "\n".join(found)


def test_imports_run_downwards() -> None:
    hold(breaches_of_the_order())


def breaches_of_the_order() -> Iterator[str]:
    for path in python_files("lan", "services", "labs"):
        room = room_of(path)
        for line, name in ours(path):
            target = name.split(".")[1] if "." in name else "lan"
            if target in {room, "lan", "__version__"} or (path, name) in EXCEPTIONS:
                continue
            if target not in below(room):
                yield f"{path}:{line}: {room} may not import {name}"


def test_nobody_imports_what_carries_the_frames_of_cables() -> None:
    hold(
        f"{path}:{line}: {name}"
        for path in python_files("lan", "services", "labs")
        for line, name in ours(path)
        if name.startswith("lan.links.") and room_of(path) != "links" and name not in VOCABULARY
    )


def test_topologies_import_mininet_alone() -> None:
    found = [f"{path}:{line}: {name}" for path in python_files("topologies") for line, name in imports(path)]
    hold(entry for entry in found if not entry.endswith(": mininet.topo"))


def test_cores_see_no_clock_no_socket_and_no_chance() -> None:
    cores = [path for path in python_files("lan", "services") if CORES.fullmatch(path) and not SHELLS.fullmatch(path)]
    hold(
        f"{path}:{line}: {name}" for path in cores for line, name in imports(path) if name.split(".")[0] in NOT_IN_CORES
    )


def test_every_import_stands_at_the_top() -> None:
    hold(
        f"{path}:{inner.lineno}: import inside {outer.name}"
        for path in python_files("lan", "services", "labs", "topologies")
        for outer in ast.walk(tree(path))
        if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(outer)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    )


def test_no_command_is_a_string_for_a_shell() -> None:
    hold(
        f"{path}:{call.lineno}: {ast.unparse(call)[:80]}"
        for path in python_files("lan", "services", "labs", "topologies", "benchmarks")
        for call in ast.walk(tree(path))
        if isinstance(call, ast.Call) and is_shell_string(call)
    )


def test_no_file_names_this_machine_or_a_registry() -> None:
    hold(
        f"{path}:{number}: {line.strip()[:100]}"
        for path in tracked()
        for number, line in enumerate(text(path).splitlines(), start=1)
        if MACHINE.search(line)
    )


def test_every_module_says_what_it_is() -> None:
    hold(
        path
        for path in python_files("lan", "services", "labs", "topologies", "benchmarks", "tests")
        if text(path).strip() and ast.get_docstring(tree(path)) is None
    )


def test_no_file_of_ours_is_a_giant() -> None:
    rooms = ("lan", "services", "labs", "topologies", "tests")
    lengths = {path: len(text(path).splitlines()) for path in python_files(*rooms)}
    hold(f"{path}: {length} lines" for path, length in lengths.items() if length >= 500)


def test_the_rules_bite() -> None:
    """Each finder sees a breach when there is one."""
    assert "engine" in below("cli") and "cli" not in below("engine")
    assert is_shell_string(a_call("subprocess.run('ls', shell=True)"))
    assert is_shell_string(a_call("os.system('ls')"))
    assert not is_shell_string(a_call("subprocess.run(['ls'])"))
    assert MACHINE.search("see /wor" + "k/main") and not MACHINE.search("a framework/main")
    assert SHELLS.fullmatch("services/dns/__main__.py") and not SHELLS.fullmatch("services/dns/zone.py")


def a_call(source: str) -> ast.Call:
    statement = ast.parse(source).body[0]
    assert isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
    return statement.value


def is_shell_string(call: ast.Call) -> bool:
    """True for os.system, os.popen and anything with shell=True."""
    if ast.unparse(call.func) in {"os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput"}:
        return True
    return any(
        word.arg == "shell" and isinstance(word.value, ast.Constant) and word.value.value is True
        for word in call.keywords
    )


@cache
def below(room: str) -> frozenset[str]:
    """All rooms that `room` may import."""
    return frozenset({lower for row in MAY_IMPORT[room] for lower in {row, *below(row)}})


def room_of(path: str) -> str:
    """``lan/engine/space.py`` → engine, ``services/dns/zone.py`` → services, ``lan/errors.py`` → errors."""
    parts = Path(path).with_suffix("").parts
    return parts[1] if parts[0] == "lan" else parts[0]


def ours(path: str) -> Iterator[tuple[int, str]]:
    return ((line, name) for line, name in imports(path) if name.split(".")[0] == "lan")


def imports(path: str) -> Iterator[tuple[int, str]]:
    """Line and module of each import; of ``from lan import errors`` it is lan.errors."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: a relative import"
            module = node.module or ""
            if module in {"lan", "lan.services"}:
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            else:
                yield node.lineno, module


def python_files(*rooms: str) -> list[str]:
    """Python files in these folders; a package's `__init__` of lan itself is the frame, not a room."""
    return [
        path for path in tracked() if path.endswith(".py") and path.split("/")[0] in rooms and path != "lan/__init__.py"
    ]


@cache
def tracked() -> tuple[str, ...]:
    """Files that git holds, without those that are data: paths from the house's root."""
    command = ["git", "-c", "safe.directory=*", "-C", str(HOUSE), "ls-files", "-z"]
    listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    paths = (path for path in listing.split("\0") if path)
    return tuple(path for path in paths if (HOUSE / path).is_file() and not path.endswith((".png", ".svg", ".pcapng")))


@cache
def text(path: str) -> str:
    """A file's text; of a recording that is kept packed, what it holds."""
    if path.endswith(".gz"):
        return gzip.decompress((HOUSE / path).read_bytes()).decode(errors="replace")
    return (HOUSE / path).read_text(encoding="utf-8")


@cache
def tree(path: str) -> ast.Module:
    return ast.parse(text(path), path)
