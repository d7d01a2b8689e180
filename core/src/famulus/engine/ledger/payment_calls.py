"""The calls that deliver a verdict, or make a payment.

The status of a ledger row is written before each call, and again after it. A payment whose outcome
is unknown is never made again: the platform is asked for its outcome.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from datetime import datetime, timedelta

from attrs import frozen

from famulus.contracts.provider import (
    Capabilities,
    Outcome,
    PaymentView,
    Provider,
    Verdict,
    VisitVerdict,
)
from famulus.engine.ledger.rewards import read_reward
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.outbox_rows import find_outbox_row, verdict_key
from famulus.engine.outbox.platform_call import (
    CallContext,
    CallResult,
    CallStatus,
    OutboxCall,
    PlatformCall,
)
from famulus.engine.status import Change, change_payment, change_visit
from famulus.engine.visits import read_visit, visit_view
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
from famulus.model.tables import PaymentTable, SettingTable, WorkerTable
from famulus.model.transaction import Row, Transaction


@frozen(kw_only=True)
class _PreparedVerdict:
    sent: VisitVerdict
    #: whether this call, and no earlier one, has moved the reward to ``sent``
    is_first: bool


class DecideCall(OutboxCall):
    """Payload: ``visit``, ``verdict``, ``note``, and ``n``, the number of the visit's verdict.

    A verdict is sent again until its outcome is known: approving an approved visit pays nothing.
    """

    def batch_size(self, provider: Provider) -> int:
        return provider.batch_size

    def prepare(
        self, tx: Transaction, row: Row, capabilities: Capabilities
    ) -> _PreparedVerdict | None:
        payload = row.payload
        if find_outbox_row(tx, verdict_key(payload["visit"], payload["n"] + 1)) is not None:
            return None
        visit = read_visit(tx, payload["visit"])
        if capabilities.reports_submissions:
            _check_submitted(visit)
        verdict = Verdict(payload["verdict"])
        reward = read_reward(tx, visit.id) if verdict is Verdict.APPROVED else None
        is_first = reward is not None and _move(tx, reward, PaymentStatus.SENT, "verdict")
        sent = VisitVerdict(
            key=f"{_identity(tx)}-{row.key}",
            visit=visit_view(visit),
            verdict=verdict,
            note=payload["note"],
        )
        return _PreparedVerdict(sent=sent, is_first=is_first)

    def deliver(
        self, context: CallContext, prepared: Mapping[int, _PreparedVerdict]
    ) -> Generator[tuple[int, CallResult], None, None]:
        rows = {each.sent.key: row for row, each in prepared.items()}
        verdicts = [each.sent for each in prepared.values()]
        return read_results(lambda: context.provider.decide(verdicts), rows)

    def record(
        self, tx: Transaction, row: Row, prepared: _PreparedVerdict | None, result: CallResult
    ) -> None:
        verdict = Verdict(row.payload["verdict"])
        reward = read_reward(tx, row.payload["visit"])
        if reward is not None and verdict is Verdict.APPROVED:
            is_first = prepared is not None and prepared.is_first
            _record_payment(tx, reward, result, is_first=is_first)
        if result.status is CallStatus.DONE and prepared is not None:
            _close_visit(tx, prepared)
        super().record(tx, row, prepared, result)


@frozen(kw_only=True)
class _PreparedPayment:
    payment: PaymentView
    #: whether to pay; otherwise only the outcome of an earlier call is asked for
    is_first: bool
    #: when this call has moved the payment to ``sent``
    since: datetime


class PayCall(PlatformCall):
    """Payload: ``payment``, a bonus or a compensation by row id.

    Only the process that has moved a payment from planned to sent pays it. A payment that is found
    sent has lost that process: the platform is asked for its outcome.
    """

    lease = timedelta(minutes=10)

    def prepare(
        self, tx: Transaction, row: Row, capabilities: Capabilities
    ) -> _PreparedPayment | None:
        payment = _read_payment(tx, row.payload["payment"])
        if payment.status in (PaymentStatus.CONFIRMED, PaymentStatus.FAILED):
            return None
        is_new = payment.status is PaymentStatus.PLANNED and payment.kind is PaymentKind.BONUS
        if is_new and capabilities.reports_submissions and payment.visit_id is not None:
            _check_submitted(read_visit(tx, payment.visit_id))
        is_first = _move(tx, payment, PaymentStatus.SENT, "pay")
        if payment.status is PaymentStatus.SENT:
            error = "the process that made the payment has not recorded its outcome"
            _move(tx, payment, PaymentStatus.UNKNOWN, "lost", error)
        return _PreparedPayment(payment=payment_view(tx, payment), is_first=is_first, since=tx.now)

    def send(self, context: CallContext, prepared: _PreparedPayment) -> Outcome:
        if prepared.is_first:
            return context.provider.pay(prepared.payment)
        try:
            return context.provider.settle(prepared.payment)
        except RefusedError as error:
            # The refusal concerns the question, not the payment.
            raise UnavailableError(str(error)) from error

    def record(
        self, tx: Transaction, row: Row, prepared: _PreparedPayment | None, result: CallResult
    ) -> None:
        payment = _read_payment(tx, row.payload["payment"])
        if prepared is not None:
            is_first = prepared.is_first and payment.changed_at == prepared.since
            _record_payment(tx, payment, result, is_first=is_first)
        elif result.status is CallStatus.REFUSED:
            _move(tx, payment, PaymentStatus.FAILED, "platform", result.error)
        super().record(tx, row, prepared, result)


def payment_view(tx: Transaction, payment: Row) -> PaymentView:
    """Make a provider's view of a ledger row."""
    reference = ""
    if payment.visit_id is not None:
        reference = read_visit(tx, payment.visit_id).reference
    worker = tx.row(WorkerTable.select(WorkerTable.name).where(WorkerTable.id == payment.worker_id))
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
    row = tx.row(SettingTable.select(SettingTable.value).where(SettingTable.name == "identity"))
    assert row is not None
    return str(row.value)


def _read_payment(tx: Transaction, payment: int) -> Row:
    row = tx.row(for_update(PaymentTable.select().where(PaymentTable.id == payment), tx.kind))
    assert row is not None
    return row


def _check_submitted(visit: Row) -> None:
    if visit.status in (*OPEN_VISITS, VisitStatus.UNKNOWN):
        raise UnavailableError(
            f"the platform has not reported yet that visit {visit.reference} was submitted"
        )
    if visit.status in (VisitStatus.RETURNED, VisitStatus.EXPIRED):
        raise RefusedError(
            f"the platform reports visit {visit.reference} as {visit.status}, and pays nothing "
            "for it"
        )


def _close_visit(tx: Transaction, prepared: _PreparedVerdict) -> None:
    is_approved = prepared.sent.verdict is Verdict.APPROVED
    new = VisitStatus.APPROVED if is_approved else VisitStatus.REJECTED
    visit = read_visit(tx, prepared.sent.visit.id)
    if may_follow(visit.status, new):
        change_visit(
            tx, Change(run=visit.run, id=visit.id, old=visit.status, new=new, cause="review")
        )


def _record_payment(tx: Transaction, payment: Row, result: CallResult, *, is_first: bool) -> None:
    """Write the result of a call into the ledger.

    :param is_first: whether no earlier call has an unknown outcome.
    """
    if result.status is CallStatus.DONE:
        _move(tx, payment, PaymentStatus.CONFIRMED, "platform")
    elif result.status is CallStatus.REFUSED:
        _move(tx, payment, PaymentStatus.FAILED, "platform", result.error)
    elif result.status is CallStatus.FAILED and is_first:
        _move(tx, payment, PaymentStatus.PLANNED, "platform", result.error)
    elif payment.status is PaymentStatus.SENT:
        _move(tx, payment, PaymentStatus.UNKNOWN, "platform", result.error)


def _move(tx: Transaction, payment: Row, new: PaymentStatus, cause: str, error: str = "") -> bool:
    if not may_follow(payment.status, new):
        return False
    return change_payment(
        tx,
        Change(run=payment.run_id, id=payment.id, old=payment.status, new=new, cause=cause),
        error=error,
    )
