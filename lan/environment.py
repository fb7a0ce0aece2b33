"""The Python environment of `bin/lan`: is it whole, how is it moved and warmed?

Run as a file by the environment's own interpreter, before anything else of lan can be imported, so it
imports nothing of ours.  `lan doctor` asks it too.
"""

import base64
import compileall
import csv
import hashlib
import re
import shutil
import sys
import sysconfig
from importlib import metadata
from pathlib import Path


def wanted(lock: Path) -> dict[str, str]:
    """Name → version of a lock's lines, without those whose marker excludes this Python."""
    lines = [line.partition("#")[0].strip() for line in lock.read_text().splitlines()]
    found = {}
    for line in filter(None, lines):
        pin, _, marker = line.partition(";")
        needed = re.search(r'python_version >= "3\.(\d+)"', marker)
        if needed is None or sys.version_info >= (3, int(needed[1])):
            name, _, version = pin.strip().partition("==")
            found[name] = version
    return found


def faults(site: Path, versions: dict[str, str]) -> list[str]:
    """What differs from the lock, or from what was installed: a line each, [] when nothing does."""
    there = {_plain(found.name): found for found in metadata.distributions(path=[str(site)])}
    found = []
    for name, version in versions.items():
        if name not in there:
            found.append(f"{name} {version} is missing")
        elif there[name].version != version:
            found.append(f"{name} is {there[name].version}, the lock says {version}")
        else:
            found += [f"{name}: {fault}" for fault in _damage(there[name])]
    return found


def relocate(folder: Path, old: str, new: str) -> None:
    """Rewrite the interpreter's path in the scripts of `folder`/bin."""
    for script in (folder / "bin").iterdir():
        if script.is_file() and not script.is_symlink():
            text = script.read_bytes()
            if text.startswith(b"#!") and old.encode() in text:
                script.write_bytes(text.replace(old.encode(), new.encode()))


def warm(bytecode: Path, folders: list[Path]) -> None:
    """Fill a bytecode folder (see sys.pycache_prefix): the standard library comes compiled, the rest is compiled."""
    library = Path(sysconfig.get_path("stdlib"))
    for compiled in library.rglob(f"__pycache__/*.{sys.implementation.cache_tag}.pyc"):
        target = bytecode / compiled.parent.parent.relative_to("/")
        target.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(compiled, target / compiled.name)
    sys.pycache_prefix = str(bytecode)
    for folder in folders:
        compileall.compile_dir(folder, quiet=2, workers=0)


def _damage(package: metadata.Distribution) -> list[str]:
    """Files of a package that are gone or differ from its RECORD; scripts, which we move, are left out."""
    damage = []
    for file, digest, _ in csv.reader(
        (package.read_text("RECORD") or "").splitlines()
    ):  # `files` leaves out what is gone
        if not digest or file.startswith("../"):
            continue
        path = Path(str(package.locate_file(file)))
        mode, _, value = digest.partition("=")
        if not path.is_file():
            damage.append(f"{file} is gone")
        elif _digest(path, mode) != value:
            damage.append(f"{file} was changed")
    return damage


def _digest(path: Path, mode: str) -> str:
    return base64.urlsafe_b64encode(hashlib.new(mode, path.read_bytes()).digest()).rstrip(b"=").decode()


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> int:
    """``check FOLDER LOCK…``, ``relocate FOLDER OLD NEW`` or ``warm FOLDER SOURCES…``; 0 when all is well."""
    verb, folder = arguments[0], Path(arguments[1])
    if verb == "relocate":
        relocate(folder, arguments[2], arguments[3])
        return 0
    if verb == "warm":
        warm(folder / "bytecode", [*(folder / "lib").glob("python3*/site-packages"), *map(Path, arguments[2:])])
        return 0
    [site] = (folder / "lib").glob("python3*/site-packages")
    versions = {name: version for lock in arguments[2:] for name, version in wanted(Path(lock)).items()}
    found = faults(site, versions)
    print("\n".join(found), end="\n" if found else "", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
