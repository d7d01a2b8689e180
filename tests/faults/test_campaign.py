"""A small part of ``make faults``."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from campaign import DATABASES, Case
from campaign.cases import CROWDS, KINDS
from famulus.testing.databases import PostgresDatabases

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds processes in /proc"),
]

#: Kills of a round while people work; the commands that pay are killed on top of that. All rounds
#: together have at least 40.
KILLS = {"processes": 4, "forks": 16}
#: Each kind of kill with each database and each crowd, and each database with each crowd; ``make
#: faults`` has all three at once.
PAIRS = [
    ("processes", "sqlite", "mturk"),
    ("processes", "postgresql", "mock"),
    ("forks", "sqlite", "mock"),
    ("forks", "postgresql", "mturk"),
]


@pytest.mark.parametrize(("kind", "database", "crowd"), PAIRS)
def test_nothing_is_lost_left_open_or_paid_twice(
    kind: str, database: str, crowd: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    case = Case(kind=kind, database=database, crowd=crowd, seed="ci")

    def postgres() -> PostgresDatabases:
        lent: PostgresDatabases = request.getfixturevalue("postgres")
        return lent

    assert case.run(tmp_path, postgres, kills=KILLS[kind], bonuses=1) >= KILLS[kind]


def test_rounds_have_every_pair_and_forty_kills() -> None:
    for one, other, pairs in (
        (0, 1, itertools.product(KINDS, DATABASES)),
        (0, 2, itertools.product(KINDS, CROWDS)),
        (1, 2, itertools.product(DATABASES, CROWDS)),
    ):
        assert {(each[one], each[other]) for each in PAIRS} == set(pairs)
    assert sum(KILLS[kind] for kind, _, _ in PAIRS) >= 40
