"""Top-ups are listed on a terminal, and paid only where the question is answered with yes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from famulus import Database, list_payments
from famulus.data.newest_units import newest_units
from famulus.data.scope import find_scope
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide
from famulus.model.states import Decision, PaymentKind
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

EXAMPLE = Path(__file__).parents[2] / "sdk_examples/simple_static_task"

pytestmark = pytest.mark.slow


@pytest.fixture
def run_of_paid_unit(database_address: str) -> int:
    """A run with a unit that took three minutes, and was accepted and paid."""
    clock = MovableClock(datetime.now(UTC) - timedelta(minutes=5))
    with Database(database_address, clock=clock) as database:
        operator = ManualOperator(database)
        with operator:
            run = operator.launch(
                EXAMPLE / "conf" / "example.yaml",
                overrides=["architect=external", "architect.public_url=https://example.org/"],
            )
            operator.load_all(run)
            worker = GatewayWorker(operator.gateway(run), "x")
            page = worker.arrive()
            clock.advance(180)
            worker.submit(page, rating="passable", comment="")
            [unit] = newest_units(database, find_scope(database, "html-static-task-example"))
            database.write(lambda tx: decide(tx, unit.unit, Decision.ACCEPTED))
            database.write(lambda tx: apply_decisions(tx, [unit.unit]))
            operator.turn()
    return run.run_id


def bonuses(address: str) -> list[str]:
    with Database(address) as database:
        payments = list_payments(database)
    return [str(each.amount) for each in payments if each.kind is PaymentKind.BONUS]


@pytest.mark.parametrize(
    ("keys", "status", "paid"), [("y\n", 0, ["0.15"]), ("\n", 2, []), ("\x04", 2, [])]
)
def test_a_topup_is_paid_where_the_question_is_answered_with_yes(
    in_terminal: Callable[..., Any],
    database_address: str,
    run_of_paid_unit: int,
    keys: str,
    status: int,
    paid: list[str],
) -> None:
    screen = in_terminal("-m", "famulus", "topup", str(run_of_paid_unit), "--hourly", "9")
    screen.wait_for("Total: 0.15 USD for 1 unit in 1 visit.")
    screen.wait_for("Pay? (y)es/(n)o: ")

    screen.press(keys)

    assert screen.wait() == status
    assert ("nothing was paid" in screen.text) is not bool(paid)
    assert bonuses(database_address) == paid
