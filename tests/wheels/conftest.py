"""Environments in which nothing of the checkout can be imported: only what the wheels bring."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from tools.workspace import example_packages as packages
from tools.workspace import members, toml_of


def _run(*command: str | Path, cwd: Path, **env: str) -> str:
    outside = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**outside, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def run() -> Callable[..., str]:
    """Run a command outside the checkout; return what it printed once it has succeeded."""
    return _run


@pytest.fixture(scope="session")
def copy_files() -> Callable[[Path, Path], None]:
    """Copy a folder without what Python and pytest leave in it."""

    def copy(source: Path, target: Path) -> None:
        left_out = shutil.ignore_patterns("__pycache__", ".pytest_cache")
        shutil.copytree(source, target, ignore=left_out)

    return copy


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of pytest-xdist have in common."""
    folder = tmp_path_factory.getbasetemp()
    return folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder


@contextlib.contextmanager
def _made_once(folder: Path) -> Iterator[bool]:
    """Make a folder once for all workers; yield whether the block has to fill it."""
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder / "made"
        yield not made.exists()
        made.touch()


@pytest.fixture(scope="session")
def builder(shared_folder: Path) -> Path:
    """A Python that has what all projects are built with; isolation installs it for each."""
    folder = shared_folder / "builder"
    with _made_once(folder) as is_missing:
        if is_missing:
            projects = (*members(), *packages())
            needed = {each for one in projects for each in toml_of(one)["build-system"]["requires"]}
            _make_environment(folder / "env", ["build", *sorted(needed)])
    return folder / "env/bin/python"


@pytest.fixture(scope="session")
def build_wheel(shared_folder: Path, builder: Path) -> Callable[[Path], Path]:
    """Build the wheel of a project, once for all workers of pytest-xdist."""

    def build(project: Path) -> Path:
        target = shared_folder / f"wheel of {project.name}"
        with _made_once(target) as is_missing:
            if is_missing:
                command = (builder, "-m", "build", "--quiet", "--no-isolation", "--wheel")
                _run(*command, "--outdir", target, project, cwd=target)
        [wheel] = target.glob("*.whl")
        return wheel

    return build


@pytest.fixture(scope="session")
def famulus_wheels(build_wheel: Callable[[Path], Path]) -> list[Path]:
    """The wheels of all members."""
    return [build_wheel(member) for member in members()]


@pytest.fixture(scope="session")
def example_packages(
    shared_folder: Path,
    famulus_wheels: list[Path],
    build_wheel: Callable[[Path], Path],
    copy_files: Callable[[Path, Path], None],
) -> Path:
    """A folder whose ``env`` has the wheels of the members and of all example packages.

    Each example is copied to a folder of its name in it, without its source: only what is installed
    can be imported.
    """
    folder = shared_folder / "example packages"
    with _made_once(folder) as is_missing:
        if is_missing:
            wheels = [f"{build_wheel(package)}[dev]" for package in packages()]
            _make_environment(folder / "env", [*famulus_wheels, *wheels])
            for package in packages():
                copy_files(package, folder / package.name)
                shutil.rmtree(folder / package.name / "src")
    return folder


@pytest.fixture(scope="session")
def empty_environment(famulus_wheels: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose ``env`` has the members' wheels and nothing else of ours."""
    folder = tmp_path_factory.mktemp("wheels")
    _make_environment(folder / "env", famulus_wheels)
    return folder


def _make_environment(folder: Path, wheels: Sequence[str | Path]) -> None:
    venv.create(folder)
    pip = (sys.executable, "-m", "pip", "--python", folder / "bin/python")
    # Python compiles what it imports; most modules of boto3 never are.
    options = ("--disable-pip-version-check", "--quiet", "--no-compile")
    _run(*pip, "install", *options, *wheels, cwd=folder.parent)
