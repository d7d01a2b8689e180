"""Environments in which nothing of the checkout can be imported: only what the wheels bring."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tools.workspace import members


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
def build_wheel(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], Path]:
    """Build the wheel of a project, once for all workers of pytest-xdist."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent

    def build(project: Path) -> Path:
        target = folder / f"wheel of {project.name}"
        target.mkdir(exist_ok=True)
        with (target / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not list(target.glob("*.whl")):
                command = (sys.executable, "-m", "build", "--quiet", "--wheel")
                _run(*command, "--outdir", target, project, cwd=target)
        [wheel] = target.glob("*.whl")
        return wheel

    return build


@pytest.fixture(scope="session")
def famulus_wheels(build_wheel: Callable[[Path], Path]) -> list[Path]:
    """The wheels of all members."""
    return [build_wheel(member) for member in members()]


@pytest.fixture(scope="session")
def third_party_environment(
    empty_environment: Callable[..., Path],
    build_wheel: Callable[[Path], Path],
    copy_files: Callable[[Path, Path], None],
) -> Callable[[Path], Path]:
    """Make a folder whose ``env`` has a project's wheel and its extra dev, too.

    The project is copied to ``package`` in it, with its source where it cannot be imported.
    """

    def make(project: Path) -> Path:
        folder = empty_environment(project.name, more=[f"{build_wheel(project)}[dev]"])
        copy_files(project, folder / "package")
        (folder / "package/src").rename(folder / "not importable")
        return folder

    return make


@pytest.fixture(scope="session")
def empty_environment(
    famulus_wheels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Callable[..., Path]:
    """Make a folder whose ``env`` has the members' wheels installed, and ``more`` if need be."""

    def make(name: str, more: Sequence[str] = ()) -> Path:
        folder = tmp_path_factory.mktemp(name)
        venv.create(folder / "env")
        pip = (sys.executable, "-m", "pip", "--python", folder / "env/bin/python")
        # Python compiles what it imports; most modules of boto3 never are.
        options = ("--disable-pip-version-check", "--quiet", "--no-compile")
        _run(*pip, "install", *options, *famulus_wheels, *more, cwd=folder)
        return folder

    return make
