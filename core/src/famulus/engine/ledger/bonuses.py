"""Money on top of rewards: bonuses for units, compensations for visits."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from attrs import frozen

from famulus.engine.ledger.apply_decisions import newest_verdict
from famulus.engine.ledger.budget import read_budget
from famulus.engine.ledger.rewards import REJECTED_INSTEAD
from famulus.engine.platform.outbox import OutboxKind, enqueue, make_due, redeliver
from famulus.engine.status import Change, change_payment
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.money import from_minor
from famulus.model.statements import for_update
from famulus.model.states import DONE_UNITS, PaymentKind, PaymentStatus
from famulus.model.tables import Agent, Payment, TaskRun, Unit, Visit, Worker, literals
from famulus.model.transaction import Row, Transaction
from famulus.names import read_name

#: More than anybody means to pay at once, in the currency's main unit.
_LARGEST = Decimal(10**6)
_LONGEST_REASON = 4000
#: What is still to come to an end.
_OPEN = (PaymentStatus.PLANNED, PaymentStatus.SENT, PaymentStatus.UNKNOWN)


@frozen(kw_only=True)
class Payee:
    """Who is paid, and for which visit."""

    run: int
    worker: int
    worker_name: str
    provider_type: str
    visit: int
    unit: int | None
    currency: str


@frozen(kw_only=True)
class Planned:
    """A payment in the ledger; ``is_new`` unless the same one was there before."""

    payment: int
    run: int
    is_new: bool


def unit_payee(tx: Transaction, unit: int) -> Payee:
    """Return who has submitted a unit.

    :raises famulus.NotFoundError: when there is no such unit.
    :raises famulus.ConflictError: when nobody has submitted it.
    """
    row = tx.row(Unit.select(Unit.status, Unit.agent_id).where(Unit.id == unit))
    if row is None:
        raise NotFoundError(f"there is no unit {unit}; `famulus export` lists those with answers")
    if row.status not in DONE_UNITS or row.agent_id is None:
        raise ConflictError(f"unit {unit} is {row.status}: nobody has submitted it")
    agent = tx.row(Agent.select(Agent.visit.alias("visit")).where(Agent.id == row.agent_id))
    assert agent is not None
    return _payee(tx, agent.visit, unit)


def worker_payee(tx: Transaction, run: int, worker: str) -> Payee:
    """Return a worker as their newest visit to a run has them.

    :raises famulus.NotFoundError: when they have never come to it.
    """
    worker = read_name(worker, "worker")
    row = tx.row(
        Visit.select(Visit.id)
        .join(Worker, on=(Visit.worker == Worker.id))
        .where(Visit.run == run, Worker.name == worker)
        .order_by(Visit.id.desc())
        .limit(1)
    )
    if row is None:
        raise NotFoundError(f"no worker {worker!r} has come to run {run}")
    return _payee(tx, row.id, None)


def check_amount(amount: Decimal, reason: str) -> None:
    """Raise unless it is an amount somebody can be paid, for a reason they can be told."""
    if not amount.is_finite() or amount <= 0:
        raise UsageError(f"{amount} is no amount that can be paid; it has to be more than 0")
    if amount > _LARGEST:
        raise UsageError(f"{amount} is more than can be paid at once ({_LARGEST:,})")
    if not reason.strip():
        raise UsageError("a payment needs a reason: the worker gets to read it")
    if len(reason) > _LONGEST_REASON:
        raise UsageError(
            f"the reason has {len(reason)} characters; at most {_LONGEST_REASON} are possible"
        )


def plan_payment(
    tx: Transaction,
    payee: Payee,
    *,
    kind: PaymentKind,
    amount: int,
    fee: int,
    reason: str,
    again: bool,
) -> Planned:
    """Write down that somebody is paid on top of their reward; the messenger pays it.

    The same amount for the same thing and reason is the same payment, unless ``again``.

    :param amount: in minor units, as the ``fee``.
    :raises famulus.UsageError: when the run's budget does not hold it.
    """
    # Two who pay the same at the same time do so one after the other.
    tx.row(for_update(Visit.select(Visit.id).where(Visit.id == payee.visit), tx.kind))
    stem = _stem(payee, kind, amount, reason)
    number = 1
    while (row := _find(tx, f"{stem}-{number}")) is not None:
        if not again:
            return Planned(payment=row.id, run=payee.run, is_new=False)
        number += 1
    _check_budget(tx, payee, amount + fee)
    payment = tx.insert(
        Payment,
        key=f"{stem}-{number}",
        kind=kind,
        run=payee.run,
        worker=payee.worker,
        visit=payee.visit,
        unit=payee.unit,
        amount=amount,
        fee=fee,
        currency=payee.currency,
        reason=reason,
        status=PaymentStatus.PLANNED,
        created_at=tx.now,
        changed_at=tx.now,
    )
    enqueue(
        tx, run=payee.run, kind=OutboxKind.PAY, key=pay_key(payment), payload={"payment": payment}
    )
    return Planned(payment=payment, run=payee.run, is_new=True)


def plan_again(tx: Transaction, payment: int) -> int:
    """Have a payment that has failed made again; return its run.

    :raises famulus.NotFoundError: when there is no such payment.
    :raises famulus.ConflictError: unless it has surely failed, and is still owed.
    """
    row = tx.row(Payment.select().where(Payment.id == payment))
    if row is None:
        raise NotFoundError(f"there is no payment {payment}; `famulus payments` lists them")
    if row.status is not PaymentStatus.FAILED:
        hint = "; `famulus payments settle` asks the platform"
        raise ConflictError(
            f"payment {payment} is {row.status}, and only a failed one can be made again"
            f"{hint if row.status is PaymentStatus.UNKNOWN else ''}"
        )
    if row.error == REJECTED_INSTEAD:
        raise ConflictError(
            f"payment {payment} is not owed: {row.error}; accept the work, and it is paid"
        )
    change_payment(
        tx,
        Change(
            run=row.run_id, id=payment, old=row.status, new=PaymentStatus.PLANNED, cause="retry"
        ),
    )
    redeliver(tx, telling_key(tx, row))
    return int(row.run_id)


def make_payments_due(tx: Transaction, run: int | None = None) -> list[int]:
    """Make due at once what is still to be paid and nobody is paying just now; return the runs
    that have some.
    """
    query = Payment.select().where(Payment.status << literals(*_OPEN))
    rows = tx.rows(query if run is None else query.where(Payment.run == run))
    for row in rows:
        if row.status is not PaymentStatus.SENT:
            make_due(tx, telling_key(tx, row))
    return sorted({row.run_id for row in rows})


def pay_key(payment: int) -> str:
    """Return the key of the row that has a bonus or a compensation paid."""
    return f"pay-{payment}"


def telling_key(tx: Transaction, payment: Row) -> str:
    """Return the key of the outbox row that has a payment made."""
    if payment.kind is not PaymentKind.REWARD:
        return pay_key(payment.id)
    verdict = newest_verdict(tx, payment.visit_id)
    return "" if verdict is None else str(verdict.key)


def _payee(tx: Transaction, visit: int, unit: int | None) -> Payee:
    row = tx.row(
        Visit.select(
            Visit.run.alias("run"),
            Visit.worker.alias("worker"),
            Worker.name,
            Worker.provider_type,
            TaskRun.currency,
        )
        .join(Worker, on=(Visit.worker == Worker.id))
        .switch(Visit)
        .join(TaskRun, on=(Visit.run == TaskRun.id))
        .where(Visit.id == visit)
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
    )


def _stem(payee: Payee, kind: PaymentKind, amount: int, reason: str) -> str:
    what = f"visit-{payee.visit}" if payee.unit is None else f"unit-{payee.unit}"
    digest = hashlib.sha256(reason.strip().encode()).hexdigest()[:24]
    return f"{kind.value}-{what}-{payee.worker}-{amount}-{digest}"


def _find(tx: Transaction, key: str) -> Row | None:
    return tx.row(Payment.select(Payment.id).where(Payment.key == key))


def _check_budget(tx: Transaction, payee: Payee, cost: int) -> None:
    budget = read_budget(tx, payee.run)
    if budget is None or budget.left >= cost:
        return
    wanted, left = (from_minor(each, payee.currency) for each in (cost, max(budget.left, 0)))
    raise UsageError(
        f"run {payee.run} may cost {from_minor(budget.most, payee.currency)} {payee.currency} "
        f"at most, of which {left} are left, and this costs {wanted} with fees; "
        f"`famulus set {payee.run} max_spend=…` allows more"
    )
