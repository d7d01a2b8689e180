"""Loaded by pytest with ``-p famulus.testing.pytest_plugin``: fixtures for plugin authors.

Modules are imported when a fixture first needs them. Tests that need software which the machine
lacks are skipped with a message that gives the remedy; if the variable ``CI`` is set, they fail.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from famulus.model.database import Database
    from famulus.plugins import Plugins
    from famulus.testing.databases import PostgresDatabases
    from famulus.testing.inprocess import ManualOperator
    from famulus.testing.movable_clock import MovableClock
    from famulus.testing.postgres import PostgresServer
    from famulus.testing.served_run import ServedRun


def pytest_configure() -> None:
    """Let the processes that tests start be interrupted with Ctrl-C.

    A shell ignores SIGINT in the background jobs of a script, and child processes inherit that. A
    Python handler is set here, since child processes do not inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Share one Chromium among the tests."""
    from famulus.errors import UnavailableError
    from famulus.testing.chromium import chromium

    with ExitStack() as stack:
        try:
            opened = stack.enter_context(chromium())
        except UnavailableError as error:
            _lacking(str(error))
        yield opened


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresDatabases]:
    """Share one PostgreSQL server among the tests, and lend its databases."""
    from famulus.testing.databases import postgres_databases

    with ExitStack() as stack:
        try:
            databases = stack.enter_context(postgres_databases())
        except LookupError as error:
            _lacking(str(error))
        yield databases


@pytest.fixture(scope="session")
def _empty_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite database without rows, to copy: creating its tables takes much longer."""
    from famulus.model.database import Database

    file = tmp_path_factory.mktemp("empty") / "famulus.db"
    with Database(file) as database:
        assert database.identity
    return file


@pytest.fixture(scope="module")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for one test module, whose tests stop and start it."""
    from famulus.testing.postgres import stoppable_server

    with ExitStack() as stack:
        try:
            server = stack.enter_context(stoppable_server())
        except LookupError as error:
            _lacking(str(error))
        yield server


@pytest.fixture
def clock() -> MovableClock:
    """A clock that stands still until the test moves it; ``database`` uses it."""
    from famulus.testing.movable_clock import MovableClock

    return MovableClock()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_address(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a database without runs, of each kind in turn."""
    if request.param == "sqlite":
        file = tmp_path / "famulus.db"
        yield str(shutil.copy(request.getfixturevalue("_empty_sqlite_file"), file))
        return
    databases: PostgresDatabases = request.getfixturevalue("postgres")
    monkeypatch.setenv("FAMULUS_SECRET_KEY", "a-key-for-tests-of-32-characters")
    monkeypatch.setenv("FAMULUS_FILES", str(tmp_path / "files"))
    monkeypatch.setattr("famulus.model.postgresql.connect", databases.connect)
    with databases.lend() as address:
        yield address


@pytest.fixture
def database(database_address: str, clock: MovableClock) -> Iterator[Database]:
    """An empty database of each kind in turn."""
    from famulus.model.database import Database

    with Database(database_address, clock=clock) as opened:
        yield opened


@pytest.fixture
def plugins() -> Plugins:
    """The plugins of the testing kit; override it in a module that needs more."""
    from famulus.testing.inprocess import kit_plugins

    return kit_plugins()


@pytest.fixture
def operator(database: Database, plugins: Plugins) -> Iterator[ManualOperator]:
    """An operator on ``database`` with ``plugins``; the test calls its ``turn``."""
    from famulus.testing.inprocess import ManualOperator

    manual = ManualOperator(database, plugins=plugins)
    with manual:
        yield manual


@pytest.fixture
def launched_run(tmp_path: Path) -> Iterator[Callable[..., ServedRun]]:
    """A function that launches a configuration over real HTTP until the end of the test.

    The function takes the arguments of :func:`famulus.testing.served_run.served_run`, except for
    the database.
    """
    from famulus.testing.served_run import served_run

    with ExitStack() as stack:
        runs = 0

        def launch(configuration: Mapping[str, Any] | Path, **more: Any) -> ServedRun:
            nonlocal runs
            runs += 1
            database = tmp_path / f"launched-{runs}.db"
            return stack.enter_context(served_run(configuration, database, **more))

        yield launch


def _lacking(sentence: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(sentence)
    pytest.skip(sentence)
