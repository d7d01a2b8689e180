"""Payments as their provider sees them, and payments that a platform shows together."""

from __future__ import annotations

from famulus.contracts.provider_views import PaymentView
from famulus.engine.visits import read_visit
from famulus.engine.workers import lock_worker
from famulus.model.money import from_minor
from famulus.model.statements import for_update
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, SettingTable, VisitTable, WorkerTable, literals
from famulus.model.transaction import Row, Transaction


def payment_view(tx: Transaction, payment: Row) -> PaymentView:
    """Make a provider's view of a ledger row."""
    reference = ""
    if payment.visit_id is not None:
        reference = read_visit(tx, payment.visit_id).reference
    worker = tx.row(WorkerTable.select(WorkerTable.name).where(WorkerTable.id == payment.worker_id))
    assert worker is not None
    return PaymentView(
        id=payment.id,
        key=f"{read_identity(tx)}-{payment.id}",
        kind=payment.kind,
        run_id=payment.run_id,
        worker_name=worker.name,
        reference=reference,
        amount=from_minor(payment.amount, payment.currency),
        currency=payment.currency,
        reason=payment.reason,
        sent_at=payment.sent_at,
        kept=payment.kept,
    )


def related_payments(tx: Transaction, payment: Row, *statuses: PaymentStatus) -> list[Row]:
    """Return the other bonuses and compensations for the same visit, oldest first.

    For a payment without a visit, return those of the same worker and run that have no visit
    either.

    :param statuses: only payments with one of these statuses, if any are given.
    """
    if payment.visit_id is not None:
        same = PaymentTable.visit == payment.visit_id
    else:
        same = (
            PaymentTable.visit.is_null()
            & (PaymentTable.run == payment.run_id)
            & (PaymentTable.worker == payment.worker_id)
        )
    query = PaymentTable.select().where(
        same, PaymentTable.kind != PaymentKind.REWARD, PaymentTable.id != payment.id
    )
    if statuses:
        query = query.where(PaymentTable.status << literals(*statuses))
    return tx.rows(query.order_by(PaymentTable.id))


def lock_payee(tx: Transaction, payment: Row) -> None:
    """Lock the visit that a payment is for, or its worker, until the commit."""
    if payment.visit_id is not None:
        lock_visit(tx, payment.visit_id)
    else:
        lock_worker(tx, payment.worker_id)


def lock_visit(tx: Transaction, visit: int) -> None:
    """Lock a visit until the commit."""
    tx.row(for_update(VisitTable.select(VisitTable.id).where(VisitTable.id == visit), tx.kind))


def read_identity(tx: Transaction) -> str:
    """Return the unique id of the database."""
    row = tx.row(SettingTable.select(SettingTable.value).where(SettingTable.name == "identity"))
    assert row is not None
    return str(row.value)
