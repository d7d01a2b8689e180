"""The status of ledger rows around the calls that pay them."""

from __future__ import annotations

from famulus.engine.outbox.platform_call import CallResult, CallStatus
from famulus.engine.status import Change, change_payment
from famulus.errors import RefusedError, UnavailableError
from famulus.model.statements import for_update
from famulus.model.states import (
    OPEN_VISITS,
    UNSUBMITTED_VISITS,
    PaymentKind,
    PaymentStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import PaymentTable
from famulus.model.transaction import Row, Transaction

#: Payments that may have been made.
UNSETTLED = (PaymentStatus.SENT, PaymentStatus.UNKNOWN)


def read_payment(tx: Transaction, payment: int) -> Row:
    """Return a row of the ledger, locked."""
    row = tx.row(for_update(PaymentTable.select().where(PaymentTable.id == payment), tx.kind))
    assert row is not None
    return row


def check_submitted(visit: Row) -> None:
    """Check that the platform pays for a visit.

    :raises famulus.UnavailableError: when it has not reported the submission yet.
    :raises famulus.RefusedError: when there is no submission that it would pay for.
    """
    if visit.status in (*OPEN_VISITS, VisitStatus.UNKNOWN):
        raise UnavailableError(
            f"the platform has not reported yet that visit {visit.reference} was submitted"
        )
    if visit.status in UNSUBMITTED_VISITS:
        raise RefusedError(
            f"the platform reports visit {visit.reference} as {visit.status}, and pays nothing "
            "for it"
        )


def record_payment(tx: Transaction, payment: Row, result: CallResult, *, is_first: bool) -> None:
    """Write the result of a call into the ledger.

    :param is_first: whether no earlier call has an unknown outcome.
    """
    if payment.status is PaymentStatus.OWED:
        return  # The verdict was delivered; who pays is not the platform.
    if result.status is CallStatus.DONE:
        move_payment(tx, payment, PaymentStatus.CONFIRMED, "platform")
    elif result.status is CallStatus.REFUSED:
        is_failed = move_payment(tx, payment, PaymentStatus.FAILED, "platform", result.error)
        # A reward is paid by its verdict, which has to be delivered anyway.
        if is_failed and result.is_owed and payment.kind is not PaymentKind.REWARD:
            failed = read_payment(tx, payment.id)
            move_payment(tx, failed, PaymentStatus.OWED, "not payable there", result.error)
            # Without its payment the platform charges nothing.
            tx.execute(PaymentTable.update(fee=0).where(PaymentTable.id == payment.id))
    elif result.status is CallStatus.FAILED and is_first and payment.status is PaymentStatus.SENT:
        move_payment(tx, payment, PaymentStatus.PLANNED, "platform", result.error)
    elif payment.status is PaymentStatus.SENT:
        move_payment(tx, payment, PaymentStatus.UNKNOWN, "platform", result.error)


def move_payment(
    tx: Transaction, payment: Row, new: PaymentStatus, cause: str, error: str = ""
) -> bool:
    """Change the status of a payment if the new one may follow; return whether it was changed."""
    if not may_follow(payment.status, new):
        return False
    return change_payment(
        tx,
        Change(run=payment.run_id, id=payment.id, old=payment.status, new=new, cause=cause),
        error=error,
    )
