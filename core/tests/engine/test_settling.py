"""Decisions become verdicts and rewards: once, all together, and none is lost."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from famulus.contracts.provider import Verdict
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.apply_decisions import apply_decisions
from famulus.engine.ledger.decisions import decide, undo
from famulus.engine.providers.bound_provider import deliver_run
from famulus.model.database import Database
from famulus.model.states import Decision, OutboxStatus, PaymentStatus, UnitStatus, VisitStatus
from famulus.model.tables import Outbox, Payment, Review, Unit, Visit
from famulus.model.transaction import Row
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from famulus.testing.scripted_worker import at_once

THREADS = 6
ACCEPTED, SOFT, REJECTED = Decision.ACCEPTED, Decision.SOFT_REJECTED, Decision.REJECTED


@pytest.fixture
def platform() -> FakePlatform:
    return FakePlatform()


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    return kit_plugins(platform=PlatformPlugin(platform.provider()))


@pytest.fixture
def gateway(database: Database, plugins: Plugins) -> Iterator[Gateway]:
    """A run of three units, each done by somebody else."""
    with ManualOperator(database, plugins=plugins) as operator:
        opened = operator.launch_rows([{"n": n} for n in range(3)], provider="paying")
        for name in ("a", "b", "c"):
            GatewayWorker(opened, name).work()
        yield opened


def settled(database: Database, decision: Decision, *, unit: int = 0, note: str = "why") -> int:
    """Decide on a unit, counted from 0, and settle that."""
    number = units(database)[unit]
    note = note if decision is REJECTED else ""

    def job(tx: Any) -> int:
        status = tx.row(Unit.select(Unit.status).where(Unit.id == number)).status
        decide(tx, number, decision, note=note, seen=status)
        return apply_decisions(tx, [number])

    return database.write(job)


def units(database: Database) -> list[int]:
    with database.read() as tx:
        return [row.id for row in tx.rows(Unit.select(Unit.id).order_by(Unit.id))]


def rows(database: Database, table: Any) -> list[Row]:
    with database.read() as tx:
        return tx.rows(table.select().order_by(table.id))


def reward(database: Database) -> Row:
    (row,) = rows(database, Payment)
    return row


def test_an_accepted_unit_is_told_and_paid_with_its_fee(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    assert settled(database, ACCEPTED) == 1
    planned = reward(database)
    assert (planned.status, planned.amount, planned.fee) == (PaymentStatus.PLANNED, 10, 2)

    assert deliver_run(database, plugins, gateway.run_id) == 1

    assert platform.rewarded == [rows(database, Visit)[0].reference]
    assert reward(database).status is PaymentStatus.CONFIRMED
    assert rows(database, Visit)[0].status is VisitStatus.APPROVED


def test_a_soft_rejected_unit_is_paid_as_well(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    settled(database, SOFT)
    deliver_run(database, plugins, gateway.run_id)

    assert len(platform.rewarded) == 1


def test_a_rejected_unit_is_told_with_its_reason_and_owes_nothing(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    settled(database, REJECTED, note="empty")
    deliver_run(database, plugins, gateway.run_id)

    assert (list(platform.verdicts.values()), platform.notes) == ([Verdict.REJECTED], ["empty"])
    assert rows(database, Payment) == []
    assert rows(database, Visit)[0].status is VisitStatus.REJECTED


def test_settling_again_tells_and_pays_nothing_more(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    settled(database, ACCEPTED)
    for _ in range(2):
        assert database.write(lambda tx: apply_decisions(tx, units(database))) == 0
        deliver_run(database, plugins, gateway.run_id)

    assert len(platform.rewarded) == len(rows(database, Outbox)) == 1


def test_an_undone_decision_is_neither_told_nor_paid(gateway: Gateway, database: Database) -> None:
    unit = units(database)[0]
    database.write(lambda tx: decide(tx, unit, ACCEPTED))
    database.write(lambda tx: undo(tx, unit))

    assert database.write(lambda tx: apply_decisions(tx, [unit])) == 0
    assert rows(database, Payment) == rows(database, Outbox) == []


def test_a_settled_rejection_that_is_mended_is_paid_then(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    settled(database, REJECTED)
    deliver_run(database, plugins, gateway.run_id)
    settled(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    assert len(platform.rewarded) == 1
    assert reward(database).status is PaymentStatus.CONFIRMED


def test_a_verdict_that_was_mended_before_it_was_told_is_not_told(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    settled(database, REJECTED)
    settled(database, ACCEPTED)
    assert deliver_run(database, plugins, gateway.run_id) == 2

    assert platform.calls == ["decide"]
    assert list(platform.verdicts.values()) == [Verdict.APPROVED]


def test_a_lost_reply_leaves_the_reward_unknown_until_the_platform_is_told_again(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
) -> None:
    platform.faults = [Fault.LOST]
    settled(database, ACCEPTED)

    assert deliver_run(database, plugins, gateway.run_id) == 0
    unknown = reward(database)
    assert (unknown.status, unknown.error) == (PaymentStatus.UNKNOWN, "TimeoutError: no reply")

    clock.advance(1)
    deliver_run(database, plugins, gateway.run_id)
    assert reward(database).status is PaymentStatus.CONFIRMED
    assert len(platform.rewarded) == 1


def test_a_throttled_reward_is_planned_again(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.THROTTLED]
    settled(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    assert reward(database).status is PaymentStatus.PLANNED


def test_a_refused_reward_has_failed_for_the_platforms_reason(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    platform.faults = [Fault.REFUSED]
    settled(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)

    failed, (telling,) = reward(database), rows(database, Outbox)
    assert (failed.status, failed.error) == (PaymentStatus.FAILED, "the balance is too low")
    assert (telling.status, telling.error) == (OutboxStatus.FAILED, "the balance is too low")


@pytest.mark.parametrize("fault", [Fault.KILLED, Fault.KILLED_AFTER])
def test_whoever_comes_after_a_killed_teller_takes_over_once_its_claim_has_run_out(
    gateway: Gateway,
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    clock: MovableClock,
    fault: Fault,
) -> None:
    platform.faults = [fault]
    settled(database, ACCEPTED)
    with pytest.raises(Killed):
        deliver_run(database, plugins, gateway.run_id)

    assert deliver_run(database, plugins, gateway.run_id) == 0
    clock.advance(120)
    assert deliver_run(database, plugins, gateway.run_id) == 1
    assert len(platform.rewarded) == 1
    assert reward(database).status is PaymentStatus.CONFIRMED


def test_a_reward_that_is_out_is_not_rejected_any_more(
    gateway: Gateway, database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    """Core refuses such a decision; one that has come about all the same changes nothing there."""
    settled(database, ACCEPTED)
    deliver_run(database, plugins, gateway.run_id)
    (review,) = rows(database, Review)
    unit = units(database)[0]

    def reject(tx: Any) -> int:
        tx.insert(
            Review,
            unit=unit,
            agent=review.agent_id,
            decision=REJECTED,
            note="why",
            decided_at=tx.now,
        )
        tx.execute(Unit.update(status=UnitStatus.REJECTED).where(Unit.id == unit))
        return apply_decisions(tx, [unit])

    assert database.write(reject) == 1
    assert platform.calls == ["decide"]
    assert len(rows(database, Outbox)) == 1


def test_reviews_that_race_on_a_unit_and_tellers_that_race_on_its_verdict_pay_once(
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
    assert len(platform.rewarded) == len(rows(database, Outbox)) == 1
    assert reward(database).status is PaymentStatus.CONFIRMED


def test_unpaid_work_is_told_and_has_no_payment(
    database: Database, plugins: Plugins, platform: FakePlatform
) -> None:
    with ManualOperator(database, plugins=plugins) as operator:
        gateway = operator.launch_rows([{"n": 1}], provider="paying", task_reward="0")
        GatewayWorker(gateway, "x").work()
        settled(database, ACCEPTED)
        operator.turn()

    assert len(platform.rewarded) == 1
    assert rows(database, Payment) == []


def test_money_is_exact(gateway: Gateway, database: Database) -> None:
    settled(database, ACCEPTED)

    paid = reward(database)
    assert Decimal(paid.amount + paid.fee) / 100 == Decimal("0.12")
