"""Who may work, as far as qualifications say."""

from __future__ import annotations

from typing import Any

import pytest

from famulus.engine.qualifications.grants import grant, make_qualification
from famulus.engine.workers import find_worker
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.transaction import Transaction
from famulus.options.requirements import make_qualification_dict
from famulus.testing.inprocess import GatewayWorker, ManualOperator


def asked(comparator: str, value: Any) -> dict[str, Any]:
    return make_qualification_dict("q", comparator, value)


@pytest.fixture
def qualified(database: Database) -> None:
    """Worker x has q with 1; the others have no qualification."""
    database.write(lambda tx: make_qualification(tx, "q"))


def give(database: Database, name: str, value: int) -> None:
    def job(tx: Transaction) -> None:
        worker = find_worker(tx, "crowd", name)
        assert worker is not None
        grant(tx, worker=worker, qualification="q", value=value)

    database.write(job)


def test_an_allow_list_admits_only_its_workers(
    operator: ManualOperator, database: Database, qualified: None
) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}, {"n": 2}], shared={"qualifications": [asked("GreaterThanOrEqualTo", 1)]}
    )
    assert GatewayWorker(gateway, "x").arrive("a").refusal == "not_qualified"

    give(database, "x", 1)
    assert GatewayWorker(gateway, "x").arrive("a").row == {"n": 1}

    give(database, "x", 0)
    assert GatewayWorker(gateway, "x").arrive("b").refusal == "not_qualified"
    assert GatewayWorker(gateway, "x").arrive("a").row == {"n": 1}


def test_every_condition_has_to_be_met(
    operator: ManualOperator, database: Database, qualified: None
) -> None:
    both = [asked("Exists", None), asked("NotEqualTo", 3)]
    gateway = operator.launch_rows([{"n": 1}], shared={"qualifications": both})
    GatewayWorker(gateway, "x").arrive("a")

    give(database, "x", 3)
    assert GatewayWorker(gateway, "x").arrive("b").refusal == "not_qualified"
    give(database, "x", 4)
    assert GatewayWorker(gateway, "x").arrive("c").row == {"n": 1}


def test_an_allow_list_of_a_qualification_that_is_not_there_is_no_launch(
    operator: ManualOperator, database: Database
) -> None:
    with pytest.raises(
        UsageError, match="there is no qualification 'q', so Exists admits no worker"
    ):
        operator.launch_rows([{"n": 1}], shared={"qualifications": [asked("Exists", None)]})


def test_a_block_list_of_a_qualification_that_is_not_there_makes_it(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows(
        [{"n": 1}], shared={"qualifications": [asked("DoesNotExist", None)]}
    )
    GatewayWorker(gateway, "y").give_back(GatewayWorker(gateway, "y").arrive("a"))

    give(database, "y", 1)

    assert GatewayWorker(gateway, "y").arrive("b").refusal == "not_qualified"
