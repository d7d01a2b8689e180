"""A small part of what ``make faults`` does."""

from __future__ import annotations

from pathlib import Path

import pytest

from campaign import Case
from famulus.testing.databases import PostgresDatabases

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc"),
]

#: Kills while people work; the commands that pay are killed on top of that.
KILLS = {"processes": 5, "forks": 10}


@pytest.mark.parametrize(
    "text",
    [
        "processes/sqlite/mock/ci",
        "processes/postgresql/mock/ci",
        "processes/sqlite/mturk/ci",
        "processes/postgresql/mturk/ci",
        "forks/sqlite/mock/ci",
        "forks/postgresql/mturk/ci",
    ],
)
def test_nothing_is_lost_left_open_or_paid_twice(
    text: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = Case.parse(text)

    def postgres() -> PostgresDatabases:
        lent: PostgresDatabases = request.getfixturevalue("postgres")
        return lent

    assert case.run(tmp_path, postgres, KILLS[case.kind]) >= KILLS[case.kind]
