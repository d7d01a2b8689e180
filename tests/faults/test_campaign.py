"""A small part of ``make faults``."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest

from campaign import DATABASES, Case
from famulus.testing.databases import PostgresDatabases

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc"),
]

#: Kills of a round while people work; the commands that pay are killed on top of that.
KILLS = {"processes": 3, "forks": 5}


class _Campaign:
    """One scope for each crowd, so that two workers of pytest-xdist share them."""

    crowd: ClassVar[str]

    @pytest.mark.parametrize("database", DATABASES)
    @pytest.mark.parametrize("kind", ["processes", "forks"])
    def test_nothing_is_lost_left_open_or_paid_twice(
        self, kind: str, database: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        case = Case(kind=kind, database=database, crowd=self.crowd, seed="ci")

        def postgres() -> PostgresDatabases:
            lent: PostgresDatabases = request.getfixturevalue("postgres")
            return lent

        assert case.run(tmp_path, postgres, kills=KILLS[kind], bonuses=1) >= KILLS[kind]


class TestMock(_Campaign):
    """The provider ``mock``."""

    crowd = "mock"


class TestMturk(_Campaign):
    """A fake MTurk's sandbox."""

    crowd = "mturk"
