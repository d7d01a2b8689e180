"""The list of payments: of a run, of a task, by status."""

from __future__ import annotations

import os
from datetime import timedelta

import pytest
from attrs import evolve

from famulus.data.payments import PaymentRecord, list_payments
from famulus.errors import NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.states import PaymentStatus
from famulus.model.tables import OutboxTable, UnitTable
from famulus.plugins import Plugins
from famulus.process import ProcessIdentity
from famulus.review.payment_actions import pay_bonus
from famulus.testing.fake_platform import FakePlatform, Fault, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock

TASKS = ("first", "second")
#: A process id that this machine does not give.
ENDED_PID = 2**30


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def runs(
    operator: ManualOperator, database: Database, plugins: Plugins, platform: FakePlatform
) -> list[int]:
    """A run of each task, with a bonus that was paid and one whose outcome is unknown."""
    numbers = []
    for task in TASKS:
        gateway = operator.launch_rows([{"n": 1}], provider="paying", task_name=task)
        GatewayWorker(gateway, "x").work()
        numbers.append(gateway.run_id)
        with database.read() as tx:
            unit = tx.row(UnitTable.select(UnitTable.id).where(UnitTable.run == gateway.run_id))
        assert unit is not None
        platform.faults = [None, Fault.LOST]
        for reason in ("paid", "lost"):
            pay_bonus(database, unit.id, "0.50", reason=reason, plugins=plugins)
    return numbers


def test_payments_are_of_a_run_of_a_task_or_of_a_status(
    runs: list[int], database: Database
) -> None:
    every = [(payment.run, payment.reason) for payment in list_payments(database)]
    assert every == [(run, reason) for run in runs for reason in ("paid", "lost")]
    for run, task in zip(runs, TASKS, strict=True):
        assert list_payments(database, run=run) == list_payments(database, task=task)
        (unknown,) = list_payments(database, run=run, status=PaymentStatus.UNKNOWN)
        assert (unknown.run, unknown.reason) == (run, "lost")

    assert len(list_payments(database, status=PaymentStatus.CONFIRMED)) == len(runs)
    assert list_payments(database, status=PaymentStatus.FAILED) == []


def test_a_payment_names_the_process_that_makes_it_unless_it_has_ended(
    runs: list[int], database: Database, clock: MovableClock
) -> None:
    def unknown() -> PaymentRecord:
        (payment,) = list_payments(database, run=runs[0], status=PaymentStatus.UNKNOWN)
        return payment

    assert (unknown().payer, unknown().payer_until) == ("", None)
    until = clock() + timedelta(minutes=1)
    for pid, payer in ((os.getpid(), f"process {os.getpid()} on "), (ENDED_PID, "")):
        claimant = evolve(ProcessIdentity.current(), pid=pid)
        claim = OutboxTable.update(claimed_by=str(claimant), claimed_until=until)
        mine = claim.where(OutboxTable.key == f"pay-{unknown().id}")
        database.write(lambda tx: tx.execute(mine))  # noqa: B023

        assert unknown().payer.startswith(payer)
        assert unknown().payer_until == (until if payer else None)


def test_payments_of_what_does_not_exist_are_an_error(runs: list[int], database: Database) -> None:
    with pytest.raises(NotFoundError, match="there is no run 999"):
        list_payments(database, run=999)
    with pytest.raises(NotFoundError, match="there is no task 'third'"):
        list_payments(database, task="third")
    with pytest.raises(UsageError, match="a task or a run, not both"):
        list_payments(database, task="first", run=runs[0])
