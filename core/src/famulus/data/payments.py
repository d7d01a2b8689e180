"""Payments of the ledger, for lists and totals."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import peewee
from attrs import frozen

from famulus import process
from famulus.data.scope import find_scope
from famulus.engine.ledger.accepted_payments import read_accepted
from famulus.engine.outbox.outbox_rows import claimed_rows
from famulus.engine.outbox.stored_verdicts import payment_outbox_key
from famulus.engine.runs import find_run
from famulus.errors import UsageError
from famulus.model.database import Database
from famulus.model.money import from_minor
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, TaskRunTable, TaskTable, WorkerTable
from famulus.model.transaction import Row, Transaction

#: Payments of which a process may be calling the platform now.
_CALLED = (PaymentStatus.SENT, PaymentStatus.UNKNOWN)


@frozen(kw_only=True)
class PaymentRecord:
    """One payment. ``fee`` is the platform's fee, with taxes, in addition to ``amount``."""

    id: int
    kind: PaymentKind
    status: PaymentStatus
    run: int
    task_name: str
    provider_type: str
    #: whether the platform is a sandbox, where no money is real
    sandbox: bool
    worker: str
    unit: int | None
    amount: Decimal
    fee: Decimal
    currency: str
    reason: str
    #: why it has failed, or why its outcome is unknown
    error: str
    #: whether its platform has accepted it and does not show it yet; its status is unknown then
    accepted: bool
    #: how it was paid outside of the platform
    note: str
    #: the process that is making the payment now, in words, or an empty string
    payer: str
    #: when that process is considered dead, and the platform is asked for the outcome
    payer_until: datetime | None
    created_at: datetime
    changed_at: datetime


@frozen(kw_only=True)
class PaymentTotal:
    """The sum of all payments of one currency and status."""

    currency: str
    status: PaymentStatus
    number: int
    amount: Decimal
    fees: Decimal


def list_payments(
    database: Database,
    *,
    run: int | None = None,
    task: str | None = None,
    status: PaymentStatus | None = None,
) -> Sequence[PaymentRecord]:
    """Return payments in the order of their creation: of one run, of a task, or all.

    :raises famulus.NotFoundError: when there is no such task or run.
    """
    if task is not None and run is not None:
        raise UsageError("name a task or a run, not both")
    runs: Sequence[int] | None = None
    if run is not None:
        runs = [find_run(database, run).id]
    if task is not None:
        runs = find_scope(database, task).runs
    return find_payments(database, runs=runs, statuses=None if status is None else [status])


def find_payments(
    database: Database,
    *,
    runs: Sequence[int] | None = None,
    statuses: Sequence[PaymentStatus] | None = None,
    ids: Sequence[int] | None = None,
) -> list[PaymentRecord]:
    """Return the payments with the given runs, statuses and ids; all if none are given."""
    if not database.exists:
        return []
    query = _query()
    for column, wanted in (
        (PaymentTable.run, runs),
        (PaymentTable.status, statuses),
        (PaymentTable.id, ids),
    ):
        if wanted is not None:
            query = query.where(column << list(wanted))
    with database.read() as tx:
        rows = tx.rows(query)
        is_called = any(row.status in _CALLED for row in rows)
        claimed = claimed_rows(tx) if is_called else {}
        accepted = read_accepted(tx) if is_called else frozenset()
        return [_record(tx, row, claimed, accepted) for row in rows]


def run_totals(tx: Transaction, run: int) -> list[PaymentTotal]:
    """Add up a run's payments by status, in the database."""
    rows = tx.rows(
        PaymentTable.select(
            PaymentTable.currency,
            PaymentTable.status,
            peewee.fn.COUNT(PaymentTable.id).alias("number"),
            peewee.fn.SUM(PaymentTable.amount).alias("amount"),
            peewee.fn.SUM(PaymentTable.fee).alias("fees"),
        )
        .where(PaymentTable.run == run)
        .group_by(PaymentTable.currency, PaymentTable.status)
        .order_by(PaymentTable.currency)
    )
    order = list(PaymentStatus)
    return [
        PaymentTotal(
            currency=row.currency,
            status=row.status,
            number=int(row.number),
            amount=from_minor(int(row.amount), row.currency),
            fees=from_minor(int(row.fees), row.currency),
        )
        for row in sorted(rows, key=lambda row: order.index(row.status))
    ]


def payment_totals(payments: Iterable[PaymentRecord]) -> list[PaymentTotal]:
    """Add payments up by currency and status."""
    sums: dict[tuple[str, PaymentStatus], list[PaymentRecord]] = {}
    for payment in payments:
        sums.setdefault((payment.currency, payment.status), []).append(payment)
    order = list(PaymentStatus)
    return [
        PaymentTotal(
            currency=currency,
            status=status,
            number=len(each),
            amount=sum((payment.amount for payment in each), Decimal(0)),
            fees=sum((payment.fee for payment in each), Decimal(0)),
        )
        for (currency, status), each in sorted(
            sums.items(), key=lambda item: (item[0][0], order.index(item[0][1]))
        )
    ]


def _query() -> Any:
    return (
        PaymentTable.select(
            PaymentTable.id,
            PaymentTable.kind,
            PaymentTable.status,
            PaymentTable.run.alias("run"),
            TaskTable.name.alias("task_name"),
            TaskRunTable.provider_type,
            TaskRunTable.sandbox,
            WorkerTable.name.alias("worker"),
            PaymentTable.unit.alias("unit"),
            PaymentTable.amount,
            PaymentTable.fee,
            PaymentTable.visit,
            PaymentTable.currency,
            PaymentTable.reason,
            PaymentTable.error,
            PaymentTable.note,
            PaymentTable.created_at,
            PaymentTable.changed_at,
        )
        .join(TaskRunTable, on=(PaymentTable.run == TaskRunTable.id))
        .join(TaskTable, on=(TaskRunTable.task == TaskTable.id))
        .switch(PaymentTable)
        .join(WorkerTable, on=(PaymentTable.worker == WorkerTable.id))
        .order_by(PaymentTable.id)
    )


def _record(
    tx: Transaction, row: Row, claimed: Mapping[str, Row], accepted: Collection[int]
) -> PaymentRecord:
    payer, until = _payer(tx, row, claimed)
    is_accepted = row.status is PaymentStatus.UNKNOWN and row.id in accepted
    values = {**vars(row), "payer": payer, "payer_until": until, "accepted": is_accepted}
    del values["visit_id"]
    money = {name: from_minor(values[name], row.currency) for name in ("amount", "fee")}
    return PaymentRecord(**{**values, **money, "sandbox": bool(row.sandbox)})


def _payer(
    tx: Transaction, payment: Row, claimed: Mapping[str, Row]
) -> tuple[str, datetime | None]:
    """Return which process has claimed a payment that is still open, and until when.

    :param claimed: the outbox rows that are claimed, by key.
    """
    if not claimed or payment.status not in _CALLED:
        return "", None
    row = claimed.get(payment_outbox_key(tx, payment))
    return ("", None) if row is None else (process.describe(row.claimed_by), row.claimed_until)
