"""Recording and undoing decisions: exact effects, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import Decided, decide, undo
from famulus.engine.ledger.recorded_decisions import unapplied_units
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.database import Database
from famulus.model.states import AgentStatus, Decision, PaymentStatus, UnitStatus
from famulus.model.tables import AgentTable, EventTable, PaymentTable, ReviewTable, UnitTable
from famulus.testing.inprocess import GatewayWorker, ManualOperator
from famulus.testing.movable_clock import MovableClock

REASON = "It is about another text."


@pytest.fixture
def units(operator: ManualOperator) -> list[int]:
    """Two completed units, and a third without answers."""
    gateway = operator.launch_rows([{"n": n} for n in range(3)], task_name="words")
    for _ in range(2):
        GatewayWorker(gateway, "x").work()
    with operator.database.read() as tx:
        return [row.id for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))]


def decided(
    database: Database,
    unit: int,
    decision: Decision,
    note: str = "",
    seen: UnitStatus = UnitStatus.COMPLETED,
) -> Decided:
    return database.write(lambda tx: decide(tx, unit, decision, note=note, seen=seen))


def apply(database: Database, *units: int) -> int:
    return database.write(lambda tx: apply_decisions(tx, units))


def statuses(database: Database, unit: int) -> tuple[UnitStatus, AgentStatus]:
    query = UnitTable.select(UnitTable.status, AgentTable.status.alias("agent")).join(
        AgentTable, on=(UnitTable.agent_id == AgentTable.id)
    )
    with database.read() as tx:
        row = tx.row(query.where(UnitTable.id == unit))
    assert row is not None
    return row.status, row.agent


def number_of(database: Database, table: type) -> int:
    with database.read() as tx:
        return len(tx.rows(table.select()))  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("decision", "unit_status", "agent_status"),
    [
        (Decision.ACCEPTED, UnitStatus.ACCEPTED, AgentStatus.APPROVED),
        (Decision.SOFT_REJECTED, UnitStatus.SOFT_REJECTED, AgentStatus.SOFT_REJECTED),
        (Decision.REJECTED, UnitStatus.REJECTED, AgentStatus.REJECTED),
    ],
)
def test_decision_changes_the_unit_and_the_attempt_and_undoing_restores_both(
    database: Database,
    units: list[int],
    decision: Decision,
    unit_status: UnitStatus,
    agent_status: AgentStatus,
) -> None:
    before = statuses(database, units[0])

    made = decided(database, units[0], decision, REASON)
    after = statuses(database, units[0])
    undone = database.write(lambda tx: undo(tx, units[0]))

    assert (made.changed, made.status, after) == (True, unit_status, (unit_status, agent_status))
    assert made.active is not None
    assert (made.active.note, made.active.is_applied) == (REASON, False)
    assert (undone.status, undone.active) == (UnitStatus.COMPLETED, None)
    assert statuses(database, units[0]) == before


def test_decision_does_not_change_when_the_attempt_ended(
    database: Database, units: list[int], clock: MovableClock
) -> None:
    query = AgentTable.select(AgentTable.ended_at).order_by(AgentTable.id)
    with database.read() as tx:
        before = tx.rows(query)
    clock.advance(60)

    decided(database, units[0], Decision.ACCEPTED)

    with database.read() as tx:
        assert tx.rows(query) == before


def test_same_decision_again_writes_nothing(database: Database, units: list[int]) -> None:
    decided(database, units[0], Decision.ACCEPTED)
    before = number_of(database, EventTable), number_of(database, ReviewTable)

    again = decided(database, units[0], Decision.ACCEPTED)
    apply(database, units[0])
    applied = decided(database, units[0], Decision.ACCEPTED)

    assert (again.changed, applied.changed) == (False, False)
    assert applied.active is not None
    assert applied.active.is_applied
    assert number_of(database, ReviewTable) == before[1]
    assert again.status is UnitStatus.ACCEPTED


def test_another_decision_is_refused_with_the_one_in_force_and_its_time(
    database: Database, units: list[int]
) -> None:
    decided(database, units[0], Decision.REJECTED, REASON)

    with pytest.raises(ConflictError) as refused:
        decided(database, units[0], Decision.ACCEPTED)

    assert str(refused.value) == (
        f"unit {units[0]} is rejected since 2030-01-01 12:00:00 UTC, "
        "by a review that can still undo it"
    )


def test_applied_acceptance_cannot_be_undone(database: Database, units: list[int]) -> None:
    decided(database, units[0], Decision.ACCEPTED)
    apply(database, units[0])

    for seen in (UnitStatus.COMPLETED, UnitStatus.ACCEPTED):
        with pytest.raises(ConflictError, match="final: the work is paid for"):
            decided(database, units[0], Decision.REJECTED, REASON, seen)
    with pytest.raises(ConflictError, match="nothing to undo"):
        database.write(lambda tx: undo(tx, units[0]))
    assert statuses(database, units[0]) == (UnitStatus.ACCEPTED, AgentStatus.APPROVED)


def test_applied_rejection_is_corrected_by_a_reviewer_who_has_seen_it(
    database: Database, units: list[int]
) -> None:
    decided(database, units[0], Decision.REJECTED, REASON)
    apply(database, units[0])

    with pytest.raises(ConflictError, match="is rejected since"):
        decided(database, units[0], Decision.ACCEPTED)
    corrected = decided(database, units[0], Decision.ACCEPTED, seen=UnitStatus.REJECTED)

    assert corrected.status is UnitStatus.ACCEPTED
    assert statuses(database, units[0]) == (UnitStatus.ACCEPTED, AgentStatus.APPROVED)


def test_undoing_a_corrected_rejection_restores_the_rejection(
    database: Database, units: list[int]
) -> None:
    decided(database, units[0], Decision.REJECTED, REASON)
    apply(database, units[0])
    decided(database, units[0], Decision.ACCEPTED, seen=UnitStatus.REJECTED)

    undone = database.write(lambda tx: undo(tx, units[0]))

    assert undone.active is not None
    assert (undone.active.decision, undone.active.note) == (Decision.REJECTED, REASON)
    assert statuses(database, units[0]) == (UnitStatus.REJECTED, AgentStatus.REJECTED)
    with pytest.raises(ConflictError, match="nothing to undo"):
        database.write(lambda tx: undo(tx, units[0]))


def test_decision_that_was_undone_can_be_made_again(database: Database, units: list[int]) -> None:
    decided(database, units[0], Decision.ACCEPTED)
    database.write(lambda tx: undo(tx, units[0]))

    again = decided(database, units[0], Decision.ACCEPTED)

    assert again.changed
    assert number_of(database, ReviewTable) == 2


def test_only_the_named_decision_is_undone(database: Database, units: list[int]) -> None:
    mine = decided(database, units[0], Decision.ACCEPTED)
    assert mine.active is not None
    review = mine.active.review
    database.write(lambda tx: undo(tx, units[0], review=review))
    decided(database, units[0], Decision.REJECTED, REASON)

    with pytest.raises(ConflictError, match="is rejected since"):
        database.write(lambda tx: undo(tx, units[0], review=review))

    assert statuses(database, units[0])[0] is UnitStatus.REJECTED


def test_conflict_names_the_undone_decision(
    database: Database, units: list[int], clock: MovableClock
) -> None:
    decided(database, units[0], Decision.REJECTED, REASON)
    clock.advance(5)
    database.write(lambda tx: undo(tx, units[0]))

    with pytest.raises(ConflictError) as refused:
        decided(database, units[0], Decision.ACCEPTED, seen=UnitStatus.REJECTED)

    assert str(refused.value) == (
        f"unit {units[0]} is completed since 2030-01-01 12:00:05 UTC, when a decision was undone"
    )


def test_unit_without_answers_is_not_decided_on(database: Database, units: list[int]) -> None:
    with pytest.raises(ConflictError, match=f"unit {units[2]} is launched: it has no answers"):
        decided(database, units[2], Decision.ACCEPTED)
    with pytest.raises(NotFoundError, match="there is no unit 999"):
        decided(database, 999, Decision.ACCEPTED)


@pytest.mark.parametrize("reason", ["", "  "])
def test_rejection_needs_a_reason(database: Database, units: list[int], reason: str) -> None:
    with pytest.raises(UsageError, match="a rejection needs a reason"):
        decided(database, units[0], Decision.REJECTED, reason)

    assert statuses(database, units[0])[0] is UnitStatus.COMPLETED


def test_unapplied_units_are_found_page_by_page(database: Database, units: list[int]) -> None:
    for unit in units[:2]:
        decided(database, unit, Decision.ACCEPTED)

    with database.read() as tx:
        run = tx.rows(UnitTable.select(UnitTable.run))[0].run_id
        first = unapplied_units(tx, [run], most=1)
        second = unapplied_units(tx, [run], after=first[-1], most=1)
        elsewhere = unapplied_units(tx, [run + 1])
    apply(database, *units)

    assert (first, second, elsewhere) == ([units[0]], [units[1]], [])
    with database.read() as tx:
        assert unapplied_units(tx, [run]) == []


def test_one_of_two_different_decisions_at_the_same_time_is_refused(
    database: Database, units: list[int]
) -> None:
    together = threading.Barrier(2, timeout=60)

    def race(decision: Decision) -> str:
        together.wait()
        try:
            decided(database, units[0], decision, REASON)
        except ConflictError:
            return "refused"
        return decision.value

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(race, (Decision.ACCEPTED, Decision.REJECTED)))

    (winner,) = [outcome for outcome in outcomes if outcome != "refused"]
    assert statuses(database, units[0])[0].value == winner
    assert number_of(database, ReviewTable) == 1


def test_applying_and_undoing_at_the_same_time_agree_on_the_payments(
    operator: ManualOperator, database: Database
) -> None:
    gateway = operator.launch_rows([{"n": n} for n in range(12)], task_name="words")
    for _ in range(12):
        GatewayWorker(gateway, "x").work()
    with database.read() as tx:
        all_units = [
            row.id for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))
        ]
    for unit in all_units:
        decided(database, unit, Decision.ACCEPTED)
    together = threading.Barrier(2, timeout=60)

    def apply_each() -> None:
        for unit in all_units:
            together.wait()
            apply(database, unit)

    def reject_each() -> None:
        for unit in all_units:
            together.wait()
            try:
                database.write(lambda tx: undo(tx, unit))  # noqa: B023
            except ConflictError:
                continue
            decided(database, unit, Decision.REJECTED, REASON)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(apply_each), pool.submit(reject_each)]:
            done.result()

    planned = PaymentTable.select(PaymentTable.unit.alias("unit")).where(
        PaymentTable.status == PaymentStatus.OWED
    )
    with database.read() as tx:
        paid = {row.unit for row in tx.rows(planned)}
        accepted = {
            row.id
            for row in tx.rows(UnitTable.select(UnitTable.id).where(UnitTable.status == "accepted"))
        }
    assert paid == accepted
