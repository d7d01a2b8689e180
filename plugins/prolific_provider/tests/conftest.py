"""Fixtures: a fake Prolific that keeps state, and a provider that calls it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from famulus import Database
from famulus.testing.movable_clock import MovableClock
from famulus_prolific.fake import FakeProlific
from famulus_prolific.tokens import VARIABLE
from prolific_account import ProlificAccount
from prolific_bench import Bench


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the user's settings, which is none of this machine's user."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def prolific(
    clock: MovableClock, config: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[FakeProlific]:
    """One account with 1,000 pounds, which goes by ``clock``; its token is in the environment."""
    with FakeProlific(clock) as running:
        monkeypatch.setenv(VARIABLE, running.token)
        yield running


@pytest.fixture
def bench(prolific: FakeProlific, database: Database, clock: MovableClock) -> Bench:
    """A run of that account."""
    return Bench(prolific, database, clock)


@pytest.fixture
def account(prolific: FakeProlific, database: Database) -> ProlificAccount:
    """That account by itself, with a study that is published."""
    return ProlificAccount(prolific, database)
