"""The calls that deliver a verdict, or make a payment.

The status of a ledger row is written before each call, and again after it. A payment whose outcome
is unknown is never made again: the platform is asked for its outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from types import MappingProxyType
from typing import Any

from attrs import evolve, frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import (
    Capabilities,
    PaymentView,
    Result,
    VisitVerdict,
    VisitView,
)
from famulus.contracts.visit_verdict import (
    Approve,
    ApprovePartially,
    Reject,
    RequestReturn,
    Verdict,
)
from famulus.engine.ledger.payment_views import (
    lock_payee,
    payment_view,
    read_identity,
    related_payments,
)
from famulus.engine.ledger.rewards import read_reward
from famulus.engine.ledger.visit_work import read_visit_work
from famulus.engine.ledger.withdrawn_work import restore_work
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.outbox_rows import pay_key, verdict_key
from famulus.engine.outbox.platform_call import (
    DONE,
    CallContext,
    CallResult,
    CallStatus,
    OutboxCall,
)
from famulus.engine.outbox.retry_pause import pause_after
from famulus.engine.outbox.stored_verdicts import is_approval, load_verdict
from famulus.engine.status import Change, change_payment, change_visit
from famulus.engine.visits import read_visit, visit_view
from famulus.errors import ConflictError, PluginError, RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.statements import for_update
from famulus.model.states import (
    OPEN_VISITS,
    UNSUBMITTED_VISITS,
    PaymentKind,
    PaymentStatus,
    VisitStatus,
    may_follow,
)
from famulus.model.tables import PaymentTable, literal
from famulus.model.transaction import Row, Transaction

_UNSETTLED = (PaymentStatus.SENT, PaymentStatus.UNKNOWN)
#: The statuses of visits after each verdict that decides on them.
_CLOSED_BY: Mapping[type[Verdict], VisitStatus] = MappingProxyType(
    {
        Approve: VisitStatus.APPROVED,
        ApprovePartially: VisitStatus.PARTIALLY_APPROVED,
        Reject: VisitStatus.REJECTED,
    }
)
_DECIDED = (*_CLOSED_BY.values(), VisitStatus.SCREENED_OUT)
#: Visits whose pay is settled, so that the verdict comes too late.
_TOO_LATE_FOR: Mapping[type[Verdict], Sequence[VisitStatus]] = MappingProxyType(
    {
        Approve: (VisitStatus.SCREENED_OUT, VisitStatus.PARTIALLY_APPROVED),
        ApprovePartially: (VisitStatus.SCREENED_OUT, VisitStatus.APPROVED),
        Reject: (VisitStatus.SCREENED_OUT, VisitStatus.PARTIALLY_APPROVED),
        RequestReturn: _DECIDED,
    }
)


@frozen(kw_only=True)
class _PreparedVerdict:
    sent: VisitVerdict
    #: whether this call, and no earlier one, has moved the reward to ``sent``
    is_first: bool


class DecideCall(OutboxCall):
    """Payload: ``visit``, ``n``, the number of the visit's verdict, and the verdict itself.

    A verdict is sent again until its outcome is known: approving an approved visit pays nothing.
    """

    def batch_size(self, provider: Provider) -> int:
        return provider.batch_size

    def prepare(
        self, tx: Transaction, row: Row, capabilities: Capabilities
    ) -> _PreparedVerdict | None:
        payload = row.payload
        successor = verdict_key(payload["visit"], payload["n"] + 1)
        if outbox_rows.find_outbox_row(tx, successor) is not None:
            return None
        visit = read_visit(tx, payload["visit"])
        if _is_withdrawn(tx, visit):
            return None
        if capabilities.reports_submissions:
            _check_submitted(visit)
        verdict = _fitting(load_verdict(payload), capabilities)
        _check_undecided(visit, verdict)
        reward = read_reward(tx, visit.id) if is_approval(row) else None
        is_first = reward is not None and _move(tx, reward, PaymentStatus.SENT, "verdict")
        sent = VisitVerdict(
            key=f"{read_identity(tx)}-{row.key}",
            visit=visit_view(visit),
            verdict=verdict,
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
        had_no_effect = result.status in (CallStatus.REFUSED, CallStatus.FAILED)
        if had_no_effect and _is_withdrawn(tx, read_visit(tx, row.payload["visit"])):
            prepared, result = None, DONE  # It was withdrawn while the call was under way.
        is_sent = prepared is not None or result.status is not CallStatus.DONE
        reward = read_reward(tx, row.payload["visit"]) if is_sent and is_approval(row) else None
        if reward is not None:
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
    #: the last change of the ledger row: a later one is another process's
    since: datetime
    #: where the outcome is asked for, the visit, and what was paid for it for certain
    visit: VisitView | None = None
    confirmed: Sequence[PaymentView] = ()


class PayCall(OutboxCall):
    """Payload: ``payment``, a bonus or a compensation by row id.

    Only the process that has moved a payment from planned to sent pays it. A payment that is found
    sent has lost that process: the platform is asked for its outcome.

    Some platforms only show amounts, so no two processes pay for a visit at the same time, or ask
    about its payments while one is paid, and all its unsettled payments are asked for together.
    """

    lease = timedelta(minutes=10)

    def batch_size(self, provider: Provider) -> int:
        return provider.batch_size

    def wait_until(self, tx: Transaction, row: Row, together: Collection[int]) -> datetime | None:
        """Wait for the calls of other processes about payments for the same visit."""
        payment = _find_payment(tx, row)
        lock_payee(tx, payment)
        keys = [pay_key(each.id) for each in related_payments(tx, payment)]
        claimed = outbox_rows.find_claimed(tx, keys, together)
        if claimed is None:
            return None
        until: datetime = claimed.next_attempt_at
        return min(until, tx.now + pause_after(row.attempts, None))

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
        if is_first:
            # An earlier attempt has paid nothing, whatever it has kept.
            query = PaymentTable.update(sent_at=tx.now, kept=None)
            tx.execute(query.where(PaymentTable.id == payment.id))
        elif payment.status is PaymentStatus.SENT:
            error = "the process that made the payment has not recorded its outcome"
            _move(tx, payment, PaymentStatus.UNKNOWN, "lost", error)
        payment = _read_payment(tx, payment.id)
        prepared = _PreparedPayment(
            payment=payment_view(tx, payment), is_first=is_first, since=payment.changed_at
        )
        if is_first:
            return prepared
        visit = None if payment.visit_id is None else read_visit(tx, payment.visit_id)
        confirmed = related_payments(tx, payment, PaymentStatus.CONFIRMED)
        return evolve(
            prepared,
            visit=None if visit is None else visit_view(visit),
            confirmed=[payment_view(tx, each) for each in confirmed],
        )

    def companions(self, tx: Transaction, row: Row) -> Sequence[Row]:
        """Return the rows of the other payments for the visit whose outcome is unknown."""
        payment = _find_payment(tx, row)
        if payment.status not in _UNSETTLED:
            return ()
        others = related_payments(tx, payment, *_UNSETTLED)
        found = (outbox_rows.find_outbox_row(tx, pay_key(each.id)) for each in others)
        return [each for each in found if each is not None]

    def deliver(
        self, context: CallContext, prepared: Mapping[int, _PreparedPayment]
    ) -> Generator[tuple[int, CallResult], None, None]:
        """Ask for what is unknown, and pay only then: the questions are about earlier calls."""
        unsettled = _by_visit(prepared)
        for rows in unsettled:
            yield from read_results(
                partial(_settle, context.provider, [prepared[row] for row in rows]),
                {prepared[row].payment.key: row for row in rows},
            )
        first = {row: each for row, each in prepared.items() if each.is_first}
        if unsettled:
            first = _still_ours(context.database, first)
        if first:
            payments = [each.payment for each in first.values()]
            by_key = {each.payment.key: each for each in first.values()}
            keep = partial(_keep, context.database, by_key)
            yield from read_results(
                lambda: context.provider.pay(payments, keep),
                {each.payment.key: row for row, each in first.items()},
            )

    def record(
        self, tx: Transaction, row: Row, prepared: _PreparedPayment | None, result: CallResult
    ) -> None:
        payment = _read_payment(tx, row.payload["payment"])
        if prepared is None:
            if result.status is CallStatus.REFUSED:
                _move(tx, payment, PaymentStatus.FAILED, "platform", result.error)
        elif payment.changed_at == prepared.since or result.status is CallStatus.DONE:
            _record_payment(tx, payment, result, is_first=prepared.is_first)
        elif result.status is CallStatus.REFUSED:
            # Another process has taken the payment over: it may have been planned, and paid, again.
            result = evolve(result, status=CallStatus.UNKNOWN)
        super().record(tx, row, prepared, result)


def _still_ours(
    database: Database, first: Mapping[int, _PreparedPayment]
) -> dict[int, _PreparedPayment]:
    """Return those payments that no other process has taken over while this one was asking."""
    query = PaymentTable.select(PaymentTable.id, PaymentTable.changed_at).where(
        PaymentTable.id << [each.payment.id for each in first.values()],
        PaymentTable.status == literal(PaymentStatus.SENT),
    )
    with database.read() as tx:
        changed = {row.id: row.changed_at for row in tx.rows(query)}
    return {row: each for row, each in first.items() if changed.get(each.payment.id) == each.since}


def _by_visit(prepared: Mapping[int, _PreparedPayment]) -> Sequence[Sequence[int]]:
    """Return the rows whose outcome is asked for, those of one visit or worker together."""
    groups: dict[tuple[int | None, str], list[int]] = {}
    for row, each in prepared.items():
        if not each.is_first:
            visit = None if each.visit is None else each.visit.id
            groups.setdefault((visit, each.payment.worker_name), []).append(row)
    return [*groups.values()]


def _settle(provider: Provider, asked: Sequence[_PreparedPayment]) -> Iterator[tuple[str, Result]]:
    """Ask for the outcome of payments. A refusal concerns the question, not the payment."""
    unsettled = [each.payment for each in asked]
    try:
        for key, given in provider.settle(asked[0].visit, unsettled, asked[0].confirmed):
            yield key, UnavailableError(str(given)) if isinstance(given, RefusedError) else given
    except RefusedError as error:
        raise UnavailableError(str(error)) from error


def _keep(
    database: Database, payments: Mapping[str, _PreparedPayment], key: str, data: Any
) -> None:
    """Store what a provider keeps for a payment, unless another process has taken it over."""
    each = payments.get(key)
    if each is None:
        raise PluginError(f"keep() got the key {key!r}, which no payment of this call has")
    query = PaymentTable.update(kept=data).where(
        PaymentTable.id == each.payment.id,
        PaymentTable.status == literal(PaymentStatus.SENT),
        PaymentTable.changed_at == each.since,
    )
    if not database.write(lambda tx: tx.execute(query).rowcount):
        raise ConflictError(
            f"payment {each.payment.id} must not be made: another process settles it already"
        )


def _find_payment(tx: Transaction, row: Row) -> Row:
    payment = tx.row(PaymentTable.select().where(PaymentTable.id == row.payload["payment"]))
    assert payment is not None
    return payment


def _read_payment(tx: Transaction, payment: int) -> Row:
    row = tx.row(for_update(PaymentTable.select().where(PaymentTable.id == payment), tx.kind))
    assert row is not None
    return row


def _check_submitted(visit: Row) -> None:
    if visit.status in (*OPEN_VISITS, VisitStatus.UNKNOWN):
        raise UnavailableError(
            f"the platform has not reported yet that visit {visit.reference} was submitted"
        )
    if visit.status in UNSUBMITTED_VISITS:
        raise RefusedError(
            f"the platform reports visit {visit.reference} as {visit.status}, and pays nothing "
            "for it"
        )


def _is_withdrawn(tx: Transaction, visit: Row) -> bool:
    """Return whether the worker has taken the work back, so that there is nothing to decide on."""
    return visit.status is VisitStatus.RETURNED and not read_visit_work(tx, visit.id).units


def _fitting(verdict: Verdict, capabilities: Capabilities) -> Verdict:
    """Cut the reasons for several units, each of which fits, to what the platform allows."""
    longest = capabilities.longest_rejection
    if longest is None or not isinstance(verdict, Reject) or len(verdict.reason) <= longest:
        return verdict
    return evolve(verdict, reason=f"{verdict.reason[: longest - 1]}…")


def _check_undecided(visit: Row, verdict: Verdict) -> None:
    """Refuse a verdict on a visit that the platform has decided on otherwise, and for good.

    A partial approval that the platform has already is sent again, like any other verdict.
    """
    if visit.status in _TOO_LATE_FOR[type(verdict)]:
        raise RefusedError(
            f"the platform reports visit {visit.reference} as {visit.status}, and what it has "
            "paid for it is in the ledger; a bonus or a compensation pays more"
        )


def _close_visit(tx: Transaction, prepared: _PreparedVerdict) -> None:
    """Give a visit the status that follows from the verdict; a requested return leaves it."""
    new = _CLOSED_BY.get(type(prepared.sent.verdict))
    visit = read_visit(tx, prepared.sent.visit.id)
    if new is not None and may_follow(visit.status, new):
        change_visit(
            tx, Change(run=visit.run, id=visit.id, old=visit.status, new=new, cause="review")
        )
        if visit.status is VisitStatus.RETURNED:
            restore_work(tx, visit.run, visit.id)  # The platform has paid for it after all.


def _record_payment(tx: Transaction, payment: Row, result: CallResult, *, is_first: bool) -> None:
    """Write the result of a call into the ledger.

    :param is_first: whether no earlier call has an unknown outcome.
    """
    if payment.status is PaymentStatus.OWED:
        return  # The verdict was delivered; who pays is not the platform.
    if result.status is CallStatus.DONE:
        _move(tx, payment, PaymentStatus.CONFIRMED, "platform")
    elif result.status is CallStatus.REFUSED:
        is_failed = _move(tx, payment, PaymentStatus.FAILED, "platform", result.error)
        # A reward is paid by its verdict, which has to be delivered anyway.
        if is_failed and result.is_owed and payment.kind is not PaymentKind.REWARD:
            failed = _read_payment(tx, payment.id)
            _move(tx, failed, PaymentStatus.OWED, "not payable there", result.error)
    elif result.status is CallStatus.FAILED and is_first and payment.status is PaymentStatus.SENT:
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
