"""The wheel adds one name to an environment: a project's own services/, topologies/ and tests/ stay its own."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("hatchling", reason="the test environment of bin/lan has it")
HOUSE = Path(__file__).resolve().parents[2]
BUILD = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
OWN = ("services", "topologies", "tests", "labs")


def run(*command: str | Path, folder: Path, **variables: str) -> str:
    """Its output; what it said, where it fails."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    clean |= {"PYTHONDONTWRITEBYTECODE": "1", **variables}
    words = [str(word) for word in command]
    ended = subprocess.run(words, cwd=folder, env=clean, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    return folder / run(sys.executable, "-P", "-c", BUILD, folder, folder=HOUSE).strip().splitlines()[-1]


@pytest.fixture(scope="module")
def project(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A foreign project with the wheel installed in its environment; what lan depends on is seen from here."""
    folder = tmp_path_factory.mktemp("foreign project")
    for name in OWN:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"whose = 'the project: {name}'\n")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "env", folder=folder)
    [site] = (folder / "env/lib").glob("python3*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)  # what a pure wheel's installation is, but for its scripts
    ours = [path for path in sys.path if path.endswith("site-packages")]
    (site / "dependencies.pth").write_text("\n".join(ours) + "\n")
    return folder


def test_it_adds_one_name(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"lan"}


def test_it_holds_every_file_that_git_holds(wheel: Path) -> None:
    command = ["git", "-c", "safe.directory=*", "ls-files", "lan", "services", "topologies", "labs"]
    tracked = {path for path in run(*command, folder=HOUSE).split("\n") if path and (HOUSE / path).is_file()}
    inside = {path if path.startswith("lan/") else f"lan/{path}" for path in tracked}
    with zipfile.ZipFile(wheel) as archive:
        assert inside - set(archive.namelist()) == set()


@pytest.mark.parametrize("name", OWN)
def test_a_projects_own_folder_is_still_its_own(project: Path, name: str) -> None:
    code = f"import lan.services, {name}; print({name}.whose, '|', lan.services.__file__)"
    own, _, ours = run(project / "env/bin/python", "-c", code, folder=project).partition(" | ")
    assert own == f"the project: {name}"
    assert "site-packages/lan/services/" in ours


def test_what_is_installed_below_lan_can_be_imported(project: Path) -> None:
    code = "import lan.services.shell, lan.topologies.office, lan.doctor.probe as p; print(len(p.packages({'run'})))"
    assert int(run(project / "env/bin/python", "-c", code, folder=project)) > 0


@pytest.mark.parametrize("script", tomllib.loads((HOUSE / "pyproject.toml").read_text())["project"]["scripts"])
def test_every_script_has_its_function(project: Path, script: str) -> None:
    code = (
        "import importlib.metadata as m; "
        f"scripts = m.distribution('lan').entry_points.select(name={script!r}, group='console_scripts');"
        "assert callable(tuple(scripts)[0].load())"
    )
    run(project / "env/bin/python", "-c", code, folder=project)


def test_the_tests_of_an_outside_project_pass_with_what_is_installed(project: Path, tmp_path: Path) -> None:
    """docs/examples/outside_project knows lan by docs/testing.md alone; two workers, as its `pytest -n 2`."""
    outside = tmp_path / "outside project"
    shutil.copytree(HOUSE / "docs/examples/outside_project", outside)
    command = (project / "env/bin/python", "-m", "pytest", "-n", "2", "--dist", "loadfile", "-p", "no:cacheprovider")
    said = run(*command, folder=outside, PYTHONDONTWRITEBYTECODE="")
    tests = sum(file.read_text().count("\ndef test_") for file in (outside / "tests").glob("test_*.py"))
    assert tests >= 9 and f"{tests} passed in" in said
    assert f"pytest -n 2 --dist loadfile\n{tests} passed" in (HOUSE / "docs/testing.md").read_text()
