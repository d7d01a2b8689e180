"""The bonuses that pay what a visit has earned beyond its reward, and bonuses of returned work."""

from __future__ import annotations

from famulus.engine.ledger.bonuses import ExtraPayment, insert_extra, visit_payee
from famulus.engine.ledger.payment_status import read_payment
from famulus.engine.ledger.remainders import (
    is_remainder_owed,
    is_withdrawn,
    read_earned_and_covered,
    read_remainders,
)
from famulus.engine.ledger.rewards import (
    NOT_EARNED,
    RETURNED_INSTEAD,
    is_owed_outside,
    is_remainder,
    is_topup,
    read_priced_run,
    remainder_fee,
    remainder_key,
)
from famulus.engine.status import Change, change_payment
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable
from famulus.model.transaction import Row, Transaction
from famulus.names import is_pseudonym

#: The reason of the bonus, for the worker.
_REASON = "Pay for further work in the same visit."


def plan_remainder(tx: Transaction, visit: int) -> None:
    """Plan the part of a remainder that was not planned before. The visit must be locked.

    Nothing is planned for a worker who was forgotten: they cannot be paid any more.
    """
    rows = read_remainders(tx, visit)
    planned = [row for row in rows if not is_withdrawn(row)]
    earned, covered = read_earned_and_covered(tx, visit)
    amount = earned - covered - sum(row.amount for row in planned)
    if amount <= 0:
        return
    outside = sum(
        row.amount
        for row in planned
        if is_owed_outside(status=row.status, fee=row.fee, note=row.note)
    )
    payee = visit_payee(tx, visit)
    if is_pseudonym(payee.worker_name):
        return
    run = read_priced_run(tx, visit)
    extra = ExtraPayment(
        kind=PaymentKind.BONUS,
        amount=amount,
        fee=remainder_fee(
            earned - outside,
            covered=covered,
            planned=sum(row.fee for row in planned),
            reward=run.reward,
            unit_cost=run.unit_cost,
        ),
        reason=_REASON,
    )
    insert_extra(tx, payee, extra, remainder_key(visit, len(rows) + 1))


def withdraw_bonuses(tx: Transaction, visit: int) -> None:
    """Record that a visit's remainder and top-up are not owed, since the worker has returned it.

    A payment that may have been made stays as it is; see :func:`drop_unearned`. The visit must be
    locked.
    """
    bonuses = tx.rows(
        PaymentTable.select()
        .where(PaymentTable.visit == visit, PaymentTable.kind == PaymentKind.BONUS)
        .order_by(PaymentTable.id)
    )
    for row in bonuses:
        if is_remainder(row.key) or is_topup(row.key):
            _withdraw(tx, row, RETURNED_INSTEAD)


def drop_unearned(tx: Transaction, payment: int) -> None:
    """Record that a payment is not owed, if it is a remainder that certainly was not paid.

    Its visit may have been returned during the call to the platform, and earn less since then: the
    amount that is still earned is planned instead. The visit must be locked.
    """
    row = read_payment(tx, payment)
    if not is_remainder(row.key) or is_withdrawn(row) or is_remainder_owed(tx, row):
        return
    if _withdraw(tx, row, NOT_EARNED):
        plan_remainder(tx, row.visit_id)


def _withdraw(tx: Transaction, row: Row, error: str) -> bool:
    """Record that a payment is not owed; return whether it certainly was not paid."""
    if row.status in (PaymentStatus.PLANNED, PaymentStatus.OWED):
        change = Change(
            run=row.run_id, id=row.id, old=row.status, new=PaymentStatus.FAILED, cause="platform"
        )
        return change_payment(tx, change, error=error)
    if row.status is PaymentStatus.FAILED:
        tx.execute(PaymentTable.update(error=error).where(PaymentTable.id == row.id))
        return True
    return False
