"""Refusals: of several reasons, the first one of the list is given."""

from __future__ import annotations

import pytest

from famulus.engine.admission import BEFORE_ENTRY, BEFORE_UNIT, BEFORE_WORK, REFUSALS
from famulus.engine.qualifications.blocks import set_blocked
from famulus.engine.qualifications.grants import grant, make_qualification
from famulus.engine.workers import make_worker
from famulus.model.database import Database
from famulus.options.requirements import make_qualification_dict
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]
LIFETIME = 3600


def number(database: Database, name: str) -> int:
    return database.write(lambda tx: make_worker(tx, "crowd", name))


def give(database: Database, name: str, value: int) -> None:
    worker = number(database, name)
    database.write(lambda tx: grant(tx, worker=worker, qualification="q", value=value))


def block(database: Database, name: str, *, blocked: bool) -> None:
    worker = number(database, name)
    database.write(lambda tx: set_blocked(tx, worker=worker, blocked=blocked))


def test_of_several_reasons_the_first_of_the_list_is_given(
    operator: ManualOperator, database: Database, clock: MovableClock
) -> None:
    database.write(lambda tx: make_qualification(tx, "q"))
    gateway = operator.launch_rows(
        ROWS,
        shared={"qualifications": [make_qualification_dict("q", "NotEqualTo", 0)]},
        allowed_concurrent=1,
        maximum_units_per_worker=1,
        task_lifetime_in_seconds=LIFETIME,
    )
    give(database, "x", 1)
    give(database, "y", 1)
    x = GatewayWorker(gateway, "x")
    page = x.arrive("a")
    GatewayWorker(gateway, "y").arrive("b", place="P")
    give(database, "x", 0)
    block(database, "x", blocked=True)
    refusals = [x.arrive("c", place="P").refusal]

    block(database, "x", blocked=False)
    refusals.append(x.arrive("c", place="P").refusal)
    give(database, "x", 1)
    refusals.append(x.arrive("c", place="P").refusal)
    refusals.append(x.arrive("c").refusal)
    x.submit(page)
    refusals.append(x.arrive("c").refusal)
    block(database, "x", blocked=True)
    clock.advance(LIFETIME)
    refusals.append(x.arrive("c", place="P").refusal)

    assert refusals == [
        "blocked",
        "not_qualified",
        "place_taken",
        "too_many_open",
        "maximum_reached",
        "run_closed",
    ]


def test_the_list_of_refusals_is_that_of_its_stages_in_their_order() -> None:
    assert (*BEFORE_ENTRY, *BEFORE_WORK, *BEFORE_UNIT) == REFUSALS


@pytest.mark.parametrize("rule", REFUSALS, ids=lambda rule: rule.__name__)
def test_every_refusal_documents_whom_it_refuses(rule: object) -> None:
    assert (rule.__doc__ or "").startswith("Refuse ")
