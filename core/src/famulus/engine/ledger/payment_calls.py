"""The call that makes payments.

The status of a ledger row is written before each call, and again after it. A payment whose outcome
is unknown is never made again: the platform is asked for its outcome.
"""

from __future__ import annotations

from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from attrs import evolve, frozen

from famulus.contracts.provider import Provider
from famulus.contracts.provider_views import Capabilities, PaymentView, Result, VisitView
from famulus.engine.ledger.accepted_payments import with_acceptance
from famulus.engine.ledger.payment_status import (
    UNSETTLED,
    check_submitted,
    move_payment,
    read_payment,
    record_payment,
)
from famulus.engine.ledger.payment_views import (
    lock_payee,
    payment_view,
    related_payments,
)
from famulus.engine.ledger.remainder_payments import drop_unearned
from famulus.engine.outbox import outbox_rows
from famulus.engine.outbox.batch_results import read_results
from famulus.engine.outbox.outbox_rows import pay_key
from famulus.engine.outbox.platform_call import (
    CallContext,
    CallResult,
    CallStatus,
    OutboxCall,
)
from famulus.engine.outbox.retry_pause import pause_after
from famulus.engine.visits import read_visit, visit_view
from famulus.errors import ConflictError, PluginError, RefusedError, UnavailableError
from famulus.model.database import Database
from famulus.model.states import PaymentKind, PaymentStatus
from famulus.model.tables import PaymentTable, literal
from famulus.model.transaction import Row, Transaction


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

    Only the process that has moved a payment from planned to sent pays it. If a payment is found
    sent, that process has not recorded its outcome: the platform is asked for it.

    Some platforms only show amounts. So only one process at a time pays for a visit or asks about
    its payments, and it asks about all unsettled ones together.
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
        payment = read_payment(tx, row.payload["payment"])
        if payment.status in (PaymentStatus.CONFIRMED, PaymentStatus.FAILED):
            return None
        is_new = payment.status is PaymentStatus.PLANNED and payment.kind is PaymentKind.BONUS
        if is_new and capabilities.reports_submissions and payment.visit_id is not None:
            check_submitted(read_visit(tx, payment.visit_id))
        is_first = move_payment(tx, payment, PaymentStatus.SENT, "pay")
        if is_first:
            # An earlier attempt has paid nothing, whatever it has kept.
            query = PaymentTable.update(sent_at=tx.now, kept=None)
            tx.execute(query.where(PaymentTable.id == payment.id))
        elif payment.status is PaymentStatus.SENT:
            error = "the process that made the payment has not recorded its outcome"
            move_payment(tx, payment, PaymentStatus.UNKNOWN, "lost", error)
        payment = read_payment(tx, payment.id)
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
        if payment.status not in UNSETTLED:
            return ()
        others = related_payments(tx, payment, *UNSETTLED)
        found = (outbox_rows.find_outbox_row(tx, pay_key(each.id)) for each in others)
        return [each for each in found if each is not None]

    def deliver(
        self, context: CallContext, prepared: Mapping[int, _PreparedPayment]
    ) -> Generator[tuple[int, CallResult], None, None]:
        """Ask for the outcomes of earlier calls first, and only then make the new payments."""
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
        # A return of the visit at the same time has to see the outcome, or to be seen below.
        lock_payee(tx, _find_payment(tx, row))
        payment = read_payment(tx, row.payload["payment"])
        if prepared is None:
            if result.status is CallStatus.REFUSED:
                move_payment(tx, payment, PaymentStatus.FAILED, "platform", result.error)
        elif payment.changed_at == prepared.since or result.status is CallStatus.DONE:
            record_payment(tx, payment, result, is_first=prepared.is_first)
        elif result.status is CallStatus.REFUSED:
            # Another process has taken the payment over: it may have been planned, and paid, again.
            result = evolve(result, status=CallStatus.UNKNOWN)
        drop_unearned(tx, payment.id)
        super().record(tx, with_acceptance(row, is_accepted=result.is_accepted), prepared, result)


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
    """Return the rows whose outcome is asked for, grouped by visit or, without one, by worker."""
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
            f"payment {each.payment.id} must not be made: another process is settling it"
        )


def _find_payment(tx: Transaction, row: Row) -> Row:
    payment = tx.row(PaymentTable.select().where(PaymentTable.id == row.payload["payment"]))
    assert payment is not None
    return payment
