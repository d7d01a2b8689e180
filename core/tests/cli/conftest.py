"""The command line as a test sees it: one call, its output, its exit status."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from famulus.cli.program import program
from famulus.model.database import Database

EXAMPLE = Path(__file__).resolve().parents[3] / "sdk_examples/simple_static_task/conf/example.yaml"

Famulus = Callable[..., Result]


@pytest.fixture
def unserved() -> list[str]:
    """Overrides for a run without a process that serves it."""
    return ["architect=external", "architect.public_url=https://example.org/"]


@pytest.fixture
def example() -> Path:
    """The configuration of the example task: two rows, two units each."""
    return EXAMPLE


@pytest.fixture
def database_file(tmp_path: Path) -> Path:
    """Where the database of :func:`famulus` is, or will be."""
    return tmp_path / "data" / "famulus.db"


@pytest.fixture
def empty_database(database_file: Path) -> Path:
    """The database of :func:`famulus`, which exists and holds nothing."""
    with Database(database_file) as database:
        assert database.identity
    return database_file


@pytest.fixture
def famulus(database_file: Path) -> Famulus:
    """Run a command within this process; ``answers`` are its standard input."""

    def run(*arguments: object, database: object = database_file, answers: str = "") -> Result:
        environment = {**os.environ, "FAMULUS_DATABASE": str(database)}
        return CliRunner(env=environment).invoke(
            program, list(map(str, arguments)), input=answers, prog_name="famulus"
        )

    return run


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have a sentence in one line, however long the names of temporary files are."""
    monkeypatch.setenv("COLUMNS", "1000")


CROWD = '''
from __future__ import annotations
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from attrs import frozen
from famulus import Nothing, Preview, Provider, hookimpl, option

if TYPE_CHECKING:
    from nowhere import Unknown

class Size(StrEnum):
    SMALL = "small"
    LARGE = "large"

@frozen(kw_only=True)
class Limits:
    most: int = option(help="At most so many.", default=3)
    token: str | None = option(help="Who asks.", secret=True)

@frozen(kw_only=True)
class CrowdArgs:
    """Options of the crowd."""
    api_key: str | None = option(help="Opens the door.", secret=True, required=True)
    pin: str = option(help="Opens the window.", secret=True, default="hush-default")
    size: Size = option(help="How large.", default=Size.SMALL)
    tags: list[str] = option(help="Words.", factory=lambda: ["a", "b"])
    limits: Limits = option(help="Limits of it.", factory=Limits)
    extra: dict[str, Any] = option(help="More.", factory=dict)

@frozen(kw_only=True)
class Registered:
    email: str | None = option(help="Where to write to.")

class Crowd(Provider):
    """Bring people with :class:`~famulus.Provider`. And ``more`` of them.

    Second
    paragraph.

    - one
    - two
    """
    type = "crowd"
    Args = CrowdArgs
    RequesterArgs = Registered

    def problems(self, plan):
        return []

    def arrive(self, query):
        return Preview()

    def completion(self, visit, outcome):
        return Nothing()

@hookimpl
def famulus_register_providers():
    return [Crowd]
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Install a plugin of one module, as a third-party package."""
    site = tmp_path / "site"
    monkeypatch.syspath_prepend(str(site))
    names: list[str] = []

    def installed(name: str, source: str = CROWD) -> None:
        module = f"third_party_{name}"
        names.append(module)
        info = site / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (site / f"{module}.py").write_text(source, encoding="utf-8")
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: third-party-{name}\nVersion: 1.2\n", encoding="utf-8"
        )
        (info / "entry_points.txt").write_text(f"[famulus]\n{name} = {module}\n", encoding="utf-8")
        importlib.invalidate_caches()

    yield installed
    for module in names:
        sys.modules.pop(module, None)
