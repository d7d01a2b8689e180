"""Verdicts and payments on their way to a platform: a row of the ledger before each call, and its
outcome after it.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from attrs import frozen

from famulus.contracts.provider import Capabilities, Outcome, PaymentView, Verdict, VisitView
from famulus.engine.ledger.settling import read_reward
from famulus.engine.platform.calls import Effect, End, Platform, PlatformCall
from famulus.engine.platform.outbox import find_telling, verdict_key
from famulus.engine.status import Change, change_payment, change_visit
from famulus.errors import RefusedError, UnavailableError
from famulus.model.money import from_minor
from famulus.model.statements import for_update
from famulus.model.states import (
    OPEN_VISITS,
    PaymentKind,
    PaymentStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import Payment, Setting, Visit, Worker
from famulus.model.transaction import Row, Transaction


@frozen(kw_only=True)
class _Decided:
    visit: VisitView
    verdict: Verdict
    note: str
    #: whether the reward was moved to ``sent`` for this call and no other
    is_first: bool


class Deciding(PlatformCall):
    """Payload: ``visit``, ``verdict``, ``note``, and ``n``, which numbers a visit's verdicts.

    A platform is told the same verdict again until it is known to have heard it; approving what
    is approved already pays nothing.
    """

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> _Decided | None:
        payload = row.payload
        if find_telling(tx, verdict_key(payload["visit"], payload["n"] + 1)) is not None:
            return None
        visit = _read_visit(tx, payload["visit"])
        if capabilities.reports_submissions:
            _check_submitted(visit)
        verdict = Verdict(payload["verdict"])
        reward = read_reward(tx, visit.id) if verdict is Verdict.APPROVED else None
        is_first = reward is not None and _move(tx, reward, PaymentStatus.SENT, "verdict")
        view = visit_view(visit)
        return _Decided(visit=view, verdict=verdict, note=payload["note"], is_first=is_first)

    def tell(self, platform: Platform, begun: _Decided) -> Outcome:
        return platform.provider.decide(begun.visit, begun.verdict, begun.note)

    def end(self, tx: Transaction, row: Row, begun: _Decided | None, end: End) -> None:
        verdict = Verdict(row.payload["verdict"])
        reward = read_reward(tx, row.payload["visit"])
        if reward is not None and verdict is Verdict.APPROVED:
            _settle(tx, reward, end, is_first=begun is not None and begun.is_first)
        if end.effect is Effect.DONE and begun is not None:
            _close_visit(tx, begun)
        super().end(tx, row, begun, end)


@frozen(kw_only=True)
class _Paid:
    payment: PaymentView
    #: whether the money is still to be paid, and not only to be asked after
    is_first: bool
    #: when it was moved to ``sent``, for this call and no other
    since: datetime


class Paying(PlatformCall):
    """Payload: ``payment``, a bonus or a compensation by its number.

    Only who has moved it from planned to sent pays. One found sent has lost its payer: the
    platform is asked.
    """

    lease = timedelta(minutes=10)

    def begin(self, tx: Transaction, row: Row, capabilities: Capabilities) -> _Paid | None:
        payment = _read_payment(tx, row.payload["payment"])
        if payment.status in (PaymentStatus.CONFIRMED, PaymentStatus.FAILED):
            return None
        is_new = payment.status is PaymentStatus.PLANNED and payment.kind is PaymentKind.BONUS
        if is_new and capabilities.reports_submissions and payment.visit_id is not None:
            _check_submitted(_read_visit(tx, payment.visit_id))
        is_first = _move(tx, payment, PaymentStatus.SENT, "pay")
        if payment.status is PaymentStatus.SENT:
            _move(tx, payment, PaymentStatus.UNKNOWN, "lost", "whoever paid it has not said so")
        view = payment_view(tx, payment)
        return _Paid(payment=view, is_first=is_first, since=tx.now)

    def tell(self, platform: Platform, begun: _Paid) -> Outcome:
        if begun.is_first:
            return platform.provider.pay(begun.payment)
        try:
            return platform.provider.settle(begun.payment)
        except RefusedError as error:
            # It will not say how the payment has ended: that does not undo the payment.
            raise UnavailableError(str(error)) from error

    def end(self, tx: Transaction, row: Row, begun: _Paid | None, end: End) -> None:
        payment = _read_payment(tx, row.payload["payment"])
        if begun is not None:
            ours = begun.is_first and payment.changed_at == begun.since
            _settle(tx, payment, end, is_first=ours)
        elif end.effect is Effect.REFUSED:
            _move(tx, payment, PaymentStatus.FAILED, "platform", end.error)
        super().end(tx, row, begun, end)


def visit_view(row: Row) -> VisitView:
    """Make a provider's view of a row of :func:`select_visits`."""
    return VisitView(
        id=row.id,
        run_id=row.run,
        worker_name=row.worker_name,
        reference=row.reference,
        query=row.query,
        arrived_at=row.arrived_at,
        last_arrived_at=row.last_arrived_at,
        done_at=row.done_at,
    )


def select_visits() -> Any:
    """Return the query of visits with their workers' names."""
    return Visit.select(
        Visit.id,
        Visit.run.alias("run"),
        Visit.worker.alias("worker"),
        Visit.reference,
        Visit.status,
        Visit.query,
        Visit.done_at,
        Visit.arrived_at,
        Visit.last_arrived_at,
        Worker.name.alias("worker_name"),
    ).join(Worker, on=(Visit.worker == Worker.id))


def payment_view(tx: Transaction, payment: Row) -> PaymentView:
    """Make a provider's view of a row of the ledger."""
    reference = ""
    if payment.visit_id is not None:
        reference = _read_visit(tx, payment.visit_id).reference
    worker = tx.row(Worker.select(Worker.name).where(Worker.id == payment.worker_id))
    assert worker is not None
    return PaymentView(
        id=payment.id,
        key=f"{_identity(tx)}-{payment.id}",
        kind=payment.kind,
        run_id=payment.run_id,
        worker_name=worker.name,
        reference=reference,
        amount=from_minor(payment.amount, payment.currency),
        currency=payment.currency,
        reason=payment.reason,
    )


def _identity(tx: Transaction) -> str:
    row = tx.row(Setting.select(Setting.value).where(Setting.name == "identity"))
    assert row is not None
    return str(row.value)


def _read_visit(tx: Transaction, visit: int) -> Row:
    row = tx.row(select_visits().where(Visit.id == visit))
    assert row is not None
    return row


def _read_payment(tx: Transaction, payment: int) -> Row:
    row = tx.row(for_update(Payment.select().where(Payment.id == payment), tx.kind))
    assert row is not None
    return row


def _check_submitted(visit: Row) -> None:
    if visit.status in (*OPEN_VISITS, VisitStatus.UNKNOWN):
        raise UnavailableError(
            f"the platform has not said yet that visit {visit.reference} was submitted"
        )
    if visit.status in (VisitStatus.RETURNED, VisitStatus.EXPIRED):
        raise RefusedError(
            f"the platform counts visit {visit.reference} as {visit.status}, and pays nothing "
            "for it"
        )


def _close_visit(tx: Transaction, begun: _Decided) -> None:
    new = VisitStatus.APPROVED if begun.verdict is Verdict.APPROVED else VisitStatus.REJECTED
    visit = _read_visit(tx, begun.visit.id)
    if may_follow(visit.status, new):
        change_visit(
            tx, Change(run=visit.run, id=visit.id, old=visit.status, new=new, cause="review")
        )


def _settle(tx: Transaction, payment: Row, end: End, *, is_first: bool) -> None:
    """Write how a call about a payment has ended.

    :param is_first: there was no other call before it whose outcome nobody knows.
    """
    if end.effect is Effect.DONE:
        _move(tx, payment, PaymentStatus.CONFIRMED, "platform")
    elif end.effect is Effect.REFUSED:
        _move(tx, payment, PaymentStatus.FAILED, "platform", end.error)
    elif end.effect is Effect.NOTHING and is_first:
        _move(tx, payment, PaymentStatus.PLANNED, "platform", end.error)
    elif payment.status is PaymentStatus.SENT:
        _move(tx, payment, PaymentStatus.UNKNOWN, "platform", end.error)


def _move(tx: Transaction, payment: Row, new: PaymentStatus, cause: str, error: str = "") -> bool:
    if not may_follow(payment.status, new):
        return False
    return change_payment(
        tx,
        Change(run=payment.run_id, id=payment.id, old=payment.status, new=new, cause=cause),
        error=error,
    )
