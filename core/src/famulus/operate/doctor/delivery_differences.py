"""Undelivered changes: outbox rows, payments and changes of accounts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from attrs import frozen

from famulus.engine.ledger.accepted_payments import read_accepted
from famulus.engine.ledger.rewards import NOT_OWED
from famulus.engine.outbox.outbox_rows import OutboxKind, claimed_rows
from famulus.engine.outbox.stored_verdicts import (
    is_approval,
    is_return_request,
    payment_outbox_key,
    rows_in_ledger,
)
from famulus.engine.outbox.undelivered import UndeliveredRows, kinds_of, rows_refused_for_good
from famulus.engine.platform.cleanup import read_pending_cleanup
from famulus.engine.runs import RunRecord
from famulus.model.states import (
    OutboxStatus,
    PaymentKind,
    PaymentStatus,
)
from famulus.model.tables import (
    OutboxTable,
    PaymentTable,
    RequesterTable,
    VisitTable,
    WorkerTable,
)
from famulus.model.transaction import Row, Transaction
from famulus.operate import lease
from famulus.operate.doctor.difference import NAMED, Difference, named


@frozen(kw_only=True)
class _Refused:
    """Refused verdicts of one kind, and what to do about them."""

    what: str
    #: while the platform still waits for a verdict
    advice: str
    #: once it has decided otherwise, so that it refuses the verdict again
    advice_when_final: str


_APPROVALS = _Refused(
    what="approvals",
    advice="reviews here are unchanged",
    advice_when_final="reviews here are unchanged, and so is what the platform has decided; "
    "`famulus bonus` pays what is missing",
)
_REQUESTS = _Refused(
    what="requests for a return",
    advice="the work can still be accepted or rejected",
    advice_when_final="the work can still be accepted or rejected, which ends this too",
)
_REJECTIONS = _Refused(
    what="rejections",
    advice="reviews here are unchanged; accepting the work by a file of decisions ends this too",
    advice_when_final="reviews here are unchanged, and so is what the platform has decided; if it "
    "has approved the work, accepting it by a file of decisions ends this too",
)
#: Rows that no process delivers count as undelivered after this time.
_PATIENCE = timedelta(minutes=1)


def of_deliveries(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find outbox rows that are not delivered. Payments are left to :func:`of_payments`."""
    rows = tx.rows(
        OutboxTable.select(
            OutboxTable.kind,
            OutboxTable.status,
            OutboxTable.error,
            OutboxTable.attempts,
            OutboxTable.created_at,
        )
        .where(
            OutboxTable.run == run.id,
            OutboxTable.status != OutboxStatus.DONE,
            OutboxTable.kind != OutboxKind.PAY.value,
        )
        .order_by(OutboxTable.id)
    )
    operated = lease.is_operated(tx, run)
    for kind in kinds_of(rows):
        mine = [row for row in rows if row.kind == kind]
        waiting = [
            row
            for row in mine
            if row.status is OutboxStatus.PENDING
            and (row.attempts or (not operated and row.created_at < tx.now - _PATIENCE))
        ]
        refused = [
            row for row in mine if row.status is OutboxStatus.FAILED and kind != OutboxKind.DECIDE
        ]
        for is_refused, found in ((False, waiting), (True, refused)):
            if found:
                undelivered = UndeliveredRows(
                    kind=kind, is_refused=is_refused, rows=len(found), error=found[-1].error
                )
                yield Difference(run=run.id, what=str(undelivered), command=("sync", run.id))
    yield from _refused_verdicts(tx, run)


def _refused_verdicts(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find refused verdicts, except approvals that pay: :func:`of_payments` finds those."""
    rows = tx.rows(
        OutboxTable.select(OutboxTable.id, OutboxTable.kind, OutboxTable.payload, OutboxTable.error)
        .where(
            OutboxTable.run == run.id,
            OutboxTable.status == OutboxStatus.FAILED,
            OutboxTable.kind == OutboxKind.DECIDE.value,
        )
        .order_by(OutboxTable.id)
    )
    paying = rows_in_ledger(tx, rows)
    final = rows_refused_for_good(tx, rows)
    groups: dict[tuple[_Refused, bool], list[Row]] = {}
    for row in rows:
        if row.id not in paying:
            groups.setdefault((_refused(row), row.id in final), []).append(row)
    for refused, is_final in sorted(groups, key=lambda group: (group[0].what, group[1])):
        found = groups[refused, is_final]
        yield Difference(
            run=run.id,
            what=f"the platform has refused {refused.what}{_times(len(found))}: "
            f"{found[-1].error}; visits {_visits(tx, found)}",
            command=("sync", run.id, "--acknowledge") if is_final else ("sync", run.id),
            advice=refused.advice_when_final if is_final else refused.advice,
        )


def _visits(tx: Transaction, verdicts: Sequence[Row]) -> str:
    """Name the newest visits that verdicts are about, with their workers."""
    wanted = [row.payload["visit"] for row in reversed(verdicts)][: NAMED + 1]
    rows = tx.rows(
        VisitTable.select(VisitTable.id, VisitTable.reference, WorkerTable.name)
        .join(WorkerTable, on=(VisitTable.worker == WorkerTable.id))
        .where(VisitTable.id << wanted)
        .order_by(VisitTable.id.desc())
    )
    return named([(row.reference, row.name) for row in rows])


def _refused(row: Row) -> _Refused:
    if is_approval(row):
        return _APPROVALS
    return _REQUESTS if is_return_request(row) else _REJECTIONS


def of_payments(tx: Transaction, run: RunRecord) -> Iterator[Difference]:
    """Find payments that failed, wait or have an unknown outcome, and clean-ups that wait."""
    rows = tx.rows(
        PaymentTable.select()
        .where(PaymentTable.run == run.id, PaymentTable.status != PaymentStatus.CONFIRMED)
        .order_by(PaymentTable.id)
    )
    lost, accepted = _lost_payments(tx, rows), {row.id for row in _accepted(tx, rows)}
    unknown = [
        row
        for row in rows
        if (row.status is PaymentStatus.UNKNOWN and row.id not in accepted) or row.id in lost
    ]
    if unknown:
        reason = unknown[-1].error or "the process that made it has ended"
        yield Difference(
            run=run.id,
            what=f"the outcome of {_payment(len(unknown))} is unknown: {reason}",
            command=("payments", "settle", "--run", run.id),
        )
    failed = [
        row for row in rows if row.status is PaymentStatus.FAILED and row.error not in NOT_OWED
    ]
    if failed:
        yield Difference(
            run=run.id,
            what=f"{_payment(len(failed))} failed: {failed[-1].error}",
            command=("payments", "--run", run.id),
        )
    leftover = read_pending_cleanup(tx, run.id)
    if leftover is not None:
        yield Difference(
            run=run.id,
            what=leftover,
            command=("payments", "settle", "--run", run.id)
            if any(row.status is not PaymentStatus.OWED for row in rows)
            else ("sync", run.id),
        )
    waiting = [
        row
        for row in rows
        if row.status is PaymentStatus.PLANNED and row.kind is not PaymentKind.REWARD
    ]
    if waiting and (any(row.error for row in waiting) or not lease.is_operated(tx, run)):
        yield Difference(
            run=run.id,
            what=f"{_payment(len(waiting))} still to be made",
            command=("payments", "settle", "--run", run.id),
        )


def accepted_payments(tx: Transaction, run: RunRecord) -> Iterator[str]:
    """Yield a remark about payments that the platform has accepted but does not show yet."""
    is_unknown = PaymentTable.status == PaymentStatus.UNKNOWN
    query = PaymentTable.select().where(PaymentTable.run == run.id, is_unknown)
    rows = tx.rows(query.order_by(PaymentTable.id))
    accepted = _accepted(tx, rows)
    if accepted:
        yield (
            f"Run {run.id} has {_payment(len(accepted))} accepted by the platform, which does not "
            f"show it yet; `famulus sync {run.id}` asks again."
        )


def _accepted(tx: Transaction, rows: Sequence[Row]) -> Sequence[Row]:
    unknown = [row for row in rows if row.status is PaymentStatus.UNKNOWN]
    accepted = read_accepted(tx) if unknown else frozenset()
    return [row for row in unknown if row.id in accepted]


def of_accounts(tx: Transaction) -> Iterator[Difference]:
    """Find changes of requesters' accounts that were refused, or could not be delivered yet."""
    is_waiting = (OutboxTable.attempts > 0) | (OutboxTable.next_attempt_at < tx.now - _PATIENCE)
    rows = tx.rows(
        OutboxTable.select(
            OutboxTable.status, OutboxTable.error, RequesterTable.name, RequesterTable.provider_type
        )
        .join(RequesterTable, on=(OutboxTable.requester == RequesterTable.id))
        .where(
            OutboxTable.run.is_null(),
            (OutboxTable.status == OutboxStatus.FAILED)
            | ((OutboxTable.status == OutboxStatus.PENDING) & is_waiting),
        )
        .order_by(OutboxTable.id)
    )
    for account in dict.fromkeys((row.provider_type, row.name) for row in rows):
        mine = [row for row in rows if (row.provider_type, row.name) == account]
        provider, name = account
        yield Difference(
            run=None,
            what=f"qualifications or blocks could not be sent to {provider} as {name}"
            f"{_times(len(mine))}: {mine[-1].error or 'no process has delivered them'}",
            command=("sync",),
        )


def _lost_payments(tx: Transaction, rows: Sequence[Row]) -> set[int]:
    """Return the ids of payments whose process has ended without recording their outcome."""
    sent = [row for row in rows if row.status is PaymentStatus.SENT]
    claimed = claimed_rows(tx) if sent else {}
    return {row.id for row in sent if payment_outbox_key(tx, row) not in claimed}


def _times(number: int) -> str:
    return "" if number == 1 else f" ({number} times)"


def _payment(number: int) -> str:
    return "1 payment" if number == 1 else f"{number} payments"
