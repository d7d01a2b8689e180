"""Decisions lead to verdicts and rewards: each once, atomically, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from attrs import evolve

from famulus.contracts.visit_verdict import Approve, Reject
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.platform.bound_provider import deliver_run
from famulus.model.database import Database
from famulus.model.states import Decision, OutboxStatus, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import OutboxTable, PaymentTable, ReviewTable, UnitTable, VisitTable
from famulus.model.transaction import Row
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once
from stored_rows import rows_of

THREADS = 6
ACCEPTED, SOFT, REJECTED = Decision.ACCEPTED, Decision.SOFT_REJECTED, Decision.REJECTED


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def gateway(database: Database, plugins: Plugins) -> Iterator[Gateway]:
    """A run of three units, each done by another worker."""
    with ManualOperator(database, plugins=plugins) as operator:
        opened = operator.launch_rows([{"n": n} for n in range(3)], provider="paying")
        for name in ("a", "b", "c"):
            GatewayWorker(opened, name).work()
        yield opened


def applied(database: Database, decision: Decision, *, unit: int = 0, note: str = "why") -> int:
    """Decide on a unit, counted from 0, and apply the decision."""
    number = units(database)[unit]
    note = note if decision is REJECTED else ""

    def job(tx: Any) -> int:
        status = tx.row(UnitTable.select(UnitTable.status).where(UnitTable.id == number)).status
        decide(tx, number, decision, note=note, seen=status)
        return apply_decisions(tx, [number])

    return database.write(job)


def units(database: Database) -> list[int]:
    with database.read() as tx:
        return [row.id for row in tx.rows(UnitTable.select(UnitTable.id).order_by(UnitTable.id))]


def reward(database: Database) -> Row:
    (row,) = rows_of(database, PaymentTable)
    return row


def test_accepted_unit_is_approved_and_paid_with_its_fee(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    assert applied(database, ACCEPTED) == 1
    planned = reward(database)
    assert (planned.status, planned.amount, planned.fee) == (PaymentStatus.PLANNED, 10, 2)

    assert deliver_run(database, plugins, gateway.run_id) == 1

    assert platform.rewarded == [rows_of(database, VisitTable)[0].reference]
    assert reward(database).status is PaymentStatus.CONFIRMED
    assert rows_of(database, VisitTable)[0].status is VisitStatus.APPROVED


def test_soft_rejected_unit_is_paid(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    applied(database, SOFT)
    deliver_run(database, plugins, gateway.run_id)

    assert len(platform.rewarded) == 1


def test_rejected_unit_is_sent_with_its_reason_and_owes_nothing(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    applied(database, REJECTED, note="empty")
    deliver_run(database, plugins, gateway.run_id)

    assert list(platform.verdicts.values()) == [Reject("empty")]
    assert rows_of(database, PaymentTable) == []
    assert rows_of(database, VisitTable)[0].status is VisitStatus.REJECTED


def test_reasons_that_are_too_long_together_are_cut_for_the_platform(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = plugins.provider("paying")
    limited = evolve(provider.capabilities, longest_rejection=10)
    monkeypatch.setattr(provider, "capabilities", limited)
    applied(database, REJECTED, note="Nothing is answered.")
    deliver_run(database, plugins, gateway.run_id)

    assert list(platform.verdicts.values()) == [Reject("Nothing i…")]


def test_applying_again_sends_and_pays_nothing_more(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    applied(database, ACCEPTED)
    for _ in range(2):
        assert database.write(lambda tx: apply_decisions(tx, units(database))) == 0
        deliver_run(database, plugins, gateway.run_id)

    assert len(platform.rewarded) == len(rows_of(database, OutboxTable)) == 1


def test_undone_decision_is_neither_sent_nor_paid(gateway: Gateway, database: Database) -> None:
    unit = units(database)[0]
    database.write(lambda tx: decide(tx, unit, ACCEPTED))
    database.write(lambda tx: undo(tx, unit))

    assert database.write(lambda tx: apply_decisions(tx, [unit])) == 0
    assert rows_of(database, PaymentTable) == rows_of(database, OutboxTable) == []


def test_corrected_rejection_is_paid(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    applied(database, REJECTED)
    deliver_run(database, plugins, gateway.run_id)
    applied(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    assert len(platform.rewarded) == 1
    assert reward(database).status is PaymentStatus.CONFIRMED


def test_verdict_that_was_corrected_before_its_delivery_is_not_sent(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    applied(database, REJECTED)
    applied(database, ACCEPTED)
    assert deliver_run(database, plugins, gateway.run_id) == 2

    assert platform.calls == ["decide"]
    assert list(platform.verdicts.values()) == [Approve()]


def test_lost_reply_leaves_the_reward_unknown_until_the_next_call(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    platform.faults = [Fault.LOST]
    applied(database, ACCEPTED)

    assert deliver_run(database, plugins, gateway.run_id) == 0
    unknown = reward(database)
    assert (unknown.status, unknown.error) == (PaymentStatus.UNKNOWN, "TimeoutError: no reply")

    clock.advance(1)
    deliver_run(database, plugins, gateway.run_id)
    assert reward(database).status is PaymentStatus.CONFIRMED
    assert len(platform.rewarded) == 1


def test_throttled_reward_is_planned_again(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.THROTTLED]
    applied(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    assert reward(database).status is PaymentStatus.PLANNED


def test_refused_reward_fails_with_the_reason_of_the_platform(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.REFUSED]
    applied(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    failed, (row,) = reward(database), rows_of(database, OutboxTable)
    assert (failed.status, failed.error) == (PaymentStatus.FAILED, "the balance is too low")
    assert (row.status, row.error) == (OutboxStatus.FAILED, "the balance is too low")


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER])
def test_row_of_a_killed_process_is_delivered_once_its_claim_has_run_out(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
    fault: Fault,
) -> None:
    platform.faults = [fault]
    applied(database, ACCEPTED)
    with pytest.raises(Killed):
        deliver_run(database, plugins, gateway.run_id)

    assert deliver_run(database, plugins, gateway.run_id) == 0
    clock.advance(120)
    assert deliver_run(database, plugins, gateway.run_id) == 1
    assert len(platform.rewarded) == 1
    assert reward(database).status is PaymentStatus.CONFIRMED


def test_reward_that_may_be_paid_cannot_be_rejected(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    """Core refuses such a decision; one that has come about all the same changes nothing there."""
    applied(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)
    (review,) = rows_of(database, ReviewTable)
    unit = units(database)[0]

    def reject(tx: Any) -> int:
        tx.insert(
            ReviewTable,
            unit=unit,
            agent=review.agent_id,
            decision=REJECTED,
            note="why",
            decided_at=tx.now,
        )
        tx.execute(UnitTable.update(status=UnitStatus.REJECTED).where(UnitTable.id == unit))
        return apply_decisions(tx, [unit])

    assert database.write(reject) == 1
    assert platform.calls == ["decide"]
    assert len(rows_of(database, OutboxTable)) == 1


def test_racing_reviews_and_racing_deliveries_of_a_verdict_pay_once(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    unit = units(database)[0]

    def review(_: int) -> None:
        def job(tx: Any) -> None:
            decide(tx, unit, ACCEPTED)
            apply_decisions(tx, [unit])

        database.write(job)
        deliver_run(database, plugins, gateway.run_id)

    at_once(THREADS, review)

    assert platform.calls == ["decide"]
    assert len(platform.rewarded) == len(rows_of(database, OutboxTable)) == 1
    assert reward(database).status is PaymentStatus.CONFIRMED


def test_verdict_on_unpaid_work_is_sent_without_a_payment(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    with ManualOperator(database, plugins=plugins) as operator:
        gateway = operator.launch_rows([{"n": 1}], provider="paying", task_reward="0")
        GatewayWorker(gateway, "x").work()
        applied(database, ACCEPTED)
        operator.turn()

    assert len(platform.rewarded) == 1
    assert rows_of(database, PaymentTable) == []


def test_money_is_exact(gateway: Gateway, database: Database) -> None:
    applied(database, ACCEPTED)

    paid = reward(database)
    assert Decimal(paid.amount + paid.fee) / 100 == Decimal("0.12")
