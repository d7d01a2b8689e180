"""Payments that did not complete: they are retried, asked for, or resolved by a person."""

from __future__ import annotations

from famulus.engine.ledger.bonuses import check_budget
from famulus.engine.ledger.payment_status import read_payment
from famulus.engine.ledger.payment_views import lock_payee
from famulus.engine.ledger.remainder_payments import drop_unearned
from famulus.engine.ledger.rewards import NOT_OWED, is_remainder
from famulus.engine.outbox.outbox_rows import make_due, pay_key, redeliver
from famulus.engine.outbox.stored_verdicts import payment_outbox_key
from famulus.engine.status import Change, change_payment
from famulus.errors import ConflictError, NotFoundError, UsageError
from famulus.model.states import OPEN_PAYMENTS, PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, TaskRunTable, literals
from famulus.model.transaction import Row, Transaction
from famulus.names import check_text

_LONGEST_NOTE = 4000


def plan_again(tx: Transaction, payment: int) -> int:
    """Plan a failed payment again; return its run.

    The budget still counts a failed reward or remainder, and is checked only for other payments.

    :raises famulus.NotFoundError: when there is no such payment.
    :raises famulus.ConflictError: unless it has failed for certain, and is still owed.
    :raises famulus.UsageError: when the run's budget does not cover it.
    """
    row = _lock_payment(tx, payment)
    run = tx.row(
        TaskRunTable.select(TaskRunTable.paid_outside).where(TaskRunTable.id == row.run_id)
    )
    assert run is not None
    if row.status is not PaymentStatus.FAILED:
        hint = "; `famulus payments settle` asks the platform"
        raise ConflictError(
            f"payment {payment} is {row.status}, and only a failed payment can be retried"
            f"{hint if row.status is PaymentStatus.UNKNOWN else ''}"
        )
    if row.error in NOT_OWED or run.paid_outside:
        raise ConflictError(
            f"payment {payment} is not owed: {row.error}; once its work is accepted, it is owed"
        )
    if row.kind is not PaymentKind.REWARD and not is_remainder(row.key):
        check_budget(tx, row.run_id, row.currency, row.amount + row.fee)
    change_payment(
        tx,
        Change(
            run=row.run_id, id=payment, old=row.status, new=PaymentStatus.PLANNED, cause="retry"
        ),
    )
    redeliver(tx, payment_outbox_key(tx, row))
    return int(row.run_id)


def resolve(tx: Transaction, payment: int, *, paid: bool, note: str) -> None:
    """Store the outcome of an unknown payment as a person reports it.

    Reporting the same outcome again changes nothing.

    :raises famulus.UsageError: for a note that is empty, too long or cannot be stored.
    :raises famulus.NotFoundError: when there is no such payment.
    :raises famulus.ConflictError: unless it is a bonus or a compensation with an unknown outcome.
    """
    check_text(note, "note")
    if not 0 < len(note) <= _LONGEST_NOTE:
        raise UsageError(
            f"a note of 1 to {_LONGEST_NOTE} characters is needed, on what confirms the outcome"
        )
    row = _lock_payment(tx, payment)
    found = PaymentStatus.CONFIRMED if paid else PaymentStatus.FAILED
    error = "" if paid else f"recorded as not paid: {note}"
    if (row.status, row.note if paid else row.error) == (found, note if paid else error):
        return
    if row.status is not PaymentStatus.UNKNOWN or row.kind is PaymentKind.REWARD:
        is_reward = row.kind is PaymentKind.REWARD
        why = (
            "a reward is resolved by sending its verdict again"
            if is_reward
            else "only a payment whose outcome is unknown can be resolved"
        )
        raise ConflictError(f"payment {payment}, a {row.kind}, is {row.status}: {why}")
    change = Change(
        run=row.run_id, id=payment, old=row.status, new=found, cause="resolved by a person"
    )
    change_payment(tx, change, error=error)
    if paid:
        tx.execute(PaymentTable.update(note=note).where(PaymentTable.id == payment))
    else:
        drop_unearned(tx, payment)
    make_due(tx, pay_key(payment))


def make_payments_due(tx: Transaction, run: int | None = None) -> list[int]:
    """Make the outbox rows of open payments due now, unless a call is under way.

    Return the runs that have open payments.
    """
    query = PaymentTable.select().where(PaymentTable.status << literals(*OPEN_PAYMENTS))
    if run is not None:
        query = query.where(PaymentTable.run == run)
    rows = tx.rows(query.order_by(PaymentTable.id))
    for row in rows:
        make_due(tx, payment_outbox_key(tx, row))
    return sorted({row.run_id for row in rows})


def _lock_payment(tx: Transaction, payment: int) -> Row:
    """Return a row of the ledger; lock its visit and then the row, like the return of a visit."""
    row = tx.row(PaymentTable.select().where(PaymentTable.id == payment))
    if row is None:
        raise NotFoundError(f"there is no payment {payment}; `famulus payments` lists them")
    lock_payee(tx, row)
    return read_payment(tx, payment)
