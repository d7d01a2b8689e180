"""Fixtures: a fake MTurk that keeps state, and a provider that calls it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from famulus import Database
from famulus.testing.movable_clock import MovableClock
from famulus_mturk.fake import FakeMTurk
from mturk_bench import Bench, set_keys, share_service_descriptions


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set keys, and one attempt per call."""
    set_keys(monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


@pytest.fixture(autouse=True)
def service_descriptions(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read the descriptions of AWS's services once."""
    share_service_descriptions(monkeypatch)


@pytest.fixture
def mturk(clock: MovableClock) -> Iterator[FakeMTurk]:
    """Both sites, which go by ``clock``."""
    with FakeMTurk(clock) as running:
        yield running


@pytest.fixture
def bench(mturk: FakeMTurk, database: Database, clock: MovableClock) -> Bench:
    """A run in the sandbox."""
    return Bench(mturk.sandbox, database, clock)


@pytest.fixture
def live_bench(mturk: FakeMTurk, database: Database, clock: MovableClock) -> Bench:
    """A run on the live site, with 100 dollars."""
    return Bench(mturk.live, database, clock)
