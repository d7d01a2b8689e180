"""The messages of the kit where PostgreSQL cannot be used."""

from __future__ import annotations

import importlib.machinery
from typing import Any

import pytest

from famulus.testing import databases, postgres


@pytest.fixture
def no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    """psycopg is not installed."""
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)


@pytest.fixture
def no_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """The programs of PostgreSQL are not installed."""
    spec: Any = importlib.machinery.ModuleSpec("psycopg", None)
    monkeypatch.setattr(postgres, "find_spec", lambda name: spec)
    monkeypatch.setattr(postgres, "find_server", lambda: None)


@pytest.mark.usefixtures("no_driver")
def test_without_the_driver_the_message_has_the_remedy() -> None:
    with (
        pytest.raises(LookupError, match=r"pip install 'famulus\[postgres\]'"),
        databases.postgres_databases(),
    ):
        pytest.fail("no database can be lent")


@pytest.mark.usefixtures("no_server")
def test_without_a_server_the_message_has_the_remedy() -> None:
    with pytest.raises(LookupError, match=r"postgresql"), databases.postgres_databases():
        pytest.fail("no database can be lent")


@pytest.mark.parametrize("ci", [False, True])
@pytest.mark.usefixtures("no_driver")
def test_tests_on_postgresql_are_skipped_with_that_sentence_and_fail_in_ci(
    ci: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from famulus.testing import pytest_plugin

    monkeypatch.setenv("CI", "true" if ci else "")
    fixture = pytest_plugin.postgres.__wrapped__  # type: ignore[attr-defined]
    ending = pytest.fail.Exception if ci else pytest.skip.Exception

    with pytest.raises(ending, match="need the Python package psycopg"):
        next(fixture())
