"""The locks are whole for every Python that pyproject.toml promises, and stay within its ranges."""

import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

HOUSE = Path(__file__).resolve().parents[2]
PYTHONS = ("3.11", "3.12", "3.13", "3.14")


def plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(python: str) -> dict[str, str]:
    """Name → version of both locks, for one Python."""
    lines = "\n".join((HOUSE / name).read_text() for name in ("requirements.lock", "requirements-dev.lock"))
    entries = (Requirement(line.partition("#")[0].strip()) for line in lines.splitlines() if line.partition("#")[0])
    environment = {"python_version": python}
    return {
        plain(entry.name): str(entry.specifier).removeprefix("==")
        for entry in entries
        if entry.marker is None or entry.marker.evaluate(environment)
    }


def asked(python: str) -> Iterator[tuple[str, Requirement]]:
    """Who wants what: pyproject.toml, then each locked package that is installed here."""
    project = tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]
    for text in [*project["dependencies"], *project["optional-dependencies"]["dev"]]:
        yield "pyproject.toml", Requirement(text)
    for name in locked(python):
        try:
            wanted = metadata.requires(name) or []
        except metadata.PackageNotFoundError:
            continue  # for another Python than this
        for requirement in map(Requirement, wanted):
            environment = {"python_version": python, "python_full_version": f"{python}.0", "extra": ""}
            if requirement.marker is None or requirement.marker.evaluate(environment):
                yield name, requirement


@pytest.mark.parametrize("python", PYTHONS)
def test_whatever_is_asked_for_is_locked_within_its_range(python: str) -> None:
    pins = locked(python)
    lacks = [
        f"{who} wants {requirement}, the lock has {pins.get(plain(requirement.name))}"
        for who, requirement in asked(python)
        if not requirement.specifier.contains(pins.get(plain(requirement.name), "0"), prereleases=True)
    ]
    assert lacks == []


def test_the_two_locks_do_not_overlap() -> None:
    names = [
        {line.partition("==")[0] for line in (HOUSE / lock).read_text().splitlines() if "==" in line}
        for lock in ("requirements.lock", "requirements-dev.lock")
    ]
    assert names[0] & names[1] == set()
