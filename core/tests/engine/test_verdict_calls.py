"""Partial approvals and requested returns: each has its effect once, whatever fails."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import pytest

from famulus.contracts.provider_views import VisitReport
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.gateway import Gateway
from famulus.engine.ledger.rewards import plan_reward
from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue, verdict_key
from famulus.engine.outbox.stored_verdicts import dump_verdict
from famulus.engine.platform.bound_provider import deliver_run
from famulus.model.database import Database
from famulus.model.states import OutboxStatus, PaymentStatus, VisitStatus
from famulus.model.tables import OutboxTable, PaymentTable, VisitTable
from famulus.model.transaction import Row, Transaction
from famulus.operate.doctor import read_differences
from famulus.plugins import Plugins
from famulus.testing.fake_platform import FakePlatform, Fault, Killed, PlatformPlugin
from famulus.testing.inprocess import GatewayWorker, ManualOperator, kit_plugins
from famulus.testing.movable_clock import MovableClock
from stored_rows import rows_of

PART = ApprovePartially(Decimal("0.30"))
REQUEST = RequestReturn("Nothing is answered.")
REJECTION = Reject("Nothing is answered.", "LOW_EFFORT")

Send = Callable[..., None]


@pytest.fixture
def plugins(platform: FakePlatform) -> Plugins:
    provider = platform.provider("paying", reports_submissions=True)
    return kit_plugins(platform=PlatformPlugin(provider))


@pytest.fixture
def gateway(operator: ManualOperator, platform: FakePlatform) -> Gateway:
    """A run of one unit for 0.50, which is submitted here and on the platform."""
    opened = operator.launch_rows([{"n": 1}], provider="paying", task_reward="0.50")
    GatewayWorker(opened, "a").submit(GatewayWorker(opened, "a").arrive("visit"))
    platform.visits["visit"] = VisitStatus.SUBMITTED
    operator.turn()
    return opened


@pytest.fixture
def send(gateway: Gateway, database: Database) -> Send:
    """Enqueue a verdict on the visit, as applying a decision does."""

    def enqueued(verdict: Verdict, *, n: int = 1) -> None:
        def job(tx: Transaction) -> None:
            visit = one(database, VisitTable).id
            if isinstance(verdict, ApprovePartially):
                plan_reward(tx, visit, int(verdict.amount * 100))
            elif isinstance(verdict, Approve):
                plan_reward(tx, visit, 50)
            payload = {"visit": visit, "n": n, **dump_verdict(verdict)}
            key, kind = verdict_key(visit, n), OutboxKind.DECIDE
            enqueue(tx, run=gateway.run_id, kind=kind, key=key, payload=payload)

        database.write(job)

    return enqueued


@pytest.fixture
def deliver(gateway: Gateway, database: Database, plugins: Plugins) -> Callable[[], int]:
    return partial(deliver_run, database, plugins, gateway.run_id)


def report(platform: FakePlatform, status: VisitStatus, amount: Decimal | None = None) -> None:
    """Have the platform report the visit, with what was paid for it."""
    platform.visits.clear()
    platform.others = [
        VisitReport(worker_name="a", reference="visit", status=status, amount=amount)
    ]


def one(database: Database, table: Any) -> Row:
    return rows_of(database, table)[0]


def ledger(database: Database) -> list[tuple[PaymentStatus, int, int]]:
    return [(row.status, row.amount, row.fee) for row in rows_of(database, PaymentTable)]


@pytest.mark.parametrize(("amount", "fee"), [("0.30", 6), ("0.31", 7), ("0.01", 1), ("0.50", 10)])
def test_part_of_a_reward_is_paid_with_its_share_of_the_fee(
    send: Send,
    deliver: Callable[[], int],
    database: Database,
    platform: FakePlatform,
    amount: str,
    fee: int,
) -> None:
    part = ApprovePartially(Decimal(amount))
    send(part)
    deliver()

    assert platform.verdicts == {"visit": part}
    assert ledger(database) == [(PaymentStatus.CONFIRMED, int(part.amount * 100), fee)]
    assert one(database, VisitTable).status is VisitStatus.PARTIALLY_APPROVED


@pytest.mark.parametrize("verdict", [Approve(), PART])
@pytest.mark.parametrize("fault", [Fault.LOST, Fault.KILLED, Fault.KILLED_AFTER])
@pytest.mark.parametrize("is_reported", [False, True])
def test_approval_whose_outcome_is_unknown_is_sent_again_and_pays_once(
    send: Send,
    deliver: Callable[[], int],
    database: Database,
    platform: FakePlatform,
    clock: MovableClock,
    verdict: Verdict,
    fault: Fault,
    is_reported: bool,
) -> None:
    """Also where the platform reports it before the call is repeated."""
    send(verdict)
    platform.faults = [None, fault]  # a sync comes first
    try:
        deliver()
    except Killed:
        assert fault is not Fault.LOST
    if is_reported and fault is not Fault.KILLED:
        is_whole = isinstance(verdict, Approve)
        new = VisitStatus.APPROVED if is_whole else VisitStatus.PARTIALLY_APPROVED
        report(platform, new, None if is_whole else PART.amount)
    clock.advance(150)
    deliver()

    amount = 50 if isinstance(verdict, Approve) else 30
    assert ledger(database) == [(PaymentStatus.CONFIRMED, amount, amount // 5)]
    assert platform.rewarded == ["visit"]
    assert one(database, OutboxTable).status is OutboxStatus.DONE


def test_rejection_is_sent_with_its_category(
    send: Send, deliver: Callable[[], int], platform: FakePlatform
) -> None:
    send(REJECTION)
    deliver()

    assert platform.verdicts == {"visit": REJECTION}


@pytest.mark.parametrize("fault", [None, Fault.LOST, Fault.KILLED, Fault.KILLED_AFTER])
@pytest.mark.parametrize("later", [None, PART, REJECTION])
def test_requested_return_decides_nothing_and_another_verdict_may_follow(
    send: Send,
    deliver: Callable[[], int],
    database: Database,
    platform: FakePlatform,
    clock: MovableClock,
    fault: Fault | None,
    later: Verdict | None,
) -> None:
    platform.faults = [None, fault]  # a sync comes first
    send(REQUEST)
    for _ in range(2):
        try:
            deliver()
        except Killed:
            assert fault is not Fault.LOST
        clock.advance(150)
    assert platform.verdicts == {"visit": REQUEST}
    assert one(database, VisitTable).status is VisitStatus.SUBMITTED
    assert ledger(database) == []

    if later is not None:
        send(later, n=2)
        deliver()
        assert platform.verdicts == {"visit": later}
    assert {row.status for row in rows_of(database, OutboxTable)} == {OutboxStatus.DONE}


def test_verdict_that_replaces_a_waiting_one_is_the_only_one_that_counts(
    send: Send, deliver: Callable[[], int], database: Database, platform: FakePlatform
) -> None:
    send(PART)
    send(REJECTION, n=2)
    assert deliver() == 2

    assert platform.verdicts == {"visit": REJECTION}
    assert [status for status, *_ in ledger(database)] == [PaymentStatus.PLANNED]


@pytest.mark.parametrize("verdict", [PART, REQUEST])
def test_verdict_on_a_visit_that_the_platform_has_approved_by_itself_is_refused_and_listed(
    send: Send,
    deliver: Callable[[], int],
    database: Database,
    plugins: Plugins,
    platform: FakePlatform,
    verdict: Verdict,
) -> None:
    report(platform, VisitStatus.APPROVED)
    send(verdict)
    deliver()

    assert platform.verdicts == {}
    assert ledger(database) == [(PaymentStatus.CONFIRMED, 50, 10)]
    row = one(database, OutboxTable)
    assert (row.status, "visit visit as approved" in row.error) == (OutboxStatus.FAILED, True)
    listed = [each.what for each in read_differences(database, plugins)]
    is_listed = any("refused requests for a return" in what for what in listed)
    assert is_listed is isinstance(verdict, RequestReturn)
