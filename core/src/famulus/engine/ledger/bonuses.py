"""Payments on top of rewards: bonuses for units, compensations for visits."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from attrs import frozen

from famulus.contracts.views import WorkerView
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.payment_views import lock_visit
from famulus.engine.ledger.rewards import first_status
from famulus.engine.outbox.outbox_rows import OutboxKind, enqueue, pay_key
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.money import from_minor
from famulus.model.states import DONE_UNITS, PaymentKind
from famulus.model.tables import (
    AgentTable,
    PaymentTable,
    TaskRunTable,
    UnitTable,
    VisitTable,
    WorkerTable,
)
from famulus.model.transaction import Row, Transaction
from famulus.names import check_text, is_pseudonym

#: In the currency's main unit; a larger amount is taken for a typing error.
_LARGEST = Decimal(10**6)
_LONGEST_REASON = 4000


@frozen(kw_only=True)
class Payee:
    """A worker who is paid, and the visit and unit that they are paid for."""

    run: int
    worker: int
    worker_name: str
    provider_type: str
    visit: int
    unit: int | None
    currency: str
    #: whether the run's provider does not pay
    paid_outside: bool


@frozen(kw_only=True)
class ExtraPayment:
    """A payment to be made on top of a reward; amounts are in minor units."""

    kind: PaymentKind
    amount: int
    #: what the platform charges for it, taxes included
    fee: int
    reason: str


def unit_payee(tx: Transaction, unit: int) -> Payee:
    """Return the worker who has submitted a unit.

    :raises famulus.NotFoundError: when there is no such unit.
    :raises famulus.ConflictError: when it is not submitted, or its worker was forgotten.
    """
    row = tx.row(UnitTable.select(UnitTable.status, UnitTable.agent_id).where(UnitTable.id == unit))
    if row is None:
        raise NotFoundError(f"there is no unit {unit}; `famulus export` lists those with answers")
    if row.status not in DONE_UNITS or row.agent_id is None:
        raise ConflictError(f"unit {unit} is {row.status}: it has not been submitted")
    agent = tx.row(
        AgentTable.select(AgentTable.visit.alias("visit")).where(AgentTable.id == row.agent_id)
    )
    assert agent is not None
    return _payable(visit_payee(tx, agent.visit, unit))


def worker_payee(tx: Transaction, run: int, worker: WorkerView) -> Payee:
    """Return a worker with their newest visit to a run.

    :raises famulus.NotFoundError: when they have none.
    :raises famulus.ConflictError: when they were forgotten.
    """
    row = tx.row(
        VisitTable.select(VisitTable.id)
        .where(VisitTable.run == run, VisitTable.worker == worker.id)
        .order_by(VisitTable.id.desc())
        .limit(1)
    )
    if row is None:
        raise NotFoundError(f"run {run} has no visit of the worker {worker.name!r}")
    return _payable(visit_payee(tx, row.id))


def visit_payee(tx: Transaction, visit: int, unit: int | None = None) -> Payee:
    """Return the worker of a visit, even if the worker was forgotten."""
    row = tx.row(
        VisitTable.select(
            VisitTable.run.alias("run"),
            VisitTable.worker.alias("worker"),
            WorkerTable.name,
            WorkerTable.provider_type,
            TaskRunTable.currency,
            TaskRunTable.paid_outside,
        )
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .switch(VisitTable)
        .join(TaskRunTable, on=(VisitTable.run == TaskRunTable.id))
        .where(VisitTable.id == visit)
    )
    assert row is not None
    return Payee(
        run=row.run,
        worker=row.worker,
        worker_name=row.name,
        provider_type=row.provider_type,
        visit=visit,
        unit=unit,
        currency=row.currency,
        paid_outside=row.paid_outside,
    )


def check_amount(amount: Decimal, reason: str) -> None:
    """Raise :class:`famulus.UsageError` unless an amount can be paid for a reason."""
    if not amount.is_finite() or amount <= 0:
        raise UsageError(f"the amount {amount} cannot be paid; it has to be more than 0")
    if amount > _LARGEST:
        raise UsageError(f"the amount {amount} is too large; one payment is at most {_LARGEST:,}")
    if not reason.strip():
        raise UsageError("a payment needs a reason, which the worker can read")
    if len(reason) > _LONGEST_REASON:
        raise UsageError(
            f"the reason is too long: {len(reason)} characters of at most {_LONGEST_REASON}"
        )
    check_text(reason, "reason")


def check_budget(tx: Transaction, run: int, currency: str, cost: int, *, lock: bool = True) -> None:
    """Raise :class:`famulus.UsageError` unless a run's budget covers a cost in minor units.

    :param lock: keep other transactions from spending of it until the commit.
    """
    budget = read_budget(tx, run, lock=lock)
    if budget is None or budget.left >= cost:
        return
    wanted, left = (from_minor(each, currency) for each in (cost, max(budget.left, 0)))
    raise UsageError(
        f"run {run} has a budget of {from_minor(budget.most, currency)} "
        f"{currency}, of which {left} are left, but this costs {wanted} with fees; "
        f"`famulus set {run} max_spend=…` raises the budget"
    )


def plan_extra(tx: Transaction, payee: Payee, extra: ExtraPayment, *, again: bool) -> int:
    """Write the ledger row and the outbox row of a bonus or compensation; return its number.

    The same amount for the same work and reason is the same payment, unless ``again``.

    :raises famulus.UsageError: when the run's budget does not cover it.
    """
    # The lock makes two who plan the same payment do so one after the other.
    lock_visit(tx, payee.visit)
    stem = _stem(payee, extra)
    number = 1
    while (row := _find(tx, f"{stem}-{number}")) is not None:
        if not again:
            return int(row.id)
        number += 1
    check_budget(tx, payee.run, payee.currency, extra.amount + extra.fee)
    return insert_extra(tx, payee, extra, f"{stem}-{number}")


def insert_extra(tx: Transaction, payee: Payee, extra: ExtraPayment, key: str) -> int:
    """Write the ledger row of a payment with a new key, and its outbox row; return its number.

    A payment outside of the platform gets no outbox row.
    """
    payment = tx.insert(
        PaymentTable,
        key=key,
        kind=extra.kind,
        run=payee.run,
        worker=payee.worker,
        visit=payee.visit,
        unit=payee.unit,
        amount=extra.amount,
        fee=extra.fee,
        currency=payee.currency,
        reason=extra.reason,
        status=first_status(paid_outside=payee.paid_outside),
        created_at=tx.now,
        changed_at=tx.now,
    )
    if not payee.paid_outside:
        payload = {"payment": payment}
        enqueue(tx, run=payee.run, kind=OutboxKind.PAY, key=pay_key(payment), payload=payload)
    return payment


def _payable(payee: Payee) -> Payee:
    if is_pseudonym(payee.worker_name):
        raise ConflictError(f"{payee.worker_name} was forgotten, and cannot be paid any more")
    return payee


def _stem(payee: Payee, extra: ExtraPayment) -> str:
    work = f"visit-{payee.visit}" if payee.unit is None else f"unit-{payee.unit}"
    digest = hashlib.sha256(extra.reason.strip().encode()).hexdigest()[:24]
    return f"{extra.kind.value}-{work}-{payee.worker}-{extra.amount}-{digest}"


def _find(tx: Transaction, key: str) -> Row | None:
    return tx.row(PaymentTable.select(PaymentTable.id).where(PaymentTable.key == key))
