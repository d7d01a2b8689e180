"""Outbox rows are retried with longer and longer pauses, and enqueued once per key."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from famulus.contracts.provider_views import RunView
from famulus.engine.outbox.due_rows import select_due
from famulus.engine.outbox.outbox_rows import (
    OutboxKind,
    claim,
    enqueue,
    make_due,
    redeliver,
)
from famulus.engine.outbox.retry_pause import pause_after
from famulus.errors import UnavailableError
from famulus.model.database import Database
from famulus.model.states import OutboxStatus
from famulus.model.tables import OutboxTable, TaskRunTable
from famulus.model.transaction import Row, Transaction
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.kinds import CrowdProvider
from famulus.testing.movable_clock import MovableClock

ROWS = [{"n": 1}, {"n": 2}]


def outbox_rows(database: Database) -> list[Row]:
    with database.read() as tx:
        return tx.rows(OutboxTable.select().order_by(OutboxTable.id))


def pretend_a_place(database: Database) -> None:
    """Make the run look like one with a place to close."""
    database.write(lambda tx: tx.execute(TaskRunTable.update(next_place=1)))


def test_failing_call_is_retried_with_longer_pauses_until_it_succeeds_once(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried: list[float] = []
    begin = clock()

    def pause_places(self: CrowdProvider, run: RunView) -> None:
        tried.append((clock() - begin).total_seconds())
        if len(tried) <= 4:
            raise UnavailableError("throttled")

    monkeypatch.setattr(CrowdProvider, "pause_places", pause_places)
    gateway = operator.launch_rows(ROWS)
    pretend_a_place(database)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id)
    for _ in range(40):
        operator.turn()
        clock.advance(1)

    assert tried == [0, 1, 3, 7, 15]
    (row,) = outbox_rows(database)
    assert (row.status, row.attempts, row.error) == (OutboxStatus.DONE, 5, "")


@pytest.mark.parametrize(
    ("asked_for", "second"),
    [
        (0, 1),
        (45, 45),
        (1000.5, 1001),
        (-5, 2),
        (float("nan"), 2),
        ("45", 2),
    ],
)
def test_failing_call_is_retried_when_the_platform_asks_for_it(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
    asked_for: Any,
    second: int,
) -> None:
    tried: list[float] = []
    begin = clock()

    def pause_places(self: CrowdProvider, run: RunView) -> None:
        tried.append((clock() - begin).total_seconds())
        if len(tried) == 2:
            raise UnavailableError("throttled", retry_after=asked_for)
        if len(tried) == 1:
            raise UnavailableError("throttled")

    monkeypatch.setattr(CrowdProvider, "pause_places", pause_places)
    gateway = operator.launch_rows(ROWS)
    pretend_a_place(database)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id)
    operator.turn()
    assert tried == [0]
    clock.advance(1)
    operator.turn()
    assert tried == [0, 1]

    clock.advance(second - 1)
    operator.turn()
    assert tried == [0, 1]
    clock.advance(1)
    operator.turn()

    assert tried == [0, 1, 1 + second]


def test_pause_that_a_platform_asks_for_is_at_most_a_day() -> None:
    assert pause_after(3, 86_399) == timedelta(seconds=86_399)
    assert pause_after(3, float("inf")) == pause_after(3, 10**400) == timedelta(days=1)


def test_pause_between_attempts_is_bounded(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(self: CrowdProvider, run: RunView) -> None:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(CrowdProvider, "pause_places", broken)
    gateway = operator.launch_rows(ROWS, assignment_duration_in_seconds=10**6)
    pretend_a_place(database)
    GatewayWorker(gateway, "x").arrive()
    operator.stop(gateway.run_id)
    for _ in range(15):
        operator.turn()
        clock.advance(600)

    (row,) = outbox_rows(database)
    assert row.next_attempt_at - clock() <= timedelta(minutes=10)
    assert row.attempts == 15
    assert row.error == "ZeroDivisionError: on purpose"
    monkeypatch.undo()


def test_same_key_twice_is_one_row(database: Database) -> None:
    for _ in range(2):
        database.write(lambda tx: enqueue(tx, kind=OutboxKind.QUALIFY, key="same", payload={}))

    assert len(outbox_rows(database)) == 1


@pytest.mark.parametrize("repeat", [make_due, redeliver])
def test_a_row_that_a_process_is_delivering_is_due_again_only_once_its_claim_has_expired(
    operator: ManualOperator,
    database: Database,
    clock: MovableClock,
    repeat: Callable[[Transaction, str], None],
) -> None:
    run, lease = operator.launch_rows(ROWS).run_id, timedelta(minutes=2)

    def due() -> list[str]:
        with database.read() as tx:
            return [row.key for row in select_due(tx, run=run, requester=0, most=5)]

    database.write(lambda tx: enqueue(tx, run=run, kind=OutboxKind.MOVE_END, key="row", payload={}))
    (row,) = outbox_rows(database)
    assert database.write(lambda tx: claim(tx, row, lease, "the process that delivers it"))

    database.write(lambda tx: repeat(tx, "row"))

    assert due() == []
    (claimed,) = outbox_rows(database)
    assert claimed.claimed_by == "the process that delivers it"
    clock.advance(lease.total_seconds())
    assert due() == ["row"]
